"""`alflow replay`: is what a past round asked about what its inputs give?"""

from typing import TYPE_CHECKING, Annotated

import typer

from alflow.commands.console import fail, say, show_json
from alflow.commands.options import AsJson, ProjectName, choose_project, open_workspace
from alflow.text import plural

if TYPE_CHECKING:
    from alflow.workflow.rounds.replay import Replay

_SHOWN = 10


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("replay")(replay_round)


def replay_round(
    number: Annotated[int, typer.Argument(metavar="ROUND", help="Number of the round.")],
    project: ProjectName = None,
    as_json: AsJson = False,
) -> None:
    """Plan a past round once more from what was kept with it: identical, or what differs and why. Nothing is stored."""
    from alflow.workflow.rounds.replay import Outcome, replay

    workspace = open_workspace()
    found = replay(workspace, choose_project(workspace, project).id, number)
    if as_json:
        show_json(found)
    else:
        _show(found)
    if found.outcome is Outcome.DIFFERENT:
        fail(f"round {number} does not replay: look at what differs, and at what changed since")


def _show(found: "Replay") -> None:
    picks = plural(found.n_picks, "pick")
    order = "the same, in the same order" if found.same_order else _of_picks(found)
    say(f"round {found.round_number}: {found.outcome.value}")
    say(f"  {picks}: {order}")
    if not found.largest_difference:
        say(f"  {plural(found.n_scores, 'score')}: the same bit for bit")
    else:
        share = f"{found.largest_relative:.2g} of the larger"
        say(f"  {plural(found.n_scores, 'score')}: the largest difference is {found.largest_difference:.3g} ({share})")
    for why in found.reasons:
        say(f"  since then: {why}")
    for what in found.unchecked:
        say(f"  cannot be checked: {what}")


def _of_picks(found: "Replay") -> str:
    if not found.gone and not found.new:
        return f"the same, in another order{_tied(found)}"
    return f"then and not now: {_items(found.gone)}; now and not then: {_items(found.new)}{_tied(found)}"


def _tied(found: "Replay") -> str:
    return "; their scores tie within the tolerance" if found.ties else ""


def _items(item_ids: "tuple[int, ...]") -> str:
    more = f" and {len(item_ids) - _SHOWN} more" if len(item_ids) > _SHOWN else ""
    return f"image {', '.join(map(str, item_ids[:_SHOWN]))}{more}" if item_ids else "none"
