"""`python -m alflow.flows.spare PROJECT`: a process that has imported everything and waits to become that of a run.

On one line of its standard input it gets, as a JSON object, the variables that Prefect's engine is started with, and
then goes on as `python -m prefect.engine`. Without a line, because the schedule has ended or wants it no more, it ends.
"""

import json
import logging
import os
import runpy
import sys

_ENGINE = "prefect.engine"
_log = logging.getLogger(__name__)


def main(project: str) -> None:
    """Get ready for a run of this project, wait, and be the run."""
    _prepare(project)
    if given := sys.stdin.readline():
        os.environ.update(json.loads(given))
        sys.argv = [_ENGINE]
        runpy.run_module(_ENGINE, run_name="__main__", alter_sys=True)


def _prepare(project: str) -> None:
    """Import what `advance` does, and make of the project's model what no label changes."""
    import alflow.flows.rounds  # noqa: F401
    from alflow.flows.context import workspace
    from alflow.workflow.model.model import load_model
    from alflow.workflow.projects.projects import find_project

    try:
        load_model(workspace(), find_project(workspace(), project))
    except Exception as error:  # noqa: BLE001 - the run will tell what is wrong, to whom it concerns
        _log.info("the model of %s is not ready: %s", project, error)


if __name__ == "__main__":
    main(*sys.argv[1:])
