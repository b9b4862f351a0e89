import json
import os
import pickle
from collections.abc import Callable
from math import sqrt
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from alflow.bayes.curvature import Factors, estimate_factors
from alflow.bayes.evidence import best_prior_precision
from alflow.domain.projects import Project
from alflow.embeddings import LastLayers
from alflow.errors import InvalidInputError, NotFoundError
from alflow.store.images import items
from alflow.workflow.model import pairs
from alflow.workflow.model.factors import (
    PUBLISHED_PAIRS,
    BothFactors,
    check_widths,
    read_published,
    sums,
    write_factors,
)
from alflow.workflow.model.from_pairs import estimate_posterior
from alflow.workflow.model.posterior import (
    export_posterior,
    import_posterior,
    load_posterior,
)
from alflow.workflow.projects.projects import change_settings, find_project
from alflow.workspace import Workspace
from tests import tiny

WIDTHS = {"A_img": 32, "B_img": 12, "A_txt": 16, "B_txt": 12}


def spread(width: int, seed: int) -> torch.Tensor:
    rows = torch.randn(3 * width, width, generator=torch.Generator().manual_seed(seed))
    return rows.T @ rows


def published(folder: Path, **widths: int) -> Path:
    """Factors in the layout they were published in."""
    folder.mkdir()
    for seed, (name, width) in enumerate((WIDTHS | widths).items()):
        torch.save(spread(width, seed), folder / f"{name}_analytic.pt")
    (folder / "prior_precision_analytic.json").write_text("{}")
    return folder


def test_published_factors_become_the_posterior(workspace: Workspace, pets: Project, tmp_path: Path) -> None:
    name = import_posterior(workspace, pets, str(published(tmp_path / "factors")), pairs=100)
    assert find_project(workspace, "pets").posterior == name
    loaded = load_posterior(workspace, pets)
    assert loaded.hash == name
    factors = loaded.image.spectrum.factors
    torch.testing.assert_close(factors.A, spread(32, 0).double() * sqrt(100))
    torch.testing.assert_close(factors.published_form()[1], spread(12, 1).double())
    assert factors.n == 100
    torch.testing.assert_close(loaded.text.spectrum.factors.A, spread(16, 2).double() * sqrt(100))
    assert import_posterior(workspace, pets, str(tmp_path / "factors"), pairs=100) == name
    assert import_posterior(workspace, pets, str(tmp_path / "factors"), pairs=99) != name


def test_prior_precision_is_that_of_the_highest_evidence(workspace: Workspace, pets: Project, tmp_path: Path) -> None:
    import_posterior(workspace, pets, str(published(tmp_path / "factors")))
    layers = workspace.encoder(pets).layers
    for tau in (10.0, 3.0):
        change_settings(workspace, pets.id, type(pets.settings)(pretraining_weight=tau * PUBLISHED_PAIRS))
        loaded = load_posterior(workspace, pets)
        assert load_posterior(workspace, pets) is loaded  # decomposed once
        for side, weight in ((loaded.image, layers.image_weight), (loaded.text, layers.text_weight)):
            assert side.tau == tau
            best = best_prior_precision(side.spectrum, weight.square().sum().item(), tau)
            assert side.prior_precision == pytest.approx(best, rel=1e-5)


