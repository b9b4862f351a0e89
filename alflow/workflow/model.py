"""The model of a project at one moment: last layers (zero-shot or fitted), posterior, classes, and what it believes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Int64
from torch import Tensor

from alflow.acquisition.beliefs import Beliefs, Query, beliefs, build_query
from alflow.bayes.curvature import Factors, pair_factors
from alflow.bayes.gaussian import check_classes, gaussian_embeddings
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.bayes.spectrum import Spectrum
from alflow.bayes.uncertainty import class_uncertainty
from alflow.domain import Project
from alflow.embeddings import Activations, LastLayers
from alflow.errors import ConflictError
from alflow.store.artifacts import digest
from alflow.vlm.projection import Pretrained, fit_projection
from alflow.workflow.embed import class_rows
from alflow.workflow.posterior import load_posterior
from alflow.workflow.projects import project_classes
from alflow.workflow.shards import head
from alflow.workspace import Workspace


@dataclass(frozen=True)
class Model:
    """Everything a prediction depends on; `hashes` names each part, so that a round can be replayed."""

    layers: LastLayers
    image_posterior: KroneckerPosterior
    text_posterior: KroneckerPosterior
    classes: Activations
    class_ids: tuple[int, ...]
    hashes: dict[str, str]

    def believe(self, images: Activations) -> Beliefs:
        """Posterior predictive of these images over the classes, and their kernel features."""
        return beliefs(images, self.classes, self.layers, self.image_posterior, self.text_posterior)

    def query(self, pool: Activations, target: Activations, labelled: Activations) -> Query:
        """What a strategy is asked."""
        return build_query(
            self.believe(pool),
            self.believe(target),
            self.believe(labelled),
            self.classes,
            self.layers,
            self.image_posterior,
            self.text_posterior,
        )

    def class_deviations(self, query: Query) -> dict[int, float]:
        """Standard deviation of a typical pool image's logit for each class that is due to its name: by class id."""
        text = gaussian_embeddings(self.classes, self.layers.text_weight, self.text_posterior)
        found = class_uncertainty(text, query.covariances, query.pool.text_scale).logit_deviation
        return dict(zip(self.class_ids, found.tolist(), strict=True))

    def columns(self, class_ids: Sequence[int]) -> Int64[Tensor, " N"]:
        """Class ids -> columns of the predictive.

        Raises:
            KeyError: a class is not of this model.
        """
        where = {class_id: column for column, class_id in enumerate(self.class_ids)}
        return torch.tensor([where[class_id] for class_id in class_ids], dtype=torch.int64)


def load_model(workspace: Workspace, project: Project, fit: str | None = None) -> Model:
    """The zero-shot model of the project, or the one that a round's fit left (`fit` is its hash).

    Raises:
        ConflictError: the project has fewer than two classes.
        InvalidInputError: two classes look the same to the model.
        NotFoundError: it has no posterior, or the fit is missing.
    """
    classes = project_classes(workspace, project.id)
    if len(classes) < 2:
        raise ConflictError(
            f"Project '{project.name}' has {len(classes)} classes; a choice needs two: `alflow classes set`."
        )
    (encoder_hash, layers), posterior = head(workspace, project), load_posterior(workspace, project)
    prompts = digest(prompts=[list(label.prompts) for label in classes])
    rows = class_rows(workspace, project)
    check_classes(rows, [label.display_name for label in classes])
    zero_shot = Model(
        layers,
        posterior.image,
        posterior.text,
        rows,
        tuple(label.id for label in classes),
        {"encoder": encoder_hash, "prompts": prompts, "posterior": posterior.hash},
    )
    if fit is None:
        return zero_shot
    made_of = {"fit": fit, "project": project.id, "tau": posterior.image.tau, "classes": list(zero_shot.class_ids)}
    return workspace.keep(
        digest(**made_of, **zero_shot.hashes), lambda: restore_fit(workspace, project, zero_shot, fit)
    )


def refit(model: Model, support: Activations, labels: Int64[Tensor, " N"], generator: torch.Generator) -> Model:
    """The zero-shot model after these labels: projection and scale by MAP, covariances by the spread that fits them.

    The labelled rows update the image factors, at the fitted weights and with the classes as the other modality.
    """
    pretrained = Pretrained(model.layers, model.image_posterior, model.text_posterior, model.classes)
    fitted = fit_projection(support, labels, pretrained, generator)
    layers = fitted.layers(model.layers)
    g = support.embed(layers.image_weight.double())  # a difference of sums: float32 would leave it indefinite
    texts = model.classes.embed(layers.text_weight.double())
    new = pair_factors(support.values.double(), g, texts, layers)
    factors = model.image_posterior.spectrum.factors.merge(new)
    return _fitted(model, layers, factors, fitted.spread)


def fit_path(project_id: int, fit: str) -> str:
    """Where a round's fit lies among the artifacts."""
    return f"projects/{project_id}/fits/{fit}.safetensors"


def save_fit(workspace: Workspace, project: Project, fit: str, model: Model) -> None:
    """Keep what `load_model` needs to restore a fitted model."""
    factors = model.image_posterior.spectrum.factors
    tensors = {"image_weight": model.layers.image_weight, "A": factors.A, "B": factors.B}
    numbers = {"scale": model.layers.scale, "bias": model.layers.bias}
    numbers |= {"n": factors.n, "spread": model.image_posterior.spread}
    tensors |= {name: torch.tensor(value, dtype=torch.float64) for name, value in numbers.items()}
    workspace.artifacts.write_tensors(fit_path(project.id, fit), tensors, model.hashes)


def restore_fit(workspace: Workspace, project: Project, zero_shot: Model, fit: str) -> Model:
    """The fitted model that `save_fit` kept.

    Raises:
        NotFoundError: there is no fit of that hash.
    """
    tensors, _ = workspace.artifacts.read_tensors(fit_path(project.id, fit))
    scale, bias, n, spread = (float(tensors[name]) for name in ("scale", "bias", "n", "spread"))
    layers = replace(zero_shot.layers, image_weight=tensors["image_weight"], scale=scale, bias=bias)
    fitted = _fitted(zero_shot, layers, Factors(tensors["A"], tensors["B"], n), spread)
    return replace(fitted, hashes=zero_shot.hashes | {"fit": fit})


def _fitted(zero_shot: Model, layers: LastLayers, image_factors: Factors, spread: float) -> Model:
    image = replace(zero_shot.image_posterior, spectrum=Spectrum.when_asked(image_factors))
    return replace(
        zero_shot,
        layers=layers,
        image_posterior=image.tempered(spread),
        text_posterior=zero_shot.text_posterior.tempered(spread),
    )
