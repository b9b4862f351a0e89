import pytest

from alflow.domain.rounds import Origin
from alflow.store.database import Database
from alflow.store.desk import labels
from alflow.store.images import items
from alflow.store.rounds import candidates
from alflow.store.rounds.candidates import NewCandidate
from tests.queues import new_candidate, new_item, open_queue
from tests.store.desk.test_labels import NOW, answer


def test_candidates_come_back_in_rank_order(database: Database) -> None:
    world = open_queue(database, 0)
    with database.begin() as tx:
        a, b = items.add(tx, world.project.id, [new_item(number) for number in range(2)])
        cat, dog = (one.id for one in world.classes)
        control = NewCandidate(a.id, 1, Origin.CONTROL, None, dog, {cat: 1e-9, dog: 1.0 - 1e-9}, 0.25, 0.5, 3)
        candidates.add(tx, world.round.id, [control, new_candidate(b, 0, world.classes)])
        first, second = candidates.of_round(tx, world.round.id)
    assert (first.rank, first.item_id, first.score) == (0, b.id, 1.0)
    assert second.probabilities == control.probabilities
    assert (second.origin, second.score, second.predicted_class_id) == (Origin.CONTROL, None, dog)
    assert (second.epistemic, second.aleatoric, second.votes_needed, second.answers) == (0.25, 0.5, 3, 0)


def test_how_far_candidates_are_is_counted_without_what_was_predicted(database: Database) -> None:
    """Against the definition, over every candidate and its answers, of a queue that two people have half answered."""
    world = open_queue(database, 8, votes=2, n_annotators=2)
    given = [(0, 0, 0), (0, 1, 1), (1, 0, None), (1, 1, None), (2, 0, 1), (2, 1, None), (3, 0, 0), (4, 0, 1), (4, 1, 1)]
    with database.begin() as tx:
        for rank, who, class_ in given:
            labels.submit(tx, answer(world, rank, who, class_, f"{rank} {who}"))
        undone = labels.of_project(tx, world.project.id)[-1]
        labels.withdraw(tx, undone.id, NOW)
    with database.read() as tx:
        found = candidates.standings(tx, world.project.id)
        votes = labels.of_project(tx, world.project.id)
        queue = candidates.of_round(tx, world.round.id)
        assert candidates.standings(tx, world.project.id + 1) == []  # type: ignore[arg-type]
        told = candidates.information(tx, world.project.id)
    named = {one.candidate_id for one in votes if not one.verdict.abstains}
    assert found == [
        candidates.Standing(
            world.round.id,
            one.item_id,
            one.origin,
            one.predicted_class_id,
            one.answers >= one.votes_needed,
            one.id in named,
        )
        for one in queue
    ]
    assert [one.answered for one in found] == [True, True, True, False, False, False, False, False]
    assert told == {world.round.id: (8, pytest.approx(sum(one.score or 0 for one in queue)))}


def test_a_pool_is_all_asked_once_its_last_image_is(database: Database) -> None:
    world = open_queue(database, 2)
    with database.begin() as tx:
        assert items.is_all_asked(tx, world.project.id)
        assert not items.unasked(tx, world.project.id)
        (more,) = items.add(tx, world.project.id, [new_item(7)])
        assert not items.is_all_asked(tx, world.project.id)
        assert items.unasked(tx, world.project.id) == [more.id]
