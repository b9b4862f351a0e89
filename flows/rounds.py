"""The flows of a round: `open_round`, `close_round`, `advance` (whatever is due), and `advance_due` for all projects.

No flow waits for a person. Each may be killed anywhere: the next run finishes the work, the one after finds nothing
to do.
"""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from alflow.errors import AlflowError
from flows.context import workspace
from flows.limits import BusyError, one_run

SKIPPED = "Skipped"


@flow(name="open-round", flow_run_name="open-round-{project}")
def open_round(project: str) -> int:
    """Choose what to ask next, unless a round is open already; returns the round's number."""
    from alflow.workflow.projects.projects import find_project
    from alflow.workflow.rounds.acquire import open_round as acquire_round
    from flows.publish import publish_rounds

    chosen = find_project(workspace(), project)
    with one_run(chosen.id, wait=True):
        number = acquire_round(workspace(), chosen.id).number
        publish_rounds(workspace(), chosen)
    return number


@flow(name="close-round", flow_run_name="close-round-{project}")
def close_round(project: str, number: int, early: bool = False) -> str:
    """Fit on the answers, evaluate and close the round of that number; returns its state."""
    from alflow.workflow.projects.projects import find_project
    from alflow.workflow.rounds.evaluate import close_round as evaluate_round
    from alflow.workflow.rounds.review import find_round
    from flows.publish import publish_rounds

    chosen = find_project(workspace(), project)
    with one_run(chosen.id, wait=True):
        round_ = find_round(workspace(), chosen.id, number)
        state = evaluate_round(workspace(), chosen.id, round_.id, early=early).state.value
        publish_rounds(workspace(), chosen)
    return state


@flow(name="advance", flow_run_name="advance-{project}")
def advance(project: str) -> State[Any]:
    """Do what is due for one project; skipped at once while another run works on it.

    What a person can act on, such as a missing posterior, is the message of the failed run, without a traceback.
    """
    from alflow.workflow.insight.prepare import prepare
    from alflow.workflow.projects.projects import find_project
    from alflow.workflow.rounds.advance import advance as advance_project
    from alflow.workflow.rounds.waiting import note_look
    from flows.embedding import embed_shards
    from flows.publish import progress_artifact, publish_rounds

    try:
        chosen = find_project(workspace(), project)
        note_look(workspace(), chosen.id)
        with one_run(chosen.id, wait=False), progress_artifact(chosen, "Embedding") as progress:
            report = advance_project(
                workspace(), chosen.id, progress, embed=lambda _, project, progress: embed_shards(project, progress)
            )
            publish_rounds(workspace(), chosen)
            if report.done:
                prepare(workspace(), chosen.id)
    except BusyError as busy:
        return Completed(name=SKIPPED, message=str(busy))
    except AlflowError as error:
        return Failed(message=str(error))
    return Completed(message="; ".join((*report.done, f"waiting for {report.waiting_for}")))


@flow(name="advance-due", flow_run_name="advance-due")
def advance_due() -> list[State[Any]] | State[Any]:
    """Advance every project there is now; one that fails does not keep the others from advancing."""
    from alflow.workflow.projects.projects import list_projects

    try:
        projects = list_projects(workspace())
    except AlflowError as error:  # such as a database that cannot be opened
        return Failed(message=str(error))
    return [advance(project.name, return_state=True) for project in projects]