def test_the_pretraining_weighs_as_much_however_few_pairs_its_factors_were_estimated_from(
    workspace: Workspace, pets: Project, tmp_path: Path
) -> None:
    found = []
    for few, n in ((1.0, 1000), (0.1, 100)):  # sums over a tenth of the pairs, divided by the root of their number
        folder = published(tmp_path / str(n))
        for file in folder.glob("*.pt"):
            torch.save(torch.load(file) * sqrt(few), file)
        import_posterior(workspace, pets, str(folder), pairs=n)
        found.append(load_posterior(workspace, pets))
    many, less = found
    assert (many.image.tau, less.image.tau) == (3276.8, 32768.0)
    rows = torch.randn(5, 32, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(less.image.row_variance(rows), many.image.row_variance(rows))
    assert less.text.prior_precision == pytest.approx(many.text.prior_precision, rel=1e-5)


def test_a_project_without_a_posterior_is_told_how_to_get_one(workspace: Workspace, pets: Project) -> None:
    with pytest.raises(
        NotFoundError, match=r"'pets'.*`alflow posterior import DIR`.*`alflow posterior estimate MANIFE"
    ):
        load_posterior(workspace, pets)


@pytest.mark.parametrize(
    ("widths", "message"),
    [
        ({"A_img": 31}, "the image factors are for a last layer from 31 to 12, but .* goes from 32 to 12"),
        ({"B_txt": 24}, "the text factors are for a last layer from 16 to 24, but .* goes from 16 to 12"),
    ],
)
def test_factors_of_another_model_are_refused(
    workspace: Workspace, pets: Project, tmp_path: Path, widths: dict[str, int], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        import_posterior(workspace, pets, str(published(tmp_path / "factors", **widths)))
    assert find_project(workspace, "pets").posterior is None


def test_wrong_factors_are_named(workspace: Workspace, pets: Project, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"needs one file A_img\*\.pt; it has 0"):
        import_posterior(workspace, pets, str(tmp_path))
    folder = published(tmp_path / "factors")
    for no_folder in (folder / "A_img_analytic.pt", tmp_path / "gone"):
        with pytest.raises(InvalidInputError, match=f"there is no folder {no_folder}: name the one that holds"):
            import_posterior(workspace, pets, str(no_folder))
    file = folder / "B_img_analytic.pt"
    for content, message in (
        (torch.ones(12), "holds no matrix"),
        ({"B": torch.eye(12)}, "holds no matrix"),
        (torch.full((12, 12), float("nan")), "factor B has entries that are not finite"),
        (torch.randn(12, 12, generator=torch.Generator().manual_seed(0)), "factor B is not symmetric"),
        (-torch.eye(12), "factor B is indefinite"),
    ):
        torch.save(content, file)
        with pytest.raises(InvalidInputError, match=message):
            import_posterior(workspace, pets, str(folder))
    file.write_bytes(b"nonsense")
    with pytest.raises(InvalidInputError, match=r"B_img_analytic\.pt cannot be read"):
        import_posterior(workspace, pets, str(folder))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (torch.ones(1, 1).expand(12, 12), "seen again and again"),
        (torch.eye(12).to_sparse(), "sparse"),
        (torch.eye(12, dtype=torch.complex64), "complex64"),
        (torch.eye(12, dtype=torch.bool), "bool"),
        (torch.eye(12, dtype=torch.int64), "int64"),
        (torch.empty(0, 0), "square matrix"),
        (torch.ones(12, 11), "square matrix"),
        (torch.full((12, 12), float("inf")), "image factors: factor B has entries that are not finite"),
        ("B", "holds no matrix, but str"),
        ([torch.eye(12)], "holds no matrix, but list"),
    ],
    ids=["expanded", "sparse", "complex", "truths", "whole", "empty", "oblong", "infinite", "text", "list"],
)
def test_factors_that_are_no_dense_matrix_are_named(
    workspace: Workspace, pets: Project, tmp_path: Path, content: object, message: str
) -> None:
    folder = published(tmp_path / "factors")
    torch.save(content, folder / "B_img_analytic.pt")
    with pytest.raises(InvalidInputError, match=message) as caught:
        import_posterior(workspace, pets, str(folder))
    assert "B_img_analytic.pt" in str(caught.value) or "image factors" in str(caught.value)
    assert find_project(workspace, "pets").posterior is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_n": torch.tensor([1.0, 2.0])}, "image_n has 1 sides"),
        ({"image_n": torch.tensor(float("nan"))}, "image_n has entries that are not finite"),
        ({"image_n": torch.tensor(-1.0)}, "count -1.0 pairs"),
        ({"text_B": torch.ones(12)}, "text_B has 1 sides"),
        ({"text_B": torch.ones(0, 10**12)}, "square matrix"),
        ({"text_A": torch.eye(16, dtype=torch.int8)}, "int8"),
        ({"text_A": None}, "no tensor text_A"),
    ],
)
def test_shipped_factors_that_are_no_factors_are_named(
    workspace: Workspace, pets: Project, tmp_path: Path, changes: dict[str, torch.Tensor | None], message: str
) -> None:
    tensors = {"image_A": torch.eye(32), "image_B": torch.eye(12), "text_A": torch.eye(16), "text_B": torch.eye(12)}
    every = tensors | {"image_n": torch.tensor(9.0), "text_n": torch.tensor(9.0)} | changes
    save_file({name: tensor for name, tensor in every.items() if tensor is not None}, tmp_path / "factors.safetensors")
    with pytest.raises(InvalidInputError, match=message):
        import_posterior(workspace, pets, str(tmp_path))


