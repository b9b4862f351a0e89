"""The posterior over the last layers of a project's model: imported, estimated, loaded.

Kept as `posteriors/<hash>.safetensors`: the Kronecker factors of both modalities as sums, with the number of pairs
behind them. Prior precision and tau are not part of it: they are chosen when it is loaded, by the evidence and by the
weight of the pretraining in the project's settings, which is spread over those pairs.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from jaxtyping import Float
from safetensors.torch import save_file
from torch import Tensor

from alflow.bayes.curvature import Factors
from alflow.bayes.evidence import best_prior_precision
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.bayes.spectrum import Spectrum
from alflow.disk import check_writable
from alflow.domain import Project, Rejection
from alflow.embeddings import LastLayers
from alflow.errors import InvalidInputError, NotFoundError
from alflow.progress import Progress, silent
from alflow.store.artifacts import digest
from alflow.store.images import items
from alflow.store.projects import projects
from alflow.tensors import check, check_filled, read_pickled, read_safetensors, take
from alflow.workflow.images.shards import EncoderInUse, encoder_in_use
from alflow.workflow.images.sources import entries
from alflow.workflow.model.pairs import NOT_USED, encode_pairs, estimate_from_pairs
from alflow.workspace import Workspace

SHIPPED_NAME: Final = "factors.safetensors"
"""A file of this name in a folder, beside a model or alone, holds factors in alflow's own form."""

PUBLISHED_PAIRS: Final = 327_680
"""Image-text pairs behind the factors that were published with the method; their files do not say."""


@dataclass(frozen=True)
class Posterior:
    """Gaussians over the last layers of both towers; `hash` names the factors they are made of."""

    image: KroneckerPosterior
    text: KroneckerPosterior
    hash: str


@dataclass(frozen=True)
class Estimated:
    """The hash of an estimated posterior, how many pairs are in it, and which were left out."""

    posterior: str
    pairs: int
    left_out: tuple[Rejection, ...]


@dataclass(frozen=True)
class BothFactors:
    """The Kronecker factors of both modalities."""

    image: Factors
    text: Factors


def import_posterior(workspace: Workspace, project: Project, directory: str, pairs: int = PUBLISHED_PAIRS) -> str:
    """Give the project the factors in a folder; returns the hash of the posterior.

    The folder holds them as published with the method, `A_img*.pt`, `B_img*.pt`, `A_txt*.pt` and `B_txt*.pt`: sums over
    `pairs` image-text pairs, divided by sqrt(pairs). Or it holds a `factors.safetensors` as `write_factors` makes it.

    Raises:
        InvalidInputError: a file is missing or holds no matrix, or the factors are not of this model's widths.
    """
    if pairs < 1:
        raise InvalidInputError(f"factors are sums over at least one pair, not {pairs}")
    folder = Path(directory)
    own = folder / SHIPPED_NAME
    given = _shipped(own) if own.is_file() else _published(folder, pairs)
    _check_widths(given, workspace.encoder(project).layers, project)  # before they are widened
    return _keep(workspace, project, _double(given) if own.is_file() else _sums(given))


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
    factors = BothFactors(*estimate_from_pairs(workspace, encoder, encoded, folder, summing))
    return Estimated(_keep(workspace, project, factors), len(encoded.images), left_out)


def export_posterior(workspace: Workspace, project: Project, directory: str) -> int:
    """Write the project's factors as the method's authors publish theirs; returns the pairs behind them.

    The files are those that `import_posterior` reads, in float32, and `prior_precision_analytic.json` with the prior
    precisions (`lambda_*`) of the highest evidence for tau, the weight of the pretraining over the pairs (there `n_*`).
    They do not say how many pairs there were: whoever imports them must.

    Raises:
        InvalidInputError: the folder cannot be written.
        UnavailableError: its disk is full, or may not be written.
        NotFoundError: the project has no posterior.
    """
    posterior, folder = load_posterior(workspace, project), Path(directory)
    chosen: dict[str, float] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for side, one in (("img", posterior.image), ("txt", posterior.text)):
            for name, matrix in zip("AB", one.spectrum.factors.published_form(), strict=True):
                torch.save(matrix.float(), folder / f"{name}_{side}_analytic.pt")
            chosen |= {f"lambda_{side}": one.prior_precision, f"n_{side}": one.tau}
        (folder / "prior_precision_analytic.json").write_text(json.dumps(chosen, indent=4), encoding="utf-8")
    except (OSError, RuntimeError) as error:
        check_writable(folder)  # torch does not tell what the disk said
        raise InvalidInputError(f"the folder {folder} cannot be written: {error}") from error
    return round(posterior.image.spectrum.factors.n)


