"""The labelling deck: the browser owns the item on screen, and answers leave it bound to that item (see deck.js)."""

from collections.abc import Sequence

from alflow.domain.answers import Annotator
from alflow.domain.projects import ClassLabel, Project
from alflow.ui.components import modules


def deck(project: Project, classes: Sequence[ClassLabel], annotator: Annotator, screen: str) -> None:
    """Show the deck of a project. It speaks with `/desk/PROJECT/sync` itself, so that no answer costs a script run.

    `screen` names what it shows to all (see `alflow.workflow.desk.screens`); every answer carries it.
    """
    data = {
        "project": project.id,
        "title": project.name,
        "annotator": annotator.id,
        "screen": screen,
        "classes": [
            {"id": each.id, "name": each.display_name, "key": each.hot_key, "group": each.group} for each in classes
        ],
        "break_minutes": project.settings.break_minutes,
        "heartbeat_ms": round(1000 * max(5.0, min(10.0, 20.0 * project.settings.lease_minutes))),
    }
    deck_of = modules.component("deck", "mount.js")
    deck_of(data=data, key="deck")  # one key for all projects: never two decks on one page


def version() -> str:
    """Changes with every file that the deck is made of."""
    return modules.version("deck")
