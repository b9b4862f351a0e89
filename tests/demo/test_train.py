import json
import math
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch.nn import functional

from alflow.demo import drawings as drawing_module
from alflow.demo.augment import vary
from alflow.demo.captions import TEMPLATES, Captions
from alflow.demo.drawings import Drawings, draw_styles
from alflow.demo.emoji import Emoji, read_table
from alflow.demo.pool import drawings
from alflow.demo.train import (
    SIDE,
    WEIGHTS,
    Features,
    Recipe,
    contrast,
    emoji_to_train_on,
    finish,
    look,
    new_model,
    save,
    train,
)
from alflow.errors import UnavailableError
from alflow.vlm.encoder import load_encoder
from alflow.workflow.model.factors import SHIPPED_NAME, read_factors

TABLE = read_table()[:40]


@pytest.fixture
def some_drawings() -> Drawings:
    shape = (40, 4, SIDE + 8, SIDE + 8)
    pictures = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return Drawings(pictures, torch.arange(40))


@pytest.fixture
def some_features() -> Features:
    values = torch.rand(80, 1280, generator=torch.Generator().manual_seed(0))
    return Features(values, torch.arange(40).repeat(2))


def test_with_a_text_for_each_picture_the_loss_is_the_one_of_clip() -> None:
    generator = torch.Generator().manual_seed(0)
    images, texts = torch.randn(2, 12, 5, generator=generator)
    logits = 7.0 * functional.normalize(images, dim=1) @ functional.normalize(texts, dim=1).T
    rows = torch.arange(12)
    expected = (functional.cross_entropy(logits, rows) + functional.cross_entropy(logits.T, rows)) / 2
    torch.testing.assert_close(contrast(images, texts, rows, torch.tensor(7.0)), expected)


def test_pictures_that_share_a_text_do_not_push_each_other_away_from_it() -> None:
    texts = torch.eye(2)
    images = texts[[0, 0, 1, 1]]
    shared = contrast(images, texts, torch.tensor([0, 0, 1, 1]), torch.tensor(50.0))
    assert shared.item() == pytest.approx(math.log(2) / 2, abs=1e-6)  # a text cannot choose between its two pictures


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def captions(said: list[str]) -> Captions:
    def tokenize(texts: list[str]) -> torch.Tensor:
        said.extend(texts)
        return torch.full((len(texts), 3), len(said))

    return Captions(TABLE, tokenize)


def test_a_name_caption_says_name_or_keyword_and_stands_once(captions: Captions, said: list[str]) -> None:
    rows = torch.arange(len(TABLE)).repeat(20)
    tokens, text_of = captions.names(rows, torch.Generator().manual_seed(0))
    assert len(set(said)) == len(said) == len(tokens)
    for row, text in zip(rows.tolist(), text_of.tolist(), strict=True):
        words = {TABLE[row].name, *TABLE[row].keywords}
        assert said[text] in {template.format(word) for template in TEMPLATES for word in words}


def test_a_subgroup_is_one_text_in_a_batch(captions: Captions, said: list[str]) -> None:
    rows = torch.arange(len(TABLE))
    tokens, text_of = captions.subgroups(rows, torch.Generator().manual_seed(0))
    assert len(tokens) == len(said) == len({emoji.subgroup for emoji in TABLE})
    for row, text in zip(rows.tolist(), text_of.tolist(), strict=True):
        assert TABLE[row].subgroup.replace("-", " ") in said[text]


def test_varied_pictures_are_pictures_and_never_the_same(some_drawings: Drawings) -> None:
    picture = some_drawings.pictures[:1].float().repeat(30, 1, 1, 1) / 255
    varied = vary(picture, 64, torch.Generator().manual_seed(0))
    assert varied.shape == (30, 3, 64, 64)
    assert 0 <= varied.min() <= varied.max() <= 1
    assert len({tuple(one.flatten().tolist()) for one in varied}) == 30
    torch.testing.assert_close(varied, vary(picture, 64, torch.Generator().manual_seed(0)))


def test_an_empty_drawing_leaves_only_background() -> None:
    varied = vary(torch.zeros(50, 4, 72, 72), 64, torch.Generator().manual_seed(0))
    assert varied.flatten(2).std(dim=2).max() < 1e-5


def test_nothing_that_is_held_out_is_trained_on_but_four_in_five_of_what_is_asked() -> None:
    trained = emoji_to_train_on()
    assert not [emoji for emoji in trained if emoji.held_out or "-" in emoji.code]
    asked = [drawing.emoji for drawing in drawings()]
    assert all(emoji.held_out for emoji in set(asked) - set(trained))
    assert sum(emoji.held_out for emoji in asked) == pytest.approx(len(asked) / 5, rel=0.15)


