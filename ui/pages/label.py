"""The Label page: the deck, and nothing that could distract from the image; above it, once, how it is used."""

from alflow.domain.projects import Project, Suggestion
from alflow.ui.components import deck
from alflow.ui.parts import session
from alflow.ui.parts.empty import require_classes
from alflow.ui.parts.welcome import welcome
from alflow.workflow.desk import screens
from alflow.workflow.desk.screens import Screen


def show(project: Project) -> None:
    """Let the annotator answer the queue of the chosen project."""
    classes = require_classes(project)
    welcome(project)
    suggests = project.settings.suggestion is Suggestion.BEFORE
    seen = Screen("label", deck.version(), classes, suggestion=suggests, probabilities=suggests)
    deck.deck(project, classes, session.require_annotator(), screens.remember(session.workspace(), seen))
