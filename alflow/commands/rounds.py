"""`alflow status`, `advance`, `round open|close|reopen|drop|list|why`: where a project stands, and its next step."""

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from alflow.commands.console import new_app, note, progress_bar, say, show_json, show_table
from alflow.commands.options import AsJson, ProjectName, choose_project, no_project, open_workspace
from alflow.commands.why import why_round
from alflow.domain.runs import Step
from alflow.errors import NotFoundError
from alflow.ids import RoundId
from alflow.text import plural

if TYPE_CHECKING:
    from alflow.domain.projects import Project
    from alflow.domain.rounds import Evaluation
    from alflow.workflow.rounds.review import Overview
    from alflow.workspace import Workspace

_METRICS = ("accuracy", "nlpd")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("status")(status)
    app.command("advance")(advance)
    group = new_app("Rounds: acquire, label, fit, evaluate.")
    group.command("open")(open_round)
    group.command("close")(close_round)
    group.command("reopen")(reopen_round)
    group.command("drop")(drop_round)
    group.command("list")(list_rounds)
    group.command("why")(why_round)
    app.add_typer(group, name="round")


def status(project: ProjectName = None, as_json: AsJson = False) -> None:
    """Show where the projects stand that are not archived, or one of them."""
    from alflow.workflow.projects.projects import find_project, listed_projects
    from alflow.workflow.rounds.review import overview

    workspace = open_workspace()
    projects = listed_projects(workspace) if project is None else [find_project(workspace, project)]
    overviews = [overview(workspace, entry.id) for entry in projects]
    if as_json:
        show_json(overviews)
        return
    if not overviews:
        say(no_project(workspace))
    for entry in overviews:
        _show_overview(entry)


def advance(project: ProjectName = None) -> None:
    """Do what is due now: take what is new, embed, open a round, or fit and close an answered one."""
    from alflow.workflow.images.watching import due_watches, look
    from alflow.workflow.insight.prepare import prepare
    from alflow.workflow.rounds.advance import advance as advance_project
    from alflow.workflow.rounds.telling import telling

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    for one in due_watches(workspace, chosen.id):
        look(workspace, one)
    with progress_bar("advancing") as progress, telling(workspace, chosen.id) as tell:
        report = advance_project(workspace, chosen.id, progress, tell=tell)
        if report.done:
            tell.step(Step.PREPARE)
            prepare(workspace, chosen.id)
    for step in report.done:
        say(step)
    say(f"waiting for {report.waiting_for}")


def open_round(project: ProjectName = None) -> None:
    """Choose what to ask next and open a round; if one is open, say which."""
    from alflow.workflow.rounds.acquire import open_round as acquire_round

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    with progress_bar("opening a round") as progress:
        opened = acquire_round(workspace, chosen.id, progress)
    say(f"round {opened.number} is {opened.state}: {opened.budget} images by {opened.strategy}")


def close_round(
    number: Annotated[int | None, typer.Argument(help="Number of the round; the current one if left out.")] = None,
    early: Annotated[bool, typer.Option("--early", help="Close it even if its queue is not fully answered.")] = False,
    project: ProjectName = None,
) -> None:
    """Fit on the answers, evaluate, and close the round."""
    from alflow.workflow.rounds.evaluate import close_round as evaluate_round
    from alflow.workflow.rounds.rollback import what_closing_does

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    if early:
        note(what_closing_does(workspace, chosen.id, number))
    closed = evaluate_round(workspace, chosen.id, _round_id(workspace, chosen, number), early=early)
    say(f"round {closed.number} is {closed.state}")


_Newest = Annotated[int | None, typer.Argument(help="Number of the round, the newest; may be left out.")]
_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def reopen_round(number: _Newest = None, yes: _Yes = False, project: ProjectName = None) -> None:
    """Open the newest round, which is closed, once more, so that its answers can be corrected."""
    from alflow.workflow.rounds.rollback import reopen_round as reopen
    from alflow.workflow.rounds.rollback import what_reopening_does

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    note(what_reopening_does(workspace, chosen.id, number))
    if not yes:
        typer.confirm("Reopen it?", abort=True, err=True)
    say(f"round {reopen(workspace, chosen.id, number).number} is open")


