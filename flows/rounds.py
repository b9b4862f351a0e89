"""The flows of a round: `open_round`, `close_round`, `advance` (whatever is due), and `advance_due` for all projects.

No flow waits for a person. Each may be killed anywhere: the next run finishes the work, the one after finds nothing
to do.
"""

from typing import Any

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from alflow import logs
from alflow.domain.runs import Step
from alflow.errors import AlflowError, StoppedError
from alflow.flows.context import workspace
from alflow.flows.limits import BusyError, one_run
from alflow.flows.spreading import on_a_cluster

SKIPPED = "Skipped"


@flow(name="open-round", flow_run_name="open-round-{project}")
def open_round(project: str) -> int:
    """Choose what to ask next, unless a round is open already; returns the round's number."""
    from alflow.flows.publish import publish_rounds
    from alflow.workflow.projects.projects import find_project
    from alflow.workflow.rounds.acquire import open_round as acquire_round

    chosen = find_project(workspace(), project)
    logs.about(project=chosen.id)
    with one_run(chosen.id, wait=True):
        number = acquire_round(on_a_cluster(), chosen.id).number
        publish_rounds(workspace(), chosen)
    return number


@flow(name="close-round", flow_run_name="close-round-{project}")
def close_round(project: str, number: int, early: bool = False) -> str:
    """Fit on the answers, evaluate and close the round of that number; returns its state."""
    from alflow.flows.publish import publish_rounds
    from alflow.workflow.projects.projects import find_project
    from alflow.workflow.rounds.evaluate import close_round as evaluate_round
    from alflow.workflow.rounds.review import find_round

    chosen = find_project(workspace(), project)
    logs.about(project=chosen.id)
    with one_run(chosen.id, wait=True):
        round_ = find_round(workspace(), chosen.id, number)
        state = evaluate_round(on_a_cluster(), chosen.id, round_.id, early=early).state.value
        publish_rounds(workspace(), chosen)
    return state


@flow(name="advance", flow_run_name="advance-{project}")
def advance(project: str) -> State[Any]:
    """Do what is due for one project; skipped at once while another run works on it.

    What a person can act on, such as a missing posterior, is the message of the failed run, without a traceback.
    """
    from alflow.flows.embedding import embed_shards
    from alflow.flows.ingest import take_watched
    from alflow.flows.publish import progress_artifact, publish_rounds
    from alflow.workflow.insight.prepare import prepare
    from alflow.workflow.projects.projects import find_project
    from alflow.workflow.rounds.advance import advance as advance_project
    from alflow.workflow.rounds.telling import telling
    from alflow.workflow.rounds.waiting import note_look

    try:
        chosen = find_project(workspace(), project)
        logs.about(project=chosen.id)
        note_look(workspace(), chosen.id)
        with (
            one_run(chosen.id, wait=False),
            telling(workspace(), chosen.id, runtime.flow_run.ui_url) as tell,
            progress_artifact(chosen, "Embedding") as progress,
        ):
            report = advance_project(
                workspace(),
                chosen.id,
                progress,
                embed=lambda _, project, progress: embed_shards(project, progress),
                bring=lambda _, project, progress: take_watched(project, progress),
                tell=tell,
            )
            publish_rounds(workspace(), chosen)
            if report.done:
                tell.step(Step.PREPARE)
                prepare(on_a_cluster(), chosen.id)
    except (BusyError, StoppedError) as why:
        return Completed(name=SKIPPED, message=str(why))
    except AlflowError as error:
        return Failed(message=str(error))
    return Completed(message="; ".join((*report.done, f"waiting for {report.waiting_for}")))


@flow(name="advance-due", flow_run_name="advance-due")
def advance_due() -> list[State[Any]] | State[Any]:
    """Advance every active project there is now; one that fails does not keep the others from advancing.

    What is left of deleted projects goes first.
    """
    from alflow.workflow.operating.deleting import finish_deletions
    from alflow.workflow.projects.projects import list_projects

    try:
        finish_deletions(workspace())
        projects = [one for one in list_projects(workspace()) if one.is_active]
    except AlflowError as error:  # such as a database that cannot be opened
        return Failed(message=str(error))
    return [advance(project.name, return_state=True) for project in projects]
