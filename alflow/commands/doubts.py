"""`alflow doubts`: labels that are likely wrong, and sending them to the reviewers."""

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from alflow.commands.console import say, show_json, show_table
from alflow.commands.options import AsJson, ProjectName, choose_project, open_workspace
from alflow.text import plural

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alflow.ids import ClassId
    from alflow.workflow.answers.refer import Referred
    from alflow.workflow.insight.doubts import Doubts


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("doubts")(doubts)


def doubts(
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many to list.")] = 20,
    adjudicate: Annotated[
        int,
        typer.Option(
            min=0, help="Send this many of the most doubtful to the Adjudicate page, each once; their labels stay."
        ),
    ] = 0,
    by: Annotated[
        str | None, typer.Option("--by", help="Who sends them; by default the name you are logged in with.")
    ] = None,
    project: ProjectName = None,
    as_json: AsJson = False,
) -> None:
    """List the labels that the model doubts, the most doubtful first.

    Each label is compared with what the model holds of its image when it has not seen the label.
    """
    from alflow.workflow.insight.doubts import doubts as judge
    from alflow.workflow.insight.doubts import refer_doubts
    from alflow.workflow.people.annotators import sign_in
    from alflow.workflow.projects.projects import project_classes

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    sent = None
    if adjudicate:
        who = sign_in(workspace, by or getpass.getuser()).id
        sent = refer_doubts(workspace, chosen.id, who, adjudicate)
    found = judge(workspace, chosen.id)
    names = {each.id: each.name for each in project_classes(workspace, chosen.id)}
    if as_json:
        show_json(_plain(found, names, count, sent))
        return
    if sent is not None:
        say(f"{plural(len(sent.sent), 'image')} sent to adjudication, {len(sent.known)} more there already")
    if not len(found):
        say("no label to judge yet" if not found.n_labels else "no label left to judge: reviewers settled all")
        return
    _show(found, names, count)


def _show(found: "Doubts", names: "Mapping[ClassId, str]", count: int) -> None:
    show_table(
        ["image", "label", "p", "model holds", "p", "log odds", "sent"],
        [
            (
                one.item_id,
                names.get(one.given, "?"),
                one.p_given,
                names.get(one.held, "?"),
                one.p_held,
                one.odds,
                "yes" if one.referred else None,
            )
            for one in found.top(count)
        ],
    )
    say(
        f"{plural(len(found), 'label')} judged by fits that have not seen them: the model holds another class of "
        f"{found.n_against}; confident learning counts {found.n_misplaced} as wrong"
    )
    if found.n_missing:
        say(f"{plural(found.n_missing, 'label')} not judged: without an embedding, run `alflow embed`")


def _plain(found: "Doubts", names: "Mapping[ClassId, str]", count: int, sent: "Referred | None") -> dict[str, object]:
    rows = [
        {
            "item": one.item_id,
            "label": names.get(one.given),
            "held": names.get(one.held),
            "p_label": one.p_given,
            "p_held": one.p_held,
            "log_odds": one.odds,
            "misplaced": one.misplaced,
            "sent": one.referred,
        }
        for one in found.top(count)
    ]
    told: dict[str, object] = {
        "labels": found.n_labels,
        "judged": len(found),
        "settled_by_reviewers": found.n_decided,
        "not_judged": found.n_missing,
        "against": found.n_against,
        "misplaced": found.n_misplaced,
        "doubts": rows,
    }
    return told if sent is None else told | {"sent": sent}
