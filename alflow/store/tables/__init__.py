"""The SQL tables; nobody outside `store` and `migrations` sees them.

Columns carry the names of the fields in `alflow.domain`, so a row becomes its noun by name. Ids that name artifacts or
history are never used twice, hence `sqlite_autoincrement`. Secrets (sessions, invitations) are stored as hashes
only, so that a reader of the database cannot sign in.
"""

from alflow.store.tables.answers import adjudication, label, label_history
from alflow.store.tables.backtests import backtest, trial, trial_point
from alflow.store.tables.base import metadata
from alflow.store.tables.certificates import accepted, certificate
from alflow.store.tables.desk import gold_check, grid_cell, grid_page, lease, presence, screen
from alflow.store.tables.images import embed_failure, item, rejection
from alflow.store.tables.people import account, annotator, invitation, membership, session, sign_in_limit
from alflow.store.tables.projects import class_label, look, project, trouble
from alflow.store.tables.rounds import candidate, evaluation, reasons, round_
from alflow.store.tables.slices import slice_, slice_evaluation, slice_item

__all__ = [
    "accepted",
    "account",
    "adjudication",
    "annotator",
    "backtest",
    "candidate",
    "certificate",
    "class_label",
    "embed_failure",
    "evaluation",
    "gold_check",
    "grid_cell",
    "grid_page",
    "invitation",
    "item",
    "label",
    "label_history",
    "lease",
    "look",
    "membership",
    "metadata",
    "presence",
    "project",
    "reasons",
    "rejection",
    "round_",
    "screen",
    "session",
    "sign_in_limit",
    "slice_",
    "slice_evaluation",
    "slice_item",
    "trial",
    "trial_point",
    "trouble",
]
