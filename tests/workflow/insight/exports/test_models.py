"""The fitted model, read back by the programs it was written for, gives the probabilities that alflow gives."""

import json
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
import yaml
from open_clip.model import CustomTextCLIP
from PIL import Image
from safetensors.torch import load_file, save_file

import alflow
from alflow.commands.export import ModelFormat
from alflow.domain.images import Split
from alflow.domain.projects import NewClass, Project
from alflow.errors import AlflowError, ConflictError, InvalidInputError
from alflow.settings import Settings
from alflow.store.images import items
from alflow.store.rounds import rounds
from alflow.workflow.images.embed import embed_missing, load_embeddings
from alflow.workflow.images.encoding import prepare_file
from alflow.workflow.insight.exports.embedded import export_embeddings
from alflow.workflow.insight.exports.table import FORMATS
from alflow.workflow.insight.exports.write import export_model
from alflow.workflow.model.model import load_model
from alflow.workflow.model.source import last_fit
from alflow.workflow.projects.projects import set_classes
from alflow.workflow.rounds.advance import advance
from alflow.workspace import Workspace
from tests.colours import answer, colour_project
from tests.vlm.test_encoder import CONFIGURATIONS


def label(workspace: Workspace, folder: Path, **more: str) -> Project:
    """The project of two colours, with a round behind it."""
    project = colour_project(workspace, folder, **more)
    embed_missing(workspace, project)
    advance(workspace, project.id)
    answer(workspace, project)
    advance(workspace, project.id)
    return project


@pytest.fixture
def fitted(workspace: Workspace, tmp_path: Path) -> Project:
    return label(workspace, tmp_path)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, Project, Path]]:
    """One that nothing changes, and a folder in which its exports lie, one for each format."""
    folder = tmp_path_factory.mktemp("exports")
    workspace = Workspace.open(Settings(home=folder / "home"))
    project = label(workspace, folder)
    for layout in FORMATS:
        if layout != "onnx" or find_spec("onnx"):
            export_model(workspace, project.id, folder / layout, layout)
    yield workspace, project, folder
    workspace.database.close()


Home = tuple[Workspace, Project, Path]


class World:
    """What alflow says of the test images, and where they lie."""

    def __init__(self, workspace: Workspace, project: Project) -> None:
        with workspace.database.read() as tx:
            every = items.list_(tx, project.id, Split.TEST)
            self.fit = last_fit(rounds.all_(tx, project.id))
        model = load_model(workspace, project, self.fit)
        self.paths = [item.uri for item in every]
        self.rows = load_embeddings(workspace, project, [item.id for item in every]).activations
        self.probabilities = model.model.probabilities(self.rows).numpy()
        self.zero_shot = model.model.zero_shot_logits(self.rows).numpy()
        self.logits = model.model.field.logits(
            model.model.zero_shot_logits(self.rows), model.model.frame.features(self.rows.values)
        ).numpy()


def test_the_command_offers_every_format() -> None:
    assert [each.value for each in ModelFormat] == list(FORMATS)


def stock_open_clip(folder: Path, paths: list[str]) -> tuple[Any, torch.Tensor]:
    """The checkpoint as anybody loads it, and its image features."""
    model, _, prepare = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    pixels = torch.stack([prepare(Image.open(path).convert("RGB")) for path in paths])
    with torch.no_grad():
        return model.eval(), model.encode_image(pixels)


