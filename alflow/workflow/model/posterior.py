"""The posterior over the last layers of a project's model: imported, kept, loaded, exported.

It is that of the pretraining: labels do not move it (what they teach is `alflow.bayes.field`).

Kept as `posteriors/<hash>.safetensors`: the Kronecker factors of both modalities as sums, with the number of pairs
behind them. Prior precision and tau are not part of it: they are chosen when it is loaded, by the evidence and by the
weight of the pretraining in the project's settings, which is spread over those pairs.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from alflow.bayes.curvature import Factors
from alflow.bayes.evidence import best_prior_precision
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.bayes.spectrum import Spectrum
from alflow.disk import check_writable
from alflow.domain.projects import Project
from alflow.errors import InvalidInputError, NotFoundError
from alflow.store.artifacts import digest
from alflow.store.projects import projects
from alflow.workflow.images.shards import EncoderInUse, encoder_in_use
from alflow.workflow.model.factors import (
    PUBLISHED_PAIRS,
    BothFactors,
    check_widths,
    double,
    from_tensors,
    read_folder,
    to_tensors,
    write_published,
)
from alflow.workflow.model.source import PosteriorSource, missing_posterior, posterior_path
from alflow.workspace import Workspace


@dataclass(frozen=True)
class Posterior:
    """Gaussians over the last layers of both towers; `hash` names the factors they are made of."""

    image: KroneckerPosterior
    text: KroneckerPosterior
    hash: str


def import_posterior(workspace: Workspace, project: Project, directory: str, pairs: int = PUBLISHED_PAIRS) -> str:
    """Give the project the factors in a folder; returns the hash of the posterior.

    The folder holds them as published with the method, `A_img*.pt`, `B_img*.pt`, `A_txt*.pt` and `B_txt*.pt`: sums over
    `pairs` image-text pairs, divided by sqrt(pairs). Or it holds a `factors.safetensors` as `write_factors` makes it.

    Raises:
        InvalidInputError: a file is missing or holds no matrix, or the factors are not of this model's widths.
    """
    if pairs < 1:
        raise InvalidInputError(f"factors are sums over at least one pair, not {pairs}")
    factors = read_folder(Path(directory), pairs, workspace.encoder(project).layers, project)
    n = round(factors.image.n)
    return give_factors(workspace, project, factors, PosteriorSource("imported", n, n))


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
        write_published(folder, BothFactors(posterior.image.spectrum.factors, posterior.text.spectrum.factors))
        for side, one in (("img", posterior.image), ("txt", posterior.text)):
            chosen |= {f"lambda_{side}": one.prior_precision, f"n_{side}": posterior.image.tau}
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
        path = posterior_path(name)
        given = from_tensors(workspace.artifacts.read_tensors(path)[0], f"the artifact {path}")
        check_widths(given, layers, project)
        factors = double(given)
        image = damped_posterior(factors.image, layers.image_weight, weight)
        return Posterior(image, damped_posterior(factors.text, layers.text_weight, weight), name)

    return workspace.keep(digest(posterior=name, encoder=encoder.hash, pretraining_weight=weight), make)


def keep_factors(workspace: Workspace, project: Project, factors: BothFactors, source: PosteriorSource) -> str:
    """Check factors for the project's model, and keep them under their hash, with where they are from.

    Raises:
        InvalidInputError: they are of other widths than the model's layers, or no Gaussian comes of them.
    """
    check_widths(factors, encoder_in_use(workspace, project).layers, project)
    for side, one in (("image", factors.image), ("text", factors.text)):
        try:
            Spectrum.of(one)  # finite, symmetric, not indefinite: or it says which is wrong
        except InvalidInputError as error:
            raise InvalidInputError(f"the {side} factors: {error}") from error
    tensors = to_tensors(factors)
    name = digest(**{key: hashlib.sha256(tensor.numpy().tobytes()).hexdigest() for key, tensor in tensors.items()})
    if not workspace.artifacts.exists(posterior_path(name)):
        workspace.artifacts.write_tensors(posterior_path(name), tensors, source.as_metadata())
    return name


def give_factors(workspace: Workspace, project: Project, factors: BothFactors, source: PosteriorSource) -> str:
    """`keep_factors`, and let them be the project's posterior.

    Raises:
        InvalidInputError: they are of other widths than the model's layers, or no Gaussian comes of them.
    """
    name = keep_factors(workspace, project, factors, source)
    with workspace.database.begin() as tx:
        projects.set_posterior(tx, project.id, name)
    return name


def damped_posterior(factors: Factors, weight: Float[Tensor, "D P"], pretraining_weight: float) -> KroneckerPosterior:
    """The damped posterior of one layer, with the prior precision of the highest evidence.

    What decides is n tau: each of the n pairs behind the factors counts tau times, and all together for
    `pretraining_weight`, be they few or many.
    """
    spectrum, tau = Spectrum.of(factors), pretraining_weight / factors.n
    prior_precision = best_prior_precision(spectrum, float(weight.double().square().sum()), tau)
    return KroneckerPosterior.damped(spectrum, prior_precision, tau)


def _import_shipped(workspace: Workspace, project: Project) -> str:
    from alflow.vlm.models import DEMO_MODEL  # noqa: PLC0415 - open_clip takes seconds to import

    return import_posterior(workspace, project, str(DEMO_MODEL))
