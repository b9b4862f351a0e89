"""The one place that reads the environment: every setting of the machine, as against those of a project."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final, Literal, get_args
from urllib.parse import urlsplit

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import Field, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from alflow.errors import InvalidInputError
from alflow.logs import LogFormat
from alflow.text import quoted

_FILE: Final = Path(".env")
_SECRETS: Final = frozenset({"database_url", "artifacts_url", "sign_in_token", "metrics_token", "oidc_client_secret"})
_HIDDEN: Final = frozenset({"sign_in_token", "metrics_token", "oidc_client_secret"})
_CREDENTIALS: Final = re.compile(r"(?<=://).*@")  # to the last @, since passwords may hold others
_IN_QUERY: Final = re.compile(r"(?i)([?&;][^=&;]*(?:pass|secret|token|key|sig)[^=&;]*)=[^&;#]*")
_OF_TESTS: Final = {
    f"alflow_{name}" for name in ("reference", "packs", "screenshots", "test_figures", "test_postgres_url")
}
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f]")
_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]+:/")  # of which a path has lost a slash
_SHORTEST_TOKEN: Final = 16
_PUBLIC: Final = re.compile(r"(?i)https?://[^/?#@\s]+(/(?!\.+(/|$))[a-z0-9._~-]+)*/?")


@dataclass(frozen=True)
class InForce:
    """A setting as it is in force.

    Attributes:
        name: of its variable.
        value: in words; of a secret, no more than that there is one.
        source: "environment", the file, or "default".
    """

    name: str
    value: str
    source: str


class Settings(BaseSettings):
    """Where things are kept and how they run; each field is also the variable ALFLOW_<FIELD>, or a line of `.env`.

    Attributes:
        home: folder of everything alflow writes by default.
        database_url: SQLAlchemy URL; SQLite in `home` by default, postgresql+psycopg://... for teams.
        artifacts_url: fsspec URL or folder of tensors and renditions; inside `home` by default.
        device: torch device of the encoder and the fit.
        batch_size: images a forward pass.
        host, port: where the UI listens; anything but loopback needs accounts or an identity provider.
        public_url: the address people open, where a proxy stands before the UI: `https://example.org/alflow` where the
            pages are in a folder of a host, passed on or stripped; https there makes cookies Secure.
        trusted_proxies: addresses and networks, with commas between, of the proxies that are believed whose requests
            they pass on.
        prefect_port: where `alflow up` keeps its Prefect server.
        schedule_seconds: how often the schedule looks what is due, in the database alone.
        net_seconds: how often all projects are advanced, due or not: the net beneath the schedule.
        work_pool: of Prefect, whose workers run the flows; without one, `alflow up` runs them.
        task_runner, task_runner_address: where flows have shards embedded and scored: `thread` of their own process, or
            `ray` or `dask` (extras of that name) with the address of a cluster, such as ray://head:10001; without one
            it is started on this machine while there is work.
        tasks_at_once: shards in work at once, which bounds memory.
        task_gpus: GPUs that a task asks of Ray; parts of one, too.
        sign_in_token: secret of the sign-in link; `alflow up` makes one and hands it to the UI.
        session_days, session_idle_hours: how long a sign-in lasts at most, and how long without being used.
        log_format: of the lines on stderr and in `logs/`: text for people, or json with one object a line.
        connections, connections_per_address: how many may be open to the UI, in all and from one address; of those of a
            trusted proxy, so many requests at once of each address that it names.
        uploads_gigabytes: how much people may upload into one project in all, by the pages.
        sources: folders, and beginnings of addresses such as s3://bucket/birds, with commas between, that pages may
            name to take images from or to watch; without one, only the command line names what is on the machine.
        metrics_token: what a monitor shows to read `/metrics`, 16 characters at least; without it that is closed.
        messages_inside: whether messages may go to this machine and its network too, such as to a mail server.
        oidc_client_id, oidc_client_secret, oidc_metadata_url: sign-in by an OpenID Connect provider (extra `oidc`).
    """

    model_config = SettingsConfigDict(env_prefix="ALFLOW_", env_file=_FILE, env_ignore_empty=True, extra="ignore")

    home: Path = Path(".alflow")
    database_url: str = ""
    artifacts_url: str = ""
    device: str = "cpu"
    batch_size: int = Field(default=64, ge=1, le=65_536)
    host: str = "127.0.0.1"
    port: int = Field(default=8501, ge=1, le=65_535)
    public_url: str = ""
    trusted_proxies: str = ""
    prefect_port: int = Field(default=4200, ge=1, le=65_535)
    schedule_seconds: float = Field(default=2.0, gt=0, le=86_400, allow_inf_nan=False)
    net_seconds: float = Field(default=900.0, gt=0, le=86_400, allow_inf_nan=False)
    work_pool: str = ""
    task_runner: Literal["thread", "ray", "dask"] = "thread"
    task_runner_address: str = ""
    tasks_at_once: int = Field(default=2, ge=1, le=65_536)
    task_gpus: float = Field(default=0.0, ge=0, le=64, allow_inf_nan=False)
    sign_in_token: str = ""
    session_days: float = Field(default=7.0, gt=0, le=365, allow_inf_nan=False)
    session_idle_hours: float = Field(default=12.0, gt=0, le=8_760, allow_inf_nan=False)
    log_format: LogFormat = "text"
    connections: int = Field(default=800, ge=10, le=100_000)
    connections_per_address: int = Field(default=200, ge=1, le=100_000)
    uploads_gigabytes: float = Field(default=100.0, gt=0, le=1_000_000, allow_inf_nan=False)
    sources: str = ""
    metrics_token: str = ""
    messages_inside: bool = False
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_metadata_url: str = ""

    def __init__(self, **values: Any) -> None:
        """Read the environment and `.env`; what is given here goes before both.

        Raises:
            InvalidInputError: a setting cannot be used, or `.env` cannot be read; the message names it, but no secret.
        """
        try:
            _check_file(_FILE)
            super().__init__(**values)
        except ValidationError as error:
            raise InvalidInputError("; ".join(map(_told, error.errors()))) from None
        except (OSError, UnicodeError) as error:
            raise InvalidInputError(f"the settings file {_FILE.resolve()} cannot be read: {error}") from error

    @field_validator("*")
    @classmethod
    def _is_seen(cls, value: Any) -> Any:
        if isinstance(value, str | Path) and (text := str(value)) and (text.isspace() or _UNSEEN.search(text)):
            raise ValueError("it has nothing that can be seen, or characters that control a terminal")
        return value

    @field_validator("home")
    @classmethod
    def _is_folder(cls, value: Path) -> Path:
        if _ADDRESS.match(str(value)):
            raise ValueError("it needs a folder of this machine; artifacts may be elsewhere, by ALFLOW_ARTIFACTS_URL")
        try:
            return value.expanduser()  # `~` of a file `.env` has met no shell
        except RuntimeError as error:
            raise ValueError("nobody of that name has a home here") from error

    @field_validator("public_url")
    @classmethod
    def _is_whole(cls, value: str) -> str:
        if value and not (_PUBLIC.fullmatch(value) and urlsplit(value).hostname):
            raise ValueError(
                "it needs a whole address, such as https://label.example.org or https://example.org/alflow"
            )
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for each in _listed(value):
            try:
                ip_network(each, strict=False)
            except ValueError as error:
                raise ValueError(f"{quoted(each)} is not an address or a network such as 10.0.0.0/8") from error
        return value

    @field_validator("metrics_token")
    @classmethod
    def _is_long(cls, value: str) -> str:
        if value and len(value) < _SHORTEST_TOKEN:
            raise ValueError(f"it needs {_SHORTEST_TOKEN} characters at least, drawn by chance")
        return value

    @property
    def proxies(self) -> list[str]:
        """The trusted proxies, one by one."""
        return _listed(self.trusted_proxies)

    @property
    def shown_sources(self) -> list[str]:
        """The folders and beginnings of addresses that pages may name, one by one."""
        return _listed(self.sources)

    @property
    def uploads(self) -> Path:
        """The folder of what people upload; others may not enter it."""
        return self.home.resolve() / "uploads"

    @property
    def database(self) -> str:
        """The database URL, with the default filled in."""
        return self.database_url or f"sqlite:///{self.home.resolve() / 'alflow.db'}"

    @property
    def artifacts(self) -> str:
        """The artifact root, with the default filled in."""
        return self.artifacts_url or str(self.home.resolve() / "artifacts")

    @property
    def prefix(self) -> str:
        """The folder of the host that the pages are in, such as `/alflow`; empty where the host is all theirs."""
        return urlsplit(self.public_url).path.rstrip("/")

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the UI."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def address(self) -> str:
        """Where people open the UI, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url.rstrip("/") or f"http://{host}:{self.port}"

    def in_force(self) -> list[InForce]:
        """Every setting with where it comes from; secrets, and those in addresses, are hidden."""
        of_file, of_system = _given(dotenv_values(_FILE)), _given(os.environ)
        filled = {"database_url": self.database, "artifacts_url": self.artifacts, "home": str(self.home.resolve())}
        rows = []
        for name in type(self).model_fields:
            variable = f"alflow_{name}"
            default = "default" if name in filled or getattr(self, name) != "" else "not set"
            source = str(_FILE.resolve()) if variable in of_file else default
            source = "environment" if variable in of_system else source
            value = filled.get(name, str(getattr(self, name)))
            rows.append(InForce(variable.upper(), _shown(name, value), source))
        return rows

    def strange(self) -> list[str]:
        """The variables that begin like settings and are none: a name that was mistyped sets nothing."""
        known = {f"alflow_{name}" for name in type(self).model_fields} | _OF_TESTS
        found = _given(dotenv_values(_FILE)) | _given(os.environ)
        return sorted(one.upper() for one in found if one.startswith("alflow_") and one not in known)

    def as_environment(self) -> dict[str, str]:
        """The variables that make these very settings in another process, wherever it runs."""
        values = self.model_copy(update={"home": self.home.resolve()}).model_dump(mode="json")
        return {f"ALFLOW_{name.upper()}": str(value) for name, value in values.items()}


