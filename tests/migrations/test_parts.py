"""0002: the points of a back-test that are stored stay as they are, without the parts; new ones have them."""

import pytest
from alembic import command
from sqlalchemy import text

from alflow.domain.trials import Trial, TrialPoint
from alflow.store import schema
from alflow.store.backtests import backtests
from alflow.store.database import Database
from alflow.store.engines import make_engine

pytestmark = pytest.mark.slow

TRIAL = Trial("random", 3)
OLD = TrialPoint(0, 0.5, 0.7, 0.1, 0.0, 0.0, ())
NEW = TrialPoint(20, 0.6, 0.6, 0.1, 0.5, 1.5, (4, 2), total=0.9, aleatoric=0.7, epistemic=0.2)


def test_old_points_are_read_without_parts_and_new_ones_with_them(database_url: str) -> None:
    database = Database.open(database_url)
    with database.begin() as tx:
        made = backtests.get_or_create(tx, project_id=None, name="pack", world="w", n_items=9, n_chosen=0)
        backtests.add_point(tx, made.id, TRIAL, 0, OLD)
    database.close()
    engine = make_engine(database_url)
    with engine.begin() as connection:
        command.downgrade(schema.config(connection), "0001_first_schema")
        assert connection.execute(text("SELECT * FROM trial_point")).mappings().one()["nlpd"] == OLD.nlpd
        command.upgrade(schema.config(connection), "head")
    engine.dispose()
    database = Database.open(database_url)
    with database.begin() as tx:
        backtests.add_point(tx, made.id, TRIAL, 1, NEW)
        assert backtests.results(tx, made.id) == {TRIAL: [OLD, NEW]}
    database.close()
