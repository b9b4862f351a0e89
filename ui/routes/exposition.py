"""Figures in the text form that Prometheus reads."""

from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from alflow.workflow.operating.figures import ProjectFigures

_PROJECT: Final = ("project",)


def exposed(projects: Iterable[ProjectFigures], requests: CollectorRegistry) -> bytes:
    """Those of the projects, and the times of requests."""
    registry = CollectorRegistry()
    registry.register(_Collected(list(projects)))  # all it needs is `collect`
    return bytes(generate_latest(registry) + generate_latest(requests))


class _Collected:
    def __init__(self, projects: list[ProjectFigures]) -> None:
        self.projects = projects

    def collect(self) -> Iterator[Metric]:
        answers = CounterMetricFamily("alflow_answers", "Answers that were given.", labels=_PROJECT)
        queue = GaugeMetricFamily("alflow_queue_length", "Votes that the open round still needs.", labels=_PROJECT)
        lag = GaugeMetricFamily("alflow_look_lag_seconds", "Time since the schedule looked.", labels=_PROJECT)
        failures = GaugeMetricFamily("alflow_failed_runs", "Runs that failed since one succeeded.", labels=_PROJECT)
        rounds = GaugeMetricFamily("alflow_rounds", "Rounds by state.", labels=(*_PROJECT, "state"))
        watched = GaugeMetricFamily("alflow_watched_files", "Files of watched sources.", labels=(*_PROJECT, "state"))
        unread = GaugeMetricFamily("alflow_failed_looks", "Looks in a row that failed.", labels=_PROJECT)
        for one in self.projects:
            project = [str(one.project)]
            answers.add_metric(project, one.totals.answers)
            queue.add_metric(project, one.totals.votes_missing)
            failures.add_metric(project, one.failures)
            unread.add_metric(project, one.watch_failures)
            for state, count in one.watched.items():
                watched.add_metric([*project, state], count)
            if one.lag is not None:
                lag.add_metric(project, one.lag)
            for state, count in one.totals.rounds.items():
                rounds.add_metric([*project, state.value], count)
        yield from (answers, queue, lag, failures, rounds, watched, unread)
