"""`alflow model show`: how good the model after a round is, how far its confidence holds, and what it mistakes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from alflow.commands.console import new_app, note, say, show_json, show_table
from alflow.commands.options import AsJson, ProjectName, choose_project, open_workspace
from alflow.ids import ClassId
from alflow.text import plural

if TYPE_CHECKING:
    from alflow.domain.projects import Project
    from alflow.workflow.insight.cost import Cost
    from alflow.workflow.insight.evaluated import Evaluated
    from alflow.workspace import Workspace

SPLITS: Final = {"test": "the test split", "control": "the control slice"}
_RISKS: Final = (0.01, 0.02, 0.05, 0.1)
_SHOWN: Final = 15  # classes and mistakes; --json tells all


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    model = new_app("What the model of a project says, and how far it can be trusted.")
    model.command("show")(show)
    app.add_typer(model, name="model")


def show(
    round_: Annotated[
        int | None,
        typer.Option("--round", min=0, help="Number of a closed round; 0 is before any label. The newest if left out."),
    ] = None,
    project: ProjectName = None,
    as_json: AsJson = False,
) -> None:
    """Show the figures of the model after a round: metrics, calibration, risk, mistakes, classes, cost.

    On the test split, and on the control slice: images drawn at random, by what was predicted before their label was
    known. Three predictions are compared: the pretrained model as it is (raw), one temperature fitted to the labels of
    other images of the split (temperature), and what alflow shows (shown).
    """
    from alflow.workflow.insight.cost import cost
    from alflow.workflow.insight.evaluated import closed_rounds, evaluated

    workspace = open_workspace()
    chosen = choose_project(workspace, project)
    number = closed_rounds(workspace, chosen.id)[0] if round_ is None else round_
    found = {
        "test": evaluated(workspace, chosen.id, number, "test"),
        "control": evaluated(workspace, chosen.id, number, "control"),
    }
    names, spent = _names(workspace, chosen), cost(workspace, chosen.id, until=number)
    if as_json:
        told = {split: None if one is None else _plain(one, names) for split, one in found.items()}
        show_json({"project": chosen.name, "round": number, **told, "cost": _spent(chosen, spent)})
        return
    say(f"{chosen.name}, {'before any label' if not number else f'after round {number}'}")
    for split, one in found.items():
        if one is None:
            note(f"no image of {SPLITS[split]} has a known class")
        else:
            _tell(one, names)
    say(
        f"\ncost: {plural(spent.total.answers, 'answer')} in {spent.total.hours:.2f} hours, "
        f"{plural(spent.settled, 'image')} with a class now"
    )


def _tell(one: "Evaluated", names: Mapping[ClassId, str]) -> None:
    from alflow.workflow.insight import figures

    temperature = "" if one.temperature is None else f"; temperature {one.temperature:.2f}"
    metrics = list(one.metrics[one.ways[0]])  # those that every prediction has; --json tells all
    show_table(
        ["prediction", *metrics],
        [(way, *(_interval(one.metrics[way].get(name)) for name in metrics)) for way in one.ways],
        title=f"\nOn {SPLITS[one.split]}, {plural(len(one), 'image')} (95% intervals{temperature})",
    )
    bins, risks = figures.reliability_of(one)["shown"], figures.risk_of(one)["shown"]
    show_table(
        ["confidence", "images", "mean confidence", "accuracy", "from", "to"],
        [
            (f"{each.low:.2f}-{each.high:.2f}", each.items, each.confidence, each.accuracy, each.accuracy_low,
             each.accuracy_high)
            for each in bins
        ],
        title="\nReliability of what is shown",
    )  # fmt: skip
    reached = [(risk, figures.covered_at(risks, risk)) for risk in _RISKS]
    show_table(
        ["risk at most", "coverage", "images", "confidence from"],
        [
            (f"{risk:.0%}", *((None,) * 3 if each is None else (each.coverage, each.items, each.confidence)))
            for risk, each in reached
        ],
        title="\nRisk against coverage: the largest part of the most confident images whose error rate is so low",
    )
    _tell_classes(one, names)


def _tell_classes(one: "Evaluated", names: Mapping[ClassId, str]) -> None:
    from alflow.workflow.insight import figures

    confused = figures.confusions(one)
    if confused.mistakes:
        rows = [
            (names[one.class_ids[each.truth]], names[one.class_ids[each.predicted]], each.items, each.share)
            for each in confused.mistakes[:_SHOWN]
        ]
        more = f" (of {confused.n_mistakes} pairs)" if confused.n_mistakes > len(rows) else ""
        show_table(["class", "predicted as", "images", "share of the class"], rows, title=f"\nMistakes{more}")
    known = [each for each in figures.classes_of(one) if each.support]
    worst = sorted(known, key=lambda each: (each.accuracy, -each.support))[:_SHOWN]
    more = f", the {len(worst)} least accurate of {len(known)}" if len(known) > len(worst) else ""
    show_table(
        ["class", "images", "accuracy", "from", "to", "predicted", "precision", "overconfidence"],
        [
            (names[one.class_ids[each.column]], each.support, each.accuracy, each.accuracy_low, each.accuracy_high,
             each.predicted, *(_number(value) for value in (each.precision, each.overconfidence)))
            for each in worst
        ],
        title=f"\nClasses{more}",
    )  # fmt: skip


def _plain(one: "Evaluated", names: Mapping[ClassId, str]) -> dict[str, Any]:
    """All figures of a split, with names in the place of columns."""
    from alflow.workflow.insight import figures

    confused, of = figures.confusions(one), [names[class_id] for class_id in one.class_ids]
    return {
        "images": len(one),
        "temperature": one.temperature,
        "metrics": {way: {name: found._asdict() for name, found in each.items()} for way, each in one.metrics.items()},
        "reliability": {way: _rows(each) for way, each in figures.reliability_of(one).items()},
        "risk": {way: _rows(each) for way, each in figures.risk_of(one).items()},
        "classes": [{"class": of[each["column"]], **each} for each in _rows(figures.classes_of(one))],
        "confusion": {
            "classes": [names[class_id] for class_id in confused.class_ids],
            "of_classes": confused.n_classes,
            "counts": confused.counts,
            "elsewhere": confused.elsewhere,
        },
        "mistakes": [
            each | {"truth": of[each["truth"]], "predicted": of[each["predicted"]]} for each in _rows(confused.mistakes)
        ],
        "mistake_pairs": confused.n_mistakes,
    }


def _rows(found: Sequence[Any]) -> list[dict[str, Any]]:
    """Named tuples as objects."""
    return [each._asdict() for each in found]


def _spent(project: "Project", found: "Cost") -> dict[str, Any]:
    rounds = [{"round": int(each.name) if each.name else None, **_share(each)} for each in found.rounds]
    hidden = {} if project.settings.show_speeds else {"seconds": None}
    people = [{"person": each.name, **_share(each), **hidden} for each in found.people]
    return {"settled": found.settled, **_share(found.total), "rounds": rounds, "people": people}


def _share(each: Any) -> dict[str, Any]:
    return {"answers": each.answers, "standing": each.standing, "seconds": each.seconds}


def _interval(found: "tuple[float, float, float] | None") -> str:
    return "-" if found is None else f"{found[0]:.3f} ({found[1]:.2f}-{found[2]:.2f})"


def _number(value: float) -> float | None:
    return None if value != value else value  # noqa: PLR0124 - NaN


def _names(workspace: "Workspace", project: "Project") -> Mapping[ClassId, str]:
    from alflow.workflow.projects.projects import project_classes

    names = {one.id: one.display_name for one in project_classes(workspace, project.id)}
    return defaultdict(lambda: "a class that was removed", names)
