"""A project that was given no posterior gets one from its pool: which says what it is, and gives way to better ones."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from alflow.bayes.without_pairs import factors_without_pairs
from alflow.domain.images import Split
from alflow.domain.projects import Project
from alflow.errors import ConflictError, InvalidInputError, NotFoundError
from alflow.store.images import items
from alflow.vlm.vocabulary import MOST_PROMPTS, vocabulary
from alflow.workflow.images.embed import embed_missing, load_embeddings
from alflow.workflow.images.pool import import_items
from alflow.workflow.model import from_pool
from alflow.workflow.model.from_pairs import estimate_posterior
from alflow.workflow.model.from_pool import estimate_from_pool, with_posterior
from alflow.workflow.model.pairs import NEGATIVES
from alflow.workflow.model.posterior import export_posterior, import_posterior, load_posterior
from alflow.workflow.model.source import posterior_source
from alflow.workflow.projects.projects import create_project, find_project, name_classes, project_classes
from alflow.workflow.rounds.acquire import open_round
from alflow.workflow.rounds.advance import advance
from alflow.workflow.rounds.review import overview
from alflow.workspace import Workspace
from tests import tiny
from tests.bayes.conftest import output_covariance
from tests.workflow.model.test_posterior import captions, published

pytestmark = pytest.mark.slow


@pytest.fixture
def ready(workspace: Workspace, pets: Project, pictures: Path) -> Project:
    """Five images in the pool, embedded; no posterior."""
    return embedded(workspace, pets, pictures)


def embedded(workspace: Workspace, project: Project, source: Path) -> Project:
    import_items(workspace, project, str(source))
    embed_missing(workspace, project)
    return project


def stored(workspace: Workspace, project: Project) -> Project:
    return find_project(workspace, project.name)


def give(workspace: Workspace, project: Project, progress: Callable[[int, int | None], None]) -> Project:
    return with_posterior(workspace, project, project_classes(workspace, project.id), progress)


def test_class_names_and_pictures_lead_to_an_open_round(workspace: Workspace, pets: Project, pictures: Path) -> None:
    import_items(workspace, pets, str(pictures))
    seen: list[tuple[int, int | None]] = []
    embedding, estimated, opened = advance(workspace, pets.id, lambda *step: seen.append(step)).done
    assert (embedding, opened) == ("embedded 5 images", "opened round 1")
    source = overview(workspace, pets.id).posterior
    assert source is not None
    assert (source.kind, source.images) == ("pool", 5)
    assert source.texts == len(vocabulary([one.prompts for one in project_classes(workspace, pets.id)]))
    assert estimated == f"posterior {source.words}"
    assert source.words.startswith(f"estimated from 5 images of the pool and {source.texts:,} texts (vocabulary ")
    assert seen[-1] == (source.texts, source.texts)
    name = stored(workspace, pets).posterior
    assert overview(workspace, pets.id).current is not None
    assert open_round(workspace, pets.id).hashes["posterior"] == name


def test_the_factors_are_those_of_the_pool_and_the_vocabulary(workspace: Workspace, ready: Project) -> None:
    tiny.write_picture(Path(workspace.settings.home) / "target" / "9.png", 9)
    import_items(workspace, ready, str(Path(workspace.settings.home) / "target"), Split.TARGET)
    embed_missing(workspace, ready)  # no image of the pool
    done = estimate_from_pool(workspace, ready)
    loaded, encoder = load_posterior(workspace, ready), workspace.encoder(ready)
    assert done.posterior == loaded.hash
    with workspace.database.read() as tx:
        pool = items.ids(tx, ready.id, Split.POOL)
    texts = encoder.texts(vocabulary([one.prompts for one in project_classes(workspace, ready.id)]))
    generator = from_pool._generator(ready.settings.seed)
    rows = load_embeddings(workspace, ready, pool).activations
    for found, wanted in zip(
        (loaded.image.spectrum.factors, loaded.text.spectrum.factors),
        factors_without_pairs(encoder.layers, [rows], texts, NEGATIVES, generator),
        strict=True,
    ):
        for name in "AB":  # of products in float32
            a, b = getattr(found, name), getattr(wanted, name)
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5 * float(b.abs().max()))
        assert found.n == wanted.n
    assert loaded.image.tau * 5 == loaded.text.tau * len(texts) == ready.settings.pretraining_weight


def test_a_killed_run_goes_on_with_the_texts_that_it_had_encoded(workspace: Workspace, ready: Project) -> None:
    def die(done: int, _total: int | None) -> None:
        if done >= 500:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        give(workspace, ready, die)
    folder = Path(workspace.settings.artifacts) / "vocabularies"
    kept = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert len(kept) == 2
    assert stored(workspace, ready).posterior is None
    finished = give(workspace, ready, lambda *_: None)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir() if path in kept} == kept
    assert len(list(folder.iterdir())) > 2
    assert finished.posterior == estimate_from_pool(workspace, ready).posterior
    again = give(workspace, finished, pytest.fail)  # there is nothing left to do
    assert again == finished


def test_what_is_imported_or_estimated_from_pairs_takes_its_place_for_good(
    workspace: Workspace, ready: Project, tmp_path: Path
) -> None:
    own = give(workspace, ready, lambda *_: None)
    pairs = estimate_posterior(workspace, ready, str(captions(tmp_path / "pairs"))).posterior
    assert give(workspace, stored(workspace, ready), pytest.fail).posterior == pairs
    assert (source := posterior_source(workspace, stored(workspace, ready))) is not None
    assert source.words == "estimated from 6 image-caption pairs"
    imported = import_posterior(workspace, ready, str(published(tmp_path / "factors")))
    assert advance(workspace, ready.id).done == ("opened round 1",)
    assert stored(workspace, ready).posterior == imported
    assert (source := posterior_source(workspace, stored(workspace, ready))) is not None
    assert source.words == "imported, estimated from 327,680 image-caption pairs"
    assert own.posterior not in {pairs, imported}


def test_what_is_imported_while_one_is_estimated_stays(workspace: Workspace, ready: Project, tmp_path: Path) -> None:
    folder, imported = published(tmp_path / "factors"), []

    def meanwhile(done: int, total: int | None) -> None:
        if done == total:
            imported.append(import_posterior(workspace, ready, str(folder)))

    assert give(workspace, ready, meanwhile).posterior == imported[0]
    assert stored(workspace, ready).posterior == imported[0]


def test_it_follows_the_pool_and_the_prompts_until_the_first_round(
    workspace: Workspace, ready: Project, tmp_path: Path
) -> None:
    first = give(workspace, ready, lambda *_: None)
    tiny.write_picture(tmp_path / "more" / "9.png", 9)
    embedded(workspace, ready, tmp_path / "more")
    estimated, _ = advance(workspace, ready.id).done
    assert estimated.startswith("posterior estimated from 6 images of the pool")
    second = stored(workspace, ready)
    assert first.posterior != second.posterior
    tiny.write_picture(tmp_path / "late" / "10.png", 10)
    import_items(workspace, ready, str(tmp_path / "late"))
    advance(workspace, ready.id)
    assert stored(workspace, ready).posterior == second.posterior


def test_a_large_pool_is_sampled(workspace: Workspace, ready: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(from_pool, "IMAGES", 3)
    assert estimate_from_pool(workspace, ready).source.images == 3
    assert load_posterior(workspace, ready).image.spectrum.factors.n == 3


def test_too_little_to_estimate_from_is_told_as_before(workspace: Workspace, pets: Project, pictures: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"two embedded images of the pool or more, and project 'pets' has 0"):
        estimate_from_pool(workspace, pets)
    embedded(workspace, pets, pictures / "0.png")
    with pytest.raises(NotFoundError, match=r"no posterior; run `alflow posterior import DIR`.*needs two embedded"):
        advance(workspace, pets.id)
    single = create_project(workspace, "single", pets.model, "fp32", name_classes(["cat"]))
    embedded(workspace, single, pictures)
    with pytest.raises(ConflictError, match="a choice needs two"):
        advance(workspace, single.id)
    assert stored(workspace, single).posterior is None


@pytest.mark.parametrize("changes", [{}, {"init_logit_bias": -10}], ids=["softmax", "sigmoid"])
def test_two_images_that_are_nearly_the_same_are_enough(
    workspace: Workspace, tmp_path: Path, changes: dict[str, int]
) -> None:
    model = tiny.write_model(tmp_path / "model", **changes)
    project = create_project(workspace, "twins", model, "fp32", name_classes(["cat", "dog"]))
    pixels = np.full((40, 40, 3), 90, np.uint8)
    for number in range(2):
        pixels[0, 0] = number
        (tmp_path / "twins").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "twins" / f"{number}.png")
    import_items(workspace, project, str(tmp_path / "twins"))
    assert advance(workspace, project.id).done[-1] == "opened round 1"
    loaded = load_posterior(workspace, project)
    assert np.isfinite([loaded.image.prior_precision, loaded.text.prior_precision]).all()


def test_it_is_the_same_after_its_export(workspace: Workspace, ready: Project, tmp_path: Path) -> None:
    estimate_from_pool(workspace, ready)
    own = load_posterior(workspace, ready)
    assert export_posterior(workspace, ready, str(tmp_path / "factors")) == 5
    import_posterior(workspace, ready, str(tmp_path / "factors"), pairs=5)
    back = load_posterior(workspace, ready)
    for before, after in ((own.image, back.image), (own.text, back.text)):
        assert after.prior_precision == pytest.approx(before.prior_precision, rel=1e-3)
        torch.testing.assert_close(output_covariance(after), output_covariance(before), rtol=1e-3, atol=1e-6)


def test_the_vocabulary_is_imagenet_and_the_prompts_of_the_project() -> None:
    texts = vocabulary([["a cat", "my cat"], ["a dog"], ["a cat"]])
    assert texts[-3:] == ("a cat", "a dog", "my cat")
    assert len(set(texts)) == len(texts)
    assert texts[0] == "a bad photo of a tench."
    many = vocabulary([[f"class {number}, prompt {turn}" for turn in range(3)] for number in range(MOST_PROMPTS)])
    assert many[-MOST_PROMPTS:] == tuple(f"class {number}, prompt 0" for number in range(MOST_PROMPTS))