def _shown(name: str, value: str) -> str:
    """The value, without what is for nobody's eyes."""
    if name in _HIDDEN:
        return "hidden" if value else ""
    return _IN_QUERY.sub(r"\1=hidden", _CREDENTIALS.sub("hidden@", value))


def _given(variables: Mapping[str, str | None]) -> dict[str, str]:
    return {name.lower(): value for name, value in variables.items() if value}


def _listed(value: str) -> list[str]:
    return [each.strip() for each in value.split(",") if each.strip()]


def _check_file(path: Path) -> None:
    """A line that is no setting would be passed over.

    Raises:
        InvalidInputError: there is one.
    """
    if path.is_file():
        with path.open(encoding="utf-8") as file:
            wrong = [binding.original.line for binding in parse_stream(file) if binding.error]
        if wrong:
            raise InvalidInputError(f"line {wrong[0]} of {path.resolve()} cannot be read: write NAME=value")


def _told(error: ErrorDetails) -> str:
    name = str(error["loc"][0])
    value = "what it is" if name in _SECRETS else quoted(str(error["input"]))
    return f"ALFLOW_{name.upper()} cannot be {value}: {_needed(name) or error['msg'].removeprefix('Value error, ')}"


def _needed(name: str) -> str:
    field = Settings.model_fields[name]
    limits = {kind: getattr(one, kind) for one in field.metadata for kind in ("ge", "gt", "le") if hasattr(one, kind)}
    if not limits:
        words = ["true", "false"] if field.annotation is bool else get_args(field.annotation)
        return f"it needs one of {', '.join(words)}" if words else ""
    least = f"{limits['ge']:,}" if "ge" in limits else f"more than {limits['gt']:,}"
    return f"it needs a {'whole ' if field.annotation is int else ''}number, {least} to {limits['le']:,}"
