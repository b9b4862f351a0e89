"""`alflow round why`: why the images of a round are asked about, and what their labels were worth."""

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Annotated

import typer

from alflow.commands.console import say, show_json, show_table
from alflow.commands.options import AsJson, ProjectName, choose_project, open_workspace

if TYPE_CHECKING:
    from alflow.ids import ClassId
    from alflow.workflow.insight.worth import Worth
    from alflow.workflow.rounds.why import Why

_NONE = "-"


def why_round(
    number: Annotated[int | None, typer.Argument(help="Number of the round; the newest if left out.")] = None,
    project: ProjectName = None,
    as_json: AsJson = False,
) -> None:
    """Say why each image of a round is asked about: gain, rivals, near copies, places; and what its label was worth."""
    from alflow.workflow.insight.worth import worth
    from alflow.workflow.projects.projects import project_classes
    from alflow.workflow.rounds.why import newest_number, why

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    round_, rows = why(workspace, chosen.id, newest_number(workspace, chosen.id) if number is None else number)
    of_project = worth(workspace, chosen.id)
    if as_json:
        candidates = [
            {"uri": row.review.item.uri, "candidate": row.review.candidate, "reasons": row.reasons} for row in rows
        ]
        show_json({"round": round_.number, "candidates": candidates, "worth": of_project})
        return
    names = {label.id: label.display_name for label in project_classes(workspace, chosen.id)}
    show_table(
        ["image", "chosen by", "expected", "realised", "most probable", "second", "epistemic", "near copies", "place"],
        [(row.review.item.uri, *_cells(row, names)) for row in rows],
        title=f"Round {round_.number}: gains in nats about {_aim(rows)}",
    )
    say(_verdict(of_project))


def _cells(row: "Why", names: "Mapping[ClassId, str]") -> tuple[str, ...]:
    candidate, reasons = row.review.candidate, row.reasons
    first, second = sorted(candidate.probabilities, key=lambda one: -candidate.probabilities[one])[:2]
    total = candidate.epistemic + candidate.aleatoric
    rivals = [f"{names.get(one, '?')} {candidate.probabilities[one]:.0%}" for one in (first, second)]
    share = f"{candidate.epistemic / total:.0%}" if total > 0 else _NONE
    if reasons is None:
        return candidate.origin.value, _NONE, _NONE, *rivals, share, _NONE, _NONE
    return (
        candidate.origin.value,
        f"{reasons.expected:.3g}",
        _NONE if reasons.realised is None else f"{reasons.realised:.3g}",
        *rivals,
        share,
        str(reasons.n_copies),
        ", ".join(f"{each.strategy} {'' if each.exact else '~'}{each.place}/{each.of}" for each in reasons.places),
    )


def _aim(rows: "list[Why]") -> str:
    aims = {row.reasons.aim.value for row in rows if row.reasons is not None}
    return f"the {' and the '.join(sorted(aims))}" if aims else "nothing: it has no reasons"


def _verdict(found: "Worth") -> str:
    kept = found.overall
    if kept is None or not isfinite(kept.ratio):
        return "what labels were worth is known once a round with reasons is closed"
    return (
        f"{kept.items} labels of the project told {kept.ratio:.2f} times what was expected of them "
        f"(95% interval {kept.low:.2f} to {kept.high:.2f})"
    )
