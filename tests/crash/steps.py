"""Every step of a project that writes, as a function of a place; each can be run again wherever it was killed."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import make_url

from alflow.domain.answers import Verdict
from alflow.domain.images import Split
from alflow.domain.projects import Project, ProjectSettings
from alflow.errors import ConflictError, NotFoundError
from alflow.settings import Settings
from alflow.store.answers import certificates
from alflow.store.database import Database
from alflow.store.images import items
from alflow.store.rounds import rounds
from alflow.workflow.answers.certify import accept
from alflow.workflow.answers.dataset import export_dataset
from alflow.workflow.desk.label import submit
from alflow.workflow.desk.queue import next_candidates
from alflow.workflow.desk.submission import Submission
from alflow.workflow.images.embed import embed_items, embed_missing
from alflow.workflow.images.pool import import_items
from alflow.workflow.insight.prepare import prepare
from alflow.workflow.model.from_pairs import estimate_posterior
from alflow.workflow.operating.backup import make_backup
from alflow.workflow.operating.deleting import delete_project, finish_deletions
from alflow.workflow.operating.restore import restore_backup
from alflow.workflow.people.annotators import sign_in
from alflow.workflow.projects.projects import create_project, find_project, name_classes
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.evaluate import close_round
from alflow.workspace import Workspace
from tests.colours import COLOURS

_SHARD: Final = 16
_BOUND: Final = 0.2
"""Of a certificate, which so few images can have."""


@dataclass(frozen=True)
class Place:
    """Where a step works.

    Attributes:
        folder: everything it writes, but for the rows of PostgreSQL: the home is `home` in it.
        url: of its database.
        sources: what it only reads: pictures in a folder for each split, captions, a model, a backup.
    """

    folder: Path
    url: str
    sources: Path

    @property
    def settings(self) -> Settings:
        """Of the machine that works there."""
        return Settings(home=self.folder / "home", database_url=self.url, batch_size=_SHARD)

    @property
    def told(self) -> Path:
        """The tokens of answers that were acknowledged, one a line."""
        return self.folder / "told"

    @property
    def backup(self) -> Path:
        """Of a project on this kind of database."""
        return self.sources / f"{make_url(self.url).get_backend_name()}.tar"


@dataclass(frozen=True)
class Step:
    """A step, and the state that it starts from.

    Attributes:
        before: the step that comes before, `empty` (nothing), or `earlier` (a database of an earlier schema).
        run: the step.
    """

    before: str
    run: Callable[[Place], None]


def _init(place: Place) -> None:
    settings = ProjectSettings(budget=24, strategy="margin", control_fraction=0.75, reserve=0)
    model, classes = f"local-dir:{place.sources / 'model'}", name_classes(list(COLOURS))
    _unless_there(lambda: create_project(Workspace.open(place.settings), "colours", model, "fp32", classes, settings))


def _import(place: Place) -> None:
    workspace, project = _opened(place)
    for split in Split:
        import_items(workspace, project, str(place.sources / split), split)


def _embed(place: Place) -> None:
    workspace, project = _opened(place)
    with workspace.database.read() as tx:
        every = items.ids(tx, project.id)
    for start in range(0, len(every), _SHARD):  # as the flow does
        embed_items(workspace, project, every[start : start + _SHARD])
    embed_missing(workspace, project)


def _posterior(place: Place) -> None:
    estimate_posterior(*_opened(place), str(place.sources / "target" / "captions.csv"))


def _open(place: Place) -> None:
    workspace, project = _opened(place)
    open_round(workspace, project.id)


def _answer(place: Place) -> None:
    """What is acknowledged is told at once."""
    workspace, project = _opened(place)
    who = sign_in(workspace, "Ada").id
    with place.told.open("a", buffering=1) as told:
        while queue := next_candidates(workspace, project.id, who):
            for entry in queue:
                one = entry.candidate.id
                truth = Submission(f"answer {one}", one, Verdict.CLASS, entry.item.truth, 1.0)
                submit(workspace, project.id, who, truth)
                told.write(f"{truth.token}\n")


def _close(place: Place) -> None:
    workspace, project = _opened(place)
    with workspace.database.read() as tx:
        (only,) = rounds.all_(tx, project.id)
    close_round(workspace, project.id, only.id)


def _prepare(place: Place) -> None:
    workspace, project = _opened(place)
    assert prepare(workspace, project.id) == ()


def _certify(place: Place) -> None:
    workspace, project = _opened(place)
    with workspace.database.read() as tx:
        standing = certificates.standing(tx, project.id)
    if standing is None:
        accept(workspace, project.id, sign_in(workspace, "Ada").id, _BOUND, _BOUND)


def _delete(place: Place) -> None:
    try:
        workspace, project = _opened(place)
    except NotFoundError:  # once it has begun, nobody finds the project
        finish_deletions(Workspace.open(place.settings))
    else:
        delete_project(workspace, project.id)
    place.told.unlink(missing_ok=True)  # answers are meant to go


def _export(place: Place) -> None:
    workspace, project = _opened(place)
    _unless_there(lambda: export_dataset(workspace, project.id, place.folder / "exported", "coco"))


def _backup(place: Place) -> None:
    _unless_there(lambda: make_backup(_opened(place)[0], place.folder / "backup.tar"))


def _restore(place: Place) -> None:
    _unless_there(lambda: restore_backup(place.settings, place.backup))


def _migrate(place: Place) -> None:
    Database.upgrade(place.url)
    Database.open(place.url).close()


def _opened(place: Place) -> tuple[Workspace, Project]:
    workspace = Workspace.open(place.settings)
    return workspace, find_project(workspace, "colours")


def _unless_there(write: Callable[[], object]) -> None:
    """What has its name is whole."""
    try:
        write()
    except ConflictError as error:
        if not re.search("is there already|there is a (database|project)|the database .* is not empty", str(error)):
            raise


STEPS: Final[Mapping[str, Step]] = {
    "init": Step("empty", _init),
    "import": Step("init", _import),
    "posterior": Step("import", _posterior),
    "embed": Step("posterior", _embed),
    "open": Step("embed", _open),
    "answer": Step("open", _answer),
    "close": Step("answer", _close),
    "outlook": Step("close", _prepare),
    "certify": Step("outlook", _certify),
    "export": Step("certify", _export),
    "backup": Step("certify", _backup),
    "delete": Step("certify", _delete),
    "restore": Step("empty", _restore),
    "migrate": Step("earlier", _migrate),
}
