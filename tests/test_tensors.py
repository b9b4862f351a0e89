"""Tensors as others may save them: what each is, is said before it costs anything."""

import io
import subprocess
import sys
import zipfile
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from alflow.errors import InvalidInputError
from alflow.tensors import check, check_filled, check_weights, read_pickled, read_safetensors, take


class Named(torch.Tensor):
    pass


EYE = torch.eye(4)
ODD: dict[str, tuple[Any, str]] = {
    "expanded": (torch.ones(1, 1).expand(20_000, 20_000), "seen again and again.*clone"),
    "expanded on one side": (torch.ones(1, 20_000).expand(20_000, 20_000), "seen again and again"),
    "overlapping": (torch.ones(8).as_strided((5, 4), (1, 1)), "seen again and again"),
    "sparse": (EYE.to_sparse(), "sparse.*to_dense"),
    "sparse by rows": (EYE.to_sparse_csr(), "sparse"),
    "quantised": (torch.quantize_per_tensor(EYE, 0.1, 0, torch.qint8), "quantised"),
    "nested": (torch.nested.nested_tensor([torch.ones(2, 2), torch.ones(3, 3)]), "nested|NestedTensor"),
    "without numbers": (torch.empty(10**6, 10**6, device="meta"), "without numbers"),
    "complex": (EYE.to(torch.complex64), "complex64, where floating-point"),
    "truths": (EYE.bool(), "bool, where floating-point"),
    "whole numbers": (EYE.long(), "int64, where floating-point"),
    "eight bits": (EYE.to(torch.float8_e4m3fn), "float8"),
    "one side": (torch.ones(4), "1 sides"),
    "three sides": (torch.ones(4, 4, 1), "3 sides"),
    "a subclass": (EYE.as_subclass(Named), "not a tensor: it is a Named"),
    "a list": ([[1.0]], "not a tensor: it is a list"),
    "text": ("A", "not a tensor: it is a str"),
    "a named tuple": (namedtuple("Pair", "a b")(EYE, EYE), "not a tensor: it is a Pair"),
    "nothing": (None, "not a tensor: it is a NoneType"),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_dense_table_of_numbers_is_named(name: str) -> None:
    odd, message = ODD[name]
    with pytest.raises(InvalidInputError, match=message) as caught:
        check(odd, "x.pt: A", 2)
    assert str(caught.value).startswith("x.pt: A ")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_usual_tables_pass(dtype: torch.dtype) -> None:
    base = torch.rand(6, 8, dtype=torch.float64).to(dtype)
    for one in (base, base.T, base[::2], base[:, 1:3], base[:0], torch.nn.Parameter(base)):
        assert torch.equal(check(one, "x", 2), one)


def test_values_are_looked_at_last() -> None:
    for bad, message in ((torch.empty(0, 10**12), "empty"), (torch.tensor([[float("nan")]]), "not finite")):
        with pytest.raises(InvalidInputError, match=f"x {'is' if message == 'empty' else 'has'}.*{message}"):
            check_filled(check(bad, "x", 2), "x")
    assert check_filled(torch.ones(1), "x") == 1


def test_a_missing_tensor_is_named_among_those_that_are_there() -> None:
    with pytest.raises(InvalidInputError, match=r"x has no tensor A: it holds B"):
        take({"B": EYE}, "A", "x", 2)
    assert take({"A": torch.tensor([1])}, "A", "x", 1, "int") == 1


def bomb(path: Path) -> Path:
    """An archive as torch writes it, but compressed: 200 MB in 200 KB."""
    buffer = io.BytesIO()
    torch.save(torch.zeros(50_000_000), buffer)
    with zipfile.ZipFile(buffer) as stored, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for entry in stored.infolist():
            packed.writestr(entry.filename, stored.read(entry))
    return path


@pytest.mark.slow
def test_a_compressed_archive_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"x\.pt is compressed"):
        read_pickled(bomb(tmp_path / "x.pt"))


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"PK\x03\x04" + bytes(40), b"\x80\x02.", b"\x80\x04K\x01.", bytes(99)]
)
def test_damaged_files_are_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes(content)
    for read in (read_safetensors, check_weights):
        with pytest.raises(InvalidInputError, match=r"x\.pt (cannot be read|holds no weights)") as caught:
            read(path)
        assert "\n" not in str(caught.value)
    for read in (read_pickled, read_safetensors):
        with pytest.raises(InvalidInputError, match="cannot be read"):
            read(tmp_path)
    with pytest.raises(InvalidInputError, match=r"x\.pt cannot be read") as caught:
        read_pickled(path)
    assert "documentation" not in str(caught.value)


def huge(path: Path, shape: str, dtype: str = "F32") -> Path:
    """A safetensors file whose header promises more than the file holds."""
    header = f'{{"A":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,16]}}}}'.encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    return path


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [("[1000000,1000000]", "F32"), ("[4294967296,4294967296]", "F32"), ("[2]", "C64"), ("[4]", "X9")],
)
def test_headers_that_promise_more_than_there_is(shape: str, dtype: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError):
        take(read_safetensors(huge(tmp_path / "x.safetensors", shape, dtype)), "A", "x", 2)


def test_weights_of_a_model_are_checked_by_name(tmp_path: Path) -> None:
    save_file({"visual.proj": EYE, "steps": torch.tensor(3)}, tmp_path / "good.safetensors")
    check_weights(tmp_path / "good.safetensors")
    for content, message in (
        ({"visual.proj": torch.ones(1, 1).expand(9999, 9999)}, r"visual\.proj.*again and again"),
        ({"state_dict": {"visual.proj": EYE.to_sparse()}}, r"visual\.proj is sparse"),
        ({"visual.proj": EYE.to(torch.complex64)}, "complex64"),
        ({"visual.proj": "EYE"}, "not a tensor: it is a str"),
        (EYE, "no weights by name"),
        ({}, "no weights by name"),
    ):
        torch.save(content, tmp_path / "bad.pt")
        with pytest.raises(InvalidInputError, match=message):
            check_weights(tmp_path / "bad.pt")


PEAK = """
import resource, sys
from pathlib import Path
from alflow.errors import InvalidInputError
from alflow.workflow.model import factors
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    factors.sums(factors.read_published(Path(sys.argv[1]), 100))
except InvalidInputError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.slow
def test_an_expanded_factor_takes_no_memory(tmp_path: Path) -> None:
    for name in ("A_img", "B_img", "A_txt", "B_txt"):
        torch.save(torch.ones(1, 1).expand(15_000, 15_000), tmp_path / f"{name}.pt")
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 10_000
    run = [sys.executable, "-c", PEAK, str(tmp_path)]
    said, grown = subprocess.run(run, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "A_img.pt" in said
    assert "seen again and again" in said
    assert int(grown) < 50
