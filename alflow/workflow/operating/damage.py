"""What of a project's stored files is damaged or lost, and what of that the next run makes anew.

Nearly all that alflow stores it can make once more: rows from the originals, predictions from rows and fit. It cannot
for a posterior, for the scores of a past round, and for the fit of any round but the newest, which is fitted again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Final

import torch

from alflow.domain.images import Item
from alflow.domain.projects import Project
from alflow.domain.rounds import Round, RoundState
from alflow.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from alflow.ids import ItemId
from alflow.store.contents import is_stray
from alflow.store.images import failures, items
from alflow.store.projects import projects
from alflow.store.rounds import rounds
from alflow.workflow.images.embedded import missing_ids, remembered_encoder
from alflow.workflow.images.pool import SIDES, original, rendition_bytes
from alflow.workflow.model.source import fit_path, last_fit, missing_posterior, posterior_path
from alflow.workflow.rounds.record import record_path
from alflow.workflow.rounds.refit import fit_again
from alflow.workspace import Workspace

_MADE_ANEW: Final = frozenset([
    "asked",
    "certifying",
    "classes",
    "copies",
    "doubts",
    "doubts.json",
    "drift",
    "embeddings",
    "encoder.json",
    "entropies",
    "evaluated",
    "frames",
    "layers",
    "lengths",
    "maps",
    "outlooks",
    "predictions",
])
"""The folders of a project whose files the next run, or the next page, makes anew when they are gone."""

_OF_ALL: Final = ("estimates", "vocabularies")
_ANEW: Final = "nothing is lost: `alflow doctor --repair` removes it, and the next run makes it anew"
_LOST: Final = "it is lost"
_SHOWN: Final = "without it, pages cannot show what an earlier model predicted"
_REPLAY: Final = "without it, `alflow replay` cannot plan its round again"


@dataclass(frozen=True)
class Damage:
    """A stored file that is damaged or lost.

    Attributes:
        path: where it lies, or what is lost.
        what: what is wrong with it.
        remedy: what to do.
        can_be_made_anew: whether `repair` does that, without losing anything.
        name: of the artifact; None where nothing is left of it.
        item: whose picture it is.
        hinders: whether anything is amiss because of it.
    """

    path: str
    what: str
    remedy: str
    can_be_made_anew: bool
    name: str | None = None
    item: ItemId | None = None
    hinders: bool = True


def damaged(workspace: Workspace, project: Project) -> list[Damage]:
    """Read every stored file of the project from its first bit to its last; says what is damaged or lost.

    Raises:
        UnavailableError: a file may not be read.
    """
    with workspace.database.read() as tx:
        project, past = projects.by_id(tx, project.id), rounds.all_(tx, project.id)
        every = items.list_(tx, project.id)
    fit = last_fit(past)
    found = [*_lost(workspace, project, fit), *_lost_of_rounds(workspace, project, past)]
    wrong = ((name, _wrong(workspace, name)) for name in _stored(workspace, project, past))
    found += [_damage_of(workspace, project, name, what, fit) for name, what in wrong if what is not None]
    for item in every:
        found += _of_pictures(workspace, item)
    return found


def damaged_of_all(workspace: Workspace) -> list[Damage]:
    """The same of what is kept for the estimates of posteriors, of whatever project: each is made anew when needed.

    Raises:
        UnavailableError: a file may not be read.
    """
    names = (name for folder in _OF_ALL for name in workspace.artifacts.list(folder))
    wrong = ((name, _wrong(workspace, name)) for name in names)
    return [_damage_of(workspace, None, name, what, None) for name, what in wrong if what is not None]


def repair(workspace: Workspace, project: Project | None, damages: list[Damage]) -> list[Damage]:
    """Make damaged pictures and the newest fit anew, and remove what the next run makes anew; returns those damages.

    What cannot be made anew stays as it is, and so does a file that is whole by now.
    """
    anew = sorted((one for one in damages if one.can_be_made_anew), key=_is_fit)  # those last: made of the others
    return [one for one in anew if _repaired(workspace, project, one)]


def _is_fit(damage: Damage) -> bool:
    return damage.name is not None and "/fields/" in damage.name


def _repaired(workspace: Workspace, project: Project | None, damage: Damage) -> bool:
    if damage.name is None:
        return True
    kind, is_there = _kind_of_picture(damage.name), workspace.artifacts.exists(damage.name)
    if _wrong(workspace, damage.name) is None and (is_there or damage.what != _LOST):
        return False
    if project is not None and _is_fit(damage) and _fitted_again(workspace, project):
        return True
    if project is None or damage.item is None or kind not in SIDES:
        workspace.artifacts.remove(damage.name)
        return True
    try:
        rendition_bytes(workspace, project.id, damage.item, kind)
    except NotFoundError:
        return False
    return True


def _fitted_again(workspace: Workspace, project: Project) -> bool:
    """What it is made of may be damaged too, and is removed by now: then the next round makes it anew."""
    try:
        return fit_again(workspace, project.id)
    except (ConflictError, InvalidInputError, NotFoundError):
        return False


def _stored(workspace: Workspace, project: Project, past: Sequence[Round]) -> Iterator[str]:
    yield from workspace.artifacts.list(f"projects/{project.id}")
    yield from filter(workspace.artifacts.exists, _posteriors(project, past))


def _posteriors(project: Project, past: Sequence[Round]) -> list[str]:
    """That of the project first, then those that its past rounds were planned with."""
    every = [project.posterior, *(one.hashes.get("posterior") for one in past)]
    return [posterior_path(one) for one in dict.fromkeys(every) if one is not None]


def _wrong(workspace: Workspace, name: str) -> str | None:
    """What is wrong with an artifact; None if it is whole, or not there."""
    try:
        workspace.artifacts.check(name)
    except NotFoundError:
        return None
    except InvalidInputError as error:
        return str(error).partition(" is damaged ")[2].partition("): ")[0].removeprefix("(") or "it cannot be read"
    return None


def _damage_of(workspace: Workspace, project: Project | None, name: str, what: str, fit: str | None) -> Damage:
    told = partial(Damage, workspace.artifacts.path(name), what, name=name)
    if is_stray(name):
        return told("nothing reads it: move it away", False, hinders=False)
    return told(*((_ANEW, True) if project is None else _remedy(workspace, project, name, fit)))


def _remedy(workspace: Workspace, project: Project, name: str, fit: str | None) -> tuple[str, bool]:
    """What to do about a damaged file, and whether `repair` does it."""
    folder = (*PurePosixPath(name).parts, "")[2]
    if folder == "embeddings" and (gone := _without_original(workspace, project, name)):
        return f"bring it back from a backup, or the {gone} originals of its images that are gone or changed", False
    if folder in _MADE_ANEW:
        return _ANEW, True
    if fit is not None and name == fit_path(project.id, fit):
        return "`alflow doctor --repair` fits it again from the labels", True
    of_posterior = ", or give the project factors: `alflow posterior import DIR`"
    more = of_posterior if name.startswith("posteriors/") else f"; {_SHOWN}" if folder == "fields" else ""
    return f"bring it back from a backup{more}", False


def _without_original(workspace: Workspace, project: Project, name: str) -> int:
    """How many rows of a damaged shard could not be made anew, as far as it still says which items it is of."""
    with workspace.database.read() as tx:
        every = {one.id: one for one in items.list_(tx, project.id)}
    if (ids := _ids(workspace, name)) is None:  # then those that no other shard has
        others = workspace.artifacts.tables(str(PurePosixPath(name).parent))
        ids = set(every).difference(*(_ids(workspace, other) or () for other in others))
    return sum(not _has_original(every[item]) for item in ids if item in every)


def _ids(workspace: Workspace, shard: str) -> set[ItemId] | None:
    """The items of a shard; None if it does not say them."""
    try:
        return set(workspace.artifacts.read_tensors(shard, check=False)[0]["item_ids"].tolist())
    except (InvalidInputError, NotFoundError, KeyError):
        return None


def _of_pictures(workspace: Workspace, item: Item) -> Iterator[Damage]:
    for kind in (*SIDES, "whole"):
        name = f"{kind}s/{item.content_hash[:2]}/{item.content_hash}.jpg"
        what = _wrong(workspace, name)
        if what is None and kind in SIDES and not workspace.artifacts.exists(name):
            what = _LOST
        if what is None:
            continue
        anew = kind not in SIDES or _has_original(item)
        remedy = "`alflow doctor --repair` makes it anew" if anew else f"bring {item.uri} back, or import it once more"
        yield Damage(workspace.artifacts.path(name), what, remedy, anew, name, item.id)


def _has_original(item: Item) -> bool:
    try:
        original(item)
    except (InvalidInputError, UnavailableError):
        return False
    return True


def _lost(workspace: Workspace, project: Project, fit: str | None) -> Iterator[Damage]:
    """What the database or another file says was there, and is not."""
    if project.posterior is not None and (missing := missing_posterior(workspace, project)) is not None:
        remedy = missing.partition("; ")[2]
        path = workspace.artifacts.path(posterior_path(project.posterior))
        yield Damage(path, _LOST, f"bring it back from a backup, or {remedy}", False)
    if fit is not None and not workspace.artifacts.exists(path := fit_path(project.id, fit)):
        anew = "`alflow doctor --repair` fits it again from the labels, or the next round"
        yield Damage(workspace.artifacts.path(path), _LOST, anew, True, path)
    if rows := _lost_rows(workspace, project):
        where = workspace.artifacts.path(f"projects/{project.id}/embeddings")
        images = f"{rows} image{'' if rows == 1 else 's'} that had embeddings"
        yield Damage(
            where, f"{images} have none any more", "run `alflow embed`, or wait for the schedule: it makes them", True
        )


def _lost_of_rounds(workspace: Workspace, project: Project, past: Sequence[Round]) -> Iterator[Damage]:
    """What was kept with past rounds, and is needed for no other."""
    newest, needed = last_fit(past), dict[str, str]()
    for one in past:
        if "dropped_at" in one.configuration:
            continue
        needed |= {
            path: _REPLAY for path in _posteriors(project, [one]) if one.hashes["posterior"] != project.posterior
        }
        needed |= {record_path(project.id, one.hashes["scores"]): _REPLAY} if "scores" in one.hashes else {}
        fit = one.hashes.get("fit") if one.state is RoundState.CLOSED else None
        needed |= {fit_path(project.id, fit): _SHOWN} if fit and fit != newest else {}
    for name, without in needed.items():
        if not workspace.artifacts.exists(name):
            yield Damage(workspace.artifacts.path(name), _LOST, f"bring it back from a backup; {without}", False)


def _lost_rows(workspace: Workspace, project: Project) -> int:
    """How many items have no row, though the largest outlook of this encoder tells about them."""
    try:
        encoder, missing = remembered_encoder(workspace, project), missing_ids(workspace, project)
    except InvalidInputError:  # a shard or a note is damaged, which is told by itself
        return 0
    if encoder is None or not missing:
        return 0
    with workspace.database.read() as tx:
        failed = {one.item_id for one in failures.of_project(tx, project.id)}
    most = torch.empty(0, dtype=torch.int64)
    for name in workspace.artifacts.tables(f"projects/{project.id}/outlooks"):
        try:
            tensors, notes = workspace.artifacts.read_tensors(name, check=False)
        except InvalidInputError:
            continue
        if notes.get("encoder") == encoder and len(tensors["item_ids"]) > len(most):
            most = tensors["item_ids"]
    left = torch.tensor([item for item in missing if item not in failed], dtype=torch.int64)
    return int(torch.isin(left, most).sum())


def _kind_of_picture(name: str) -> str:
    return PurePosixPath(name).parts[0].removesuffix("s")
