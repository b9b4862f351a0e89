"""What every endpoint asks for: the project of its path, the person it acts for, and how many a page holds."""

from collections.abc import Callable, Sequence
from math import ceil
from typing import Annotated, Final, TypeVar

from fastapi import Depends, HTTPException, Path, Query
from starlette.requests import Request

from alflow.accounts import Visitor
from alflow.ids import AnnotatorId, ProjectId
from alflow.ui.door import access, allowances
from alflow.ui.parts import services
from alflow.workflow.desk.submission import LARGEST_ID
from alflow.workspace import Workspace

T = TypeVar("T")

BELOW: Final = access.FOR_PROGRAMS.rstrip("/")
"""Where the API is served."""

MOST: Final = 1_000
"""Entries of a page."""


def workspace() -> Workspace:
    """The open workspace of this process."""
    return services.current().workspace


def visitor(request: Request) -> Visitor:
    """Whom the program acts for, as the gate found it."""
    found = request.state.visitor
    assert isinstance(found, Visitor)
    return found


def annotator(request: Request) -> AnnotatorId:
    """The person's id."""
    return visitor(request).annotator.id


def paid(allowance: str) -> Callable[[Request], None]:
    """Takes one of the person's allowance of this name; too many requests are refused with 429."""

    def pay(request: Request) -> None:
        if wait := getattr(allowances, allowance).take(annotator(request)):
            raise HTTPException(429, "too many requests at once", {"Retry-After": str(ceil(wait))})

    return pay


Place = Annotated[Workspace, Depends(workspace)]
Person = Annotated[AnnotatorId, Depends(annotator)]
Whoever = Annotated[Visitor, Depends(visitor)]
Number = Annotated[int, Path(ge=0, le=LARGEST_ID)]
Project = Annotated[ProjectId, Path(ge=0, le=LARGEST_ID)]
After = Annotated[int | None, Query(ge=-1, le=LARGEST_ID, description="`next` of the page before; none for the first")]
Limit = Annotated[int, Query(ge=1, le=MOST, description="entries of a page at most")]

READS = [Depends(paid("READS"))]
ANSWERS = [Depends(paid("ANSWERS"))]
IMPORTS = [Depends(paid("IMPORTS"))]


def following(page: Sequence[T], limit: int, key: Callable[[T], int]) -> int | None:
    """`next` of a page: the key of its last entry, None where there is no more."""
    return key(page[-1]) if len(page) == limit else None
