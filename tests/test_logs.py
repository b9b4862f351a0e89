"""Lines of the log: what they are about, in either form, whoever writes them."""

import json
import logging
import sys
from collections.abc import Iterator
from contextvars import copy_context

import pytest

from alflow import logs

NAME = "alflow.of_the_tests"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Commands of other tests, which are processes of their own elsewhere, say what they are about."""
    root, before = logging.getLogger(), list(logging.getLogger().handlers)
    token = logs._ABOUT.set({})
    yield
    logs._ABOUT.reset(token)
    root.handlers = before


def test_a_line_of_json_says_what_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("json")

    def write() -> None:
        logs.about(project=3)
        logs.about(round=2)
        logging.getLogger(NAME).info(
            "a\nb %s", "\x1b[31m\u202e", extra={"person": 7, "seconds": 0.25, "thing": object(), "_of_a_library": 1}
        )

    copy_context().run(write)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.isascii()
    said = json.loads(line)
    assert said.pop("time").endswith("+00:00")
    assert said == {
        "level": "info",
        "logger": NAME,
        "message": "a\nb \x1b[31m\u202e",
        "project": 3,
        "round": 2,
        "person": 7,
        "seconds": 0.25,
    }


def test_what_one_run_is_about_is_not_that_of_another(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("json")
    copy_context().run(logs.about, project=3)
    logging.getLogger(NAME).info("other")
    assert "project" not in json.loads(capsys.readouterr().err)


def test_a_failure_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("json")
    try:
        sys.exit("no")
    except SystemExit:
        logging.getLogger(NAME).exception("failed")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["exception"].startswith("Traceback")


def test_text_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("text")
    logs.set_up("text")
    logging.getLogger(NAME).warning("low", extra={"person": 7})
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(f" WARNING {NAME}: low (person 7)")


def test_others_write_through_it_once_they_are_adopted(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("json")
    other = logging.getLogger("a_library_of_the_tests")
    other.addHandler(logging.StreamHandler())
    bare = logging.getLogger("a_library_of_the_tests.that_lost_its_handler")  # as those of uvicorn below Streamlit
    other.propagate = bare.propagate = False
    logs.adopt()
    for logger in (other, bare):
        logger.warning("careful")
        assert json.loads(capsys.readouterr().err)["message"] == "careful"


def test_prefect_gets_the_same_form() -> None:
    assert logs.prefect_environment("text") == {}
    assert set(logs.prefect_environment("json").values()) == {"alflow.logs.Json", "json"}
