"""A deleted project leaves nothing, in whatever table or folder; its neighbours and the images themselves stay."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import MetaData, select, update

from alflow import started
from alflow.accounts import OPERATOR, Role, Scope
from alflow.domain.projects import Project
from alflow.errors import AlflowError, ConflictError, NotFoundError
from alflow.ids import AnnotatorId
from alflow.leftovers import SAFE_AGE
from alflow.progress import Progress
from alflow.store import tables
from alflow.store.engines import make_engine
from alflow.store.projects import deleting
from alflow.workflow.images.embed import EmbedReport, embed_missing
from alflow.workflow.images.watching import watch
from alflow.workflow.insight.prepare import prepare
from alflow.workflow.operating.deleting import (
    begun_deletion,
    belongings,
    delete_project,
    finish_deletions,
    unfinished_deletions,
)
from alflow.workflow.people import accounts, invitations
from alflow.workflow.people.tokens import make_token
from alflow.workflow.projects.projects import create_project, find_project, list_projects
from alflow.workflow.rounds.advance import advance, embed_all
from alflow.workspace import Workspace
from tests.colours import answer, colour_project

pytestmark = pytest.mark.slow

STAYS = {"annotator", "account", "screen", "deleted_project", "alflow_version", "sqlite_sequence"}


def rows(workspace: Workspace) -> Mapping[str, list[tuple[object, ...]]]:
    """Every row of every table but those of people and deletions."""
    engine = make_engine(workspace.settings.database)
    (metadata := MetaData()).reflect(engine)
    with engine.connect() as connection:
        found = {
            name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for name, table in metadata.tables.items()
            if name not in STAYS
        }
    engine.dispose()
    return found


def stored(workspace: Workspace) -> list[str]:
    """All artifacts but the encoded captions that an estimate of any project goes on with."""
    return [name for name in workspace.artifacts.list("") if not name.startswith("estimates/")]


def sources(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*.png"))}


def lived(workspace: Workspace, folder: Path, name: str, everywhere: AnnotatorId) -> Project:
    """A project with a closed and an open round, people, invitations, a watched source, a map and all else it makes."""
    project = colour_project(workspace, folder, name)
    who = accounts.add_account(workspace, f"owner of {name}", "correct horse battery").annotator_id
    for one in (who, everywhere):
        accounts.set_role(workspace, project.id, one, Role.OWNER, by=OPERATOR)
        make_token(workspace, project.id, one, "a program", Scope.READ)
    invitations.invite(workspace, project.id, Role.REVIEWER, by=OPERATOR)
    watch(workspace, project, str(folder / name / "pool"))
    advance(workspace, project.id)
    answer(workspace, project)
    advance(workspace, project.id)
    prepare(workspace, project.id)
    return project


def is_gone(workspace: Workspace, project: Project) -> bool:
    """Whether no row is of the project, and no file."""
    left = rows(workspace)
    assert not [row for row in left["project"] if row[0] == project.id]
    assert not any(left.values()), {name: found for name, found in left.items() if found}
    return stored(workspace) == [] and not (workspace.settings.home / "artifacts/projects/1").exists()


def test_a_deleted_project_leaves_nothing_and_its_neighbour_everything(
    each_workspace: Workspace, tmp_path: Path
) -> None:
    workspace = each_workspace
    ada = accounts.add_account(workspace, "Ada", "correct horse battery").annotator_id
    other = lived(workspace, tmp_path, "other", ada)
    before, files = rows(workspace), stored(workspace)
    gone = lived(workspace, tmp_path, "gone", ada)
    images = sources(tmp_path)
    what = belongings(workspace, gone.id)
    assert (sum(what.images.values()), what.rows["rounds"], what.rows["roles of people"]) == (36, 2, 2)
    assert what.files == len(workspace.artifacts.list(f"projects/{gone.id}"))
    assert what.words.startswith("images of the pool: 12, images of the target: 12, images of the test: 12, answers")
    assert "answers with their history: 4, rounds: 2" in what.words
    started.start(workspace.settings, gone.id, "by a page", ada, ["guide"])
    delete_project(workspace, gone.id)
    assert started.last(workspace.settings, gone.id, "by a page") is None
    assert rows(workspace) == before
    assert stored(workspace) == files
    assert sources(tmp_path) == images
    assert [one.name for one in list_projects(workspace)] == ["other"]
    assert unfinished_deletions(workspace) == []
    with pytest.raises(NotFoundError):
        delete_project(workspace, gone.id)
    assert create_project(workspace, "gone", "demo", "fp32").id > gone.id
    advance(workspace, other.id)


def test_what_was_begun_is_finished_by_the_next_who_looks(each_workspace: Workspace, tmp_path: Path) -> None:
    workspace = each_workspace
    project = colour_project(workspace, tmp_path)
    with workspace.database.begin() as tx:
        deleting.begin(tx, project.id, datetime.now(UTC))
    with pytest.raises(NotFoundError):
        find_project(workspace, project.name)
    with pytest.raises(ConflictError, match="or one that is being deleted"):
        create_project(workspace, project.name, "demo", "fp32")
    assert list_projects(workspace) == []
    assert unfinished_deletions(workspace) == [begun_deletion(workspace, project.name)]
    assert finish_deletions(workspace) == [project.id]
    assert is_gone(workspace, project)
    late = f"projects/{project.id}/maps/late.json"
    workspace.artifacts.write_bytes(late, b"{}")  # by a writer that was slow
    assert unfinished_deletions(workspace) == [project.id] == finish_deletions(workspace)
    assert is_gone(workspace, project)
    with workspace.database.begin() as tx:
        tx.execute(update(tables.deleted_project).values(at=datetime.now(UTC) - SAFE_AGE - timedelta(minutes=1)))
    assert finish_deletions(workspace) == []
    with workspace.database.read() as tx:
        assert deleting.begun(tx) == []


def test_a_run_that_is_in_the_middle_ends_and_leaves_nothing(each_workspace: Workspace, tmp_path: Path) -> None:
    workspace = each_workspace
    project = colour_project(workspace, tmp_path)

    def embed(workspace: Workspace, project: Project, progress: Progress) -> EmbedReport:
        delete_project(workspace, project.id)
        return embed_missing(workspace, project, progress)

    with pytest.raises(AlflowError, match="no project has the id"):
        advance(workspace, project.id, embed=embed)
    finish_deletions(workspace)
    assert is_gone(workspace, project)


@pytest.mark.parametrize("after", ["nothing", "answers"])
def test_a_run_at_the_same_time(each_workspace: Workspace, tmp_path: Path, after: str) -> None:
    workspace = each_workspace
    project = colour_project(workspace, tmp_path)
    if after == "answers":
        advance(workspace, project.id)
        answer(workspace, project)
    errors: list[BaseException] = []

    def run() -> None:
        try:
            advance(workspace, project.id, embed=embed_all)
        except AlflowError as error:
            errors.append(error)

    thread = Thread(target=run)
    thread.start()
    delete_project(workspace, project.id)
    thread.join()
    finish_deletions(workspace)
    assert is_gone(workspace, project)
    assert not [one for one in errors if "internal" in str(one)]
