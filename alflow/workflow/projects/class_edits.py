"""What edits make of classes, before anything is stored: names, shown names and prompts that follow each other."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from alflow.domain.projects import ClassLabel, NewClass
from alflow.errors import NotFoundError
from alflow.ids import ClassId
from alflow.text import clean_name, likeness, quoted
from alflow.workflow.projects.naming import TEMPLATES, complete_classes, default_shown, prompted
from alflow.workflow.projects.projects import as_new

Named = TypeVar("Named", ClassLabel, NewClass)


@dataclass(frozen=True)
class Edit:
    """What to change of a class; None leaves it.

    Attributes:
        display_name: what people see.
        prompts: what the text tower reads.
        templates: make the prompts instead, of the shown name.
        hot_key: the key that answers it.
        name: what it is called in files; the shown name and prompts follow as in `rename_class`.
        group: what heads it in lists; empty for none.
    """

    display_name: str | None = None
    prompts: Sequence[str] | None = None
    templates: Sequence[str] | None = None
    hot_key: str | None = None
    name: str | None = None
    group: str | None = None


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
            wanted.append(edited(renamed(old, name, [each for each in known if each is not old]), edit))
        else:
            wanted.append(edited(old, edit))
    templates = dict.fromkeys(template for edit in edits.values() for template in edit.templates or ())
    completed = complete_classes(wanted, list(templates) or TEMPLATES, as_before=known)
    return [replace(label, **vars(new)) for label, new in zip(stored, completed, strict=True)]


def followed(old: NewClass, new: NewClass, known: Iterable[NewClass]) -> NewClass:
    """What a row makes of a class: what follows from a new name or shown name, unless the row says it itself."""
    others = [each for each in known if each is not old]
    prompts_left = new.prompts in {(), old.prompts}
    name = clean_name("a class name", new.name)
    if name != old.name and new.display_name in {"", old.display_name}:
        found = renamed(old, name, others)
    else:
        shown = new.display_name.strip() or default_shown(name)
        found = replace(shown_as(old, shown, others) if shown != old.display_name else old, name=name)
    return replace(found if prompts_left else replace(found, prompts=new.prompts), hot_key=new.hot_key, group=new.group)


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


def renamed(old: NewClass, name: str, others: Iterable[NewClass]) -> NewClass:
    """The class under another name: a shown name that came from the old one follows, and so do its prompts."""
    if old.display_name != default_shown(old.name):
        return replace(old, name=name)
    return replace(shown_as(old, default_shown(name), others), name=name)


def edited(label: NewClass, edit: Edit) -> NewClass:
    """The class with shown name, prompts, key and group as the edit says; its name stays."""
    shown = label.display_name if edit.display_name is None else edit.display_name
    prompts = tuple(edit.prompts) if edit.prompts is not None else label.prompts
    if edit.templates is not None:
        prompts = prompted(shown.strip(), edit.templates)
    group = label.group if edit.group is None else edit.group
    return NewClass(label.name, shown, prompts, edit.hot_key or label.hot_key, group)


def _templates(classes: Iterable[NewClass]) -> set[str]:
    """What may have made the prompts of these classes: the prompts, with a place where the shown name stands."""
    found = {prompt.replace(each.display_name, "{}") for each in classes for prompt in each.prompts}
    return {*TEMPLATES, *(template for template in found if "{}" in template)}
