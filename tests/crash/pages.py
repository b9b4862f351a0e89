"""The pages, killed again and again while two people answer; their browsers send again what nobody acknowledged."""

import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from typing import Any, Final, TypeVar

from alflow.domain.rounds import RoundState
from alflow.store.desk import labels
from alflow.store.projects import projects
from alflow.store.rounds import candidates, rounds
from alflow.workflow.answers.audit import check_history
from alflow.workflow.projects.projects import find_project
from alflow.workspace import Workspace
from tests import forks, web
from tests.crash.moments import Deadly, watch
from tests.crash.steps import Place

T = TypeVar("T")

PEOPLE: Final = ("Ada", "Bob")
_AHEAD: Final = 2
_PAUSE: Final = 0.05
_PATIENCE: Final = 60.0


def serve(place: Place, port: int, at: int | None) -> None:
    """Serve the pages of a place until stopped, or killed before the change of that number."""
    from alflow.ui import server

    log = os.open(place.folder / "pages.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    watch(place.folder, Deadly(at))
    server.main(place.settings.model_copy(update={"port": port, "sign_in_token": web.TOKEN}))


def answered_while_killed(place: Place, lives: Sequence[int]) -> tuple[set[str], str]:
    """Two people empty the queue while the server dies before a change of each number, and is started again.

    Returns the tokens that were acknowledged, and what is wrong with what is stored; nothing if that is empty.
    """
    port = web.free_port()
    with ThreadPoolExecutor(len(PEOPLE)) as threads:
        people = [threads.submit(_answer_all, f"http://127.0.0.1:{port}", name, place) for name in PEOPLE]
        for at in (*lives, None):
            process = forks.process(serve, place, port, at)
            process.start()
            while process.is_alive() and not all(one.done() for one in people):
                process.join(_PAUSE)
            if all(one.done() for one in people):
                break
            assert process.exitcode == -signal.SIGKILL, (place.folder / "pages.log").read_text()
        process.kill()
        process.join()
        told = {token for one in people for token in one.result()}
    return told, _wrong(place)


def _answer_all(url: str, name: str, place: Place) -> set[str]:
    """As a browser does: answer two images, send until that is acknowledged; returns the tokens that were."""
    workspace = Workspace.open(place.settings)
    project = find_project(workspace, "colours")
    with workspace.database.read() as tx:
        class_id = projects.classes(tx, project.id)[0].id
    workspace.database.close()
    cookie, address = _until_it_answers(lambda: web.sign_in(url, name)), f"{url}/desk/{project.id}/sync"
    told: set[str] = set()
    events: list[dict[str, Any]] = []
    while True:
        body = json.dumps({"events": events}).encode()
        status, text = _until_it_answers(lambda: web.http(address, cookie=cookie, method="POST", body=body))  # noqa: B023
        assert status == 200, text
        reply = json.loads(text)
        for one in reply["acknowledgements"]:
            assert one["stored"], one
            told.add(one["key"])
        events = [_event(entry["candidate_id"], class_id) for entry in reply["queue"][:_AHEAD]]
        if not events:  # the other holds the last ones, or all are answered
            if reply["round"]["answered"] == reply["round"]["total"]:
                return told
            time.sleep(_PAUSE)


def _event(candidate_id: int, class_id: int) -> dict[str, Any]:
    token = f"answer {candidate_id}"
    answer = {"token": token, "candidate_id": candidate_id, "verdict": "class", "class_id": class_id, "seconds": 1.5}
    return {"kind": "answer", "key": token, "shown": {}, **answer}


def _until_it_answers(ask: Callable[[], T]) -> T:
    """Ask again and again while nobody listens, or the connection breaks."""
    latest = time.monotonic() + _PATIENCE
    while True:
        try:
            return ask()
        except (OSError, HTTPException):
            if time.monotonic() > latest:
                raise
            time.sleep(_PAUSE)


def _wrong(place: Place) -> str:
    """What is not as it should be when everything is answered once."""
    workspace = Workspace.open(place.settings)
    try:
        project = find_project(workspace, "colours")
        with workspace.database.read() as tx:
            (round_,) = rounds.all_(tx, project.id)
            asked = {candidate.id for candidate in candidates.of_round(tx, round_.id)}
            answers = [label.candidate_id for label in labels.of_round(tx, round_.id)]
        wrong = check_history(workspace, project.id)
        if sorted(asked) != sorted(answers):
            wrong.append("an image was answered twice, or not at all")
        if round_.state is not RoundState.LABELLED:
            wrong.append(f"the round is {round_.state}")
        return "; ".join(wrong)
    finally:
        workspace.database.close()
