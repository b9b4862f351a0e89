"""What a trial learns with: a model of images and texts, or, where there are images and labels only, a regression.

Axes: N images, L labelled images, C classes, P width of the activations.
"""

import warnings
from dataclasses import dataclass, replace
from typing import Final, Protocol, Self

import torch
from jaxtyping import Float, Int64
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from alflow.acquisition.beliefs import Beliefs, Query, ask, believe
from alflow.acquisition.strategies import ORACLES, available, find
from alflow.bayes.fit import refit
from alflow.bayes.model import Model
from alflow.bayes.uncertainty import entropy
from alflow.embeddings import Activations
from alflow.errors import InvalidInputError

_ITERATIONS: Final = 1_000  # enough to converge; scikit-learn's 100 are not always
_FEW: Final = "The number of unique classes is greater than 50%"  # what scikit-learn warns of in every first round


@dataclass(frozen=True)
class Judgement:
    """What a learner says of images: probabilities, and total, aleatoric and epistemic entropy in nats.

    The parts are None where nothing tells them apart.
    """

    probabilities: Float[Tensor, "N C"]
    total: Float[Tensor, " N"]
    aleatoric: Float[Tensor, " N"] | None = None
    epistemic: Float[Tensor, " N"] | None = None


class Learner(Protocol):
    """What a trial needs of whatever learns."""

    def ask(self, pool: Activations, target: Activations, labelled: Activations) -> Query:
        """The query that is put to a strategy."""
        ...

    def judge(self, images: Activations) -> Judgement:
        """Predictions to be judged."""
        ...

    def fitted(self, support: Activations, labels: Int64[Tensor, " L"], generator: torch.Generator) -> Self:
        """After these labels, and no others."""
        ...


@dataclass(frozen=True)
class ModelLearner:
    """As in the rounds of a project: beliefs, parts and fit are theirs."""

    zero_shot: Model
    model: Model

    def ask(self, pool: Activations, target: Activations, labelled: Activations) -> Query:
        """See `alflow.acquisition.beliefs.ask`."""
        return ask(self.model, pool, target, labelled)

    def judge(self, images: Activations) -> Judgement:
        """Predictions, and the parts of their uncertainty."""
        beliefs = believe(self.model, images)
        return Judgement(beliefs.probabilities, **beliefs.parts(self.model.class_covariance)._asdict())

    def fitted(self, support: Activations, labels: Int64[Tensor, " L"], generator: torch.Generator) -> Self:
        """See `alflow.bayes.fit.refit`."""
        return replace(self, model=refit(self.zero_shot, support, labels, generator))


@dataclass(frozen=True)
class RegressionLearner:
    """Logistic regression on the activations alone: scikit-learn's, with its standard settings (L2, C = 1, lbfgs).

    Each activation has mean 0 and deviation 1 over all images of the pack, as that penalty assumes; unit vectors as
    they are would hardly be told apart. Before any label all classes are equally probable; later a class without a
    label has the probability 0. There is no posterior: strategies see probabilities and activations (which also serve
    as embeddings), the rest of their query is NaN.

    Attributes:
        mean, deviation: of the activations.
        n_classes: C.
        weight, bias, seen: of the classes that have a label; none before a fit.
    """

    mean: Float[Tensor, " P"]
    deviation: Float[Tensor, " P"]
    n_classes: int
    weight: Float[Tensor, "S P"] | None = None
    bias: Float[Tensor, " S"] | None = None
    seen: Int64[Tensor, " S"] | None = None

    @classmethod
    def before_labels(cls, images: Activations, n_classes: int) -> Self:
        """All classes equal."""
        deviation, mean = torch.std_mean(images.values.double(), dim=0)
        return cls(mean, deviation.where(deviation > 0, 1.0), n_classes)

    def ask(self, pool: Activations, target: Activations, labelled: Activations) -> Query:
        """A query without a posterior."""
        unknown = torch.full((self.n_classes, self.n_classes), torch.nan)
        return Query(
            pool=self._believe(pool),
            target=self._believe(target),
            labelled=self._believe(labelled),
            Q=unknown,
        )

    def judge(self, images: Activations) -> Judgement:
        """The regression's probabilities and their entropy, of which no part is known."""
        probabilities = self._probabilities(images)
        return Judgement(probabilities, entropy(probabilities))

    def fitted(self, support: Activations, labels: Int64[Tensor, " L"], generator: torch.Generator) -> Self:
        """By maximum likelihood with the penalty; nothing is drawn."""
        del generator
        seen = torch.unique(labels)
        if len(seen) == 1:  # scikit-learn refuses it
            nothing = self.mean.new_zeros(1, len(self.mean))
            return replace(self, weight=nothing, bias=nothing[:, 0], seen=seen)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=_FEW)
            found = LogisticRegression(max_iter=_ITERATIONS).fit(self._standard(support).numpy(), labels.numpy())
        weight, bias = torch.from_numpy(found.coef_), torch.from_numpy(found.intercept_)
        if len(seen) == 2:  # scikit-learn keeps the logit of the second against the first
            weight, bias = torch.cat([0 * weight, weight]), torch.cat([0 * bias, bias])
        return replace(self, weight=weight, bias=bias, seen=seen)

    def _standard(self, images: Activations) -> Float[Tensor, "N P"]:
        return (images.values.double() - self.mean) / self.deviation

    def _probabilities(self, images: Activations) -> Float[Tensor, "N C"]:
        equal = self.mean.new_full((len(images), self.n_classes), 1 / self.n_classes)
        if self.weight is None or self.bias is None or self.seen is None:
            return equal
        of_seen = torch.softmax(self._standard(images) @ self.weight.T + self.bias, dim=1)
        return (0 * equal).index_copy(1, self.seen, of_seen)

    def _believe(self, images: Activations) -> Beliefs:
        values = images.values.float()
        probabilities, nothing = self._probabilities(images).float(), values.new_full((), torch.nan)
        return Beliefs(
            probabilities=probabilities,
            mean=nothing.expand_as(probabilities),
            activations=values,
            features=nothing.expand_as(values),
            embeddings=values,
            novelty=nothing.expand(len(values)),
        )


def check_strategy(name: str, *, with_posterior: bool) -> None:
    """Refuse a strategy that there is none of, or that asks for more than there is to know.

    Raises:
        InvalidInputError: no strategy has that name, or it needs a posterior and there is none.
    """
    if name not in ORACLES and find(name).needs_posterior and not with_posterior:
        possible = ", ".join(one.name for one in available()[0].values() if not one.needs_posterior)
        raise InvalidInputError(
            f"the strategy '{name}' needs the posterior of a model, which images and labels alone do not have: choose "
            f"one of {possible}"
        )