def drop_round(
    number: _Newest = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Withdraw the answers that were given, too.")] = False,
    yes: _Yes = False,
    by: Annotated[
        str | None, typer.Option("--by", help="Who does it; by default the name you are logged in with.")
    ] = None,
    project: ProjectName = None,
) -> None:
    """Drop the newest round, which is not closed: what is not answered goes, answers stay or are withdrawn."""
    from alflow.workflow.people.annotators import sign_in
    from alflow.workflow.rounds.rollback import drop_round as drop
    from alflow.workflow.rounds.rollback import what_dropping_does

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    note(what_dropping_does(workspace, chosen.id, number, withdraw=withdraw))
    if not yes:
        typer.confirm("Drop it?", abort=True, err=True)
    who = sign_in(workspace, by or getpass.getuser()).id
    done = drop(workspace, chosen.id, who, number, withdraw=withdraw)
    say(f"dropped: {plural(done.removed, 'image')} asked about no more, {done.kept} kept with answers")


def list_rounds(project: ProjectName = None, as_json: AsJson = False) -> None:
    """List the rounds and the model's metrics after each."""
    from alflow.workflow.rounds.review import learning_curve, round_summaries

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    summaries, curve = round_summaries(workspace, chosen.id), learning_curve(workspace, chosen.id)
    if as_json:
        show_json({"rounds": summaries, "curve": curve})
        return
    show_table(
        ["round", "state", "strategy", "answered", "extra", "skipped", "corrected", "opened", "closed"],
        [
            (
                entry.round.number,
                entry.round.state,
                entry.round.strategy,
                f"{entry.answered}/{entry.total}",
                entry.extra,
                entry.skipped,
                entry.corrected,
                entry.round.opened_at,
                entry.round.closed_at,
            )
            for entry in summaries
        ],
    )
    if curve:
        show_table(
            ["after round", "labels", "evaluated on", "images", *_METRICS],
            [(entry.round_number, entry.n_labels, entry.split, entry.n_items, *_metrics(entry)) for entry in curve],
            title="\nThe model after each round (with 95% intervals)",
        )


def _show_overview(entry: "Overview") -> None:
    counts = ", ".join(f"{count} {split}" for split, count in entry.counts.items())
    state = "none is open" if entry.current is None else f"{entry.current.number} ({entry.current.state})"
    lines = [
        ("model", entry.project.model),
        ("classes", str(len(entry.classes))),
        ("images", f"{counts or 'none yet'}; {len(entry.rejections)} rejected"),
        *_not_embedded(entry),
        ("posterior", _posterior(entry)),
        ("labelled", str(entry.n_settled)),
        ("round", state),
        ("waiting for", entry.waiting_for),
    ]
    say(entry.project.name)
    for name, value in lines:
        say(f"  {name + ':':<13} {value}")


def _posterior(entry: "Overview") -> str:
    if entry.project.posterior is None:
        return "none yet"
    name = entry.project.posterior[:12]
    return name if entry.posterior is None else f"{name}, {entry.posterior.words}"


def _not_embedded(entry: "Overview") -> list[tuple[str, str]]:
    if not entry.not_embedded:
        return []
    first = entry.not_embedded[0]
    return [("not embedded", f"{plural(len(entry.not_embedded), 'image')}; the first, {first.uri}: {first.reason}")]


def _metrics(evaluation: "Evaluation") -> list[str]:
    return [_interval(evaluation.metrics.get(name)) for name in _METRICS]


def _interval(metric: "tuple[float, float, float] | None") -> str:
    return "-" if metric is None else f"{metric[0]:.3f} ({metric[1]:.2f}-{metric[2]:.2f})"


def _round_id(workspace: "Workspace", project: "Project", number: int | None) -> RoundId:
    """Id of the round of that number, or of the one that is not closed.

    Raises:
        NotFoundError: there is no such round.
    """
    from alflow.workflow.rounds.review import find_round, overview

    if number is not None:
        return find_round(workspace, project.id, number).id
    current = overview(workspace, project.id).current
    if current is None:
        raise NotFoundError(f"project {project.name} has no round to close: see `alflow round list`")
    return current.id
