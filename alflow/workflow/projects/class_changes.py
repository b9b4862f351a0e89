"""Adding, renaming, editing, reordering and removing classes: what is not named stays as it is.

An open round stays open: its predictions were stored with the classes of that moment, and the control slice is
evaluated by them; answers can name the new classes at once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import uuid4

from alflow.domain.projects import ClassLabel, NewClass
from alflow.domain.rounds import RoundState
from alflow.errors import ConflictError, InvalidInputError, NotFoundError
from alflow.ids import ClassId, ProjectId
from alflow.store.database import Transaction
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.text import clean_name, likeness, quoted
from alflow.workflow.projects.naming import TEMPLATES, complete_classes, default_shown, prompted, with_keys
from alflow.workflow.projects.projects import as_new
from alflow.workspace import Workspace

Named = TypeVar("Named", ClassLabel, NewClass)


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


@dataclass(frozen=True)
class Edit:
    """What to change of a class; None leaves it.

    Attributes:
        display_name: what people see.
        prompts: what the text tower reads.
        templates: make the prompts instead, of the shown name.
        hot_key: the key that answers it.
        name: what it is called in files; the shown name and prompts follow as in `rename_class`.
    """

    display_name: str | None = None
    prompts: Sequence[str] | None = None
    templates: Sequence[str] | None = None
    hot_key: str | None = None
    name: str | None = None


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
        renamed = _renamed(as_new(old), to, others)
        wanted = [renamed if each.id == old.id else as_new(each) for each in stored]
        completed = complete_classes(wanted, as_before=others)
        projects.rename_class(tx, old.id, to)
        return _put(tx, project_id, completed, [to])


def edit_classes(workspace: Workspace, project_id: ProjectId, names: Sequence[str], edit: Edit) -> ChangedClasses:
    """Change shown name, prompts or key of some classes.

    Raises:
        InvalidInputError: nothing is to be changed, or what is given cannot be used.
        NotFoundError: there is no such project or class.
    """
    if edit == Edit():
        raise InvalidInputError("say what to change: the shown name, the prompts, a template, or the key")

    def edited(known: list[NewClass]) -> list[NewClass]:
        chosen = {named_class(known, name).name for name in names}
        return [_edited(each, edit) if each.name in chosen else each for each in known]

    return _change(workspace, project_id, edited, names, edit.templates or TEMPLATES)


def planned_classes(stored: Sequence[ClassLabel], edits: Mapping[ClassId, Edit]) -> list[ClassLabel]:
    """The classes as `change_classes` would store them; nothing is stored.

    Raises:
        InvalidInputError: what is given cannot be used, or two classes would look alike.
        NotFoundError: there is no such class.
    """
    if gone := [one for one in edits if one not in {label.id for label in stored}]:
        raise NotFoundError(f"there is no class with the id {gone[0]}: somebody removed it meanwhile")
    known = [as_new(label) for label in stored]
    wanted = []
    for label, old in zip(stored, known, strict=True):
        edit = edits.get(label.id, Edit())
        if edit.name is not None and edit.name != old.name:
            name = clean_name("a class name", edit.name)
            wanted.append(_edited(_renamed(old, name, [each for each in known if each is not old]), edit))
        else:
            wanted.append(_edited(old, edit))
    templates = dict.fromkeys(template for edit in edits.values() for template in edit.templates or ())
    completed = complete_classes(wanted, list(templates) or TEMPLATES, as_before=known)
    return [replace(label, **vars(new)) for label, new in zip(stored, completed, strict=True)]


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
        projects.lock(tx, project_id)
        stored = projects.classes(tx, project_id)
        if stored != list(before):
            raise ConflictError("somebody changed the classes meanwhile: look at them as they are now, and try again")
        wanted = planned_classes(stored, edits)
        changed = [new for old, new in zip(stored, wanted, strict=True) if new != old]
        renamed = [new for old, new in zip(stored, wanted, strict=True) if new.name != old.name]
        for each in renamed:  # two may trade their names
            projects.rename_class(tx, each.id, uuid4().hex)
        for each in renamed:
            projects.rename_class(tx, each.id, each.name)
        return _put(tx, project_id, [as_new(each) for each in wanted], [each.name for each in changed])


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


def _put(tx: Transaction, project_id: ProjectId, completed: Sequence[NewClass], names: Sequence[str]) -> ChangedClasses:
    stored = projects.put_classes(tx, project_id, with_keys(completed))
    current = rounds.current(tx, project_id)
    is_open = current is not None and current.state is RoundState.OPEN
    changed = tuple(named_class(stored, name) for name in names)
    return ChangedClasses(tuple(stored), changed, current.number if current is not None and is_open else None)


def named_class(classes: Iterable[Named], name: str) -> Named:
    """The class of that name.

    Raises:
        NotFoundError: there is none; the message offers those that look like it.
    """
    by_name = {each.name: each for each in classes}
    if name in by_name:
        return by_name[name]
    near = [each for each in by_name if likeness(each) == likeness(name)]
    offered = f"choose one of {', '.join(map(quoted, by_name))}" if by_name else "add it first"
    remedy = f"did you mean {quoted(near[0])}?" if near else offered
    raise NotFoundError(f"there is no class {quoted(name)}: {remedy}")


def shown_as(old: NewClass, shown: str, others: Iterable[NewClass]) -> NewClass:
    """The class under another shown name: prompts that a template made follow, others stay as they were written."""
    templates = _templates(others)
    made = {prompt: prompted(shown, [each])[0] for each in templates for prompt in prompted(old.display_name, [each])}
    return replace(old, display_name=shown, prompts=tuple(made.get(prompt, prompt) for prompt in old.prompts))


def _renamed(old: NewClass, name: str, others: Iterable[NewClass]) -> NewClass:
    if old.display_name != default_shown(old.name):
        return replace(old, name=name)
    return replace(shown_as(old, default_shown(name), others), name=name)


def _templates(classes: Iterable[NewClass]) -> set[str]:
    """What may have made the prompts of these classes: the prompts, with a place where the shown name stands."""
    found = {prompt.replace(each.display_name, "{}") for each in classes for prompt in each.prompts}
    return {*TEMPLATES, *(template for template in found if "{}" in template)}


def _edited(label: NewClass, edit: Edit) -> NewClass:
    shown = label.display_name if edit.display_name is None else edit.display_name
    prompts = tuple(edit.prompts) if edit.prompts is not None else label.prompts
    if edit.templates is not None:
        prompts = prompted(shown.strip(), edit.templates)
    return NewClass(label.name, shown, prompts, edit.hot_key or label.hot_key)
