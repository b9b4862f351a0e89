"""`Dockerfile` and `compose.yaml`, read: what the containers run, with which variables, in which order."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[1]
OURS: Final = "alflow"
"""The image that is built here; the others are of PostgreSQL and of the proxy."""


@dataclass(frozen=True)
class Image:
    """The last stage of the Dockerfile."""

    entrypoint: list[str]
    command: list[str]
    health: list[str]
    user: str
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Container:
    """A service of ours.

    Attributes:
        after: what is started before it, and what is waited for then.
        asked_for: it runs when somebody asks for it, not with the others.
    """

    name: str
    command: list[str]
    environment: dict[str, str]
    health: list[str]
    after: dict[str, str]
    asked_for: bool


def image() -> Image:
    """What the image says of itself."""
    told: dict[str, str] = {}
    for line in (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        told = {} if word == "FROM" else told | {word: f"{told.get(word, '')} {rest}".strip()}
    environment = dict(each.split("=", 1) for each in told["ENV"].split())
    health = json.loads(told["HEALTHCHECK"].partition(" CMD ")[2])
    return Image(json.loads(told["ENTRYPOINT"]), json.loads(told["CMD"]), health, told["USER"], environment)


def compose(variables: Mapping[str, str]) -> dict[str, Any]:
    """The file, with the variables of `.env` filled in as Compose does; KeyError for one that must be there."""

    def value(found: re.Match[str]) -> str:
        name, kind, default = found[1], found[2], found[3]
        return variables[name] if kind in {None, ":?"} else variables.get(name) or default

    text = re.sub(r"\$\{(\w+)(?:(:[?-])([^}]*))?\}", value, (ROOT / "compose.yaml").read_text())
    read: dict[str, Any] = yaml.safe_load(text)
    return read


def containers(file: Mapping[str, Any]) -> Iterator[Container]:
    """Services of our image, each after those that it waits for."""
    ours = {name: service for name, service in file["services"].items() if service["image"] == OURS}
    given: set[str] = set(file["services"]) - set(ours)
    while left := [name for name in ours if name not in given]:
        name = next(each for each in left if set(ours[each].get("depends_on", {})) <= given)
        given.add(name)
        yield _container(name, ours[name])


def _container(name: str, service: Mapping[str, Any]) -> Container:
    made = image()
    health = service.get("healthcheck", {})
    tests = [] if health.get("disable") else [str(each) for each in health.get("test", ["CMD", *made.health])[1:]]
    return Container(
        name,
        [*service.get("entrypoint", made.entrypoint), *service.get("command", made.command)],
        made.environment | service["environment"],
        tests,
        {other: wait["condition"] for other, wait in service.get("depends_on", {}).items()},
        "profiles" in service,
    )
