from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from alflow.domain.answers import Verdict
from alflow.domain.rounds import Origin
from alflow.errors import NotFoundError
from alflow.store.answers import outcomes, provenance
from alflow.store.answers.provenance import Provenance
from alflow.store.database import Database, Transaction
from alflow.store.desk import labels
from alflow.store.desk.labels import NewLabel
from alflow.store.people import annotators
from alflow.store.rounds import candidates
from tests.queues import World, open_queue

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def answer(world: World, rank: int, who: int, class_: int | None, token: str) -> NewLabel:
    """Annotator number `who` names class number `class_` of the candidate at `rank`; None skips."""
    candidate = world.candidates[rank]
    return NewLabel(
        project_id=world.project.id,
        item_id=candidate.item_id,
        candidate_id=candidate.id,
        round_id=world.round.id,
        annotator_id=world.annotators[who].id,
        verdict=Verdict.SKIP if class_ is None else Verdict.CLASS,
        class_id=None if class_ is None else world.classes[class_].id,
        at=NOW,
        seconds=2.5,
        token=token,
        shown={"key": "c"},
    )


def vote(tx: Transaction, world: World, rank: int, *votes: int | None) -> None:
    """One answer of each annotator in turn."""
    for who, class_ in enumerate(votes):
        labels.submit(tx, answer(world, rank, who, class_, f"{rank}-{who}"))


def test_an_annotator_is_made_once(database: Database) -> None:
    def sign_in(_: int) -> int:
        with database.begin() as tx:
            return annotators.get_or_create(tx, "ada").id

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(sign_in, range(12)))) == 1


def test_locks_of_what_does_not_exist(database: Database) -> None:
    with database.begin() as tx:
        with pytest.raises(NotFoundError, match="annotator"):
            annotators.lock(tx, 9)
        with pytest.raises(NotFoundError, match="candidate"):
            labels.lock_candidate(tx, 9)


def test_an_answer_comes_back_as_it_was_given(database: Database) -> None:
    world = open_queue(database, 1)
    new = answer(world, 0, 0, 1, "t")
    with database.begin() as tx:
        label = labels.submit(tx, new)
        assert labels.by_token(tx, "t") == label
        assert labels.by_token(tx, "other") is None
        assert {name: getattr(label, name) for name in NewLabel.__annotations__} == {
            name: getattr(new, name) for name in NewLabel.__annotations__
        }


def test_answers_are_counted_on_the_candidate(database: Database) -> None:
    world = open_queue(database, 2, votes=2, n_annotators=2)
    with database.begin() as tx:
        label = labels.submit(tx, answer(world, 0, 0, 1, "a"))
        labels.submit(tx, answer(world, 0, 1, None, "b"))
        assert [one.answers for one in candidates.of_round(tx, world.round.id)] == [2, 0]
        labels.withdraw(tx, label.id, NOW)
        assert [one.answers for one in candidates.of_round(tx, world.round.id)] == [1, 0]


def test_a_second_answer_of_the_same_person_replaces_the_first_which_stays(database: Database) -> None:
    world = open_queue(database, 1)
    later = NOW + timedelta(seconds=9)
    with database.begin() as tx:
        labels.submit(tx, answer(world, 0, 0, 0, "first"))
        second = labels.submit(tx, replace(answer(world, 0, 0, 1, "second"), at=later))
        assert labels.of_round(tx, world.round.id) == [second]
        first, also = labels.of_round(tx, world.round.id, withdrawn=True)
        assert (first.token, first.withdrawn_at, also) == ("first", later, second)
        assert labels.lock_candidate(tx, world.candidates[0].id).answers == 1


def test_the_database_itself_refuses_a_token_twice_and_two_standing_answers(database: Database) -> None:
    from alflow.store import tables

    world = open_queue(database, 1)
    with database.begin() as tx:
        labels.submit(tx, answer(world, 0, 0, 0, "t"))
    row = {**vars(answer(world, 0, 0, 0, "other"))}
    for broken in (row, row | {"candidate_id": None, "token": "t"}):
        with pytest.raises(IntegrityError), database.begin() as tx:
            tx.execute(tables.label.insert().values(broken))


