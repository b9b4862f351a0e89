"""`alflow init`, `classes`, `strategies`: a project and its classes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alflow.commands.console import new_app, note, plural, say, show_json, show_table
from alflow.commands.options import AsJson, ProjectName, choose_project, open_workspace
from alflow.domain import ProjectSettings, Suggestion

if TYPE_CHECKING:
    from alflow.domain import NewClass

_DEFAULTS = ProjectSettings()
_DEFAULT_MODEL = "ViT-B-32/laion2b_s34b_b79k"

_ClassFile = Annotated[
    Path | None, typer.Option("--classes", help="A file of classes: names one a line, CSV, or JSON with prompts.")
]
_Templates = Annotated[
    list[str] | None,
    typer.Option("--template", help="Prompt of classes without their own; {} is the name. Repeatable."),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("init")(init)
    classes = new_app("The classes of a project.")
    classes.command("list")(list_classes)
    classes.command("set")(set_project_classes)
    app.add_typer(classes, name="classes")
    app.command("strategies")(strategies)


def init(
    name: Annotated[str, typer.Argument(help="Name of the new project.")],
    class_names: Annotated[
        list[str] | None, typer.Option("--class", "-c", help="A class name; give one per class.")
    ] = None,
    class_file: _ClassFile = None,
    templates: _Templates = None,
    model: Annotated[
        str, typer.Option(help="open_clip model: NAME/PRETRAINED, NAME:FILE, hf-hub:..., local-dir:...")
    ] = _DEFAULT_MODEL,
    precision: Annotated[str, typer.Option(help="Arithmetic of the encoder: fp32 or bf16.")] = "fp32",
    strategy: Annotated[
        str, typer.Option(help="How to choose what to ask; see `alflow strategies`.")
    ] = _DEFAULTS.strategy,
    budget: Annotated[int, typer.Option(min=1, help="Images per round.")] = _DEFAULTS.budget,
    control_fraction: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of a round drawn at random, as a control.")
    ] = _DEFAULTS.control_fraction,
    votes: Annotated[int, typer.Option(min=1, help="Answers an image needs.")] = _DEFAULTS.votes,
    lease_minutes: Annotated[
        float, typer.Option(help="How long an image stays reserved for the person it was shown to.")
    ] = _DEFAULTS.lease_minutes,
    suggestion: Annotated[
        Suggestion, typer.Option(help="When annotators see the model's guess; before their answer it biases them.")
    ] = _DEFAULTS.suggestion,
    gold_rate: Annotated[
        float,
        typer.Option(min=0.0, max=0.5, help="Share of images shown that are checks: test images of a known class."),
    ] = _DEFAULTS.gold_rate,
    gold_feedback: Annotated[
        bool, typer.Option("--gold-feedback/--no-gold-feedback", help="Tell the result of a check at once.")
    ] = _DEFAULTS.gold_feedback,
    max_labels: Annotated[int | None, typer.Option(min=1, help="Open no further round after this many labels.")] = None,
    plateau_rounds: Annotated[
        int | None, typer.Option(min=1, help="Stop when so many rounds brought accuracy no further.")
    ] = None,
    plateau_gain: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="What counts as further, with --plateau-rounds.")
    ] = _DEFAULTS.plateau_gain,
    min_information: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="Stop when a label tells less than this share of the best round's."),
    ] = None,
    label_price: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Stop when a label is expected to bring less accuracy.")
    ] = None,
    tau: Annotated[
        float, typer.Option(min=0.0, help="Weight of the pretraining data in the posterior.")
    ] = _DEFAULTS.tau,
    seed: Annotated[int, typer.Option(help="Root of every random draw.")] = _DEFAULTS.seed,
) -> None:
    """Create a project with its classes; names alone are enough to start."""
    from alflow.workflow.projects import create_project

    settings = ProjectSettings(
        strategy=strategy,
        budget=budget,
        control_fraction=control_fraction,
        votes=votes,
        lease_minutes=lease_minutes,
        gold_rate=gold_rate,
        gold_feedback=gold_feedback,
        suggestion=suggestion,
        max_labels=max_labels,
        plateau_rounds=plateau_rounds,
        plateau_gain=plateau_gain,
        min_information=min_information,
        label_price=label_price,
        tau=tau,
        seed=seed,
    )
    classes = _given_classes(class_names, class_file, templates)
    project = create_project(open_workspace(), name, model, precision, classes, settings)
    say(f"created project {project.name} with {plural(len(classes), 'class', 'classes')}")
    note(f"next: alflow import SOURCE --project {project.name}")


def list_classes(project: ProjectName = None, as_json: AsJson = False) -> None:
    """Show the classes: order, key, prompts."""
    from alflow.workflow.projects import project_classes

    workspace = open_workspace()
    found = project_classes(workspace, choose_project(workspace, project).id)
    if as_json:
        show_json(found)
        return
    rows = [
        (entry.position, entry.hot_key, entry.name, entry.display_name, "; ".join(entry.prompts)) for entry in found
    ]
    show_table(["order", "key", "name", "shown as", "prompts"], rows)


def set_project_classes(
    class_names: Annotated[list[str] | None, typer.Argument(help="Class names, in order.")] = None,
    class_file: _ClassFile = None,
    templates: _Templates = None,
    project: ProjectName = None,
) -> None:
    """Make these the classes, in this order; a class that has labels cannot go."""
    from alflow.workflow.projects import set_classes

    wanted = _given_classes(class_names, class_file, templates, required=True)
    workspace = open_workspace()
    stored = set_classes(workspace, choose_project(workspace, project).id, wanted)
    say(f"{plural(len(stored), 'class', 'classes')}: {', '.join(entry.name for entry in stored)}")


def strategies(as_json: AsJson = False) -> None:
    """List the ways to choose what to ask next."""
    from alflow.workflow.strategies import strategy_captions

    captions = strategy_captions()
    if as_json:
        show_json(captions)
    else:
        show_table(["strategy", "what it does"], captions.items())


def _given_classes(
    names: list[str] | None, file: Path | None, templates: list[str] | None, *, required: bool = False
) -> "list[NewClass]":
    """The classes named on the command line or in a file.

    Raises:
        BadParameter: both were given, or none and one is required.
    """
    from alflow.workflow.classes import read_classes
    from alflow.workflow.projects import TEMPLATES, name_classes

    if names and file:
        raise typer.BadParameter("give class names or a file of classes, not both")
    if required and not (names or file):
        raise typer.BadParameter("name the classes, or give a file of them")
    if file is not None:
        return read_classes(file, templates or TEMPLATES)
    return name_classes(names or [], templates or TEMPLATES)
