"""The client against a running application: a round labelled wholly by a program."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from alflow.accounts import OPERATOR, Role, Scope
from alflow.client import Client
from alflow.domain.projects import Project
from alflow.errors import ConflictError, DeniedError, InvalidInputError, NotFoundError, UnavailableError
from alflow.settings import Settings
from alflow.workflow.answers.audit import check_history
from alflow.workflow.images.embed import embed_missing
from alflow.workflow.people import accounts as people
from alflow.workflow.people.tokens import make_token
from alflow.workflow.rounds.advance import advance
from alflow.workflow.rounds.review import round_summaries
from alflow.workspace import Workspace
from tests.colours import colour_project
from tests.web import Server, free_port

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Running:
    """An application with a project in its first round."""

    workspace: Workspace
    project: Project
    server: Server

    def client(self, role: Role, scope: Scope, **more: float) -> Client:
        name = f"robot {len(people.list_accounts(self.workspace))}"
        account = people.add_account(self.workspace, name, email=f"{name.replace(' ', '.')}@example.org")
        people.set_role(self.workspace, self.project.id, account.annotator_id, role, by=OPERATOR)
        _, secret = make_token(self.workspace, self.project.id, account.annotator_id, "tests", scope)
        return Client(self.server.url, secret, **more)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("api")
    workspace = Workspace.open(Settings(home=home))
    project = colour_project(workspace, home, "birds")
    embed_missing(workspace, project)
    advance(workspace, project.id)
    with Server(home, free_port(), {"LOG_FORMAT": "json"}) as server:
        yield Running(workspace, project, server)
    workspace.database.close()


def test_a_round_is_labelled_wholly_by_a_program(running: Running) -> None:
    birds = running.client(Role.REVIEWER, Scope.LABEL)
    assert birds.classes() == ["red", "blue"]
    truth = {each["item_id"]: each["uri"].split("/")[-2] for each in birds.images("pool")}
    keys = []
    while queue := [each for each in birds.lease(10) if not each.is_extra]:
        for image in queue:
            assert birds.pixels(image).startswith(b"\xff\xd8\xff")
            keys.append(birds.answer(image, truth[image.item_id], seconds=0.5))
    assert birds.rounds()[0]["state"] == "labelled"
    advance(running.workspace, running.project.id)  # as the schedule does
    assert birds.rounds()[0]["state"] == "closed"
    assert [each["settled"] for each in birds.candidates(1)] == [truth[each["item_id"]] for each in birds.candidates(1)]
    assert (
        len(list(birds.labels(withdrawn=False)))
        == len(keys)
        == round_summaries(running.workspace, running.project.id)[0].total
    )
    predictions = list(birds.predictions())
    assert len(predictions) == 36
    assert all(sum(each.probabilities.values()) == pytest.approx(1, abs=1e-5) for each in predictions)
    assert all(each.total == pytest.approx(each.aleatoric + each.epistemic, abs=1e-5) for each in predictions)
    right = [each.predicted == truth[each.item_id] for each in birds.predictions(list(truth))]
    assert (len(right), all(right)) == (12, True)
    assert birds.standing()["settled"] == 4
    assert check_history(running.workspace, running.project.id) == []
    with pytest.raises(ConflictError, match="its model has learned"):
        birds.undo(keys[0])


def test_the_log_holds_no_token(running: Running) -> None:
    robot = running.client(Role.REVIEWER, Scope.READ)
    robot.project()
    with pytest.raises(NotFoundError):
        robot.history(999)
    log = (running.server.home / "ui.log").read_text()
    assert "/api/v1/projects/{project:int}" in log
    assert "alflow_" not in log


def test_errors_say_what_to_do(running: Running) -> None:
    reader = running.client(Role.ANNOTATOR, Scope.READ)
    assert "token" not in repr(reader).lower().replace(running.server.url, "")
    for ask, error, words in (
        (reader.rounds, DeniedError, "needs the role reviewer"),
        (reader.lease, DeniedError, "the scope of this token, read, does not allow this"),
        (Client(running.server.url, "nonsense").project, DeniedError, "no token"),
        (lambda: Client("label.example.org", "x"), InvalidInputError, "write https://HOST"),
        (lambda: reader.pixels(999), NotFoundError, "999"),
        (Client(f"http://127.0.0.1:{free_port()}", "x", patience=0.1).project, UnavailableError, "cannot be reached"),
    ):
        with pytest.raises(error, match=words):
            ask()


def test_more_images_than_a_request_takes_go_in_several(running: Running) -> None:
    robot = running.client(Role.ENGINEER, Scope.MANAGE)
    many = [f"file:///nowhere/{number}.png" for number in range(1_001)]  # of which none is of the web
    told = robot.import_images(many)
    assert (told["added"], told["known"]) == (0, 0)
    named = [f"row {number}, {one}" for number, one in enumerate(many, 1)]
    assert [each["uri"] for each in told["rejected"]] == named
    with pytest.raises(InvalidInputError, match=r"all or none of 1,001 images.*send 1,000 images and 3\.5 MB at most"):
        robot.import_images(many, strict=True)
    long = [{"uri": one, "caption": "\u00e9" * 1_000} for one in many[:700]]  # 4.2 MB as JSON
    assert [each["uri"] for each in robot.import_images(long)["rejected"]] == named[:700]
    with pytest.raises(InvalidInputError, match=r"body\.rows"):
        robot.import_images([])


def test_an_answer_survives_a_server_that_is_killed(running: Running) -> None:
    advance(running.workspace, running.project.id)
    robot = running.client(Role.ANNOTATOR, Scope.LABEL)
    image = robot.lease()[0]
    running.server.kill()
    starter = Thread(target=running.server.start)
    starter.start()
    key = robot.answer(image, "red")
    starter.join()
    assert robot.answer(image, "red", key=key) == key
    robot.undo(key)


def test_a_redirect_takes_no_token_along() -> None:
    asked = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers.get("Authorization")))
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/stolen")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        with suppress(InvalidInputError):
            Client(f"http://127.0.0.1:{server.server_port}", "secret").project()
        server.shutdown()
    assert [path for path, _ in asked] == ["/api/v1/projects"]
