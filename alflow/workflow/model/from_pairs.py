"""Estimate the posterior of a project's model from images with captions."""

from dataclasses import dataclass

from alflow.domain.images import Rejection
from alflow.domain.projects import Project
from alflow.errors import InvalidInputError
from alflow.progress import Progress, silent
from alflow.store.images import items
from alflow.workflow.images.sources import entries
from alflow.workflow.model.factors import BothFactors
from alflow.workflow.model.pairs import NOT_USED, encode_pairs, estimate_from_pairs
from alflow.workflow.model.posterior import give_factors
from alflow.workflow.model.source import PosteriorSource
from alflow.workspace import Workspace


@dataclass(frozen=True)
class Estimated:
    """The hash of an estimated posterior, how many pairs are in it, and which were left out."""

    posterior: str
    pairs: int
    left_out: tuple[Rejection, ...]


def estimate_posterior(
    workspace: Workspace,
    project: Project,
    manifest: str,
    progress: Progress = silent,
    summing: Progress = silent,
    *,
    anywhere: bool = False,
    allow_missing: bool = False,
) -> Estimated:
    """Estimate the factors from a manifest of images and captions.

    `progress` tells how many pairs are encoded, then `summing` how many of them are in the factors.

    Images that cannot be used are recorded among the project's rejections. With `allow_missing` they are left out, with
    their captions. With `anywhere` the manifest may name files outside its folder. A run that was killed goes on where
    it was when it is started again: see `alflow.workflow.model.pairs`.

    Raises:
        InvalidInputError: the manifest cannot be read, a caption is missing, or not all pairs (with `allow_missing`:
            fewer than two) can be used.
    """
    source = entries(manifest, anywhere=anywhere)
    pairs = source.entries
    if not pairs:
        why = f"the first: {source.rejected[0].uri}: {source.rejected[0].reason}" if source.rejected else "it is empty"
        raise InvalidInputError(f"{manifest} names no image that can be used; {why}")
    if bare := [entry.uri for entry in pairs if not entry.caption]:
        raise InvalidInputError(f"{manifest} needs a 'caption' for each image; {bare[0]} has none")
    encoder = workspace.encoder(project)
    encoded, folder = encode_pairs(workspace, encoder, pairs, progress)
    left_out = (*source.rejected, *encoded.rejected)
    with workspace.database.begin() as tx:
        before = items.rejections(tx, project.id)
        items.forget_rejections(tx, project.id, [one.uri for one in before if one.reason.startswith(NOT_USED)])
        items.forget_rejections_like(tx, project.id, *source.outdated)
        items.reject(tx, project.id, left_out)
    if left_out and not allow_missing:
        used = len(encoded.images)
        raise InvalidInputError(
            f"{used} of the {used + len(left_out)} pairs of {manifest} can be used; the first that cannot, "
            f"{left_out[0].uri}: {left_out[0].reason.removeprefix(f'{NOT_USED}: ')}: mend or take out such rows, or "
            "estimate from the others with --allow-missing"
        )
    factors, n = BothFactors(*estimate_from_pairs(workspace, encoder, encoded, folder, summing)), len(encoded.images)
    return Estimated(give_factors(workspace, project, factors, PosteriorSource("pairs", n, n)), n, left_out)
