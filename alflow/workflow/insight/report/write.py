"""Make the file of a report: for a browser, or at a place of one's own."""

from dataclasses import dataclass

from alflow.ids import ProjectId
from alflow.outside import new_file
from alflow.workflow.insight.report.gather import read_report
from alflow.workflow.insight.report.page import file_name, page
from alflow.workspace import Workspace


@dataclass(frozen=True)
class ReportFile:
    """What a report is called when it is saved, and its HTML."""

    name: str
    html: bytes


def make_report(
    workspace: Workspace,
    project_id: ProjectId,
    number: int | None = None,
    *,
    names: bool = False,
    pictures: bool = True,
) -> ReportFile:
    """The report of a project, or of its round of that number; see `read_report`.

    Raises:
        NotFoundError: there is no such project, or no such round.
        InvalidInputError: an artifact is damaged; the message names it.
    """
    report = read_report(workspace, project_id, number, names=names, pictures=pictures)
    return ReportFile(file_name(report), page(report).encode())


def write_report(
    workspace: Workspace,
    project_id: ProjectId,
    place: str | None = None,
    number: int | None = None,
    *,
    names: bool = False,
    pictures: bool = True,
    force: bool = False,
) -> str:
    """Write the report of a project, or of its round of that number; returns where.

    Args:
        workspace: where from.
        project_id: the project.
        place: file or address; by default a file in this folder that is named after the project.
        number: of the last round that counts; None for everything until now.
        names: name the people who answered.
        pictures: with pictures of examples.
        force: replace a file that is there.

    Raises:
        NotFoundError: there is no such project, or no such round.
        ConflictError: there is something at the place already.
        InvalidInputError: it cannot be written, or an artifact is damaged; the message names it.
    """
    made = make_report(workspace, project_id, number, names=names, pictures=pictures)
    with new_file(place or made.name, force=force) as file:
        file.write(made.html)
    return place or made.name
