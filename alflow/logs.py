"""Log lines on stderr, as text or as JSON, with the numbers of the project, round and person that they are about.

A line has numbers and names of routes and commands; who writes one puts no name of a person or an image into it.
"""

import json
import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, Literal, TextIO

LogFormat = Literal["text", "json"]

_ABOUT: Final[ContextVar[Mapping[str, int]]] = ContextVar("_ABOUT", default=MappingProxyType({}))
_OF_EVERY_LINE: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


def about(**numbers: int) -> None:
    """What the rest of this run, or of this request, is about: `project=3`, `round=2`."""
    _ABOUT.set({**_ABOUT.get(), **numbers})


def set_up(form: LogFormat, level: int = logging.INFO) -> None:
    """Let all lines of this process go to stderr in one form: ours from that level on, others' from a warning on."""
    handler = _Stderr()
    handler.setFormatter(Json() if form == "json" else Text())
    root = logging.getLogger()
    root.handlers = [*(one for one in root.handlers if not isinstance(one, _Stderr)), handler]
    logging.getLogger("alflow").setLevel(level)


def as_json() -> bool:
    """Whether `set_up` has made JSON the form of this process."""
    return any(isinstance(one.formatter, Json) for one in logging.getLogger().handlers)


def adopt() -> None:
    """Let the loggers of libraries that write to the terminal themselves do so through the one that `set_up` made.

    One without a handler that hands nothing on would write there too, by Python's last resort.
    """
    loggers = [one for one in logging.root.manager.loggerDict.values() if isinstance(one, logging.Logger)]
    for logger in loggers:
        others = [one for one in logger.handlers if type(one) is not logging.StreamHandler]
        if others != logger.handlers or not others:
            logger.handlers, logger.propagate = others, True


def prefect_environment(form: LogFormat) -> dict[str, str]:
    """The variables that make Prefect write its lines, and those of flows, in this form."""
    if form == "text":
        return {}
    made = f"{Json.__module__}.{Json.__qualname__}"
    return {"PREFECT_LOGGING_FORMATTERS_JSON_CLASS": made, "PREFECT_LOGGING_HANDLERS_CONSOLE_FORMATTER": "json"}


class Json(logging.Formatter):
    """A JSON object for each line: time, level, logger, message, what it is about, and what else the line was given."""

    def __init__(self, *_: object) -> None:
        super().__init__()  # Prefect's configuration names a format, of which there is one

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_more(record),
        }
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said)


class Text(logging.Formatter):
    """The same for people: `2026-01-02 10:11:12 WARNING alflow.x: message (project 1, round 2)`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the library's name)
        """The line without a traceback."""
        more = ", ".join(f"{name} {value}" for name, value in _more(record).items())
        return super().formatMessage(record) + (f" ({more})" if more else "")


class _Stderr(logging.StreamHandler[TextIO]):
    """Whatever stderr is when a line is written."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _: TextIO) -> None:
        return


def _more(record: logging.LogRecord) -> dict[str, Any]:
    given = {name: value for name, value in vars(record).items() if name not in _OF_EVERY_LINE and name[0] != "_"}
    return {**_ABOUT.get(), **{name: value for name, value in given.items() if isinstance(value, (str, int, float))}}
