"""A head that was exported, as scikit-learn uses a classifier, and what becomes of a damaged one."""

import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import alflow
from alflow.bayes.head import Head
from alflow.errors import InvalidInputError
from alflow.vlm.encoder import load_encoder
from alflow.workflow.insight.exports.head_files import About, HeadFiles, write_head

NAMES = ("zebra", "ant", "lynx")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    classes = torch.nn.functional.normalize(draw(3, 4), dim=1)
    nodes, shares = torch.tensor([0.8, 1.0, 1.2]), torch.tensor([0.25, 0.5, 0.25])
    head = Head(draw(4, 6), classes, draw(3, 6), draw(3), torch.tensor(5.0), nodes, shares)
    about = About("birds", NAMES, "demo", "fp32", residuals=False, hashes={"encoder": "e", "fit": "f"})
    write_head(tmp_path, HeadFiles(head, about))
    return tmp_path


FEATURES = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)


def test_probabilities_are_those_of_the_written_out_sum(folder: Path) -> None:
    t = load_file(folder / "head.safetensors")
    g = FEATURES @ t["image_weight"].numpy().T
    cosines = g / np.linalg.norm(g, axis=1, keepdims=True) @ t["classes"].numpy().T
    found = 0.0
    for node, share in zip(t["nodes"].tolist(), t["shares"].tolist(), strict=True):
        z = node * 5 * cosines + FEATURES @ t["weight"].numpy().T + t["bias"].numpy()
        e = np.exp(z - z.max(axis=1, keepdims=True))
        found = found + share * e / e.sum(axis=1, keepdims=True)
    head = alflow.load_head(folder)
    assert np.allclose(head.predict_proba(FEATURES), found[:, [1, 2, 0]], atol=1e-6)
    for same in (torch.from_numpy(FEATURES), pd.DataFrame(FEATURES), FEATURES.tolist(), list(FEATURES)):
        assert np.allclose(head.predict_proba(same), found[:, [1, 2, 0]], atol=1e-6)


