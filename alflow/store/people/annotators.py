"""Who answers: everybody who ever signed in, by name."""

from sqlalchemy import select

from alflow.domain.answers import Annotator
from alflow.ids import AnnotatorId
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rows import locked, upsert


def get_or_create(tx: Transaction, name: str) -> Annotator:
    """The annotator of that name, made when new."""
    tx.execute(upsert(tx, tables.annotator).values(name=name).on_conflict_do_nothing(index_elements=["name"]))
    return Annotator(**tx.execute(select(tables.annotator).where(tables.annotator.c.name == name)).mappings().one())


def all_(tx: Transaction) -> list[Annotator]:
    """Everyone who ever signed in, by name."""
    return [
        Annotator(**row) for row in tx.execute(select(tables.annotator).order_by(tables.annotator.c.name)).mappings()
    ]


def lock(tx: Transaction, annotator_id: AnnotatorId) -> Annotator:
    """Serialise one person's requests until the end of the transaction.

    Raises:
        NotFoundError: there is no such annotator.
    """
    missing = f"no annotator has the id {annotator_id}: sign in again"
    return Annotator(**locked(tx, tables.annotator, annotator_id, missing))
