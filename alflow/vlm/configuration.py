"""The door for the configuration of a foreign model: only keys that are known to be harmless, of their types.

open_clip hands parts of it on: `tokenizer_kwargs` to the tokenizer of transformers, which runs Python of the folder or
of the hub where they say `trust_remote_code`; names of other models to timm and transformers, which load those. So all
is refused that is not one of open_clip's own fields, and so are names that are paths or addresses, and folders whose
tokenizer names Python of its own (`auto_map`).
"""

import json
import re
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from open_clip.coca_model import MultimodalCfg
from open_clip.model import CLIPTextCfg, CLIPVisionCfg
from open_clip.transform import PreprocessCfg

from alflow.errors import InvalidInputError

CONFIGURATION: Final = "open_clip_config.json"
"""The file of a folder, or of a repository of the hub, that says what a model is."""

_MAX_BYTES: Final = 2**20
_MAX_BYTES_BESIDE: Final = 16 * 2**20
_LARGE_TABLES: Final = ("tokenizer.json", "vocab.json")  # data of a tokenizer, which names no code
_MOST: Final = 2**24  # of whole numbers, which are widths, lengths and counts
_CODE: Final = ("auto_map", "trust_remote_code")
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")

_Fields = Mapping[str, Any]
_Values = Mapping[str, Callable[[Any], bool]]


def read_configuration(path: Path, what: str) -> Mapping[str, Any]:
    """A model's configuration, checked.

    Raises:
        InvalidInputError: it cannot be read, or holds what is not known to be harmless; `what` names the model.
    """
    found: Mapping[str, Any] = _read(path, what)
    _check(found, {"model_cfg": dict, "preprocess_cfg": dict}, what, "")
    if not isinstance(found.get("model_cfg"), Mapping):
        raise InvalidInputError(f"{what}: {CONFIGURATION} has no model_cfg")
    model = found["model_cfg"]
    _check(model, _MODEL, what, "model_cfg.")
    for part, fields in _PARTS.items():
        _check(model.get(part) or {}, fields, what, f"model_cfg.{part}.")
        for name, allowed in _DEEPER.items():
            _check_values((model.get(part) or {}).get(name) or {}, allowed, what, f"model_cfg.{part}.{name}.")
        _check_values(model.get(part) or {}, _NAMES, what, f"model_cfg.{part}.", only=False)
    _check(found.get("preprocess_cfg") or {}, get_type_hints(PreprocessCfg), what, "preprocess_cfg.")
    return found


def check_folder(folder: Path, what: str) -> None:
    """Refuse a folder whose JSON files name Python to be run, whoever would run it.

    Raises:
        InvalidInputError: one does.
    """
    for path in sorted(folder.glob("*.json")):
        if path.name == CONFIGURATION or path.name.startswith(".") or path.name in _LARGE_TABLES:
            continue
        if code := _code_in(_read(path, what, _MAX_BYTES_BESIDE)):
            raise InvalidInputError(f"{what}: {path.name} has {code!r}, {_RUNS_CODE}")


