"""The SQL tables; nobody outside `store` and `migrations` sees them.

Columns carry the names of the fields in `alflow.domain`, so a row becomes its noun by name. Ids that name artifacts or
history are never used twice, hence `sqlite_autoincrement`. Secrets (sessions, invitations, tokens) are stored as
hashes only, so that a reader of the database cannot sign in.
"""

from alflow.store.tables.answers import adjudication, label, label_history
from alflow.store.tables.backtests import backtest, trial, trial_point
from alflow.store.tables.base import metadata
from alflow.store.tables.certificates import accepted, certificate
from alflow.store.tables.desk import gold_check, grid_cell, grid_page, lease, own_desk, presence, screen
from alflow.store.tables.images import embed_claim, embed_failure, item, item_count, rejection
from alflow.store.tables.messages import channel, message
from alflow.store.tables.people import (
    account,
    annotator,
    api_token,
    invitation,
    membership,
    seen_hint,
    session,
    sign_in_limit,
)
from alflow.store.tables.projects import class_label, deleted_project, look, project, trouble
from alflow.store.tables.rounds import candidate, evaluation, reasons, round_
from alflow.store.tables.runs import asked_run, run
from alflow.store.tables.slices import slice_, slice_evaluation, slice_item
from alflow.store.tables.watches import watch, watched_file

__all__ = [
    "accepted",
    "account",
    "adjudication",
    "annotator",
    "api_token",
    "asked_run",
    "backtest",
    "candidate",
    "certificate",
    "channel",
    "class_label",
    "deleted_project",
    "embed_claim",
    "embed_failure",
    "evaluation",
    "gold_check",
    "grid_cell",
    "grid_page",
    "invitation",
    "item",
    "item_count",
    "label",
    "label_history",
    "lease",
    "look",
    "membership",
    "message",
    "metadata",
    "own_desk",
    "presence",
    "project",
    "reasons",
    "rejection",
    "round_",
    "run",
    "screen",
    "seen_hint",
    "session",
    "sign_in_limit",
    "slice_",
    "slice_evaluation",
    "slice_item",
    "trial",
    "trial_point",
    "trouble",
    "watch",
    "watched_file",
]
