"""Try names and prompts of classes before they are saved: what the model would say of every image, and how good it is.

A trial is the model that saving would bring: the new prompts, and the labels of the newest fit fitted to them again. Of
it nothing is stored: what would be, lies beside the artifacts in memory. Saving stores the very rows of the trial.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from alflow.domain.projects import ClassLabel, NewClass, Project
from alflow.embeddings import Activations
from alflow.ids import ClassId, ProjectId
from alflow.progress import Progress, silent
from alflow.store.artifacts import Artifacts
from alflow.store.projects import projects
from alflow.workflow.images.embed import class_rows, keep_class_rows
from alflow.workflow.images.shards import EncoderInUse, encoder_in_use
from alflow.workflow.insight.effects import Effects, effects
from alflow.workflow.insight.encoded import encode_prompts
from alflow.workflow.model.kept import outlook
from alflow.workflow.model.model import ProjectModel, model_of
from alflow.workflow.projects.class_changes import ChangedClasses, change_classes
from alflow.workflow.projects.class_edits import Edit, planned_classes, shown_as
from alflow.workflow.projects.projects import as_new
from alflow.workspace import Workspace


@dataclass(frozen=True)
class Trial:
    """Classes as they are and as they would be, what would change, and all that saving needs.

    Attributes:
        before, after: the classes in their order.
        edits: what makes the one of the other.
        effects: what would change.
        encoder: whose rows they are.
        rows: activations of the classes after the change [C P_t].
    """

    before: tuple[ClassLabel, ...]
    after: tuple[ClassLabel, ...]
    edits: Mapping[ClassId, Edit]
    effects: Effects
    encoder: EncoderInUse
    rows: Activations


def edits_of(stored: Sequence[ClassLabel], wanted: Mapping[ClassId, NewClass]) -> dict[ClassId, Edit]:
    """What makes these classes of the stored ones.

    Prompts that a template made follow a new name, unless they were edited too.
    """
    known = {label.id: as_new(label) for label in stored}
    edits: dict[ClassId, Edit] = {}
    for class_id, new in wanted.items():
        old = known[class_id]
        name, shown, prompts = new.name.strip(), new.display_name.strip(), tuple(new.prompts)
        others = [each for one, each in known.items() if one != class_id]
        if shown != old.display_name and prompts == old.prompts:
            prompts = shown_as(old, shown, others).prompts
        edit = Edit(
            name=name if name != old.name else None,
            display_name=shown if shown != old.display_name else None,
            prompts=prompts if prompts != old.prompts else None,
        )
        edits |= {class_id: edit} if edit != Edit() else {}
    return edits


def redraft(
    stored: Sequence[ClassLabel], edits: Mapping[ClassId, Edit], changes: Mapping[ClassId, Edit]
) -> dict[ClassId, Edit]:
    """The edits of a draft after some more changes, of the classes as the draft has them.

    Raises:
        InvalidInputError: what is given cannot be used, or two classes would look alike.
        NotFoundError: there is no such class.
    """
    drafted = planned_classes(planned_classes(stored, edits), changes)
    return {
        new.id: Edit(new.display_name, new.prompts, name=new.name if new.name != old.name else None)
        for old, new in zip(stored, drafted, strict=True)
        if new != old
    }


def try_prompts(
    workspace: Workspace, project_id: ProjectId, edits: Mapping[ClassId, Edit], progress: Progress = silent
) -> Trial:
    """What these edits of classes would change; nothing is stored.

    The first trial loads the text tower, which then stays loaded. `progress` tells how many prompts are encoded.

    Raises:
        InvalidInputError: what is given cannot be used, or two classes would look alike, to people or to the model.
        ConflictError: the project has fewer than two classes, or its model's weights changed since it was embedded.
        NotFoundError: there is no such project or class, nothing is embedded, or there is no posterior yet.
        UnavailableError: the model's weights cannot be had on this machine.
    """
    with workspace.database.read() as tx:
        project, stored = projects.by_id(tx, project_id), projects.classes(tx, project_id)
    wanted = planned_classes(stored, edits)
    now = outlook(workspace, project_id)
    encoder = encoder_in_use(workspace, project)
    rows = _rows(workspace, project, encoder, stored, wanted, progress)
    before = model_of(workspace, project, stored, now.fit)
    after = _tried(workspace, project, encoder, wanted, rows, now.fit)
    changes = effects(workspace, project, (stored, wanted), (before, after), now)
    return Trial(tuple(stored), tuple(wanted), dict(edits), changes, encoder, rows)


def save_prompts(workspace: Workspace, project_id: ProjectId, trial: Trial) -> ChangedClasses:
    """Store the classes of a trial; what the model says from then on is what the trial said.

    Raises:
        ConflictError: somebody changed the classes since.
        InvalidInputError: a class cannot be used.
        NotFoundError: there is no such project or class.
    """
    with workspace.database.read() as tx:
        project = projects.by_id(tx, project_id)
    done = change_classes(workspace, project_id, trial.edits, trial.before)
    keep_class_rows(workspace, project, trial.encoder, done.classes, trial.rows)
    return done


def _rows(
    workspace: Workspace,
    project: Project,
    encoder: EncoderInUse,
    stored: Sequence[ClassLabel],
    wanted: Sequence[ClassLabel],
    progress: Progress,
) -> Activations:
    """Those that are kept of classes whose prompts stay, so that nothing of these changes; others are encoded."""
    rows = class_rows(workspace, project, encoder, stored)
    places = [place for place, (old, new) in enumerate(zip(stored, wanted, strict=True)) if old.prompts != new.prompts]
    if not places:
        return rows
    made = encode_prompts(workspace, project, encoder, [wanted[place].prompts for place in places], progress)
    values, residuals = rows.values.clone(), None if rows.residuals is None else rows.residuals.clone()
    values[places] = made.values
    if residuals is not None and made.residuals is not None:
        residuals[places] = made.residuals
    return Activations(values, residuals)


def _tried(
    workspace: Workspace,
    project: Project,
    encoder: EncoderInUse,
    wanted: Sequence[ClassLabel],
    rows: Activations,
    fit: str | None,
) -> ProjectModel:
    """The model that the project would have: what is made on the way is held in memory, as long as this takes."""
    artifacts = Artifacts(workspace.settings.artifacts, read_only=True)
    beside = replace(workspace, artifacts=artifacts, read_only=True)
    keep_class_rows(beside, project, encoder, wanted, rows)
    return model_of(beside, project, wanted, fit)