def load_posterior(workspace: Workspace, project: Project) -> Posterior:
    """`posterior_of` the project as it is stored now.

    Raises:
        NotFoundError: the project has none; the message says how to get one.
        InvalidInputError: it is not of this model's widths.
    """
    with workspace.database.read() as tx:
        stored = projects.by_id(tx, project.id)
    return posterior_of(workspace, stored, encoder_in_use(workspace, stored))


def posterior_of(workspace: Workspace, project: Project, encoder: EncoderInUse) -> Posterior:
    """The posterior of the project's model, damped, with the prior precision of the highest evidence.

    A project of the demo model has the factors that are shipped with it, unless it was given others.

    Raises:
        NotFoundError: the project has none; the message says how to get one.
        InvalidInputError: it is not of this model's widths.
    """
    if (missing := missing_posterior(workspace, project)) is not None:
        raise NotFoundError(missing)
    name, layers = project.posterior or _import_shipped(workspace, project), encoder.layers
    weight = project.settings.pretraining_weight

    def make() -> Posterior:
        given = _factors(workspace.artifacts.read_tensors(_path(name))[0], f"the artifact {_path(name)}")
        _check_widths(given, layers, project)
        factors = _double(given)
        image = damped_posterior(factors.image, layers.image_weight, weight)
        return Posterior(image, damped_posterior(factors.text, layers.text_weight, weight), name)

    return workspace.keep(digest(posterior=name, encoder=encoder.hash, pretraining_weight=weight), make)


def missing_posterior(workspace: Workspace, project: Project) -> str | None:
    """What is missing where the project has no posterior, with the remedy; None if it has one, or gets the shipped."""
    remedy = (
        f"run `alflow posterior import DIR` with factors published for {project.model}, or `alflow posterior estimate "
        "MANIFEST` on images with captions"
    )
    if project.posterior is None:
        return None if project.model == "demo" else f"the project {project.name!r} has no posterior; {remedy}"
    path = _path(project.posterior)
    if workspace.artifacts.exists(path):
        return None
    return f"the project {project.name!r} has lost its posterior, {workspace.artifacts.path(path)}; {remedy}"


def damped_posterior(factors: Factors, weight: Float[Tensor, "D P"], pretraining_weight: float) -> KroneckerPosterior:
    """The damped posterior of one layer, with the prior precision of the highest evidence.

    What decides is n tau: each of the n pairs behind the factors counts tau times, and all together for
    `pretraining_weight`, be they few or many.
    """
    spectrum, tau = Spectrum.of(factors), pretraining_weight / factors.n
    prior_precision = best_prior_precision(spectrum, float(weight.double().square().sum()), tau)
    return KroneckerPosterior.damped(spectrum, prior_precision, tau)


def write_factors(path: Path, factors: BothFactors) -> None:
    """Write factors as a file that `import_posterior` reads from its folder; float32, to be shipped with a model."""
    save_file({name: tensor.float().contiguous() for name, tensor in _to_tensors(factors).items()}, path)


def read_factors(path: Path) -> BothFactors:
    """Read what `write_factors` wrote.

    Raises:
        InvalidInputError: the file holds something else.
    """
    return _double(_shipped(path))


def _shipped(path: Path) -> BothFactors:
    try:
        return _factors(read_safetensors(path), path)
    except InvalidInputError as error:
        raise InvalidInputError(f"{path} holds no Kronecker factors as alflow writes them: {error}") from error


def _published(folder: Path, pairs: int) -> BothFactors:
    """The published matrices as they are in the files."""
    image, text = (
        Factors(_read_matrix(folder, f"A_{side}"), _read_matrix(folder, f"B_{side}"), pairs) for side in ("img", "txt")
    )
    return BothFactors(image, text)


def _sums(published: BothFactors) -> BothFactors:
    image, text = (Factors.published(one.A, one.B, one.n) for one in (published.image, published.text))
    return BothFactors(image, text)


