from dataclasses import replace
from math import exp

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import alflow
from alflow.acquisition.acquire import acquire
from alflow.acquisition.beliefs import ask, believe
from alflow.bayes.curvature import Factors
from alflow.bayes.features import model_of_features, neutral_posterior
from alflow.bayes.field import Frame
from alflow.bayes.fit import refit
from alflow.bayes.kronecker import KroneckerPosterior
from alflow.embeddings import Activations
from alflow.errors import InvalidInputError

D, C = 8, 3


class Own:
    """Features as somebody has them: three clouds around directions that class texts only nearly have."""

    def __init__(self) -> None:
        generator = np.random.default_rng(0)
        centres = generator.normal(size=(C, D))
        self.classes = centres + 0.8 * generator.normal(size=(C, D))
        self.labels = generator.integers(0, C, 90)
        self.images = 3 * (centres[self.labels] + 0.5 * generator.normal(size=(90, D)))
        self.pool, self.target, self.labelled = self.images[:60], self.images[60:75], self.images[75:]
        self.known = self.labels[75:]


@pytest.fixture
def own() -> Own:
    return Own()


def unit(values: np.ndarray) -> Activations:
    rows = torch.from_numpy(values).float()
    return Activations(torch.nn.functional.normalize(rows, dim=1))


def test_nothing_is_open_in_the_neutral_posterior() -> None:
    rows = unit(np.random.default_rng(1).normal(size=(20, D)))
    model = model_of_features(torch.eye(C, D), Frame.of(rows), 100.0)
    beliefs = believe(model, rows)
    assert torch.allclose(beliefs.embeddings, rows.values, atol=1e-5)
    assert torch.allclose(beliefs.novelty, torch.ones(20), rtol=1e-3)
    assert neutral_posterior(D).output_spectrum.max() < 2e-4


@pytest.mark.slow
def test_fit_and_choice_are_those_of_a_model_whatever_its_posterior(own: Own) -> None:
    """Against a model of the same logits with some other posterior, put together by hand."""
    factor = torch.randn(D, D, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    other = KroneckerPosterior.damped(Factors(factor @ factor.T, torch.eye(D).double(), 5.0), 40.0, 2.0)
    parts = [unit(rows) for rows in (own.pool, own.target, own.labelled)]
    frame = Frame.of(Activations.concatenate(parts))
    zero_shot = model_of_features(torch.from_numpy(own.classes).float(), frame, 30.0)
    zero_shot = replace(zero_shot, image_posterior=other, text_posterior=other)
    generator = torch.Generator().manual_seed(5)
    model = refit(zero_shot, parts[2], torch.from_numpy(own.known), generator)
    expected, _ = acquire(ask(model, *parts), "default", 6, 0.0, generator)
    given = {"labelled": own.labelled, "labels": own.known, "classes": own.classes, "scale": 30.0, "seed": 5}
    chosen = alflow.choose(own.pool, own.target, budget=6, **given)
    assert chosen.rows.tolist() == expected.rows.tolist()
    assert np.allclose(chosen.scores, expected.scores)
    assert len(chosen.all_scores) == 60
    others = np.concatenate([own.pool, own.target])
    fitted = alflow.fit(own.labelled, own.known, own.classes, pool=others, scale=30.0, seed=5)
    assert np.allclose(fitted.predict_proba(own.pool), model.probabilities(parts[0]), atol=1e-4)


def test_before_any_label_the_logits_are_the_scaled_cosines(own: Own) -> None:
    model = model_of_features(torch.from_numpy(own.classes).float(), Frame.of(unit(own.pool)), 20.0)
    cosines = unit(own.pool).values @ unit(own.classes).values.T
    logits = believe(model, unit(own.pool)).mean
    assert torch.allclose(logits, exp(model.field.log_scale) * 20 * cosines, atol=1e-4)


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy, np.ndarray.tolist, lambda values: values.astype("f2")])
def test_any_table_will_do_and_labels_teach(own: Own, kind) -> None:
    fitted = alflow.fit(kind(own.images[60:]), own.labels[60:], kind(own.classes), pool=kind(own.pool), scale=10.0)
    p, parts = fitted.predict_proba(kind(own.pool)), fitted.uncertainty(kind(own.pool))
    assert p.shape == (60, C)
    assert np.allclose(p.sum(axis=1), 1, atol=1e-5)
    assert (fitted.predict(kind(own.pool)) == own.labels[:60]).mean() > 0.8
    assert np.allclose(parts.total, -(p * np.log(p)).sum(axis=1), atol=1e-4)
    assert np.allclose(parts.total, parts.aleatoric + parts.epistemic, atol=1e-5)
    few = alflow.fit(kind(own.images[60:62]), own.labels[60:62], kind(own.classes), pool=kind(own.pool), scale=10.0)
    assert parts.epistemic.mean() < few.uncertainty(kind(own.pool)).epistemic.mean()