def test_every_view_is_of_another_picture_of_the_same_drawing(some_drawings: Drawings) -> None:
    model, _ = new_model(seed=0)
    few = Drawings(some_drawings.pictures[:3], some_drawings.emoji[:3])
    seen = look(model, few, Recipe(views=2))
    assert seen.emoji.tolist() == [0, 1, 2, 0, 1, 2]
    assert seen.values.shape == (6, 1280)
    assert not torch.equal(seen.values[:3], seen.values[3:])


@pytest.mark.slow
def test_a_seed_gives_one_model_and_the_trunk_stays_as_it_is(some_features: Features) -> None:
    before = new_model(seed=0)[0].visual.trunk.state_dict()
    first, second = (_trained(some_features) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert all(torch.equal(first.visual.trunk.state_dict()[name], weight) for name, weight in before.items())


def _trained(features: Features) -> Any:
    model, tokenize = new_model(seed=0)
    train(model, features, Captions(TABLE, tokenize), Recipe(steps=2, batch=16, warmup=1))
    return model


@pytest.mark.slow
def test_a_saved_model_is_one_that_open_clip_reads(tmp_path: Path) -> None:
    model, tokenize = new_model(seed=0)
    save(model, tmp_path)
    read = open_clip.create_model(f"local-dir:{tmp_path}", require_pretrained=True)
    tokens = open_clip.get_tokenizer(f"local-dir:{tmp_path}")(["a drawing of a fox"])
    assert torch.equal(tokens, tokenize(["a drawing of a fox"]))
    expected = model.eval().encode_text(tokens, normalize=True)
    torch.testing.assert_close(read.eval().encode_text(tokens, normalize=True), expected, atol=5e-3, rtol=0)


@pytest.mark.slow
def test_finishing_gives_a_common_length_and_factors_and_leaves_every_cosine(
    some_features: Features, tmp_path: Path
) -> None:
    model, tokenize = new_model(seed=0)
    model.eval()
    save(model, tmp_path)
    picture, texts = Image.linear_gradient("L").convert("RGB"), ["a drawing of a fox", "fruit"]
    before = _cosines(tmp_path, picture, texts)
    names = tokenize([emoji.name for emoji in TABLE])
    finish(model, some_features, names, TABLE, Recipe(batch=16), tmp_path)
    torch.testing.assert_close(_cosines(tmp_path, picture, texts), before, atol=2e-3, rtol=0)
    encoder, factors = load_encoder(f"local-dir:{tmp_path}"), read_factors(tmp_path / SHIPPED_NAME)
    assert factors.image.A.shape == (encoder.layers.image_weight.shape[1],) * 2
    assert factors.image.n == factors.text.n == len(some_features.values)
    lengths = model.encode_text(names).square().sum(dim=1)
    assert lengths.mean().item() == pytest.approx(1, rel=1e-3)
    assert load_file(tmp_path / WEIGHTS)["text_projection"].dtype == torch.float16


def _cosines(folder: Path, picture: Image.Image, texts: list[str]) -> torch.Tensor:
    encoder = load_encoder(f"local-dir:{folder}")
    g, h = encoder.images([picture]).embed(encoder.layers.image_weight), encoder.texts(texts)
    return functional.normalize(g, dim=1) @ functional.normalize(h.embed(encoder.layers.text_weight), dim=1).T


def _write_set(node_modules: Path, style: str, icons: dict[str, str], characters: dict[str, str]) -> None:
    folder = node_modules / "@iconify-json" / style
    folder.mkdir(parents=True)
    content = {"width": 10, "height": 10, "icons": {name: {"body": body} for name, body in icons.items()}}
    (folder / "icons.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "chars.json").write_text(json.dumps(characters), encoding="utf-8")


def test_icons_are_found_by_code_point_or_name_and_drawn_with_transparency(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py", reason="drawing the training pictures needs resvg-py")
    square = '<rect x="5" width="5" height="10" fill="#ff0000"/>'
    _write_set(tmp_path, "noto", {"reynard": square}, {"1f98a": "reynard"})
    _write_set(tmp_path, "fxemoji", {"reynard": square, "red-heart": square, "logo": square}, {})
    table = [Emoji("🦊", "fox", "animal-mammal", ()), Emoji("❤️", "red heart", "heart", ())]
    found = draw_styles(tmp_path, table, 8, ("noto", "fxemoji"))
    assert found.emoji.tolist() == [
        0,
        0,
        1,
    ]  # noto's fox; fxemoji's by the name that noto tells, its heart by the table
    assert found.pictures[0, :, 0, 0].tolist()[3] == 0
    assert found.pictures[0, :, 0, 7].tolist() == [255, 0, 0, 255]


def test_a_missing_icon_package_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=f"npm install @iconify-json/{drawing_module.STYLES[0]}"):
        draw_styles(tmp_path, TABLE, 8)
