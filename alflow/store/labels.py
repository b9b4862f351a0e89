"""Answers, who gave them, and the leases that keep two people from the same item.

Who writes locks in one order: annotator, candidate, round. The annotator's lock makes the tabs of one person take
turns; the candidate's makes its count of answers and its leases move together; the round's lets exactly one answer be
the last. On SQLite the whole transaction is that lock.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, delete, func, insert, select, update

from alflow.domain import Annotator, Candidate, Item, Label, Origin, RoundState, Verdict
from alflow.errors import ConflictError, NotFoundError
from alflow.store import tables
from alflow.store.database import Transaction
from alflow.store.rounds import candidate_of
from alflow.store.rows import upsert