@pytest.mark.slow
def test_an_open_clip_checkpoint_gives_the_same_logits(home: Home) -> None:
    workspace, fitted, folder = home
    world = World(workspace, fitted)
    model, features = stock_open_clip(folder / "open_clip", world.paths)
    head, about = (
        load_file(folder / "open_clip" / "head.safetensors"),
        json.loads((folder / "open_clip" / "head.json").read_text()),
    )
    embedding, carried = features.split(head["classes"].T.shape, dim=1)
    zero_shot = head["scale"] * torch.nn.functional.normalize(embedding, dim=1) @ head["classes"].T
    logits = zero_shot + carried / about["checkpoint"] + head["bias"]
    assert np.abs(logits.numpy() - world.logits).max() < 1e-5 * np.abs(world.logits).max()
    assert np.abs(logits.numpy() - world.logits).max() < 1e-4
    with torch.no_grad():  # its own cosines are those of the model
        tokens = open_clip.get_tokenizer(f"local-dir:{folder / 'open_clip'}")(["a photo of red.", "a photo of blue."])
        plain, _, prepare = open_clip.create_model_and_transforms(fitted.model)
        pixels = torch.stack([prepare(Image.open(path).convert("RGB")) for path in world.paths])
        cosines = [
            one.eval().encode_image(pixels, normalize=True) @ one.encode_text(tokens, normalize=True).T
            for one in (model, plain)
        ]
    assert (cosines[0] - cosines[1]).abs().max() < 1e-6


@pytest.mark.parametrize("layout", ["open_clip", "sklearn"])
def test_load_head_predicts_images_and_features(home: Home, layout: str) -> None:
    workspace, fitted, folder = home
    world = World(workspace, fitted)
    head = alflow.load_head(folder / layout)
    assert head.classes_.tolist() == ["blue", "red"]  # sorted, where the project has red first
    expected = world.probabilities[:, [1, 0]]
    for given in (
        world.rows.values.numpy(),
        world.paths,
        [Path(path) for path in world.paths],
        [Image.open(path) for path in world.paths],
        np.array(world.paths),
    ):
        assert np.abs(head.predict_proba(given) - expected).max() < 1e-5
    assert head.n_features_in_ == 32
    assert head.predict(world.paths).tolist() == head.classes_[expected.argmax(axis=1)].tolist()
    assert np.allclose(head.decision_function(world.rows.values), world.logits[:, 0] - world.logits[:, 1], atol=1e-4)
    assert np.allclose(np.exp(head.predict_log_proba(world.paths)), expected, atol=1e-5)
    assert head.predict_proba([]).shape == (0, 2)


