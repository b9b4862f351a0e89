"""Adding, renaming, editing, reordering and removing classes: what is not named stays as it is.

An open round stays open: its predictions were stored with the classes of that moment, and the control slice is
evaluated by them; answers can name the new classes at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from alflow.domain.projects import ClassLabel, NewClass
from alflow.domain.rounds import RoundState
from alflow.errors import ConflictError, InvalidInputError
from alflow.ids import ClassId, ProjectId
from alflow.store.database import Transaction
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.text import clean_name
from alflow.workflow.projects.class_edits import Edit, edited, followed, named_class, planned_classes, renamed
from alflow.workflow.projects.naming import TEMPLATES, complete_classes, with_keys
from alflow.workflow.projects.projects import as_new
from alflow.workspace import Workspace


@dataclass(frozen=True)
class ChangedClasses:
    """The classes after a change.

    Attributes:
        classes: all of the project, in order.
        changed: those that were named.
        open_round: number of the open round; None without one.
    """

    classes: tuple[ClassLabel, ...]
    changed: tuple[ClassLabel, ...]
    open_round: int | None


def add_classes(
    workspace: Workspace, project_id: ProjectId, new: Sequence[NewClass], templates: Sequence[str] = TEMPLATES
) -> ChangedClasses:
    """Add classes after those that the project has.

    Raises:
        InvalidInputError: one cannot be used, is there already, or looks like another; the message names it.
        NotFoundError: there is no such project.
    """

    def behind(known: list[NewClass]) -> list[NewClass]:
        return [*known, *new]

    names = [clean_name("a class name", one.name) for one in new]
    return _change(workspace, project_id, behind, names, templates)


def rename_class(workspace: Workspace, project_id: ProjectId, name: str, to: str) -> ChangedClasses:
    """Rename a class: it keeps its id, and with it every label, its history and its key.

    The shown name follows if it came from the name, and with it each prompt that a template made: the default one, or
    one that another class of the project shares. What was written by hand stays.

    Raises:
        InvalidInputError: the new name cannot be used, or looks like that of another class.
        NotFoundError: there is no such project or class.
    """
    to = clean_name("a class name", to)
    with workspace.database.begin() as tx:
        projects.lock(tx, project_id)
        stored = projects.classes(tx, project_id)
        old = named_class(stored, name)
        others = [as_new(each) for each in stored if each.id != old.id]
        changed = renamed(as_new(old), to, others)
        wanted = [changed if each.id == old.id else as_new(each) for each in stored]
        completed = complete_classes(wanted, as_before=others)
        projects.rename_class(tx, old.id, to)
        return _put(tx, project_id, completed, [to])


def edit_classes(workspace: Workspace, project_id: ProjectId, names: Sequence[str], edit: Edit) -> ChangedClasses:
    """Change shown name, prompts, key or group of some classes.

    Raises:
        InvalidInputError: nothing is to be changed, or what is given cannot be used.
        NotFoundError: there is no such project or class.
    """
    if edit == Edit():
        raise InvalidInputError("say what to change: the shown name, the prompts, a template, the key, or the group")

    def changed(known: list[NewClass]) -> list[NewClass]:
        chosen = {named_class(known, name).name for name in names}
        return [edited(each, edit) if each.name in chosen else each for each in known]

    return _change(workspace, project_id, changed, names, edit.templates or TEMPLATES)


def change_classes(
    workspace: Workspace, project_id: ProjectId, edits: Mapping[ClassId, Edit], before: Sequence[ClassLabel]
) -> ChangedClasses:
    """Edit several classes at once; each keeps its id, and with it its labels and history.

    Args:
        workspace: where.
        project_id: the project.
        edits: by class.
        before: the classes as whoever edits saw them.

    Raises:
        ConflictError: somebody changed the classes meanwhile.
        InvalidInputError: what is given cannot be used, or two classes would look alike.
        NotFoundError: there is no such project or class.
    """
    with workspace.database.begin() as tx:
        stored = _as_seen(tx, project_id, before)
        wanted = planned_classes(stored, edits)
        changed = [new for old, new in zip(stored, wanted, strict=True) if new != old]
        _rename(tx, stored, {each.id: each.name for each in wanted})
        return _put(tx, project_id, [as_new(each) for each in wanted], [each.name for each in changed])


def arrange_classes(
    workspace: Workspace,
    project_id: ProjectId,
    wanted: Sequence[tuple[ClassId | None, NewClass]],
    before: Sequence[ClassLabel],
    templates: Sequence[str] = TEMPLATES,
) -> ChangedClasses:
    """Make these all classes of the project, in this order, as a table that somebody edited gives them.

    Args:
        workspace: where.
        project_id: the project.
        wanted: each with the id of the class that it is; None for a new one. Classes without a row are removed. Of a
            renamed one, shown name and prompts follow as in `rename_class`, unless the row changes them too.
        before: the classes as whoever edited saw them.
        templates: make the prompts of new classes without any.

    Raises:
        ConflictError: somebody changed the classes meanwhile, or one that would be removed is in use.
        InvalidInputError: what is given cannot be used, or two classes would look alike.
        NotFoundError: there is no such project.
    """
    with workspace.database.begin() as tx:
        stored = {label.id: label for label in _as_seen(tx, project_id, before)}
        known = {one: as_new(label) for one, label in stored.items()}
        rows = [new if one is None else followed(known[one], new, known.values()) for one, new in wanted]
        completed = complete_classes(rows, templates, as_before=list(known.values()))
        kept = {one: new.name for (one, _), new in zip(wanted, completed, strict=True) if one is not None}
        projects.put_classes(tx, project_id, [new for one, new in known.items() if one in kept])
        _rename(tx, [label for one, label in stored.items() if one in kept], kept)
        old = set(known.values())
        return _put(tx, project_id, completed, [new.name for new in completed if new not in old])


def order_classes(workspace: Workspace, project_id: ProjectId, names: Sequence[str]) -> ChangedClasses:
    """Put these classes first, in this order; the others follow as they were. Keys stay with their classes.

    Raises:
        InvalidInputError: a class is named twice.
        NotFoundError: there is no such project or class.
    """

    def ordered(known: list[NewClass]) -> list[NewClass]:
        first = [named_class(known, name) for name in names]
        if len({each.name for each in first}) < len(first):
            raise InvalidInputError("a class is named twice: name each once")
        return [*first, *(each for each in known if each not in first)]

    return _change(workspace, project_id, ordered, names)


def remove_classes(workspace: Workspace, project_id: ProjectId, names: Sequence[str]) -> ChangedClasses:
    """Remove classes that nothing uses yet.

    Raises:
        ConflictError: labels, candidates, images or decisions name one; the message counts them.
        NotFoundError: there is no such project or class.
    """

    def without(known: list[NewClass]) -> list[NewClass]:
        going = {named_class(known, name).name for name in names}
        return [each for each in known if each.name not in going]

    return _change(workspace, project_id, without, [])


def _change(
    workspace: Workspace,
    project_id: ProjectId,
    change: Callable[[list[NewClass]], list[NewClass]],
    names: Sequence[str],
    templates: Sequence[str] = TEMPLATES,
) -> ChangedClasses:
    with workspace.database.begin() as tx:
        projects.lock(tx, project_id)
        known = [as_new(label) for label in projects.classes(tx, project_id)]
        completed = complete_classes(change(known), templates, as_before=known)
        return _put(tx, project_id, completed, names)


def _as_seen(tx: Transaction, project_id: ProjectId, before: Sequence[ClassLabel]) -> list[ClassLabel]:
    """The classes, locked.

    Raises:
        ConflictError: they are others than somebody saw.
    """
    projects.lock(tx, project_id)
    stored = projects.classes(tx, project_id)
    if stored != list(before):
        raise ConflictError("somebody changed the classes meanwhile: look at them as they are now, and try again")
    return stored


def _rename(tx: Transaction, stored: Sequence[ClassLabel], names: Mapping[ClassId, str]) -> None:
    renamed = [each.id for each in stored if names[each.id] != each.name]
    for each in renamed:  # two may trade their names
        projects.rename_class(tx, each, uuid4().hex)
    for each in renamed:
        projects.rename_class(tx, each, names[each])


def _put(tx: Transaction, project_id: ProjectId, completed: Sequence[NewClass], names: Sequence[str]) -> ChangedClasses:
    stored = projects.put_classes(tx, project_id, with_keys(completed))
    current = rounds.current(tx, project_id)
    is_open = current is not None and current.state is RoundState.OPEN
    changed = tuple(named_class(stored, name) for name in names)
    return ChangedClasses(tuple(stored), changed, current.number if current is not None and is_open else None)
