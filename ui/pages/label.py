"""The Label page: the deck, and nothing that could distract from the image."""

from alflow.workflow import projects
from ui import session
from ui.components.deck import deck
from ui.empty import no_classes, no_project


def show() -> None:
    """Let the annotator answer the queue of the chosen project."""
    project = session.project()
    if project is None:
        no_project()
        return
    classes = projects.project_classes(session.workspace(), project.id)
    if not classes:
        no_classes(project)
        return
    deck(project, classes, session.require_annotator())
