"""A posterior for a project that was given none: from the images of its pool and a vocabulary, without captions.

The vocabulary is ImageNet's class names and the project's own prompts. Its activations are kept, some hundred texts at
a time, as `vocabularies/<hash>.safetensors`, so that a run that was killed goes on with them, and the next project of
the same model encodes its own prompts only. The factors are named by their content, as all are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import torch

from alflow.bayes.without_pairs import factors_without_pairs
from alflow.domain.images import Split
from alflow.domain.projects import ClassLabel, Project
from alflow.embeddings import Activations, among
from alflow.errors import InvalidInputError
from alflow.ids import ItemId
from alflow.progress import Progress, silent
from alflow.store.artifacts import digest
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.workflow.images.embed import as_tensors, towers_in_use
from alflow.workflow.images.embedded import embedded_ids, remembered_encoder
from alflow.workflow.images.shards import EncoderInUse, as_activations, encoder_in_use, shards, single
from alflow.workflow.images.threads import groups
from alflow.workflow.model.factors import BothFactors
from alflow.workflow.model.pairs import NEGATIVES
from alflow.workflow.model.posterior import keep_factors
from alflow.workflow.model.source import PosteriorSource, posterior_source
from alflow.workspace import Workspace

IMAGES: Final = 32_768
"""Of the pool, at most; more would not change a mean over them."""

_TEXTS: Final = 250  # encoded between two writes


@dataclass(frozen=True)
class EstimatedFromPool:
    """The hash of an estimated posterior, and what it was made of."""

    posterior: str
    source: PosteriorSource


@dataclass(frozen=True)
class _Inputs:
    """What a posterior is made of, before anything is encoded."""

    encoder: EncoderInUse
    item_ids: tuple[ItemId, ...]
    texts: tuple[str, ...]
    seed: int

    @property
    def hash(self) -> str:
        """Names all of it."""
        return digest(encoder=self.encoder.hash, items=self.item_ids, texts=self.texts, seed=self.seed)


def with_posterior(
    workspace: Workspace, project: Project, classes: Sequence[ClassLabel], progress: Progress = silent
) -> Project:
    """The project with the posterior for its first round: the one it was given, else one estimated from its pool.

    One that was estimated so before is made anew if images, prompts or the encoder have changed: no fit depends on it
    yet. What was imported or estimated from pairs meanwhile stays. Where there is nothing to estimate from, the
    project comes back as it is.

    Raises:
        ConflictError: the weights that its model names are others than those that embedded its items.
    """
    source, demo = posterior_source(workspace, project), project.posterior is None and project.model == "demo"
    given = project.posterior is not None and (source is None or source.kind != "pool")
    if given or demo or len(classes) < 2 or remembered_encoder(workspace, project) is None:
        return project
    inputs = _inputs(workspace, project, classes)
    if len(inputs.item_ids) < 2 or (source is not None and source.made_of == inputs.hash):
        return project
    done = _estimate(workspace, project, inputs, progress)
    with workspace.database.begin() as tx:
        stored = projects.lock(tx, project.id)
        if stored.posterior != project.posterior:
            return stored
        return projects.set_posterior(tx, project.id, done.posterior)


def estimate_from_pool(workspace: Workspace, project: Project, progress: Progress = silent) -> EstimatedFromPool:
    """Estimate the posterior from the pool as it is now, instead of any that the project has.

    `progress` tells how many texts of the vocabulary are encoded.

    Raises:
        InvalidInputError: fewer than two images of the pool are embedded.
        ConflictError: the weights that its model names are others than those that embedded its items.
    """
    with workspace.database.read() as tx:
        classes = projects.classes(tx, project.id)
    inputs = _inputs(workspace, project, classes)
    if len(inputs.item_ids) < 2:
        raise InvalidInputError(
            f"a posterior can be estimated from two embedded images of the pool or more, and project {project.name!r} "
            f"has {len(inputs.item_ids)}: import some (`alflow import`) and embed them (`alflow embed`)"
        )
    done = _estimate(workspace, project, inputs, progress)
    with workspace.database.begin() as tx:
        projects.set_posterior(tx, project.id, done.posterior)
    return done


def _inputs(workspace: Workspace, project: Project, classes: Sequence[ClassLabel]) -> _Inputs:
    from alflow.vlm.vocabulary import vocabulary  # noqa: PLC0415 - open_clip takes seconds to import

    encoder = encoder_in_use(workspace, project)
    known = embedded_ids(workspace, project, encoder.hash)
    with workspace.database.read() as tx:
        usable = [item for item in items.ids(tx, project.id, Split.POOL) if item in known]
    order = torch.randperm(len(usable), generator=_generator(project.settings.seed))[:IMAGES].sort().values
    chosen = tuple(usable[row] for row in order.tolist())
    return _Inputs(encoder, chosen, vocabulary([one.prompts for one in classes]), project.settings.seed)


def _estimate(workspace: Workspace, project: Project, inputs: _Inputs, progress: Progress) -> EstimatedFromPool:
    encoder, n = inputs.encoder, len(inputs.item_ids)
    texts = _encoded(workspace, project, inputs, progress)
    images = _rows(workspace, project, inputs)
    factors = factors_without_pairs(encoder.layers, images, texts, NEGATIVES, _generator(inputs.seed))
    source = PosteriorSource("pool", n, len(texts), inputs.hash, digest(texts=inputs.texts))
    return EstimatedFromPool(keep_factors(workspace, project, BothFactors(*factors), source), source)


def _rows(workspace: Workspace, project: Project, inputs: _Inputs) -> Iterator[Activations]:
    """Rows of the chosen images, each once, shard by shard."""
    left = torch.tensor(sorted(inputs.item_ids), dtype=torch.int64)
    for shard in shards(workspace, project, inputs.encoder.hash):
        found = shard[among(shard.item_ids, left).nonzero()[:, 0]]
        left = left[~torch.isin(left, found.item_ids)]
        if len(found):
            yield single(found).activations


def _encoded(workspace: Workspace, project: Project, inputs: _Inputs, progress: Progress) -> Activations:
    """Activations of the texts; those that are not kept yet are encoded and kept."""
    parts: list[Activations] = []
    for number, texts in enumerate(groups(inputs.texts, _TEXTS)):
        progress(number * _TEXTS, len(inputs.texts))
        name = f"vocabularies/{digest(encoder=inputs.encoder.hash, texts=texts)}.safetensors"
        if not workspace.artifacts.exists(name):
            towers = towers_in_use(workspace, project, inputs.encoder)
            workspace.artifacts.write_tensors(name, as_tensors(towers.texts(texts)))
        parts.append(as_activations(workspace.artifacts.read_tensors(name)[0]))
    progress(len(inputs.texts), len(inputs.texts))
    return Activations.concatenate(parts)


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(int(digest(seed=seed, draws="posterior")[:12], 16))
