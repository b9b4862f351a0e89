"""Sending images to people: to the queue of the open round, or labels to the Adjudicate page."""

from collections.abc import Callable, Mapping, Sequence

from alflow.domain.projects import Project
from alflow.ids import ItemId
from alflow.text import plural
from alflow.ui.door import access
from alflow.ui.parts import session, told
from alflow.workflow.answers.refer import Referred
from alflow.workflow.rounds import chosen


def to_queue(project: Project, item_ids: Sequence[ItemId], why: str) -> None:
    """Put these into the open round for that reason, as far as the visitor may and they are free."""
    if not session.may(access.SEND_TO_QUEUE, project):  # there is no button: the message was forged
        return
    by = session.require_annotator().id

    def send() -> str:
        report = chosen.send_to_queue(session.workspace(), project.id, by, item_ids, why)
        return f"{_wait(len(report.queued))} in round {report.round_number}.{_refused(report.refused)}"

    told.act(project, send)


def to_adjudication(project: Project, refer: Callable[[], Referred]) -> None:
    """Refer labels, as far as they are not referred already."""

    def send() -> str:
        done = refer()
        message = f"{_wait(len(done.sent))} on the Adjudicate page." if done.sent else ""
        message += f" {len(done.known)} waited on the Adjudicate page already." if done.known else ""
        return message + _refused(done.refused)

    told.act(project, send)


def _wait(count: int) -> str:
    return plural(count, "image waits", "images wait")


def _refused(refused: Mapping[ItemId, str]) -> str:
    return "".join(f" Image {item} {why}." for item, why in refused.items())
