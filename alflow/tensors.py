"""The door for tensors of foreign files: what they are is checked before anything is computed, copied or widened.

A file of 6 KB can hold a tensor that is one number seen a billion times, or name a shape without elements whose first
side is a trillion: harmless until somebody asks for it in another precision.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from alflow.errors import InvalidInputError

Kind = Literal["float", "int", "any"]

_FLOATS: Final = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_NO_REASON: Final = "Check the documentation of torch.load"  # which ends what it says of a pickle
_INTS: Final = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
_DTYPES: Final[Mapping[Kind, tuple[torch.dtype, ...]]] = {
    "float": _FLOATS,
    "int": _INTS,
    "any": (*_FLOATS, *_INTS, torch.bool),
}
_WANTED: Final[Mapping[Kind, str]] = {"float": "floating-point numbers", "int": "whole numbers", "any": "real numbers"}


def take(tensors: Mapping[str, Tensor], name: str, source: object, sides: int, kind: Kind = "float") -> Tensor:
    """The tensor of this name, checked (see `check`).

    Raises:
        InvalidInputError: there is none, or it is not what is wanted.
    """
    if name not in tensors:
        raise InvalidInputError(f"{source} has no tensor {name}: it holds {', '.join(sorted(tensors)) or 'nothing'}")
    return check(tensors[name], f"{source}: {name}", sides, kind)


def check(tensor: object, what: str, sides: int | None, kind: Kind = "float") -> Tensor:
    """Is it a dense tensor of `sides` sides (None: of any), as large as it says, of numbers of this kind?

    Values are not looked at: see `check_finite`.

    Raises:
        InvalidInputError: it is not; `what` names it.
    """
    if not isinstance(tensor, Tensor) or type(tensor) not in {Tensor, nn.Parameter}:
        raise InvalidInputError(f"{what} is not a tensor: it is a {type(tensor).__name__}")
    if (odd := _oddity(tensor)) is not None:
        raise InvalidInputError(f"{what} is {odd}: save it as a dense tensor, `tensor.to_dense().clone()`")
    if tensor.dtype not in _DTYPES[kind]:
        raise InvalidInputError(f"{what} holds {_named(tensor.dtype)}, where {_WANTED[kind]} are wanted")
    if sides is not None and tensor.ndim != sides:
        raise InvalidInputError(f"{what} has {tensor.ndim} sides, {tuple(tensor.shape)}, where {sides} are wanted")
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise InvalidInputError(
            f"{what} is {tuple(tensor.shape)}, but few of its numbers are in the file, seen again and again "
            "(an expanded tensor); save it with `tensor.clone()`"
        )
    return tensor.detach()


def check_filled(tensor: Tensor, what: str) -> Tensor:
    """Has it any number at all, and are all of them finite?

    Raises:
        InvalidInputError: it is empty, or one is NaN or infinite.
    """
    if not tensor.numel():
        raise InvalidInputError(f"{what} is empty: {tuple(tensor.shape)}")
    if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
        raise InvalidInputError(f"{what} has entries that are not finite")
    return tensor


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file; not yet checked, and mapped into memory rather than read.

    Raises:
        InvalidInputError: it cannot be read.
    """
    try:
        return load_file(path)
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror or error}") from error
    except (SafetensorError, KeyError, AttributeError, ValueError, TypeError, RuntimeError) as error:
        raise InvalidInputError(f"{path} cannot be read as safetensors: {_last_line(error)}") from error


def read_pickled(path: Path) -> Any:
    """What torch saved in a file, opened as data only, on the CPU; not yet checked.

    Raises:
        InvalidInputError: it cannot be read, holds more than data, or is packed so that it grows when it is read.
    """
    try:
        _check_archive(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except InvalidInputError:
        raise
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # the reader of pickles raises whatever foreign bytes lead it to
        raise InvalidInputError(f"{path} cannot be read: {_last_line(error)}") from error


def check_weights(path: Path) -> None:
    """Are the weights of a file tensors of the usual kind? Values are not looked at, and no copy is made.

    Raises:
        InvalidInputError: it cannot be read, or one is not.
    """
    found = read_safetensors(path) if path.suffix == ".safetensors" else read_pickled(path)
    if isinstance(found, Mapping) and isinstance(found.get("state_dict"), Mapping):
        found = found["state_dict"]
    if not isinstance(found, Mapping) or not found:
        raise InvalidInputError(f"{path} holds no weights by name")
    for name, tensor in found.items():
        check(tensor, f"{path}: {name}", None, "any")


def _oddity(tensor: Tensor) -> str | None:
    if tensor.is_quantized:
        return "quantised"
    if tensor.is_nested:
        return "nested"
    if tensor.layout != torch.strided:
        return f"sparse ({str(tensor.layout).removeprefix('torch.')})"
    return None if tensor.device.type == "cpu" else f"without numbers (on the device {tensor.device})"


def _named(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _check_archive(path: Path) -> None:
    """Torch stores without compression: what is larger inside than outside was made to be.

    Raises:
        InvalidInputError: the archive is such a one.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > path.stat().st_size:
            raise InvalidInputError(f"{path} is compressed, or damaged: save it once more with `torch.save`")


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith(_NO_REASON)]
    return lines[-1][:200] if lines else type(error).__name__