def test_it_is_a_classifier_of_scikit_learn(folder: Path) -> None:
    head = alflow.load_head(folder)
    assert head.classes_.tolist() == ["ant", "lynx", "zebra"]
    truth = head.predict(FEATURES)
    assert head.score(FEATURES, truth) == 1
    assert log_loss(truth, head.predict_proba(FEATURES), labels=head.classes_) < np.log(3)
    again = clone(head)
    assert again is not head
    assert np.array_equal(again.predict_proba(FEATURES), head.predict_proba(FEATURES))
    pipeline = make_pipeline(FunctionTransformer(np.negative), head)
    assert pipeline.predict_proba(-FEATURES) == pytest.approx(head.predict_proba(FEATURES))
    assert pipeline.fit(FEATURES, truth).predict(-FEATURES).tolist() == truth.tolist()
    assert cross_val_score(head, FEATURES, truth, cv=3).tolist() == [1, 1, 1]
    calibrated = CalibratedClassifierCV(FrozenEstimator(head), cv=3).fit(FEATURES, truth)
    assert calibrated.predict_proba(FEATURES).shape == (40, 3)
    assert np.array_equal(pickle.loads(pickle.dumps(head)).predict(FEATURES), truth)  # for joblib's processes
    assert not any(isinstance(each, torch.Tensor) for each in head.__getstate__().values())
    with pytest.raises(InvalidInputError, match="'fox' is no class of this head: it knows ant, lynx, zebra"):
        head.fit(FEATURES, ["fox"] * 40)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((2, 5)), "5 wide, and this head reads 6"),
        (np.full((2, 6), np.nan), "not finite"),
        (np.zeros(6), "shape"),
        ([[1, 2], [3]], "no table of numbers"),
        (np.array([["a"] * 6], dtype=object), "no table of numbers|X\\[0\\]"),
        ("photo.jpg", "one image: give a list"),
    ],
)
def test_what_is_neither_images_nor_features_is_told(folder: Path, given: object, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        alflow.load_head(folder).predict_proba(given)


@pytest.mark.slow
def test_a_broken_picture_is_named(folder: Path, tmp_path: Path) -> None:
    _json(folder, hashes={"encoder": load_encoder("demo").hash})
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing")
    head = alflow.load_head(folder)
    for given, message in (
        ([tmp_path / "bad.jpg"], r"image 0 \(.*bad\.jpg\)"),
        (["/nowhere/photo.jpg"], r"image 0 \(/nowhere/photo\.jpg\)"),
        ([np.zeros((4, 4), np.uint8).tobytes()], r"X\[0\] is a bytes: give paths"),
        ([3], r"X\[0\] is a int: give paths"),
        ([np.zeros((8, 8, 3), np.uint8)], "not of its head"),  # the head of this test is of another width
    ):
        with pytest.raises(InvalidInputError, match=message):
            head.predict(given)


def _json(folder: Path, **changes: object) -> None:
    about = json.loads((folder / "head.json").read_text())
    (folder / "head.json").write_text(json.dumps(about | changes))


def _tensors(folder: Path, **changes: torch.Tensor) -> None:
    save_file(load_file(folder / "head.safetensors") | changes, folder / "head.safetensors")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "head.json").unlink(), r"holds no head\.json"),
        (lambda f: (f / "head.safetensors").unlink(), r"has no head\.safetensors"),
        (lambda f: (f / "head.json").write_text("{"), "cannot be read"),
        (lambda f: (f / "head.json").write_text("[" * 100_000), "cannot be read"),
        (lambda f: (f / "head.json").write_bytes(b"\xff\xfe"), "cannot be read"),
        (lambda f: (f / "head.json").write_text("[]"), "no JSON object"),
        (lambda f: _json(f, format="pickle"), "is no head of alflow"),
        (lambda f: _json(f, version=2), r"of version 2; this alflow reads 1"),
        (lambda f: _json(f, classes=[]), "is damaged"),
        (lambda f: _json(f, classes=[1, 2, 3]), "is damaged"),
        (lambda f: _json(f, hashes="x"), "is damaged"),
        (lambda f: _json(f, checkpoint="x"), "is damaged"),
        (lambda f: _json(f, classes=["a", "b"]), "not of one model"),
        (lambda f: (f / "head.safetensors").write_bytes(b"x" * 100), r"head\.safetensors"),
        (lambda f: _tensors(f, bias=torch.full((3,), torch.nan)), "bias has entries that are not finite"),
        (lambda f: _tensors(f, weight=torch.zeros(3, 7)), "not of one model"),
        (lambda f: _tensors(f, scale=torch.zeros(2)), "scale has 1 sides"),
        (lambda f: _tensors(f, nodes=torch.zeros(2)), "not of one model"),
    ],
)
def test_a_damaged_head_is_told_in_one_line(folder: Path, damage: object, message: str) -> None:
    damage(folder)  # type: ignore[operator]
    with pytest.raises(InvalidInputError, match=message) as told:
        alflow.load_head(folder)
    assert "\n" not in str(told.value)


def test_residuals_are_part_of_the_features(folder: Path) -> None:
    _json(folder, residuals=True)
    head, t = alflow.load_head(folder), load_file(folder / "head.safetensors")
    assert head.n_features_in_ == 10
    residuals = np.random.default_rng(1).normal(size=(40, 4)).astype(np.float32)
    g = FEATURES @ t["image_weight"].numpy().T + residuals
    z = 5 * g / np.linalg.norm(g, axis=1, keepdims=True) @ t["classes"].numpy().T
    z = z + FEATURES @ t["weight"].numpy().T + t["bias"].numpy()
    assert np.allclose(head.decision_function(np.hstack([FEATURES, residuals])), z[:, [1, 2, 0]], atol=1e-5)
