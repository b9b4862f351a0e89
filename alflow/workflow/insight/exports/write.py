"""Write the fitted model of a project into a folder for another program, with a card that says what it is."""

from dataclasses import dataclass
from pathlib import Path

from alflow.bayes.head import Head
from alflow.errors import InvalidInputError
from alflow.ids import ProjectId
from alflow.outside import new_folder
from alflow.workflow.images.shards import encoder_in_use, shards
from alflow.workflow.insight.exports.card import card
from alflow.workflow.insight.exports.facts import gather_facts
from alflow.workflow.insight.exports.head_files import About, HeadFiles
from alflow.workflow.insight.exports.table import FORMATS, Given
from alflow.workflow.model.model import load_model
from alflow.workflow.model.source import posterior_source
from alflow.workspace import Workspace


@dataclass(frozen=True)
class ModelExported:
    """What was written: the hash of the fit, and whether an image tower carries what labels taught (`open_clip`)."""

    fit: str
    carries: bool


def export_model(workspace: Workspace, project_id: ProjectId, folder: str | Path, format_: str) -> ModelExported:
    """Write the model after the newest fit into a new folder, or an address of one (see `alflow.outside`).

    Raises:
        InvalidInputError: there is no such format, or no such address.
        ConflictError: there is something in the folder already, no round is closed yet, or the weights of the model
            have changed since the images were embedded.
        UnavailableError: the folder cannot be written, or a package or the weights are missing.
    """
    if format_ not in FORMATS:
        raise InvalidInputError(f"there is no format '{format_}': choose one of {', '.join(FORMATS)}")
    with workspace.database.read() as tx:
        facts = gather_facts(tx, project_id)
    with new_folder(folder) as part:
        model = load_model(workspace, facts.project, facts.fit)
        names, encoder = {one.id: one.name for one in facts.classes}, encoder_in_use(workspace, facts.project)
        rows = next(shards(workspace, facts.project, encoder.hash), None)
        about = About(
            facts.project.name,
            tuple(names[class_id] for class_id in model.class_ids),
            facts.project.model,
            facts.project.precision,
            rows is not None and rows.activations.residuals is not None,
            model.hashes,
        )
        given = Given(workspace, facts.project, encoder, HeadFiles(Head.of(model.model), about))
        written = FORMATS[format_].write(part, given)
        source = posterior_source(workspace, facts.project)
        text = card(facts, written, format_, source.words if source else "unknown", part)
        (part / "README.md").write_text(text, encoding="utf-8")
    return ModelExported(facts.fit, bool(written.about.checkpoint))
