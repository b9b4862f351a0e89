"""The Label page: the deck, and nothing that could distract from the image."""

from alflow.domain.projects import Project, Suggestion
from alflow.workflow.desk import screens
from alflow.workflow.desk.screens import Screen
from ui.components import deck
from ui.parts import session
from ui.parts.empty import require_classes


def show(project: Project) -> None:
    """Let the annotator answer the queue of the chosen project."""
    classes = require_classes(project)
    suggests = project.settings.suggestion is Suggestion.BEFORE
    seen = Screen("label", deck.version(), classes, suggestion=suggests, probabilities=suggests)
    deck.deck(project, classes, session.require_annotator(), screens.remember(session.workspace(), seen))
