"""A project's own labelled images as a world for back-tests."""

from dataclasses import dataclass
from importlib.metadata import version

from alflow.domain.rounds import Origin
from alflow.errors import InvalidInputError
from alflow.ids import ClassId, ItemId, ProjectId
from alflow.store.answers import outcomes, provenance
from alflow.store.artifacts import digest
from alflow.store.database import Transaction
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.workflow.backtests.backtest import World
from alflow.workflow.backtests.trials import About
from alflow.workflow.model.model import load_model, load_rows
from alflow.workspace import Workspace


@dataclass(frozen=True)
class LabelledItems:
    """Every embedded item of a project whose class is known: given with the image, or settled by answers."""

    workspace: Workspace
    project_id: ProjectId

    def about(self) -> About:
        """Name the world by model, classes, posterior and labels.

        Raises:
            InvalidInputError: no class is known yet.
        """
        workspace = self.workspace
        with workspace.database.read() as tx:
            project = projects.by_id(tx, self.project_id)
            known, chosen = _labels(tx, self.project_id), _chosen(tx, self.project_id)
        if not known:
            raise InvalidInputError(
                f"project '{project.name}' has no labelled image to try strategies on: label some, or import images "
                "with their classes"
            )
        model = load_model(workspace, project)
        world = digest(
            model=model.hashes,
            pretraining_weight=project.settings.pretraining_weight,
            version=version("alflow"),
            labels=sorted(known.items()),
        )
        return About(project.id, project.name, world, len(known), len(chosen & known.keys()))

    def world(self) -> World:
        """Load the activations and the zero-shot model.

        Raises:
            ConflictError: the project has fewer than two classes.
            NotFoundError: it has no posterior.
        """
        workspace = self.workspace
        with workspace.database.read() as tx:
            project, known = projects.by_id(tx, self.project_id), _labels(tx, self.project_id)
        model = load_model(workspace, project)
        usable = sorted(item for item, class_id in known.items() if class_id in model.class_ids)
        (rows,) = load_rows(workspace, project, model, usable)
        return World(rows.activations, model.columns([known[item] for item in rows.item_ids.tolist()]), model.model)


def _labels(tx: Transaction, project_id: ProjectId) -> dict[ItemId, ClassId]:
    """Item -> class: what came with the image goes before what people answered."""
    return outcomes.settled(tx, project_id) | items.truths(tx, project_id)


def _chosen(tx: Transaction, project_id: ProjectId) -> set[ItemId]:
    """Items whose label exists because a strategy, or a page of the grid through the pool, asked for it."""
    by_strategy = {Origin.STRATEGY, Origin.RESERVE, Origin.GRID}
    asked = {each.item_id for each in provenance.of_project(tx, project_id) if each.origin in by_strategy}
    return asked - items.truths(tx, project_id).keys()