def test_without_texts_it_is_a_logistic_regression(own: Own) -> None:
    theirs = make_pipeline(StandardScaler().fit(own.images), LogisticRegression(max_iter=1000))
    theirs[1].fit(theirs[0].transform(own.images[60:]), own.labels[60:])
    fitted = alflow.fit(own.images[60:], own.labels[60:], pool=own.pool)
    assert np.allclose(fitted.predict_proba(own.pool), theirs.predict_proba(own.pool), atol=0.01)
    parts = fitted.uncertainty(own.pool)
    assert (parts.aleatoric, parts.epistemic) == (None, None)
    for strategy in ("default", "typiclust", "margin", "0.7*margin+0.3*typiclust"):
        chosen = alflow.choose(own.pool, own.target, own.labelled, own.known, classes=C, strategy=strategy, budget=7)
        assert len(set(chosen.rows.tolist())) == 7
    assert len(alflow.choose(own.pool, classes=np.int64(C), budget=500).rows) == 60


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pool": np.zeros(5)}, r"have the shape \(5,\): give an array"),
        ({"pool": [["a", "b"]]}, "no table of numbers"),
        ({"pool": np.zeros((0, D))}, "the pool is empty"),
        ({"pool": np.full((3, D), np.nan)}, r"pool are not finite \(first: row 0\)"),
        ({"target": np.zeros((2, D + 1))}, "target are 9 wide, other features 8"),
        ({"classes": np.ones((C, D + 2))}, "classes are 10 wide"),
        ({"classes": np.ones((2, D))}, "classes 0 and 1 have the same"),
        ({"classes": 1}, "there are 1 classes"),
        ({"labels": None}, "come together"),
        ({"labels": [0, 1]}, r"labels have the shape \(2,\), for 15 images"),
        ({"labels": [7] * 15}, "rows of the classes, 0 to 2"),
        ({"labels": [0.5] * 15}, "rows of the classes"),
        ({"labels": ["cat"] * 15}, "rows of the classes"),
        ({"strategy": "epigg"}, "there is no strategy 'epigg'"),
        ({"strategy": "boss"}, "only a back-test"),
        ({"classes": C, "strategy": "epig"}, "needs the posterior of a model"),
        ({"budget": 0}, "budget must be at least 1"),
        ({"scale": -1.0}, "the scale is -1.0"),
    ],
)
def test_what_cannot_be_used_is_named(own: Own, changes: dict, message: str) -> None:
    given = {"pool": own.pool, "labelled": own.labelled, "labels": own.known, "classes": own.classes} | changes
    with pytest.raises(InvalidInputError, match=message):
        alflow.choose(**given)


def test_a_fit_needs_a_label() -> None:
    with pytest.raises(InvalidInputError, match="for 0 images: give one for each"):
        alflow.fit(np.zeros((0, D)), [], np.eye(C, D))
