"""`alflow classes try|suggest`: what other prompts would change, which ones the labels prefer; nothing is stored."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from alflow.commands.console import misused, note, progress_bar, say, show_json, show_table
from alflow.commands.options import AsJson, ProjectName, choose_project, open_workspace
from alflow.text import plural

if TYPE_CHECKING:
    from alflow.domain.projects import ClassLabel
    from alflow.ids import ClassId
    from alflow.workflow.insight.comparison import Compared
    from alflow.workflow.insight.effects import Effects
    from alflow.workflow.insight.suggestions import Suggestions
    from alflow.workflow.projects.class_edits import Edit

_Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=PROMPT", help="A prompt of one class. Repeatable: several are an ensemble."),
]
_Templates = Annotated[
    list[str] | None,
    typer.Option("--template", help="Prompts of all other classes; {} is the shown name. Repeatable."),
]
_Own = Annotated[
    list[str] | None,
    typer.Option("--template", help="One candidate more, of your own; {} is the shown name. Repeatable."),
]
_SHOWN = 20  # turns, classes


def register(classes: typer.Typer) -> None:
    """Add the commands of this file to those of classes."""
    classes.command("try")(try_)
    classes.command("suggest")(suggest)


def try_(
    sets: _Sets = None, templates: _Templates = None, project: ProjectName = None, as_json: AsJson = False
) -> None:
    """Show what other prompts would change, on every image and on those whose class is known; nothing is stored."""
    from alflow.workflow.insight.prompts import try_prompts
    from alflow.workflow.projects.projects import project_classes

    if not sets and not templates:
        misused("say what to try: --set NAME=PROMPT, or --template")
    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    edits = _edits(project_classes(workspace, chosen.id), sets or [], templates or [])
    with progress_bar("prompts") as progress:
        trial = try_prompts(workspace, chosen.id, edits, progress)
    if as_json:
        show_json({"classes": trial.after, "effects": trial.effects})
    else:
        _show(trial.effects, trial.after)
        note("nothing is stored: `alflow classes edit` does that")


def suggest(templates: _Own = None, project: ProjectName = None, as_json: AsJson = False) -> None:
    """Show which prompts the labels prefer, and what they would gain; nothing is stored."""
    from alflow.workflow.insight.suggestions import suggest_prompts
    from alflow.workflow.projects.projects import project_classes

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    with progress_bar("prompts") as progress:
        found = suggest_prompts(workspace, chosen.id, templates or (), progress)
    if as_json:
        show_json(found)
    else:
        _show_suggestions(found, {label.id: label.name for label in project_classes(workspace, chosen.id)})


def _edits(classes: "Sequence[ClassLabel]", sets: list[str], templates: list[str]) -> "dict[ClassId, Edit]":
    from alflow.workflow.projects.class_edits import Edit, named_class

    prompts: dict[ClassId, list[str]] = {}
    names = {label.name for label in classes}
    for given in sets:
        ends = [place for place, character in enumerate(given) if character == "="]
        if not ends:
            misused(f"--set takes NAME=PROMPT: {given} has no =")
        end = next((place for place in reversed(ends) if given[:place] in names), ends[0])  # a name may hold a =
        prompts.setdefault(named_class(classes, given[:end]).id, []).append(given[end + 1 :])
    edits = {class_id: Edit(prompts=tuple(each)) for class_id, each in prompts.items()}
    others = [label.id for label in classes if label.id not in edits] if templates else []
    return edits | {class_id: Edit(templates=tuple(templates)) for class_id in others}


def _show(found: "Effects", classes: "Sequence[ClassLabel]") -> None:
    names = {label.id: label.name for label in classes}
    model = f"the model after round {found.number}" if found.number else "the model before any label"
    fitted = f", its {plural(found.labels, 'label')} fitted again" if found.labels else ""
    fitted = fitted if found.fitted_again else ", whose fit stays until the next round is closed"
    say(f"{plural(len(found.changed), 'class', 'classes')} would change, compared with {model}{fitted}")
    turned = [(split, found.turned[split], count) for split, count in found.images.items() if count]
    show_table(["split", "predictions that turn", "of images"], turned)
    rows = [*_compared("test split", found.test), *_compared("labelled, not seen by the fit", found.labelled)]
    if rows:
        show_table(["on", "measure", "before", "after", "difference", "95% from", "to"], rows)
    turns = [(names[one.before], names[one.after], one.count) for one in found.turns[:_SHOWN]]
    if turns:
        show_table(["from", "to", "images"], turns)
    by_change = sorted(found.classes, key=lambda one: -abs(one.share_after - one.share_before))[:_SHOWN]
    show_table(
        ["class", "expected share", "then", "its name, ± logit", "then"],
        [
            (
                names[one.class_id],
                f"{one.share_before:.1%}",
                f"{one.share_after:.1%}",
                f"{one.deviation_before:.3f}",
                f"{one.deviation_after:.3f}",
            )
            for one in by_change
        ],
    )


def _compared(where: str, found: "Compared | None") -> list[tuple[object, ...]]:
    if found is None:
        return []
    return [
        _row(f"{where}: {found.images}", "accuracy", found.accuracy_before, found.accuracy_after, found.accuracy),
        _row("", "NLPD, nats", found.nlpd_before, found.nlpd_after, found.nlpd),
    ]


def _row(where: str, name: str, before: float, after: float, gap: Sequence[float]) -> tuple[object, ...]:
    return (where, name, f"{before:.3f}", f"{after:.3f}", *(f"{one:+.3f}" for one in gap))


def _show_suggestions(found: "Suggestions", names: "dict[ClassId, str]") -> None:
    if found.classes:
        say(f"the labels prefer other prompts for {plural(len(found.classes), 'class', 'classes')}")
        show_table(["class", "prompts"], [(names[one.class_id], "; ".join(one.prompts)) for one in found.classes])
    else:
        say(f"the {plural(found.labels, 'label')} prefer no other prompts: no difference is larger than chance")
    if found.classes and found.gain is not None:
        rows = _compared("labels that neither choice nor fit has seen", found.gain)
        show_table(["on", "measure", "before", "after", "difference", "95% from", "to"], rows)
    show_table(
        ["one candidate for all classes", "nats a label", "95% from", "to"],
        [(one.title, *(f"{part:+.3f}" for part in one.gain)) for one in found.fits],
        "Held-out log-likelihood above that of the present prompts; the best of many looks better than it is.",
    )
    if found.left_out:
        note(f"not compared, for they would be too many texts: {', '.join(found.left_out)}")