@pytest.mark.parametrize(("verdict", "class_"), [(Verdict.CLASS, None), (Verdict.SKIP, 0)])
def test_the_database_itself_refuses_a_class_without_a_name(
    database: Database, verdict: Verdict, class_: int | None
) -> None:
    world = open_queue(database, 1)
    with pytest.raises(IntegrityError), database.begin() as tx:
        labels.submit(tx, replace(answer(world, 0, 0, class_, "t"), verdict=verdict))


def test_settled_is_the_majority_of_items_with_all_their_answers(database: Database) -> None:
    world = open_queue(database, 7, votes=3, n_annotators=4)
    cat, dog = (one.id for one in world.classes)
    with database.begin() as tx:
        vote(tx, world, 0, 0, 0, 1)  # two cats, one dog
        vote(tx, world, 1, 1, None, None)  # one dog, two skips
        vote(tx, world, 2, 0, 1, None)  # a tie
        vote(tx, world, 3, None, None, None)  # nobody knows
        vote(tx, world, 4, 0, 0)  # one vote is missing
        vote(tx, world, 5, 0, 0, 1, 1)  # a late vote makes a tie
        vote(tx, world, 6, 0, 1, 1)
        labels.withdraw(tx, labels.of_project(tx, world.project.id)[-1].id, NOW)  # one of its votes is taken back
        assert outcomes.settled(tx, world.project.id) == {world.items[0].id: cat, world.items[1].id: dog}


def test_labels_that_were_brought_along_are_settled(database: Database) -> None:
    world = open_queue(database, 2, votes=2)
    brought = [replace(answer(world, rank, 0, 1, f"{rank}"), candidate_id=None, round_id=None) for rank in range(2)]
    with database.begin() as tx:
        for one in brought:  # none takes the place of another: they are about no candidate
            labels.submit(tx, one)
        assert outcomes.settled(tx, world.project.id) == {item.id: world.classes[1].id for item in world.items}


def test_last_answers_are_the_ones_that_stand_newest_first(database: Database) -> None:
    world = open_queue(database, 3, n_annotators=2)
    with database.begin() as tx:
        made = [labels.submit(tx, answer(world, rank, 0, rank % 2, str(rank))) for rank in range(3)]
        labels.submit(tx, answer(world, 0, 1, 0, "somebody else's"))
        labels.withdraw(tx, made[1].id, NOW)
        mine = world.annotators[0].id
        found = labels.last_of(tx, world.project.id, mine, 10)
        assert found == [(made[2], world.items[2], None), (made[0], world.items[0], None)]
        assert labels.last_of(tx, world.project.id, mine, 1) == found[:1]


def test_provenance_tells_everything_that_led_to_an_answer(database: Database) -> None:
    world = open_queue(database, 2)
    brought = replace(answer(world, 1, 0, None, "b"), candidate_id=None, round_id=None)
    with database.begin() as tx:
        label = labels.submit(tx, answer(world, 0, 0, 1, "a"))
        labels.submit(tx, brought)
        labels.withdraw(tx, label.id, NOW)
        first, second = provenance.of_project(tx, world.project.id)
    assert first == Provenance(
        item_id=world.items[0].id,
        uri="/images/0.png",
        content_hash=f"{0:064x}",
        class_name="dog",
        annotator="annotator 0",
        at=NOW,
        seconds=2.5,
        round_number=1,
        strategy="default",
        origin=Origin.STRATEGY,
        rank=0,
        score=1.0,
        posterior="abc",
        verdict=Verdict.CLASS,
        withdrawn_at=NOW,
        comment="",
        proposed_class="",
        likewise=False,
    )
    assert (second.class_name, second.round_number, second.origin, second.posterior) == (None, None, None, None)
