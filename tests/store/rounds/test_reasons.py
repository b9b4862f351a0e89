from dataclasses import replace

from alflow.domain.reasons import Aim, Near, Place, Reasons
from alflow.domain.rounds import Origin
from alflow.store.database import Database
from alflow.store.rounds import reasons
from alflow.store.rounds.reasons import Gain
from tests.queues import open_queue


def test_reasons_come_back_and_what_labels_were_worth_is_added(database: Database) -> None:
    """A candidate without reasons, as one that a person sent or one of an earlier version, has none."""
    world = open_queue(database, 3)
    cat, dog = (one.id for one in world.classes)
    first, second, third = (one.id for one in world.items)
    full = Reasons(
        Aim.TARGET,
        expected=0.25,
        gains={cat: 0.125, dog: 0.5},
        lead=1.5,
        lead_deviation=2.0,
        informs=(Near(third, 0.75),),
        copies=(Near(second, 0.96875),),
        n_copies=7,
        places=(Place("margin", 3, 100, True), Place("bald", 20, 100, False)),
    )
    bare = Reasons(Aim.POOL, expected=0.5, gains={}, lead=0.0, lead_deviation=0.0)
    with database.begin() as tx:
        reasons.add(tx, world.round.id, {second: bare, first: full})
        assert reasons.of_round(tx, world.round.id) == {first: full, second: bare}
        assert reasons.realised(tx, world.project.id) == []
        reasons.realise(tx, world.round.id, {first: 0.5, second: None})
        assert reasons.of_round(tx, world.round.id) == {first: replace(full, realised=0.5), second: bare}
        assert reasons.realised(tx, world.project.id) == [Gain(1, Origin.STRATEGY, 0.25, 0.5)]
        reasons.realise(tx, world.round.id, {first: 0.25})
        reasons.realise(tx, world.round.id, {})
        assert [one.realised for one in reasons.realised(tx, world.project.id)] == [0.25]


def test_reasons_go_with_their_round(database: Database) -> None:
    world = open_queue(database, 1)
    with database.begin() as tx:
        reasons.add(tx, world.round.id, {world.items[0].id: Reasons(Aim.POOL, 0.5, {}, 0.0, 0.0)})
        tx.exec_driver_sql("DELETE FROM round")
        assert tx.exec_driver_sql("SELECT count(*) FROM reasons").scalar() == 0
