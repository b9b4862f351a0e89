"""Two projects to look at: `demo`, fresh with its first round open, and `demo-history`, five rounds on.

Both use the shipped model on rendered OpenMoji drawings; nothing comes from the network. Every step can be killed and
run again: what exists is left as it is.

`python -m alflow.demo.prepare MARKER` writes what it does into the file MARKER, and makes the file MARKER.ready once
the first project can be labelled. The second one follows, and gives way to whoever uses the machine; pages say so.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from alflow.demo.captions import PROMPT
from alflow.demo.history import HISTORY, SETTINGS, SIMULATED, fill, play
from alflow.demo.pool import CLASS_NAMES, write_pool
from alflow.demo.rows import take_shipped_rows
from alflow.domain.projects import Project, ProjectSettings
from alflow.errors import AlflowError, NotFoundError
from alflow.private import private_folder
from alflow.settings import Settings
from alflow.workflow.images.embed import adopt_rows, embed_missing
from alflow.workflow.images.pool import import_items
from alflow.workflow.insight.prepare import prepare as prepare_pages
from alflow.workflow.operating.notice import FILE
from alflow.workflow.projects.projects import create_project, find_project, name_classes, set_guidelines
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.review import round_summaries
from alflow.workspace import Workspace

FRESH: Final = "demo"

_GUIDELINES: Final = (
    "What counts is the thing, not how it is drawn: a smiling cat is a **face**, a whole cat an **animal**. Whatever "
    "one can eat as it grew is a **fruit or vegetable**, what somebody cooked or baked is **prepared food**.\n\n"
    "The drawings are from OpenMoji (CC BY-SA 4.0). The model of this demo has seen none of them."
)
_FILLING: Final = f"{HISTORY} is being filled, for half a minute or so: a map, a back-test and more come last."

Tell = Callable[[str], None]


def prepare(workspace: Workspace, tell: Tell = lambda _: None) -> None:
    """Make both projects, or finish what an earlier run began.

    Args:
        workspace: where.
        tell: called with what is done next, in words.

    Raises:
        UnavailableError: the extra `demo` is not installed.
    """
    prepare_fresh(workspace, tell)
    prepare_history(workspace, tell)


def prepare_fresh(workspace: Workspace, tell: Tell = lambda _: None) -> None:
    """The project to label: its images, and a round that is open.

    Raises:
        UnavailableError: the extra `demo` is not installed.
    """
    tell("the demo draws its images")
    images = _images(workspace)
    private_folder(images)
    project = _project(workspace, FRESH, write_pool(images), ProjectSettings(), _GUIDELINES)
    tell("the demo's model looks at its images")
    take_shipped_rows(workspace, project)
    embed_missing(workspace, project)
    if not round_summaries(workspace, project.id):
        open_round(workspace, project.id)


def prepare_history(workspace: Workspace, tell: Tell = lambda _: None) -> None:
    """The project to look at, with the rows of the other one.

    Raises:
        NotFoundError: there is no other one.
    """
    tell(f"{HISTORY} is being filled")
    fresh = find_project(workspace, FRESH)
    manifest = _images(workspace) / "manifest.csv"
    project = _project(workspace, HISTORY, manifest, SETTINGS, f"{_GUIDELINES}\n\n{SIMULATED}")
    adopt_rows(workspace, project, fresh)
    embed_missing(workspace, project)
    play(workspace, project)
    fill(workspace, project)
    prepare_pages(workspace, fresh.id)
    tell(f"{HISTORY} is filled")


def ready(marker: Path) -> Path:
    """The file that says that the first project can be labelled."""
    return marker.with_suffix(".ready")


def _images(workspace: Workspace) -> Path:
    return Path(workspace.settings.home) / "demo-images"


def _project(workspace: Workspace, name: str, manifest: Path, settings: ProjectSettings, guidelines: str) -> Project:
    try:
        project = find_project(workspace, name)
    except NotFoundError:
        classes = name_classes(CLASS_NAMES, (PROMPT,))
        project = create_project(workspace, name, "demo", "fp32", classes, settings)
        set_guidelines(workspace, project.id, guidelines)
    import_items(workspace, project, str(manifest))
    return project


def main(marker: Path) -> None:
    """Both projects, one after the other, telling how far they are."""
    workspace = Workspace.open(Settings())
    notice = Path(workspace.settings.home) / FILE

    def tell(words: str) -> None:
        marker.write_text(words, encoding="utf-8")

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that no notice is left
    prepare_fresh(workspace, tell)
    notice.write_text(_FILLING, encoding="utf-8")
    ready(marker).touch()
    try:
        os.nice(10)
        prepare_history(workspace, tell)
    finally:
        notice.unlink(missing_ok=True)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except AlflowError as error:
        sys.exit(f"error: {error}")
