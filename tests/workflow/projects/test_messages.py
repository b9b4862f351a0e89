"""Messages to real receivers: told in the transaction of what happens, sent at least once, signed, nothing inward."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from alflow import courier
from alflow.domain.answers import Verdict
from alflow.domain.messages import CHOICES, Channel, Event
from alflow.domain.projects import Project, ProjectState
from alflow.errors import AlflowError, ConflictError, InvalidInputError, StoppedError, UnavailableError
from alflow.flows.messages import Postman
from alflow.store.desk import labels
from alflow.store.projects import channels, troubles
from alflow.ui.door import access
from alflow.workflow.desk import label
from alflow.workflow.images import watching
from alflow.workflow.operating.deleting import belongings, delete_project
from alflow.workflow.projects import sending
from alflow.workflow.projects.channels import MOST, Listed, add_channel, list_channels, remove_channel, try_channel
from alflow.workflow.projects.projects import change_settings, create_project
from alflow.workflow.projects.sending import due_channels, send_waiting
from alflow.workflow.projects.states import change_state
from alflow.workflow.rounds.advance import advance
from alflow.workflow.rounds.due import Lookout
from alflow.workflow.rounds.waiting import keeping_trouble
from alflow.workspace import Workspace
from tests.colours import answer, colour_project
from tests.counted import counted
from tests.printed import blocks
from tests.queues import World, open_queue
from tests.receivers import Receiver, mailbox, receiver

pytestmark = pytest.mark.slow


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
def open_inside(each_workspace: Workspace) -> Workspace:
    """On both databases, where messages may go to this machine."""
    return inside(each_workspace)


def inside(workspace: Workspace) -> Workspace:
    return replace(workspace, settings=workspace.settings.model_copy(update={"messages_inside": True}))


def vote(workspace: Workspace, world: World, number: int, person: int = 0, class_: int = 0) -> str:
    """An answer about the candidate of that rank, in the transaction in which the desk stores it; its token."""
    one = world.candidates[number]
    new = labels.NewLabel(
        project_id=world.project.id,
        item_id=one.item_id,
        candidate_id=one.id,
        round_id=world.round.id,
        annotator_id=world.annotators[person].id,
        verdict=Verdict.CLASS,
        class_id=world.classes[class_].id,
        at=datetime.now(UTC),
        seconds=1.0,
        token=uuid4().hex,
        shown={},
    )
    with workspace.database.begin() as tx:
        label.settle(tx, label.Stored(labels.submit(tx, new), one))
    return new.token


def channel(
    workspace: Workspace, project: Project, address: str, events: Sequence[Event] = tuple(CHOICES), secret: bool = True
) -> Channel:
    """As `add_channel` stores it, without a process that looks at the address."""
    key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" if secret else None
    values = {"address": address, "shown": address, "secret": key, "events": list(events)}
    with workspace.database.begin() as tx:
        return channels.add(tx, None, project_id=project.id, made_at=datetime.now(UTC), **values)


def told(workspace: Workspace) -> list[tuple[str, str]]:
    with workspace.database.read() as tx:
        return [(event, words) for event, words in tx.exec_driver_sql("SELECT event, words FROM message ORDER BY id")]


def later(workspace: Workspace) -> None:
    """As if every pause and every claim were over."""
    with workspace.database.begin() as tx:
        tx.exec_driver_sql("UPDATE channel SET next_at = made_at")


def send_all(workspace: Workspace, project: Project) -> int:
    return sum(send_waiting(workspace, one) for one in due_channels(workspace, [project.id]))


def only(workspace: Workspace, project: Project) -> Listed:
    (found,) = list_channels(workspace, project.id)
    return found


def test_a_webhook_is_told_once_signed_as_the_guide_says(open_inside: Workspace, there: Receiver) -> None:
    world = open_queue(open_inside.database, 2)
    _, secret = add_channel(open_inside, world.project.id, there.url, [Event.QUEUE_EMPTY])
    assert secret is not None
    vote(open_inside, world, 0)
    assert told(open_inside) == []
    vote(open_inside, world, 1)
    assert send_all(open_inside, world.project) == 1
    assert send_all(open_inside, world.project) == 0
    (got,) = there.got
    said = got.said
    assert (said["event"], said["project"], said["round"]) == ("queue_empty", "pets", 1)
    assert said["words"] == "All images of round 1 are answered."
    assert said["link"] == "http://127.0.0.1:8501/rounds?project=pets"
    assert set(said) == {"event", "project", "round", "at", "words", "link", "id"}
    assert said["id"] == got.headers["webhook-id"]
    names: dict[str, Any] = {}
    exec(blocks("alflow/guides/engineer.md", "## Messages", "python")[0], names)
    assert names["is_from_alflow"](secret, got.headers, got.body)
    assert not names["is_from_alflow"](secret, got.headers, got.body + b" ")
    old = {**got.headers, "webhook-timestamp": "1700000000"}
    assert not names["is_from_alflow"](secret, old, got.body)


def test_an_answer_taken_back_and_given_again_is_told_once(open_inside: Workspace, there: Receiver) -> None:
    world = open_queue(open_inside.database, 1)
    channel(open_inside, world.project, there.url)
    token = vote(open_inside, world, 0)
    with open_inside.database.begin() as tx:
        label.take_back(tx, world.project, world.annotators[0].id, token)
    vote(open_inside, world, 0)
    assert [event for event, _ in told(open_inside)] == [Event.QUEUE_EMPTY]


def test_votes_that_differ_are_told_once_in_a_round(each_workspace: Workspace) -> None:
    world = open_queue(each_workspace.database, 3, votes=2, n_annotators=2)
    channel(each_workspace, world.project, "https://example.org/x", [Event.DISPUTE])
    for number, class_ in enumerate((0, 1, 1)):
        vote(each_workspace, world, number)
        vote(each_workspace, world, number, person=1, class_=class_)
        assert len(told(each_workspace)) == (number > 0)
    assert told(each_workspace) == [(Event.DISPUTE, "Votes about an image of round 1 differ.")]


def test_a_failure_that_repeats_is_told_once_until_it_is_over(each_workspace: Workspace) -> None:
    project = create_project(each_workspace, "pets", "demo", "fp32")
    channel(each_workspace, project, "https://example.org/x", [Event.FAILURE])
    for _ in range(2):
        for _ in range(3):
            with pytest.raises(UnavailableError), keeping_trouble(each_workspace, project.id):
                raise UnavailableError("/secret/cat.png cannot be read")
        with keeping_trouble(each_workspace, project.id):
            pass
    found = told(each_workspace)
    assert [event for event, _ in found] == [Event.FAILURE, Event.RECOVERY] * 2
    assert not any("secret" in words for _, words in found)


def test_a_watched_source_that_cannot_be_read_is_told_once_until_it_can(
    each_workspace: Workspace, tmp_path: Path
) -> None:
    project = create_project(each_workspace, "pets", "demo", "fp32")
    (tmp_path / "secret").mkdir()
    made = watching.watch(each_workspace, project, str(tmp_path / "secret"))
    channel(each_workspace, project, "https://example.org/x", [Event.FAILURE])
    watching.look(each_workspace, made)
    assert told(each_workspace) == []
    for _ in range(2):
        (tmp_path / "secret").rename(tmp_path / "away")
        for _ in range(3):
            watching.look(each_workspace, made)
        (tmp_path / "away").rename(tmp_path / "secret")
        for _ in range(2):
            watching.look(each_workspace, made)
    found = told(each_workspace)
    assert [event for event, _ in found] == [Event.FAILURE, Event.RECOVERY] * 2
    assert not any("secret" in words for _, words in found)


def test_the_life_of_a_project_is_told(workspace: Workspace, tmp_path: Path) -> None:
    project = colour_project(workspace, tmp_path, budget=4)
    change_settings(workspace, project.id, replace(project.settings, max_labels=4))
    channel(workspace, project, "https://example.org/x")
    advance(workspace, project.id)
    answer(workspace, project)
    advance(workspace, project.id)
    assert told(workspace) == [
        (Event.ROUND_OPENED, "Round 1 is open: 4 images."),
        (Event.QUEUE_EMPTY, "All images of round 1 are answered."),
        (Event.STOP, "No further round is opened: 4 images are labelled, the limit is 4."),
    ]


def test_what_answers_500_and_then_200_gets_the_same_id_twice(open_inside: Workspace, there: Receiver) -> None:
    world = open_queue(open_inside.database, 1)
    channel(open_inside, world.project, there.url)
    vote(open_inside, world, 0)
    there.statuses = [500, 200]
    assert send_all(open_inside, world.project) == 0
    failing = only(open_inside, world.project)
    assert (failing.trouble, failing.waiting) == ("it answers with status 500", 1)
    assert "the last message did not arrive: it answers with status 500" in failing.words
    assert send_all(open_inside, world.project) == 0  # a pause
    later(open_inside)
    assert send_all(open_inside, world.project) == 1
    first, second = there.got
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    well = only(open_inside, world.project)
    assert (well.trouble, well.waiting, well.sent_at is not None) == (None, 0, True)


def test_pauses_double(workspace: Workspace, there: Receiver) -> None:
    world, waits = open_queue(workspace.database, 1), []
    channel(workspace, world.project, there.url)  # which may not be reached from here
    vote(workspace, world, 0)
    for _ in range(3):
        later(workspace)
        before = datetime.now(UTC)
        assert send_all(workspace, world.project) == 0
        waits.append((only(workspace, world.project).next_at - before) / sending.FIRST_AGAIN)
    assert [int(wait.real) for wait in waits] == [1, 2, 4]
    assert there.got == []


@pytest.mark.parametrize("kind", ["down", "slow", "redirects"])
def test_what_does_not_take_a_message(
    workspace: Workspace, there: Receiver, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, released = there.url, threading.Event()
    if kind == "down":
        url = "http://127.0.0.1:9/x"
    elif kind == "slow":
        monkeypatch.setattr(courier, "_PATIENCE_SECONDS", 3)
        there.first = lambda: released.wait(60)
    else:
        there.statuses = [307]
    world = open_queue(workspace.database, 1)
    made = channel(workspace, world.project, url)
    why = {"down": "Connection refused", "slow": "did not answer within 3 seconds", "redirects": "is not followed"}
    with pytest.raises(UnavailableError, match=why[kind]):
        try_channel(inside(workspace), world.project.id, made.id)
    released.set()
    assert [each.path for each in there.got] == ([] if kind == "down" else ["/hook-of-ours"])
    assert why[kind] in only(workspace, world.project).words


def test_nothing_goes_inward_unless_that_is_allowed(workspace: Workspace, there: Receiver) -> None:
    project = create_project(workspace, "pets", "demo", "fp32")
    port = there.url.split(":")[2].split("/")[0]
    with mailbox() as (mail_port, got):
        for address in (
            there.url,
            there.url.replace("127.0.0.1", "localhost"),
            f"http://[::ffff:127.0.0.1]:{port}/x",
            f"json://127.0.0.1:{port}",
            f"mailto://127.0.0.1:{mail_port}?from=a@example.org&to=b@example.org&mode=insecure",
        ):
            made = channel(workspace, project, address, secret=address.startswith("http"))
            with pytest.raises(UnavailableError, match="ALFLOW_MESSAGES_INSIDE=true"):
                try_channel(workspace, project.id, made.id)
        assert (there.got, got) == ([], [])


def test_a_mail_arrives(workspace: Workspace) -> None:
    world = open_queue(workspace.database, 1)
    with mailbox() as (port, got):
        address = f"mailto://127.0.0.1:{port}?from=alflow@example.org&to=ada@example.org&mode=insecure"
        made, secret = add_channel(workspace, world.project.id, address)
        assert (made.shown, secret) == (f"mailto://127.0.0.1:{port} (E-Mail)", None)
        vote(workspace, world, 0)
        assert send_all(inside(workspace), world.project) == 1
    (mail,) = got
    body = mail.get_body(("plain", "html"))
    assert (mail["subject"], mail["to"]) == ("alflow: pets", "ada@example.org")
    assert body is not None
    assert "All images of round 1 are answered." in body.get_content()
    assert "http://127.0.0.1:8501/rounds?project=pets" in body.get_content()


def test_what_a_killed_sender_did_not_record_is_sent_again(open_inside: Workspace, there: Receiver) -> None:
    world = open_queue(open_inside.database, 1)
    channel(open_inside, world.project, there.url)
    vote(open_inside, world, 0)  # and nothing was sent: as when the process was killed after its transaction
    sender: list[int] = []
    there.first = lambda: os.kill(sender.pop(), signal.SIGKILL)
    command = [sys.executable, "-m", "alflow", "messages", "send"]
    environment = os.environ | open_inside.settings.as_environment()
    with subprocess.Popen(command, env=environment) as process:
        sender.append(process.pid)
    assert process.returncode == -signal.SIGKILL
    there.first = lambda: None
    assert send_all(open_inside, world.project) == 0  # its claim stands
    later(open_inside)
    assert send_all(open_inside, world.project) == 1
    first, second = there.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


def test_two_schedules_at_once_send_no_message_twice(open_inside: Workspace, there: Receiver) -> None:
    worlds = [open_queue(open_inside.database, 1, name=name) for name in ("pets", "birds")]
    for world in worlds:
        channel(open_inside, world.project, there.url)
        vote(open_inside, world, 0)
        with open_inside.database.begin() as tx:
            troubles.record(tx, world.project.id, "no disk", datetime.now(UTC))
            troubles.clear(tx, world.project.id)
    ids = [world.project.id for world in worlds]
    while due := due_channels(open_inside, ids):
        both = [Postman(open_inside), Postman(open_inside)]
        for each in (*both, *both):
            each.send(ids)
        for each in both:
            for one in due:
                each._sends.wait(one, 60)
    keys = [each.headers["webhook-id"] for each in there.got]
    assert len(keys) == len(set(keys)) == 2 * 3
    order = [each.said["event"] for each in there.got if each.said["project"] == "pets"]
    assert order == ["queue_empty", "failure", "recovery"]


def test_a_stopped_project_sends_nothing_and_a_deleted_one_leaves_nothing(
    open_inside: Workspace, there: Receiver
) -> None:
    world = open_queue(open_inside.database, 1)
    made = channel(open_inside, world.project, there.url)
    vote(open_inside, world, 0)
    change_state(open_inside, world.project.id, ProjectState.STOPPED)
    assert send_waiting(open_inside, made.id) == 0
    with pytest.raises(StoppedError):
        try_channel(open_inside, world.project.id, made.id)
    with open_inside.database.begin() as tx:
        troubles.record(tx, world.project.id, "no disk", datetime.now(UTC))
    assert len(told(open_inside)) == 1  # nothing new
    assert Lookout(open_inside).due() == []
    change_state(open_inside, world.project.id, ProjectState.ACTIVE)
    assert send_waiting(open_inside, made.id) == 1
    assert "channels of messages: 1" in belongings(open_inside, world.project.id).words
    delete_project(open_inside, world.project.id)
    with open_inside.database.read() as tx:
        assert [tx.exec_driver_sql(f"SELECT * FROM {name}").all() for name in ("channel", "message")] == [[], []]


def test_old_messages_and_too_many_are_dropped_with_a_word(
    open_inside: Workspace, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = open_queue(open_inside.database, 1)
    made = channel(open_inside, world.project, there.url, [Event.FAILURE])
    monkeypatch.setattr(sending, "MOST_WAITING", 3)
    for _ in range(3):
        with open_inside.database.begin() as tx:
            troubles.record(tx, world.project.id, "no disk", datetime.now(UTC))
            troubles.clear(tx, world.project.id)
    assert send_waiting(open_inside, made.id) == 3
    assert "3 dropped" in only(open_inside, world.project).words
    monkeypatch.setattr(sending, "WORTH", timedelta(0))
    with open_inside.database.begin() as tx:
        troubles.record(tx, world.project.id, "no disk", datetime.now(UTC))
    assert send_waiting(open_inside, made.id) == 0
    assert "4 dropped" in only(open_inside, world.project).words


def test_what_is_secret_in_an_address_is_not_shown_again(workspace: Workspace) -> None:
    project = create_project(workspace, "pets", "demo", "fp32")
    chat = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    mail = "mailtos://ada:hunter22@mail.example.org:465?to=bo@example.org"
    for address in ("https://ada:hunter22@hooks.example.org/hunter22?key=hunter22", chat, mail):
        add_channel(workspace, project.id, address)
    found = list_channels(workspace, project.id)
    assert [one.shown for one in found] == [
        "https://hooks.example.org",
        "slack:// (Slack)",
        "mailtos://mail.example.org:465 (E-Mail)",
    ]
    with workspace.database.read() as tx:
        said = repr(channels.of_project(tx, project.id)) + repr(found)
    assert not any(part in said for part in ("hunter22", "T1JJ3T3L2", "whsec_"))
    text = courier._without_secrets(
        "Failed at https://ada:hunter22@h/A1BRTD4JD, error=403.", chat.replace("T1", "hunter22/")
    )
    assert "hunter22" not in text
    assert "A1BRTD4JD" not in text


@pytest.mark.parametrize("address", ["", "example.org", "slack://x", "https://"])
def test_addresses_that_nothing_reads_are_refused(workspace: Workspace, address: str) -> None:
    project = create_project(workspace, "pets", "demo", "fp32")
    with pytest.raises(InvalidInputError, match="nothing can be sent to this address"):
        add_channel(workspace, project.id, address)


def test_bounds_of_channels(workspace: Workspace) -> None:
    project = create_project(workspace, "pets", "demo", "fp32")
    with pytest.raises(InvalidInputError, match="one at least"):
        add_channel(workspace, project.id, "https://example.org", [])
    made = [channel(workspace, project, f"https://example.org/{number}") for number in range(MOST)]
    with pytest.raises(ConflictError, match="remove one of them"):
        add_channel(workspace, project.id, "https://example.org/x")
    remove_channel(workspace, project.id, made[0].id)
    with pytest.raises(ConflictError, match="already"):
        add_channel(workspace, project.id, "https://example.org/1")
    with pytest.raises(AlflowError, match="no channel 1"):
        try_channel(workspace, project.id, made[0].id)


def test_a_look_costs_no_statement_more(each_workspace: Workspace) -> None:
    world, lookout, costs = open_queue(each_workspace.database, 1), Lookout(each_workspace), []
    for _ in range(2):
        with counted() as ran:
            lookout.due()
            Postman(each_workspace).send(lookout.telling)
        costs.append(ran["statements"])
        assert lookout.telling == ()
        channel(each_workspace, world.project, f"https://example.org/{len(costs)}")
    assert costs[0] == costs[1]
    vote(each_workspace, world, 0)
    lookout.due()
    assert lookout.telling == (world.project.id,)


def test_links_lead_to_pages() -> None:
    assert {event.page for event in Event} <= set(access.PAGES)
    assert all(event.choice in CHOICES for event in Event if event is not Event.TRIAL)


def test_the_process_of_a_message_is_light() -> None:
    heavy = "import sys, alflow.courier as c; import httpx; print('torch' in sys.modules, 'sqlalchemy' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]
    assert json.dumps(courier._main("look", courier.Delivery("nonsense://x", inside=False))) == '{"service": null}'
