"""The Label page: the deck, and nothing that could distract from the image."""

from alflow.domain import Suggestion
from alflow.workflow.desk import screens
from alflow.workflow.desk.screens import Screen
from alflow.workflow.projects import projects
from ui.components import deck
from ui.parts import session
from ui.parts.empty import no_classes, no_project


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
    suggests = project.settings.suggestion is Suggestion.BEFORE
    seen = Screen("label", deck.version(), classes, suggestion=suggests, probabilities=suggests)
    deck.deck(project, classes, session.require_annotator(), screens.remember(session.workspace(), seen))
