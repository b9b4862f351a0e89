"""A project, or one of its rounds, as one value that says everything to people who have no account.

It names no file, no machine and, unless asked, no person; `alflow.workflow.insight.report.page` makes a page of it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from typing import Any, Final

from alflow.domain.certificates import Certificate
from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.domain.rounds import Evaluation
from alflow.ids import ProjectId
from alflow.store.images import failures, items
from alflow.store.rounds import evaluations
from alflow.workflow.answers.certify import all_certificates
from alflow.workflow.insight.leaks import leak
from alflow.workflow.insight.report.answers import Answers, read_answers
from alflow.workflow.insight.report.judged import Judged, Pool, Predictions, judge, read_predictions
from alflow.workflow.insight.report.pictures import Gallery, read_pictures
from alflow.workflow.insight.report.scope import Scope, look
from alflow.workflow.model.source import posterior_source
from alflow.workflow.rounds.review import RoundSummary, round_summaries
from alflow.workflow.rounds.stopping import in_words
from alflow.workflow.rounds.strategies import strategy_captions
from alflow.workspace import Workspace

_PACKAGES: Final = ("alflow", "torch", "open_clip_torch", "numpy", "scikit-learn", "sqlalchemy")


@dataclass(frozen=True)
class Images:
    """How many images there are: by split, of the test split with a known class, without a model's view, rejected.

    `leak` says which of the test split have near copies outside; it is empty where none has.
    """

    counts: Mapping[Split, int]
    known: int
    not_embedded: int
    rejected: int
    leak: str


@dataclass(frozen=True)
class Model:
    """What the model of the report says.

    Attributes:
        number: of the closed round that it was fitted in; 0 is the model before any label.
        missing: why it says nothing, in words; None if it does.
        pool: its uncertainty about the pool.
        judged: where its class is compared with the known one; None where nothing is known.
    """

    number: int
    missing: str | None
    pool: Pool | None
    judged: Judged | None


@dataclass(frozen=True)
class Made:
    """How it was made, so that it can be made again.

    Attributes:
        model: its name, without a folder of this machine.
        posterior: where the posterior of the pretraining is from, in words.
        strategy: what the strategy of the settings does.
        stops: when the project stops.
        settings: of the project, by name.
        hashes: round -> what each of its parts is named by.
        versions: package -> version.
    """

    model: str
    posterior: str
    strategy: str
    stops: str
    settings: Mapping[str, Any]
    hashes: Mapping[int, Mapping[str, str]]
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Report:
    """Everything that the page shows.

    Attributes:
        at: when it was read.
        names: whether people are named.
        certificate: by which images stand as the model says; None where none do.
        evaluations: by round and split.
        rounds: oldest first.
        galleries: pictures of examples; empty where none are wanted.
    """

    scope: Scope
    at: datetime
    names: bool
    images: Images
    answers: Answers
    model: Model
    certificate: Certificate | None
    evaluations: tuple[Evaluation, ...]
    rounds: tuple[RoundSummary, ...]
    galleries: tuple[Gallery, ...]
    made: Made

    @property
    def project(self) -> Project:
        """What it is about."""
        return self.scope.project


def read_report(
    workspace: Workspace,
    project_id: ProjectId,
    number: int | None = None,
    *,
    names: bool = False,
    pictures: bool = True,
) -> Report:
    """The project as it is now, or as it was known at the end of the round of that number.

    Args:
        workspace: where.
        project_id: the project.
        number: of the last round that counts: answers, evaluations and the model are those until it was closed.
        names: name the people who answered.
        pictures: with pictures of examples.

    Raises:
        NotFoundError: there is no such project, or no such round.
        InvalidInputError: an artifact is damaged; the message names it.
    """
    scope = look(workspace, project_id, number)
    answers = read_answers(workspace, scope)
    found = read_predictions(workspace, scope, answers.about)
    predicted = found if isinstance(found, Predictions) else None
    judged = judge(workspace, scope, predicted, answers.settled)
    counted = {one.id for one in scope.rounds}
    with workspace.database.read() as tx:
        known = [one for one in evaluations.of_project(tx, project_id) if number is None or one.round_number <= number]
    return Report(
        scope=scope,
        at=datetime.now(UTC),
        names=names,
        images=_images(workspace, scope),
        answers=answers,
        model=Model(
            scope.closed,
            found if isinstance(found, str) else None,
            None if predicted is None else predicted.pool,
            judged,
        ),
        certificate=_certificate(workspace, scope),
        evaluations=tuple(known),
        rounds=tuple(one for one in round_summaries(workspace, project_id) if one.round.id in counted),
        galleries=read_pictures(workspace, scope, answers.settled, predicted, judged) if pictures else (),
        made=_made(workspace, scope),
    )


def _certificate(workspace: Workspace, scope: Scope) -> Certificate | None:
    """The one that stood at the end of the scope."""
    until = scope.until
    if until is None:
        standing = (one for one in all_certificates(workspace, scope.project.id) if one.withdrawn_at is None)
    else:
        standing = (
            one
            for one in all_certificates(workspace, scope.project.id)
            if one.at <= until and (one.withdrawn_at is None or one.withdrawn_at > until)
        )
    return next(standing, None)


def _images(workspace: Workspace, scope: Scope) -> Images:
    project_id = scope.project.id
    leaked = leak(workspace, project_id)
    with workspace.database.read() as tx:
        return Images(
            items.counts(tx, project_id),
            len(items.truths(tx, project_id, Split.TEST)),
            len(failures.of_project(tx, project_id)),
            len(items.rejections(tx, project_id)),
            leaked,
        )


def _made(workspace: Workspace, scope: Scope) -> Made:
    project = scope.project
    source = posterior_source(workspace, project)
    return Made(
        model=_without_folder(project.model),
        posterior="none yet" if project.posterior is None else "not recorded" if source is None else source.words,
        strategy=strategy_captions().get(project.settings.strategy, "a combination, or a strategy of another package"),
        stops=in_words(project.settings),
        settings={name: _plain(value) for name, value in asdict(project.settings).items()},
        hashes={one.number: one.hashes for one in scope.rounds},
        versions=_versions(),
    )


def _without_folder(model: str) -> str:
    """The name of a model; of a file or folder on this machine, its last part."""
    kind, colon, place = model.partition(":")
    if not colon or kind == "hf-hub":
        return model
    return f"{kind}:{place.replace(chr(92), '/').rstrip('/').rpartition('/')[2]}"


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


@cache
def _versions() -> dict[str, str]:
    return {"python": python_version()} | {name: _version(name) for name in _PACKAGES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
