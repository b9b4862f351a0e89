"""What a project sets is the weight of its model's pretraining, n tau, and no longer tau.

Tau was meant for the 327,680 pairs behind the published factors, and is the weight over however many there are.

Revision: 0003_pretraining_weight, after 0002_parts
"""

import sys
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003_pretraining_weight"
down_revision = "0002_parts"
branch_labels = None
depends_on = None

PAIRS = 327_680
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
PROJECT = sa.table("project", sa.column("id", sa.Integer), sa.column("settings", JSON))


def upgrade() -> None:
    """A project that never said its tau gets the usual weight, as it had the usual tau."""
    _rename("tau", "pretraining_weight", lambda tau: min(tau * PAIRS, sys.float_info.max))


def downgrade() -> None:
    """The tau for as many pairs as were published."""
    _rename("pretraining_weight", "tau", lambda weight: weight / PAIRS)


def _rename(old: str, new: str, change: Callable[[float], float]) -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(PROJECT)).all():
        settings: dict[str, Any] = dict(row.settings)
        if old in settings:
            settings[new] = _changed(settings.pop(old), change)
            connection.execute(sa.update(PROJECT).where(PROJECT.c.id == row.id).values(settings=settings))


def _changed(value: object, change: Callable[[float], float]) -> object:
    """What is no number stays, so that the check of the settings names it as before."""
    return change(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
