from alflow.domain.rounds import Origin
from alflow.store.database import Database
from alflow.store.images import items
from alflow.store.rounds import candidates
from alflow.store.rounds.candidates import NewCandidate
from tests.queues import new_candidate, new_item, open_queue


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
