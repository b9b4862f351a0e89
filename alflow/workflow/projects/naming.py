"""Names, shown names and prompts of classes: completed, and checked so that no two look alike."""

import html
import re
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import replace
from itertools import combinations
from string import ascii_lowercase, digits
from typing import Final

from alflow.domain.projects import NewClass
from alflow.errors import InvalidInputError
from alflow.text import LONGEST_NAME, clean_name, clean_text, likeness, quoted

TEMPLATES: Final = ("a photo of a {}",)
"""Prompts of a class that has none of its own; {} stands for its shown name."""

LONGEST_PROMPT: Final = 1_000
MOST_PROMPTS: Final = 1_000
MOST_CLASSES: Final = 50_000

HOT_KEYS: Final = "123456789" + ascii_lowercase
"""Given out in this order to classes without a key."""

_SEEN_WORDS: Final = 75  # a text tower reads 77 tokens at most, with one at each end; no word is less than a token


def complete_classes(
    classes: Sequence[NewClass], templates: Sequence[str] = TEMPLATES, as_before: Collection[NewClass] = ()
) -> list[NewClass]:
    """Check classes, and fill in shown names and prompts that were left empty; hot keys are given when stored.

    Args:
        classes: all of a project.
        templates: make the prompts of those without any.
        as_before: classes that the project has already; an older alflow may have accepted them.

    Raises:
        InvalidInputError: a name, shown name, prompt, template or key cannot be used, or two classes are alike.
    """
    if len(classes) > MOST_CLASSES:
        raise InvalidInputError(f"a project may have {MOST_CLASSES:,} classes: these are {len(classes):,}")
    templates = [_template(each) for each in templates]
    completed = [label if label in as_before else _complete(label, templates) for label in classes]
    _refuse_doubles("name", [label.name for label in completed])
    _refuse_doubles("hot key", [label.hot_key for label in completed if label.hot_key])
    for by, remedy in _ALIKE:
        _refuse_alike(completed, as_before, by, remedy)
    return completed


def with_keys(classes: Sequence[NewClass]) -> list[NewClass]:
    """Give the next free key to each class without one, as long as keys are left."""
    taken = {label.hot_key for label in classes}
    free = (key for key in HOT_KEYS if key not in taken)
    return [replace(label, hot_key=label.hot_key or next(free, None)) for label in classes]


def default_shown(name: str) -> str:
    """`traffic_light` is shown as `traffic light`."""
    return re.sub(r"[_\s]+", " ", name).strip() or name


def prompted(shown: str, templates: Sequence[str]) -> tuple[str, ...]:
    """The prompts that templates make of a shown name."""
    return tuple(template.replace("{}", shown) for template in templates)


def _complete(label: NewClass, templates: Sequence[str]) -> NewClass:
    if not label.name.strip():
        raise InvalidInputError("a class has no name")
    name = clean_name("a class name", label.name)
    shown = clean_name(f"the shown name of {quoted(name)}", label.display_name.strip() or default_shown(name))
    prompts = label.prompts or prompted(shown, templates)
    group = " ".join(clean_text(f"the group of {quoted(name)}", label.group, LONGEST_NAME).split())
    return NewClass(name, shown, _checked_prompts(name, prompts), _checked_key(name, label.hot_key), group)


def _checked_prompts(name: str, prompts: Sequence[str]) -> tuple[str, ...]:
    if len(prompts) > MOST_PROMPTS:
        raise InvalidInputError(f"the class {quoted(name)} has {len(prompts):,} prompts: {MOST_PROMPTS:,} at most")
    cleaned = tuple(clean_text(f"a prompt of {quoted(name)}", each, LONGEST_PROMPT) for each in prompts)
    if not all(cleaned):
        raise InvalidInputError(f"the class {quoted(name)} has an empty prompt")
    if len(set(cleaned)) < len(cleaned):
        raise InvalidInputError(f"the class {quoted(name)} has the same prompt twice")
    return cleaned


def _checked_key(name: str, key: str | None) -> str | None:
    if key and key not in [*digits, *ascii_lowercase]:
        raise InvalidInputError(f"the hot key of {quoted(name)} is {quoted(key)}: it must be a digit or a letter a-z")
    return key or None


def _template(template: str) -> str:
    if "{}" not in template:
        raise InvalidInputError(f"the prompt template {quoted(template)} needs a {{}} where the class name goes")
    return clean_text("a prompt template", template, LONGEST_PROMPT)


def _refuse_doubles(what: str, values: Sequence[str]) -> None:
    if doubles := sorted(value for value, count in Counter(values).items() if count > 1):
        raise InvalidInputError(f"two classes have the {what} {', '.join(map(quoted, doubles))}: give each its own")


def _refuse_alike(
    classes: Sequence[NewClass], as_before: Collection[NewClass], by: Callable[[NewClass], Hashable], remedy: str
) -> None:
    groups: dict[Hashable, list[NewClass]] = {}
    for label in classes:
        groups.setdefault(by(label), []).append(label)
    for one, other in ((one, other) for group in groups.values() for one, other in combinations(group, 2)):
        if one not in as_before or other not in as_before:
            raise InvalidInputError(f"the classes {quoted(one.name)} and {quoted(other.name)} {remedy}")


def _read(label: NewClass) -> Hashable:
    """What a text tower distinguishes in the prompts: neither capitals nor HTML escapes, nor an end that is cut."""
    texts = [html.unescape(html.unescape(prompt)).casefold().split()[:_SEEN_WORDS] for prompt in label.prompts]
    return tuple(sorted(" ".join(words) for words in texts))


_ALIKE: Final[tuple[tuple[Callable[[NewClass], Hashable], str], ...]] = (
    (
        lambda label: likeness(label.name),
        "look alike: people and the model need more than capitals, spaces, `_` or `-` to tell them apart; rename one, "
        "or leave one out",
    ),
    (lambda label: likeness(label.display_name), "are shown alike: give one of them another shown name"),
    (_read, "have the same prompts, so that no image tells them apart: give one of them others"),
)
