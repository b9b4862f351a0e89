"""What a run shows in Prefect: a progress bar, a round's picks with their reasons, the metrics after it.

Artifacts have keys of their round, and one that exists is not made again: a run that was killed before it published
is finished by the next one.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from alflow.domain.projects import Project
from alflow.domain.rounds import Evaluation, Round
from alflow.ids import ClassId
from alflow.progress import Progress
from alflow.text import visible
from alflow.workflow.images.imported import ImportReport, failure, remarks, summary
from alflow.workflow.rounds import review
from alflow.workflow.rounds.review import CandidateReview
from alflow.workspace import Workspace

_UPDATE_SECONDS = 1.0


def publish_rounds(workspace: Workspace, project: Project) -> None:
    """The picks of the newest round, and the metrics of all of them so far, unless they are published already."""
    rounds = [entry.round for entry in review.round_summaries(workspace, project.id)]
    curve = review.learning_curve(workspace, project.id)
    if rounds and _is_new(key := picks_key(project, rounds[-1])):
        rows = picks_table(review.round_candidates(workspace, rounds[-1].id), _class_names(workspace, project))
        create_table_artifact(rows, key=key, description=picks_description(rounds[-1]))
    if curve and _is_new(key := metrics_key(project, curve)):
        create_table_artifact(metrics_table(curve), key=key, description="Metrics of the model after each round")


def publish_import(project: Project, source: str, report: ImportReport) -> None:
    """What an import did not take, and why, and all else that a person should know of it; nothing when all is well."""
    log = get_run_logger()
    log.info("%s: %s", visible(source), summary(report))
    said = [sentence for sentence in [failure(report, source), *remarks(report)] if sentence]
    for sentence in said:
        log.warning("%s", visible(sentence))
    if said:
        lines = [{"source": visible(source), "remark": visible(sentence)} for sentence in said]
        create_table_artifact(lines, key=f"project-{project.id}-import", description="Remarks on the last import")
    if report.rejected:
        rows = [{"file": visible(entry.uri), "reason": visible(entry.reason)} for entry in report.rejected]
        create_table_artifact(rows, key=f"project-{project.id}-rejected", description="Files that were not imported")


def picks_key(project: Project, round_: Round) -> str:
    """Key of the table of a round's candidates."""
    return f"project-{project.id}-round-{round_.number}-picks"


def picks_description(round_: Round) -> str:
    """Heading of the table of a round's candidates, with the number of near-duplicates."""
    copies = round_.configuration.get("near_duplicates", 0)
    note = f"; {copies} of them nearly duplicate another one" if copies else ""
    return f"Images of round {round_.number}, and why they were chosen{note}"


def metrics_key(project: Project, curve: Sequence[Evaluation]) -> str:
    """Key of the table of metrics up to the newest round of the curve."""
    return f"project-{project.id}-round-{max(entry.round_number for entry in curve)}-metrics"


def picks_table(candidates: Sequence[CandidateReview], class_names: Mapping[ClassId, str]) -> list[dict[str, Any]]:
    """One row per candidate, in the order of the queue."""
    return [
        {
            "rank": entry.candidate.rank,
            "image": visible(entry.item.uri),
            "why": entry.candidate.origin.value,
            "score": entry.candidate.score,
            "predicted": class_names[entry.candidate.predicted_class_id],
            "probability": round(entry.candidate.probabilities[entry.candidate.predicted_class_id], 4),
            "epistemic (nats)": round(entry.candidate.epistemic, 4),
            "aleatoric (nats)": round(entry.candidate.aleatoric, 4),
        }
        for entry in candidates
    ]


def metrics_table(curve: Sequence[Evaluation]) -> list[dict[str, Any]]:
    """One row per round and split; each metric with its interval."""
    return [
        {
            "after round": entry.round_number,
            "evaluated on": entry.split,
            "labels": entry.n_labels,
            "images": entry.n_items,
        }
        | {name: f"{value:.3f} [{low:.3f}, {high:.3f}]" for name, (value, low, high) in entry.metrics.items()}
        for entry in curve
    ]


@contextmanager
def progress_artifact(project: Project, description: str) -> Iterator[Progress]:
    """A progress bar; made at the first step, so that a run with nothing to do leaves none."""
    bar = _Bar(f"project-{project.id}-progress", description)
    yield bar.show
    bar.finish()


class _Bar:
    """At most one update a second: each costs a request."""

    def __init__(self, key: str, description: str) -> None:
        self._key, self._description = key, description
        self._artifact: UUID | None = None
        self._shown_at = 0.0

    def show(self, done: int, total: int | None) -> None:
        percent = min(100.0, 100.0 * done / total) if total else 0.0
        if self._artifact is None:
            made = create_progress_artifact(percent, key=self._key, description=self._description)
            self._artifact = cast("UUID", made)  # a coroutine only inside an event loop, where no flow of ours runs
        elif time.monotonic() - self._shown_at >= _UPDATE_SECONDS:
            update_progress_artifact(self._artifact, progress=percent)
        else:
            return
        self._shown_at = time.monotonic()

    def finish(self) -> None:
        if self._artifact is not None:
            update_progress_artifact(self._artifact, progress=100.0)


def _is_new(key: str) -> bool:
    with get_client(sync_client=True) as client:
        return not client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])), limit=1)


def _class_names(workspace: Workspace, project: Project) -> dict[ClassId, str]:
    return {entry.id: entry.display_name for entry in review.overview(workspace, project.id).classes}
