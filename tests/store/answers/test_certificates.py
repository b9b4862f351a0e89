"""Certificates on both databases: one stands at a time, people's answers go before it, nothing is overwritten."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import IntegrityError

from alflow.domain.answers import Verdict
from alflow.domain.certificates import Accepted, Part
from alflow.errors import ConflictError, NotFoundError
from alflow.ids import CertificateId
from alflow.store.answers import adjudications, certificates
from alflow.store.answers.adjudications import NewAdjudication
from alflow.store.answers.certificates import NewCertificate
from alflow.store.database import Database
from alflow.store.desk import labels
from alflow.store.desk.labels import NewLabel
from alflow.store.projects import projects
from tests.queues import World, open_queue

AT = datetime(2026, 11, 29, 1, 2, 3, tzinfo=UTC)
PARTS = (Part(None, 0.9, 150, 0, 3, 0.04, 0.05),)


@pytest.fixture
def world(database: Database) -> World:
    return open_queue(database, 5)


def new(world: World) -> NewCertificate:
    return NewCertificate(
        world.project.id, 2, "a" * 64, 0.02, 0.05, False, PARTS, 150, 5, 3, 0.4, world.annotators[0].id, AT
    )


def label(world: World, place: int, verdict: Verdict) -> NewLabel:
    return NewLabel(
        project_id=world.project.id,
        item_id=world.items[place].id,
        candidate_id=None,
        round_id=None,
        annotator_id=world.annotators[0].id,
        verdict=verdict,
        class_id=world.classes[1].id if verdict is Verdict.CLASS else None,
        at=AT,
        seconds=1.0,
        token=f"{place}",
        shown={},
    )


def test_a_certificate_is_kept_as_it_was_made(database: Database, world: World) -> None:
    cat = world.classes[0].id
    with database.begin() as tx:
        made = certificates.add(tx, new(world), {item.id: (cat, 0.93) for item in world.items[:3]})
    with database.read() as tx:
        assert certificates.standing(tx, world.project.id) == made
        assert certificates.all_(tx, world.project.id) == [made]
        found = certificates.accepted(tx, world.project.id)
        some = certificates.accepted(tx, world.project.id, [world.items[1].id, world.items[4].id])
        assert projects.class_uses(tx, cat)["accepted images"] == 3
    assert made.parts == PARTS
    assert made.at == AT
    assert found == {item.id: Accepted(made.id, cat, 0.93) for item in world.items[:3]}
    assert list(some) == [world.items[1].id]


def test_whatever_a_person_says_goes_before_it(database: Database, world: World) -> None:
    cat, ids = world.classes[0].id, [item.id for item in world.items]
    with database.begin() as tx:
        made = certificates.add(tx, new(world), dict.fromkeys(ids, (cat, 0.9)))
        labels.submit(tx, label(world, 0, Verdict.CLASS))
        skipped = labels.submit(tx, label(world, 1, Verdict.SKIP))
        decided = NewAdjudication(world.project.id, ids[2], world.annotators[0].id, None, "", [], AT)
        adjudications.settle(tx, decided)
    with database.begin() as tx:
        assert list(certificates.accepted(tx, world.project.id)) == ids[3:]
        labels.withdraw(tx, skipped.id, AT)
        assert list(certificates.accepted(tx, world.project.id)) == [ids[1], *ids[3:]]
        assert list(certificates.labels_of(tx, made.id)) == ids


def test_one_stands_at_a_time_and_a_withdrawn_one_stays(database: Database, world: World) -> None:
    item, by = world.items[0].id, world.annotators[0].id
    with database.begin() as tx:
        made = certificates.add(tx, new(world), {item: (world.classes[0].id, 0.9)})
    with pytest.raises((IntegrityError, ConflictError)), database.begin() as tx:
        certificates.add(tx, new(world), {})
    with database.begin() as tx:
        gone = certificates.withdraw(tx, by, made, "why", AT)
        assert (gone.withdrawn_by, gone.withdrawn_why, gone.withdrawn_at) == (by, "why", AT)
        assert certificates.accepted(tx, world.project.id) == {}
        newer = certificates.add(tx, new(world), {})
        assert [one.id for one in certificates.all_(tx, world.project.id)] == [newer.id, made.id]
        assert certificates.standing(tx, world.project.id) == newer
    with pytest.raises(ConflictError, match="withdrawn already"), database.begin() as tx:
        certificates.withdraw(tx, by, made, "again", AT)
    with pytest.raises(NotFoundError, match="no certificate"), database.begin() as tx:
        certificates.withdraw(tx, by, replace(made, id=CertificateId(newer.id + 99)), "again", AT)