_RUNS_CODE: Final = "by which a model runs Python of its own; alflow runs none: take a model without it"
_MODEL: Final[_Fields] = {
    "embed_dim": int,
    "vision_cfg": dict,
    "text_cfg": dict,
    "multimodal_cfg": dict,
    "custom_text": bool,
    "quick_gelu": bool,
    "init_logit_scale": float,
    "init_logit_bias": float,
    "nonscalar_logit_scale": bool,
    "output_dict": bool,
    "pad_id": int,
}
_PARTS: Final[Mapping[str, _Fields]] = {
    "vision_cfg": get_type_hints(CLIPVisionCfg),
    "text_cfg": get_type_hints(CLIPTextCfg),
    "multimodal_cfg": get_type_hints(MultimodalCfg),
}
_DEEPER: Final[Mapping[str, _Values]] = {
    "act_kwargs": {"approximate": lambda value: value in ("none", "tanh")},
    "norm_kwargs": {
        "eps": lambda value: _fits(value, float),
        "elementwise_affine": lambda value: _fits(value, bool),
        "bias": lambda value: _fits(value, bool),
    },
    "tokenizer_kwargs": {
        "clean": lambda value: value in ("canonicalize", "lower", "whitespace"),
        "strip_sep_token": lambda value: _fits(value, bool),
        "language": lambda value: _fits(value, str) and bool(_NAME.fullmatch(value)),
        "reduction_mask": lambda value: value in ("", "simple", "random", "shuffle", "syntax"),
        "additional_special_tokens": lambda value: isinstance(value, list) and all(_fits(one, str) for one in value),
    },
}
_NAMES: Final[_Values] = {
    "hf_tokenizer_name": lambda value: not value or bool(_NAME.fullmatch(value)),
    "hf_model_name": lambda value: not value or bool(_NAME.fullmatch(value)),
    "timm_model_name": lambda value: not value or bool(re.fullmatch(r"\w[\w.-]*", value)),
}


def _read(path: Path, what: str, largest: int = _MAX_BYTES) -> Any:
    try:
        if path.stat().st_size > largest:
            raise InvalidInputError(f"{what}: {path.name} is larger than {largest // 2**20} MB, which none is")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInputError(f"{what}: {path.name} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{what}: {path.name} is no JSON: {error}") from error


def _check(found: Any, fields: _Fields, what: str, place: str) -> None:
    """Are these fields known, and of their types?

    Raises:
        InvalidInputError: one is not; it is named.
    """
    if not isinstance(found, Mapping):
        raise InvalidInputError(f"{what}: {place.rstrip('.') or CONFIGURATION} must be an object with names")
    for name, value in found.items():
        if name not in fields:
            raise InvalidInputError(f"{what}: {_unknown(place + name, _code_in({name: value}), fields)}")
        if value is not None and not _fits(value, fields[name]):
            raise InvalidInputError(f"{what}: {place}{name} is {_short(value)}, which is not of its kind")


def _check_values(found: Any, allowed: _Values, what: str, place: str, *, only: bool = True) -> None:
    for name, value in found.items():
        if only and name not in allowed:
            raise InvalidInputError(f"{what}: {_unknown(place + name, _code_in({name: value}), allowed)}")
        if name in allowed and not allowed[name](value):
            raise InvalidInputError(f"{what}: {place}{name} is {_short(value)}, which alflow does not hand on")


def _unknown(name: str, code: str, known: Mapping[str, Any]) -> str:
    if code:
        return f"{CONFIGURATION} has {name}, {_RUNS_CODE}"
    return (
        f"{CONFIGURATION} has {name}, which is not known to be harmless; known here: {', '.join(sorted(known))}. "
        "Remove it from a copy in a folder, and name that: 'local-dir:/path'"
    )


def _code_in(found: Any) -> str:
    return next((key for key in _keys(found) if key in _CODE), "")


def _keys(found: Any) -> Iterator[str]:
    left = [found]
    while left:
        one = left.pop()
        if isinstance(one, Mapping):
            yield from one
            left.extend(one.values())
        elif isinstance(one, list):
            left.extend(one)


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value of JSON is of the type that open_clip declares."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return any(_fits(value, one) for one in inner)
    if origin is tuple:
        return _fits_tuple(value, inner)
    if hint in {int, float}:
        kinds = int if hint is int else int | float
        return isinstance(value, kinds) and not isinstance(value, bool) and -_MOST < value < _MOST
    return isinstance(value, hint) and (not isinstance(value, str) or len(value) < 200)


def _fits_tuple(value: Any, inner: tuple[Any, ...]) -> bool:
    if not isinstance(value, list) or len(value) > 64:
        return False
    return (Ellipsis in inner or len(value) == len(inner)) and all(_fits(one, inner[0]) for one in value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
