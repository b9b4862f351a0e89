"""What programs send. It is read strictly: a number is no text, and a field that there is not is a mistake."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from alflow.domain.answers import Verdict
from alflow.domain.images import Split
from alflow.workflow.desk.messages import AHEAD, TODO
from alflow.workflow.desk.submission import LARGEST_ID, LONGEST_COMMENT

SHORTEST_KEY: Final = 16

Id = Annotated[int, Field(ge=-LARGEST_ID, le=LARGEST_ID)]


class Sent(BaseModel):
    """What a program sends."""

    model_config = ConfigDict(strict=True, extra="forbid")


class Lease(Sent):
    """Reserve the next images for this person, and renew what is reserved; the same again gives the same."""

    count: int = Field(1, ge=0, le=AHEAD)
    queue: str = Field(TODO, max_length=16, description="todo, or skip, unsure, none or bad: what was set aside")
    showing: Id | None = Field(None, description="the candidate in work, which stays reserved if possible")
    leave: bool = Field(False, description="give back what is reserved before")


class AnswerSent(Sent):
    """An answer about a candidate; sent again with the same key it is stored once."""

    key: str = Field(min_length=SHORTEST_KEY, max_length=100, description="drawn for this answer, such as a UUID")
    candidate_id: Id
    verdict: Verdict = Field(strict=False)
    class_id: Id | None = None
    class_name: str | None = Field(None, max_length=200, description="instead of the number")
    seconds: float = Field(0.0, description="how long the image was on screen")
    comment: str = Field("", max_length=LONGEST_COMMENT)
    proposed_class: str = Field("", max_length=200, description="what is missed, where the verdict is none")


class UndoSent(Sent):
    """Take the answer with this key back."""

    key: str = Field(min_length=1, max_length=100)


class LabelsAsked(BaseModel):
    """Which answers a page is of; what is left out does not matter."""

    model_config = ConfigDict(extra="forbid")

    item: Id | None = None
    annotator: str | None = Field(None, min_length=1, max_length=200)
    class_name: str | None = Field(None, min_length=1, max_length=200)
    verdict: Verdict | None = None
    withdrawn: bool | None = None
    after: Id | None = Field(None, description="`next` of the page before; none for the first")
    limit: int = Field(100, ge=1, le=1_000)


class RowSent(Sent):
    """A row of a manifest."""

    uri: str = Field(min_length=1, max_length=2_600, description="address of the web")
    label: str = Field("", max_length=200)
    split: str = Field("", max_length=16)
    caption: str = Field("", max_length=2_000)
    group: str = Field("", max_length=200, description="what several images show, such as one patient")


class ImportSent(Sent):
    """Import images: those of a source, or rows; one of the two."""

    source: str | None = Field(
        None, min_length=1, max_length=2_600, description="address of a manifest, archive, image"
    )
    rows: list[RowSent] | None = Field(None, min_length=1, max_length=1_000)
    first: int = Field(1, ge=1, le=1_000_000_000, description="number of the first row, by which a rejection names it")
    split: Split = Field(Split.POOL, strict=False)
    strict: bool = Field(False, description="store nothing if anything cannot be used")
