"""What is wrong with one project: its model, posterior, rows and fits; found without loading the towers."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.memory import free_bytes, in_words
from alflow.store.images import items
from alflow.store.projects import projects, troubles
from alflow.store.rounds import rounds
from alflow.workflow.images.embedded import known_ids
from alflow.workflow.images.watching import amiss, watched
from alflow.workflow.model.source import fit_path, last_fit, missing_posterior
from alflow.workflow.operating.checks import Check, error, looked, ok, warning
from alflow.workflow.operating.damage import Damage, damaged
from alflow.workflow.rounds.question import memory_to_ask
from alflow.workspace import Workspace

_NAMED: Final = 20
_USUAL: Final = 2.0
"""By how much the estimate of memory may be short before a round is said to be impossible."""


def examine(workspace: Workspace, project: Project, *, files: bool) -> Iterator[Check]:
    """What was found of the project."""
    for what, look in (
        ("model", _model),
        ("classes", _classes),
        ("posterior", _posterior),
        ("images", _images),
        ("watched sources", _watched),
        ("fit", _fit),
        ("memory", _memory),
        ("runs", _runs),
    ):
        name = f"{what} of {project.name}"
        yield from looked(name, partial(look, workspace, project, name))
    if files:
        yield from looked(name := f"files of {project.name}", partial(_files, workspace, project, name))


def _model(_: Workspace, project: Project, name: str) -> Check:
    from alflow.vlm.models import find_weights  # noqa: PLC0415 - open_clip takes seconds to import

    found = find_weights(project.model)
    if found is None:
        return warning(
            name,
            f"the weights of {project.model} are not on this machine: `alflow embed` fetches them where the network "
            "allows it, or name a file of weights",
        )
    return ok(name, f"{project.model}: {found.name}, {in_words(found.stat().st_size)}")


def _classes(workspace: Workspace, project: Project, name: str) -> Check:
    with workspace.database.read() as tx:
        n = len(projects.classes(tx, project.id))
    if n < 2:
        return warning(name, f"there {'is one' if n else 'are none'}, and two are needed: `alflow classes add`")
    return ok(name, f"{n:,}")


def _posterior(workspace: Workspace, project: Project, name: str) -> Check:
    with workspace.database.read() as tx:
        n_pool = items.counts(tx, project.id)[Split.POOL]
    missing = missing_posterior(workspace, project, n_pool)
    if missing is not None:
        return (warning if project.posterior is None else error)(name, missing)
    if project.posterior is None:
        return ok(name, "the first round brings it")
    workspace.artifacts.read_metadata(path := f"posteriors/{project.posterior}.safetensors")
    return ok(name, f"{path} is there")


def _images(workspace: Workspace, project: Project, name: str) -> Check:
    with workspace.database.read() as tx:
        n_items, any_round = sum(items.counts(tx, project.id).values()), rounds.last(tx, project.id) is not None
    if not n_items:
        return warning(name, "there are none: `alflow import`")
    embedded = len(known_ids(workspace, project))
    if embedded >= n_items:
        return ok(name, f"{n_items:,}, all of them embedded")
    if not embedded and any_round:
        return error(
            name,
            f"the embeddings of all {n_items:,} are gone: look whether the disk of the artifacts is mounted, or make "
            "them anew with `alflow embed`",
        )
    return warning(
        name, f"{n_items - embedded:,} of {n_items:,} are not embedded: the schedule does it, or `alflow embed`"
    )


def _watched(workspace: Workspace, project: Project, name: str) -> Iterator[Check]:
    """A line for each source that cannot be read, or of whose files something is amiss."""
    every = watched(workspace, project.id)
    for one in every:
        if one.trouble is not None:
            tries = "once" if one.times == 1 else f"{one.times:,} times"
            yield error(name, f"{one.source} could not be read, tried {tries}: {one.trouble}")
        elif told := amiss(one):
            yield warning(name, f"{one.source}: {told}")
        else:
            yield ok(name, f"{one.source} could be read, and all in it is taken or on its way")
    if not every:
        yield ok(name, "there is none")


def _fit(workspace: Workspace, project: Project, name: str) -> Check:
    with workspace.database.read() as tx:
        fit = last_fit(rounds.all_(tx, project.id))
    if fit is None:
        return ok(name, "no round is closed yet")
    path = fit_path(project.id, fit)
    if not workspace.artifacts.exists(path):
        return warning(name, f"{path} is gone: `alflow doctor --repair` fits it again, or the next round does")
    workspace.artifacts.read_metadata(path)
    return ok(name, "that of the last closed round is there")


def _memory(workspace: Workspace, project: Project, name: str) -> Check:
    """For the next round, as far as it can be told."""
    free, needed = free_bytes(), memory_to_ask(workspace, project)
    if free is None:
        return ok(name, "how much is free cannot be told on this system")
    words = f"the next round needs about {in_words(needed)}, and {in_words(free)} are free"
    remedy = "end other programs, or use a machine with more"
    if needed > free:
        return (error if needed > _USUAL * free else warning)(name, f"{words}: {remedy}")
    return ok(name, words)


def _files(workspace: Workspace, project: Project, name: str) -> Iterator[Check]:
    return told(name, damaged(workspace, project))


def told(name: str, found: Sequence[Damage]) -> Iterator[Check]:
    """A line for each of the first that are damaged; which of them `alflow doctor --repair` makes anew."""
    if not found:
        yield ok(name, "each is as it was written")
    for one in found[:_NAMED]:
        remedy = "`alflow doctor --repair` makes it anew" if one.can_be_made_anew and one.name else one.remedy
        yield (error if one.hinders else warning)(name, f"{one.path}: {one.what}; {remedy}")
    if (more := len(found) - _NAMED) > 0:
        yield error(name, f"and {more:,} more: `alflow doctor --repair` makes anew what can be")


def _runs(workspace: Workspace, project: Project, name: str) -> Check:
    with workspace.database.read() as tx:
        trouble = troubles.of_project(tx, project.id)
    if trouble is None:
        return ok(name, "none has failed since the last that succeeded")
    runs = "run" if trouble.times == 1 else f"{trouble.times:,} runs"
    return error(name, f"the last {runs} failed: {trouble.message}")
