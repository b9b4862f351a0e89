"""`STRATEGIES`: every named way to choose what to ask next, with its caption.

One table of functions (query, budget, generator) -> Acquisition feeds the settings, the command line, the pages and
the tests; other packages add to it (`alflow.acquisition.plugins`). Diversity is measured on the activations before the
last layer, which no fit moves.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from alflow.acquisition import plugins, posterior_free, scores, with_posterior
from alflow.acquisition.batch import covering_batch
from alflow.acquisition.combine import Strategy, balanced, combined, parse
from alflow.acquisition.conditioned import conditioned_batch
from alflow.acquisition.neighbours import wasserstein_points
from alflow.errors import InvalidInputError

BOSS: Final = "boss"
ORACLES: Final = frozenset({BOSS})
"""Names that only back-tests know: what the best choice would have brought, in sight of the true labels."""


def find(name: str) -> Strategy:
    """The strategy of that name, or the combination that it spells (see `alflow.acquisition.combine`).

    Raises:
        InvalidInputError: there is none, it needs the true labels, or the package that brings it fails; the message
            lists those that exist.
    """
    if name in STRATEGIES:
        return STRATEGIES[name]
    if name in ORACLES:
        raise InvalidInputError(
            f"the strategy '{name}' reads the true labels, so that only a back-test can use it: choose one of "
            f"{', '.join(STRATEGIES)}"
        )
    if name in plugins.offered():
        return plugins.load(name, _TAKEN)
    combination = parse(name)
    if combination is None:
        known = ", ".join([*STRATEGIES, *plugins.offered()])
        raise InvalidInputError(f"there is no strategy '{name}': choose one of {known}")
    return combined(combination, find)


def available() -> tuple[dict[str, Strategy], dict[str, str]]:
    """All strategies by name, those of other packages last; and why some of these packages' cannot be used, by name."""
    usable, faults = dict(STRATEGIES), dict[str, str]()
    for name in plugins.offered():
        try:
            usable[name] = plugins.load(name, _TAKEN)
        except InvalidInputError as error:
            faults[name] = str(error)
    return usable, faults


_MARGIN = Strategy("margin", "Where the two most probable classes are nearly tied.", posterior_free.margin, copies=None)
_ENTROPY = Strategy(
    "entropy",
    "Where the prediction is most spread over the classes.",
    posterior_free.largest(lambda query: scores.entropy(query.pool.probabilities)),
    copies=None,
)
_EPIG = Strategy(
    "epig",
    "Where a label by itself tells most about the targets: second-order EPIG, blind to the rest of the batch.",
    posterior_free.largest(with_posterior.epig),
    needs_posterior=True,
    copies=None,
)

_TABLE: Final = (
    Strategy(
        "default",
        "Where answers can surprise and together take most off the uncertainty about the targets: no near-copies.",
        lambda query, budget, _: covering_batch(query, budget),
        copies=None,
    ),
    Strategy(
        "random", "Uniformly at random: the baseline that a strategy must beat.", posterior_free.random, copies=None
    ),
    Strategy(
        "least-confidence",
        "Where the most probable class is least probable.",
        posterior_free.largest(lambda query: scores.least_confidence(query.pool.probabilities)),
        copies=None,
    ),
    _MARGIN,
    _ENTROPY,
    Strategy(
        "variance",
        "Where the logits are least certain, whatever they say about the class.",
        posterior_free.largest(lambda query: query.pool.variance),
        needs_posterior=True,
        copies=None,
    ),
    Strategy(
        "bald",
        "Where the label tells most about the model itself, whether or not the targets care.",
        posterior_free.largest(with_posterior.bald),
        needs_posterior=True,
        copies=None,
    ),
    Strategy(
        "power-bald",
        "Drawn at random with probability proportional to BALD; the scores are the selection probabilities.",
        with_posterior.power_bald,
        needs_posterior=True,
        copies=None,
        by_chance=True,
    ),
    Strategy(
        "batch-bald",
        "Where the labels of the whole batch tell most about the model, from joint draws.",
        with_posterior.batch_bald,
        needs_posterior=True,
        copies=None,
    ),
    _EPIG,
    Strategy(
        "epig-monte-carlo",
        "EPIG from joint draws without bias, linear in pool and targets.",
        with_posterior.epig_monte_carlo,
        needs_posterior=True,
        copies=None,
    ),
    Strategy(
        "epig-joint",
        "EPIG of the joint of few draws, as published, with the best rows found by its upper bound.",
        with_posterior.epig_joint,
        needs_posterior=True,
        copies=None,
    ),
    Strategy(
        "epig-conditioned",
        "Second-order EPIG with a local kernel, each pick conditioned on all before it as in a Gaussian process.",
        lambda query, budget, _: conditioned_batch(query, budget),
        copies=None,
    ),
    Strategy(
        "k-centre",
        "Farthest from everything labelled or picked: covers the pool, outliers first.",
        posterior_free.k_centre,
        copies=1.5,
    ),
    Strategy(
        "badge",
        "K-means++ on gradient embeddings: uncertain images that differ from each other.",
        posterior_free.badge,
        copies=1.0,
    ),
    Strategy(
        "typiclust",
        "The most typical image of each large cluster without a label: for the first labels.",
        posterior_free.typiclust,
        copies=3.0,
    ),
    Strategy(
        "probcover",
        "Balls that cover most of the pool, as large as the classes allow.",
        posterior_free.prob_cover,
        copies=4.0,
    ),
    Strategy(
        "max-herding",
        "Images that most of the pool is near to, with soft balls (generalised coverage).",
        posterior_free.max_herding,
        copies=1.5,
    ),
    Strategy(
        "uherding",
        "Images that are near to most of what is uncertain, within a radius that shrinks as labels come.",
        posterior_free.uherding,
        copies=1.5,
    ),
    Strategy(
        "drop-query",
        "Images whose predicted class changes when most features are dropped, one of each cluster.",
        posterior_free.drop_query,
        copies=5.0,
    ),
    Strategy(
        "bait",
        "The batch that leaves least error of a linear head over the pool, by its Fisher information.",
        posterior_free.bait,
        copies=10.0,
    ),
    Strategy(
        "refine",
        "Coverage of what is uncertain, among images that eight strategies kept in five rounds of sieving.",
        posterior_free.refine,
        copies=12.0,
    ),
    Strategy(
        "nearest-wasserstein",
        "The nearest neighbours of the targets by 2-Wasserstein distance.",
        with_posterior.nearest(wasserstein_points),
        needs_posterior=True,
        copies=2.5,
    ),
    Strategy(
        "nearest-cosine",
        "The nearest neighbours of the targets by expected cosine.",
        with_posterior.nearest(lambda rows: rows.embeddings),
        needs_posterior=True,
    ),
    balanced(_MARGIN, "Nearly tied predictions, the predicted classes in turn."),
    balanced(_ENTROPY, "Spread-out predictions, the predicted classes in turn."),
    balanced(_EPIG, "Second-order EPIG, the predicted classes in turn."),
)

STRATEGIES: Mapping[str, Strategy] = MappingProxyType({strategy.name: strategy for strategy in _TABLE})
"""Every strategy of alflow by its name; `find` also reads those of other packages, and combinations of names."""

_TAKEN: Final = ORACLES.union(STRATEGIES)
