"""`alflow init`, `strategies`: making a project."""

from typing import Annotated

import typer

from alflow.commands.classes import ClassFile, Templates, given_classes
from alflow.commands.console import note, say, show_json, show_table
from alflow.commands.options import AsJson, open_workspace, setting
from alflow.domain.projects import ProjectSettings, Suggestion
from alflow.text import plural

_DEFAULTS = ProjectSettings()
_DEFAULT_MODEL = "ViT-B-32/laion2b_s34b_b79k"


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("init")(init)
    app.command("strategies")(strategies)


def init(
    name: Annotated[str, typer.Argument(help="Name of the new project.")],
    class_names: Annotated[
        list[str] | None, typer.Option("--class", "-c", help="A class name; give one per class.")
    ] = None,
    class_file: ClassFile = None,
    templates: Templates = None,
    model: Annotated[
        str, typer.Option(help="open_clip model: NAME/PRETRAINED, NAME:FILE, hf-hub:..., local-dir:...")
    ] = _DEFAULT_MODEL,
    precision: Annotated[str, typer.Option(help="Arithmetic of the encoder: fp32 or bf16.")] = "fp32",
    strategy: Annotated[str, typer.Option(**setting("strategy"))] = _DEFAULTS.strategy,
    budget: Annotated[int, typer.Option(**setting("budget"))] = _DEFAULTS.budget,
    control_fraction: Annotated[float, typer.Option(**setting("control_fraction"))] = _DEFAULTS.control_fraction,
    reserve: Annotated[int, typer.Option(**setting("reserve"))] = _DEFAULTS.reserve,
    votes: Annotated[int, typer.Option(**setting("votes"))] = _DEFAULTS.votes,
    lease_minutes: Annotated[float, typer.Option(**setting("lease_minutes"))] = _DEFAULTS.lease_minutes,
    suggestion: Annotated[Suggestion, typer.Option(**setting("suggestion"))] = _DEFAULTS.suggestion,
    gold_rate: Annotated[float, typer.Option(**setting("gold_rate"))] = _DEFAULTS.gold_rate,
    gold_feedback: Annotated[
        bool, typer.Option("--gold-feedback/--no-gold-feedback", **setting("gold_feedback"))
    ] = _DEFAULTS.gold_feedback,
    max_labels: Annotated[int | None, typer.Option(**setting("max_labels"))] = None,
    plateau_rounds: Annotated[int | None, typer.Option(**setting("plateau_rounds"))] = None,
    plateau_gain: Annotated[float, typer.Option(**setting("plateau_gain"))] = _DEFAULTS.plateau_gain,
    min_information: Annotated[float | None, typer.Option(**setting("min_information"))] = None,
    label_price: Annotated[float | None, typer.Option(**setting("label_price"))] = None,
    pretraining_weight: Annotated[float, typer.Option(**setting("pretraining_weight"))] = _DEFAULTS.pretraining_weight,
    seed: Annotated[int, typer.Option(**setting("seed"))] = _DEFAULTS.seed,
) -> None:
    """Create a project with its classes; names alone are enough to start."""
    from alflow.workflow.projects.naming import TEMPLATES, complete_classes
    from alflow.workflow.projects.projects import create_project

    settings = ProjectSettings(
        strategy=strategy,
        budget=budget,
        control_fraction=control_fraction,
        reserve=reserve,
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
        pretraining_weight=pretraining_weight,
        seed=seed,
    )
    templates = templates or list(TEMPLATES)
    classes = complete_classes(given_classes(class_names, class_file, templates), templates)
    project = create_project(open_workspace(), name, model, precision, classes, settings)
    say(f"created project {project.name} with {plural(len(classes), 'class', 'classes')}")
    note(f"next: alflow import SOURCE --project {project.name}")


def strategies(as_json: AsJson = False) -> None:
    """List the strategies that choose what to ask next."""
    from alflow.workflow.rounds.strategies import strategy_captions, strategy_faults, takes_blocks

    captions, in_blocks = strategy_captions(), takes_blocks()
    if as_json:
        show_json(captions)
    else:
        rows = ((name, "in blocks" if name in in_blocks else "whole", words) for name, words in captions.items())
        show_table(["strategy", "pool", "what it does"], rows)
        note("In blocks: a large pool is read piece by piece. Whole: all of it has to fit into memory.")
    for fault in strategy_faults():
        note(fault)