def test_a_large_picture_is_read_as_a_project_reads_it(home: Home, tmp_path: Path) -> None:
    """That is reduced, before it is prepared: else probabilities differ in the third place."""
    workspace, fitted, folder = home
    noise = np.random.default_rng(0).integers(0, 256, (600, 500, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")
    encoder = workspace.encoder(fitted)
    rows = encoder.pixels(prepare_file(encoder, str(tmp_path / "large.png"))[None])
    with workspace.database.read() as tx:
        fit = last_fit(rounds.all_(tx, fitted.id))
    expected = load_model(workspace, fitted, fit).model.probabilities(rows).numpy()[:, [1, 0]]
    head = alflow.load_head(folder / "open_clip")
    for given in (tmp_path / "large.png", Image.open(tmp_path / "large.png"), noise):
        assert np.abs(head.predict_proba([given]) - expected).max() < 1e-5


def test_files_follow_the_umask(home: Home) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in (home[2] / "open_clip").iterdir()}
    assert len(set(modes.values())) == 1, modes


def test_onnx_gives_the_same_probabilities(home: Home) -> None:
    workspace, fitted, folder = home
    onnxruntime = pytest.importorskip("onnxruntime")
    world = World(workspace, fitted)
    prepare = workspace.encoder(fitted).prepare
    pixels = torch.stack([prepare(Image.open(path).convert("RGB")) for path in world.paths]).numpy()
    session = onnxruntime.InferenceSession(folder / "onnx" / "model.onnx")
    for batch in (pixels, pixels[:1], pixels[:5]):
        (found,) = session.run(["probabilities"], {"pixels": batch})
        assert np.abs(found - world.probabilities[: len(batch)]).max() < 1e-4
    about = json.loads((folder / "onnx" / "preparation.json").read_text())
    assert about["classes"] == ["red", "blue"]
    assert about["preparation"]["size"] in (32, [32, 32])


@pytest.mark.parametrize("layout", FORMATS)
def test_the_program_of_the_card_runs_as_written(
    home: Home, layout: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, fitted, folder = home
    if layout == "onnx":
        pytest.importorskip("onnxruntime")
    world = World(workspace, fitted)
    Image.open(world.paths[0]).convert("RGB").save(folder / layout / "photo.jpg", quality=100, subsampling=0)
    programs = re.findall(r"```python\n(.*?)```", (folder / layout / "README.md").read_text(), re.DOTALL)
    assert len(programs) == (2 if layout == "open_clip" else 1)
    monkeypatch.chdir(folder / layout)
    for program in programs:
        exec(program, {})  # as a reader of the card would
        said = capsys.readouterr().out
        assert "red" in said
        numbers = sorted(float(one) for one in re.findall(r"\d\.\d+(?:e-\d+)?", said))
        assert np.allclose(numbers, sorted(world.probabilities[0]), atol=0.05)  # the photo is a JPEG of it


@pytest.mark.parametrize("layout", FORMATS)
def test_the_card_says_what_it_is(home: Home, layout: str) -> None:
    workspace, fitted, folder = home
    if layout == "onnx":
        pytest.importorskip("onnx")
    text = (folder / layout / "README.md").read_text()
    _, head, body = text.split("---\n", 2)
    about = yaml.safe_load(head)
    assert about["pipeline_tag"] == "image-classification"
    (test,) = (one for one in about["model-index"][0]["results"] if one["dataset"]["split"] == "test")
    metrics = {one["type"]: one["value"] for one in test["metrics"]}
    curve = alflow.open(fitted.name, home=workspace.settings.home).evaluations()
    for name in ("accuracy", "nlpd", "ece"):
        row = curve.query(f"round == 1 and split == 'test' and metric == '{name}'").iloc[0]
        assert metrics[name] == pytest.approx(row["value"], rel=1e-5, abs=1e-6)
        assert f"{row['value']:.4f} [{row['low']:.4f}, {row['high']:.4f}]" in body
    for title in ("How to load it", "Classes", "Data", "Measured", "Limits", "What it is made of"):
        assert f"## {title}\n" in body
    for path in (folder / layout).iterdir():
        if path.name != "README.md":
            assert path.name in body
    assert World(workspace, fitted).fit in body
    assert "local-dir:colours-model" in body
    assert str(folder) not in text  # no place of this machine


@pytest.mark.slow
def test_a_tower_with_residuals_goes_out_unchanged_and_load_head_adds_the_rest(
    workspace: Workspace, tmp_path: Path
) -> None:
    """SigLIP's: no layer leaves room, and features are wider than the activations."""
    place, configuration = tmp_path / "siglip", CONFIGURATIONS["tiny-sigmoid"]
    place.mkdir()
    (place / "open_clip_config.json").write_text(json.dumps({"model_cfg": configuration}))
    torch.manual_seed(0)
    plain = {name: value for name, value in configuration.items() if name != "custom_text"}
    save_file(CustomTextCLIP(**plain).state_dict(), place / "open_clip_model.safetensors")
    project = label(workspace, tmp_path, model=f"local-dir:{place}")
    world = World(workspace, project)
    assert world.rows.residuals is not None
    features = np.hstack([world.rows.values.numpy(), world.rows.residuals.numpy()])
    for layout in FORMATS:
        if layout == "onnx" and not find_spec("onnxruntime"):
            continue
        done = export_model(workspace, project.id, tmp_path / layout, layout)
        assert not done.carries
        if layout == "onnx":
            onnxruntime = pytest.importorskip("onnxruntime")
            pixels = torch.stack([prepare_file(workspace.encoder(project), path) for path in world.paths]).numpy()
            session = onnxruntime.InferenceSession(tmp_path / layout / "model.onnx")
            found = session.run(None, {"pixels": pixels})[0][:, [1, 0]]
        else:
            head = alflow.load_head(tmp_path / layout)
            assert head.n_features_in_ == features.shape[1]
            assert np.abs(head.predict_proba(features) - world.probabilities[:, [1, 0]]).max() < 1e-5
            found = head.predict_proba(world.paths)
        assert np.abs(found - world.probabilities[:, [1, 0]]).max() < 1e-4
    assert "Its image tower has no place" in (tmp_path / "open_clip" / "README.md").read_text()
    export_embeddings(workspace, project.id, str(tmp_path / "e.npz"), Split.TEST)
    assert np.array_equal(np.load(tmp_path / "e.npz")["features"], features)


@pytest.mark.slow
def test_a_project_in_bfloat16_says_so(workspace: Workspace, tmp_path: Path) -> None:
    project = label(workspace, tmp_path, precision="bf16")
    world = World(workspace, project)
    for layout in ("open_clip", "sklearn"):
        export_model(workspace, project.id, tmp_path / layout, layout)
        head = alflow.load_head(tmp_path / layout)
        assert np.abs(head.predict_proba(world.rows.values) - world.probabilities[:, [1, 0]]).max() < 1e-5
        assert np.abs(head.predict_proba(world.paths) - world.probabilities[:, [1, 0]]).max() < 0.02
        assert "embedded in bfloat16" in (tmp_path / layout / "README.md").read_text()


@pytest.mark.slow
def test_a_class_that_came_after_the_fit_is_there(workspace: Workspace, fitted: Project, tmp_path: Path) -> None:
    hostile = "a|b*c <i> `x`"
    set_classes(workspace, fitted.id, [NewClass(name, "", ()) for name in ("blue", hostile, "red")])
    world = World(workspace, fitted)
    export_model(workspace, fitted.id, tmp_path / "out", "sklearn")
    head = alflow.load_head(tmp_path / "out")
    assert head.classes_.tolist() == sorted(["blue", hostile, "red"])
    order = [["blue", hostile, "red"].index(one) for one in head.classes_]
    assert np.abs(head.predict_proba(world.rows.values) - world.probabilities[:, order]).max() < 1e-5
    text = (tmp_path / "out" / "README.md").read_text()
    assert r"a\|b\*c \<i\> \`x\`" in text
    assert "changed after this was measured" in text


@pytest.mark.slow
def test_bad_requests_are_one_line_and_leave_nothing(workspace: Workspace, project: Project, tmp_path: Path) -> None:
    for layout in FORMATS:
        with pytest.raises(ConflictError, match="has no fit yet: close a round first"):
            export_model(workspace, project.id, tmp_path / "out", layout)
    with pytest.raises(InvalidInputError, match="choose one of open_clip, sklearn, onnx"):
        export_model(workspace, project.id, tmp_path / "out", "pickle")
    advance(workspace, project.id)
    answer(workspace, project)
    advance(workspace, project.id)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").write_text("mine")
    with pytest.raises(ConflictError, match="mine is there already"):
        export_model(workspace, project.id, tmp_path / "mine", "sklearn")
    assert [each.name for each in (tmp_path / "mine").iterdir()] == ["a.txt"]
    Path(project.model.removeprefix("local-dir:"), "model.safetensors").unlink()
    workspace._encoders.clear()
    with pytest.raises(AlflowError):
        export_model(workspace, project.id, tmp_path / "out", "open_clip")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".*.partial"))


@pytest.mark.slow
def test_other_weights_are_noticed(workspace: Workspace, fitted: Project, tmp_path: Path) -> None:
    from tests.tiny import write_model

    export_model(workspace, fitted.id, tmp_path / "head", "sklearn")
    world = World(workspace, fitted)
    write_model(Path(fitted.model.removeprefix("local-dir:")), seed=9)
    with pytest.raises(ConflictError, match=r"weights of .* changed"):
        export_model(workspace, fitted.id, tmp_path / "out", "open_clip")
    head = alflow.load_head(tmp_path / "head")
    with pytest.raises(AlflowError, match="other weights here"):
        head.predict_proba(world.paths)
    assert np.abs(head.predict_proba(world.rows.values)[:, [1, 0]] - world.probabilities).max() < 1e-5