def _read_matrix(folder: Path, stem: str) -> Float[Tensor, "K K"]:
    """One published factor: a pickle of a tensor, opened as data only, wherever it was computed.

    Raises:
        InvalidInputError: there is no such file, or it holds something else.
    """
    if not folder.is_dir():
        raise InvalidInputError(f"there is no folder {folder}: name the one that holds A_img*.pt, B_img*.pt and so on")
    found = sorted(folder.glob(f"{stem}*.pt"))
    if len(found) != 1:
        raise InvalidInputError(f"the folder {folder} needs one file {stem}*.pt; it has {len(found)}")
    return _matrix(read_pickled(found[0]), str(found[0]))


def _keep(workspace: Workspace, project: Project, factors: BothFactors) -> str:
    """Check the factors, keep them under their hash, and make them the project's.

    Raises:
        InvalidInputError: they are of other widths than the model's layers, or no Gaussian comes of them.
    """
    layers = workspace.encoder(project).layers
    _check_widths(factors, layers, project)
    for side, one in (("image", factors.image), ("text", factors.text)):
        try:
            Spectrum.of(one)  # finite, symmetric, not indefinite: or it says which is wrong
        except InvalidInputError as error:
            raise InvalidInputError(f"the {side} factors: {error}") from error
    tensors = _to_tensors(factors)
    name = digest(**{key: hashlib.sha256(tensor.numpy().tobytes()).hexdigest() for key, tensor in tensors.items()})
    if not workspace.artifacts.exists(_path(name)):
        workspace.artifacts.write_tensors(_path(name), tensors)
    with workspace.database.begin() as tx:
        projects.set_posterior(tx, project.id, name)
    return name


def _import_shipped(workspace: Workspace, project: Project) -> str:
    from alflow.vlm.models import DEMO_MODEL  # noqa: PLC0415 - open_clip takes seconds to import

    return import_posterior(workspace, project, str(DEMO_MODEL))


def _check_widths(factors: BothFactors, layers: LastLayers, project: Project) -> None:
    """The door for factors.

    Raises:
        InvalidInputError: they are not of the widths of the project's model; both are named.
    """
    for side, given, weight in (
        ("image", factors.image, layers.image_weight),
        ("text", factors.text, layers.text_weight),
    ):
        found, wanted = (len(given.B), len(given.A)), tuple(weight.shape)
        if found != wanted:
            raise InvalidInputError(
                f"the {side} factors are for a last layer from {found[1]} to {found[0]}, but that of {project.model} "
                f"goes from {wanted[1]} to {wanted[0]}; factors fit one model only"
            )


def _path(name: str) -> str:
    return f"posteriors/{name}.safetensors"


def _to_tensors(factors: BothFactors) -> dict[str, Tensor]:
    sides = {"image": factors.image, "text": factors.text}
    matrices = {f"{side}_{name}": getattr(one, name) for side, one in sides.items() for name in "AB"}
    return matrices | {f"{side}_n": torch.tensor(float(one.n), dtype=torch.float64) for side, one in sides.items()}


def _factors(tensors: Mapping[str, Tensor], source: object) -> BothFactors:
    """The factors of a file as they are in it.

    Raises:
        InvalidInputError: it holds something else.
    """
    sides = []
    for side in ("image", "text"):
        a, b = (_matrix(take(tensors, f"{side}_{name}", source, 2), f"{source}: {side}_{name}") for name in "AB")
        n = take(tensors, f"{side}_n", source, 0, "any")
        sides.append(Factors(a, b, float(check_filled(n, f"{source}: {side}_n"))))
    return BothFactors(*sides)


def _matrix(found: object, source: str) -> Tensor:
    """A square matrix, in the precision it is kept in.

    Raises:
        InvalidInputError: it is something else.
    """
    if not isinstance(found, Tensor) or found.ndim != 2:
        what = f"{found.ndim} sides" if isinstance(found, Tensor) else type(found).__name__
        raise InvalidInputError(f"{source} holds no matrix, but {what}")
    matrix = check(found, source, 2)
    if matrix.shape[0] != matrix.shape[1] or not len(matrix):
        raise InvalidInputError(f"{source} is {tuple(matrix.shape)}, where a square matrix is wanted")
    return matrix


def _double(given: BothFactors) -> BothFactors:
    image, text = (Factors(one.A.double(), one.B.double(), one.n) for one in (given.image, given.text))
    return BothFactors(image, text)