def test_a_count_of_no_pairs_is_refused(workspace: Workspace, pets: Project, tmp_path: Path) -> None:
    folder = published(tmp_path / "factors")
    for count in (0, -5):
        with pytest.raises(InvalidInputError, match=f"not {count}"):
            import_posterior(workspace, pets, str(folder), pairs=count)


def test_factors_are_never_unpickled(workspace: Workspace, pets: Project, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            return Path.touch, (tmp_path / "sprung",)

    folder = published(tmp_path / "factors")
    with (folder / "A_img_analytic.pt").open("wb") as file:
        pickle.dump(Trap(), file)
    with pytest.raises(InvalidInputError, match="A_img"):
        import_posterior(workspace, pets, str(folder))
    assert not (tmp_path / "sprung").exists()


def test_factors_shipped_beside_a_model_are_read(workspace: Workspace, pets: Project, tmp_path: Path) -> None:
    image, text = (Factors(spread(width, 0).double(), spread(12, 1).double(), 50) for width in (32, 16))
    write_factors(tmp_path / "factors.safetensors", BothFactors(image, text))
    import_posterior(workspace, pets, str(tmp_path))
    factors = load_posterior(workspace, pets).text.spectrum.factors
    torch.testing.assert_close(factors.A, text.A, rtol=1e-6, atol=0)
    assert factors.n == 50
    (tmp_path / "factors.safetensors").write_bytes(b"nonsense")
    with pytest.raises(InvalidInputError, match=r"factors\.safetensors holds no Kronecker factors"):
        import_posterior(workspace, pets, str(tmp_path))


def test_factors_come_back_from_the_published_layout(workspace: Workspace, pets: Project, tmp_path: Path) -> None:
    name = import_posterior(workspace, pets, str(published(tmp_path / "factors")), pairs=100)
    assert export_posterior(workspace, pets, str(tmp_path / "again")) == 100
    loaded = load_posterior(workspace, pets)
    assert json.loads((tmp_path / "again/prior_precision_analytic.json").read_text()) == {
        "lambda_img": loaded.image.prior_precision,
        "n_img": 32_768,
        "lambda_txt": loaded.text.prior_precision,
        "n_txt": 32_768,
    }
    assert import_posterior(workspace, pets, str(tmp_path / "again"), pairs=100) == name
    (tmp_path / "taken").write_text("")
    with pytest.raises(InvalidInputError, match="taken cannot be written"):
        export_posterior(workspace, pets, str(tmp_path / "taken"))


def captions(folder: Path, count: int = 6) -> Path:
    rows = ["path,caption"]
    for seed in range(count):
        tiny.write_picture(folder / f"{seed}.png", seed)
        rows.append(f"{seed}.png,picture number {seed}")
    (folder / "captions.csv").write_text("\n".join(rows))
    return folder / "captions.csv"


def test_estimated_factors_are_those_of_the_pairs(workspace: Workspace, pets: Project, tmp_path: Path) -> None:
    manifest, encoding, summing = captions(tmp_path / "pairs"), [], []
    done = estimate_posterior(
        workspace, pets, str(manifest), lambda *step: encoding.append(step), lambda *step: summing.append(step)
    )
    assert (done.pairs, done.left_out) == (6, ())
    assert encoding[-1] == (6, 6)
    assert summing == [(0, 6), (6, 6)]
    encoder, loaded = workspace.encoder(pets), load_posterior(workspace, pets)
    assert loaded.hash == done.posterior
    images = encoder.images([Image.open(tmp_path / f"pairs/{seed}.png").convert("RGB") for seed in range(6)])
    texts = encoder.texts([f"picture number {seed}" for seed in range(6)])
    for found, expected in zip(
        (loaded.image.spectrum.factors, loaded.text.spectrum.factors),
        estimate_factors(encoder.layers, images, texts, batch=6),
        strict=True,
    ):
        torch.testing.assert_close(found.A, expected.A)
        torch.testing.assert_close(found.B, expected.B)
        assert found.n == expected.n == 6


@pytest.mark.parametrize("file", ["pairs-00000", "factors"])
@pytest.mark.parametrize("change", [lambda rows: rows.to(torch.complex64), lambda rows: rows.flatten(), "no notes"])
def test_kept_pairs_that_are_damaged_are_named(
    workspace: Workspace, pets: Project, tmp_path: Path, file: str, change: Callable[[torch.Tensor], torch.Tensor] | str
) -> None:
    manifest = str(captions(tmp_path / "pairs"))
    estimate_posterior(workspace, pets, manifest)
    (name,) = (name for name in workspace.artifacts.list("estimates") if file in name)
    tensors, notes = workspace.artifacts.read_tensors(name)
    changed = tensors if isinstance(change, str) else {key: change(rows) for key, rows in tensors.items()}
    save_file(changed, path := workspace.artifacts.path(name), {} if isinstance(change, str) else notes)
    with pytest.raises(InvalidInputError, match=f"the artifact {path} is damaged"):
        estimate_posterior(workspace, pets, manifest)


def test_a_killed_estimate_goes_on_where_it_was(
    workspace: Workspace, pets: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while encoding, then between two batches of the curvature: nothing is encoded or summed twice."""
    monkeypatch.setattr(pairs, "_SHARD", 2)
    monkeypatch.setattr(pairs, "NEGATIVES", 2)
    manifest = captions(tmp_path / "pairs", count=6)
    (tmp_path / "pairs/5.png").write_bytes(b"")

    class KilledError(Exception):
        pass

    def kill_at(count: int) -> Callable[[int, int | None], None]:
        def progress(done: int, total: int | None) -> None:  # noqa: ARG001
            if done > count:
                raise KilledError

        return progress

    with pytest.raises(KilledError):
        estimate_posterior(workspace, pets, str(manifest), kill_at(2))
    (first,) = [name for name in workspace.artifacts.list("estimates") if "pairs-00000" in name]
    written_at = Path(workspace.artifacts._root, first).stat().st_mtime_ns

    written = pairs._write_estimate

    def kill_after_one_batch(*arguments: Any) -> None:
        written(*arguments)
        raise KilledError

    monkeypatch.setattr(pairs, "_write_estimate", kill_after_one_batch)
    with pytest.raises(KilledError):
        estimate_posterior(workspace, pets, str(manifest), allow_missing=True)
    monkeypatch.setattr(pairs, "_write_estimate", written)
    starts = []
    stream = pairs.stream_factors

    def noted(*arguments: Any, start: Any) -> Any:
        starts.append(start.done)
        return stream(*arguments, start=start)

    monkeypatch.setattr(pairs, "stream_factors", noted)
    summed: list[tuple[int, int | None]] = []
    estimate_posterior(workspace, pets, str(manifest), summing=lambda *step: summed.append(step), allow_missing=True)
    assert summed == [(0, 5), (3, 5), (5, 5)]
    assert starts == [3]  # five usable pairs in batches of three and two
    assert Path(workspace.artifacts._root, first).stat().st_mtime_ns == written_at
    found = load_posterior(workspace, pets).image.spectrum.factors
    encoder = workspace.encoder(pets)
    images = encoder.images([Image.open(tmp_path / f"pairs/{seed}.png").convert("RGB") for seed in range(5)])
    texts = encoder.texts([f"picture number {seed}" for seed in range(5)])
    expected, _ = estimate_factors(encoder.layers, images, texts, batch=2)
    for one, other in ((found.A, expected.A), (found.B, expected.B)):  # float32 activations of other batches
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5 * float(other.abs().max()))
    with workspace.database.read() as tx:
        assert {rejection.uri for rejection in items.rejections(tx, pets.id)} == {str(tmp_path / "pairs/5.png")}


def test_pairs_that_cannot_be_used_are_left_out_and_recorded(
    workspace: Workspace, pets: Project, tmp_path: Path
) -> None:
    manifest = captions(tmp_path / "pairs")
    (tmp_path / "pairs/2.png").write_bytes(b"")
    with manifest.open("a") as file:
        file.write("\n../elsewhere.png,outside\n")
    left_out = estimate_posterior(workspace, pets, str(manifest), allow_missing=True).left_out
    assert len(left_out) == 2
    assert load_posterior(workspace, pets).image.spectrum.factors.n == 5
    with workspace.database.read() as tx:
        reasons = {Path(one.uri).name: one.reason for one in items.rejections(tx, pets.id)}
    assert reasons.pop("2.png") == "not used for the posterior: the file is empty"
    ((place, reason),) = reasons.items()
    assert place.endswith(", row 8")
    assert "--anywhere allows it" in reason


def test_pairs_that_cannot_be_used_are_no_reason_to_take_fewer_in_silence(
    workspace: Workspace, pets: Project, tmp_path: Path
) -> None:
    manifest = captions(tmp_path / "pairs")
    kept = [(path, path.read_bytes()) for path in sorted((tmp_path / "pairs").glob("[0-2].png"))]
    for path, _ in kept:
        path.unlink()
    first = f"{tmp_path}/pairs/0.png: the file does not exist"
    with pytest.raises(
        InvalidInputError, match=rf"3 of the 6 pairs of \S+ can be used; the first .*{first}: .*--allow-missing"
    ):
        estimate_posterior(workspace, pets, str(manifest))
    with pytest.raises(NotFoundError, match="has no posterior"):
        load_posterior(workspace, pets)
    assert estimate_posterior(workspace, pets, str(manifest), allow_missing=True).pairs == 3
    for path, data in kept:
        path.write_bytes(data)
    assert estimate_posterior(workspace, pets, str(manifest)).pairs == 6
    with workspace.database.read() as tx:
        assert items.rejections(tx, pets.id) == []


@pytest.mark.slow
def test_a_source_that_was_away_is_asked_again(workspace: Workspace, pets: Project, tmp_path: Path) -> None:
    """What is kept of an estimate is named by what the manifest says, which is the same where files are not local."""

    def archive(*seeds: int) -> None:
        with ZipFile(tmp_path / "pairs.zip", "w") as made:
            for seed in seeds:
                made.write(tiny.write_picture(tmp_path / f"{seed}.png", seed), f"{seed}.png")

    rows = "".join(f"zip://{seed}.png::{tmp_path}/pairs.zip,number {seed}\n" for seed in range(4))
    (tmp_path / "captions.csv").write_text("path,caption\n" + rows)

    def estimated(**options: bool) -> int:
        return estimate_posterior(workspace, pets, str(tmp_path / "captions.csv"), anywhere=True, **options).pairs

    archive(0, 2, 3)
    assert estimated(allow_missing=True) == 3
    archive(0, 1, 2, 3)
    assert estimated() == 4
    assert load_posterior(workspace, pets).image.spectrum.factors.n == 4


def test_manifests_without_captions_or_images_are_refused(workspace: Workspace, pets: Project, tmp_path: Path) -> None:
    (tmp_path / "bare.csv").write_text("path\na.png\n")
    with pytest.raises(InvalidInputError, match=r"needs a 'caption' for each image; .*a\.png has none"):
        estimate_posterior(workspace, pets, str(tmp_path / "bare.csv"))
    (tmp_path / "gone.csv").write_text("path,caption\na.png,a\nb.png,b\n")
    with pytest.raises(InvalidInputError, match=r"none of the 2 images could be used; .*does not exist"):
        estimate_posterior(workspace, pets, str(tmp_path / "gone.csv"))
    (tmp_path / "outside.csv").write_text("path,caption\n/etc/passwd,a\n")
    with pytest.raises(
        InvalidInputError, match=r"outside.csv names no image that can be used; .*row 2: /etc/passwd is"
    ):
        estimate_posterior(workspace, pets, str(tmp_path / "outside.csv"))
    with pytest.raises(InvalidInputError, match="two pairs"):
        estimate_posterior(workspace, pets, str(captions(tmp_path / "one", count=1)))


@pytest.mark.skipif("ALFLOW_REFERENCE" not in os.environ, reason="ALFLOW_REFERENCE names no folder of reference data")
def test_the_published_factors_of_clip_are_read() -> None:
    folder = Path(os.environ["ALFLOW_REFERENCE"]) / "laion2b_vit_b_32"
    if not folder.is_dir():
        pytest.skip(f"{folder} is missing")
    factors = sums(read_published(folder, PUBLISHED_PAIRS))
    check_widths(
        factors,
        LastLayers(torch.zeros(512, 768), torch.zeros(512, 512), 100.0),
        None,  # type: ignore[arg-type]
    )
    A, _ = factors.image.published_form()
    assert float(A.trace()) == pytest.approx(564881.69, rel=1e-5)
    assert factors.text.n == 327_680
