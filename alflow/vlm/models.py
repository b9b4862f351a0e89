"""Which model a reference means, and loading it: architecture, weights, preprocessing, tokenizer.

| reference | meaning |
|---|---|
| `demo` | the small model shipped with alflow |
| `ViT-B-32/laion2b_s34b_b79k` | an open_clip architecture and one of its pretrained tags |
| `ViT-B-32:/path/weights.safetensors` | an open_clip architecture and a local weights file |
| `hf-hub:organisation/name` | a model of the Hugging Face hub in open_clip form |
| `local-dir:/path` | a folder with `open_clip_config.json` and weights |

Weights are read from safetensors, or by torch with `weights_only=True`; never unpickled. No Python of a folder or of
the hub is run: see `alflow.vlm.configuration`.
"""

import hashlib
import importlib
import json
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import open_clip
import torch
from open_clip.constants import HF_WEIGHTS_NAME
from open_clip.factory import _find_checkpoint_in_dir, get_model_config
from open_clip.pretrained import _get_safe_alternatives, download_pretrained_from_hf, get_pretrained_cfg
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from torch import Tensor

from alflow.errors import InvalidInputError, UnavailableError
from alflow.tensors import check_filled, check_weights
from alflow.vlm.configuration import CONFIGURATION, check_folder, read_configuration
from alflow.vlm.framing import framed

DEMO_MODEL: Final = Path(__file__).parents[1] / "demo" / "model"
_SUFFIXES: Final = (".safetensors", ".pt", ".pth", ".bin")
_FORMS: Final = (
    "'demo', 'ARCHITECTURE/TAG' (such as 'ViT-B-32/laion2b_s34b_b79k'), 'ARCHITECTURE:/path/to/weights.safetensors', "
    "'hf-hub:ORGANISATION/NAME' or 'local-dir:/path'"
)


@dataclass(frozen=True)
class LoadedModel:
    """An open_clip model in float32 on the CPU, and what belongs to it.

    Attributes:
        model: the module, in evaluation mode.
        configuration: architecture and preprocessing as plain data: what the weights alone do not say.
        prepare: upright RGB picture -> pixels [3 H W].
        tokenize: texts -> token ids [N L].
    """

    model: Any  # of one of open_clip's classes, which have no common root but nn.Module
    configuration: Mapping[str, Any]
    prepare: Callable[[Image.Image], Tensor]
    tokenize: Callable[[list[str]], Tensor]

    def digest(self) -> str:
        """sha256, in hex, of configuration and weights."""
        sha = hashlib.sha256(json.dumps(self.configuration, sort_keys=True, default=str).encode())
        for name, tensor in sorted(self.model.state_dict().items()):
            sha.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
            sha.update(tensor.detach().contiguous().flatten().view(torch.uint8).numpy())
        return sha.hexdigest()


def load_model(reference: str) -> LoadedModel:
    """Find and load the model that `reference` means.

    Raises:
        InvalidInputError: the reference is of no known form, or its files do not fit together.
        UnavailableError: weights or tokenizer cannot be had on this machine.
    """
    name, pretrained = _parse(reference)
    tokenizing = _checked(reference, name, pretrained)
    options = {"force_quick_gelu": True} if _trained_with_quick_gelu(name, pretrained) else {}
    model = _attempt(
        reference,
        lambda: open_clip.create_model(
            name, pretrained, precision="fp32", require_pretrained=True, pretrained_text=False, **options
        ),
    )
    for weight, tensor in model.named_parameters():
        check_filled(tensor.detach(), f"the model {reference!r}: {weight}")
    tokenizer = _attempt(reference, lambda: open_clip.get_tokenizer(name, **tokenizing))
    return assemble(model, {**get_model_config(name), **options}, tokenizer)


def check_reference(reference: str) -> None:
    """Could `reference` be loaded, as far as one can tell without its weights?

    Raises:
        InvalidInputError: it is of no known form, names an architecture, a tag or a file that does not exist, or a
            folder whose configuration is not known to be harmless.
    """
    name, _ = _parse(reference)
    if name.startswith("local-dir:"):
        _check_folder(reference, name)


def find_weights(reference: str) -> Path | None:
    """The file of weights that `reference` means, as far as it is on this machine; nothing is loaded or fetched.

    Raises:
        InvalidInputError: as `check_reference`; or its weights are no tensors.
    """
    check_reference(reference)
    name, pretrained = _parse(reference)
    scheme, _, rest = name.partition(":")
    if scheme == "local-dir":
        here = _find_checkpoint_in_dir(Path(rest))
    elif scheme == "hf-hub":
        here = _fetched(rest)
    elif pretrained and Path(pretrained).is_file():
        here = pretrained
    else:
        known = get_pretrained_cfg(name, pretrained)
        repository, _, file = known.get("hf_hub", "").rpartition("/")
        kept = Path("~/.cache/clip").expanduser() / Path(known.get("url", "") or "none").name
        here = (repository and _fetched(repository, file)) or (kept if kept.is_file() else None)
    if not here:
        return None
    check_weights(Path(here))
    return Path(here)


def _fetched(repository: str, file: str = "") -> str | None:
    """Where the hub's file of weights is kept, if it was fetched; as safetensors, if there are both."""
    from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415 - of whoever asks for a model of the hub

    wanted = file or HF_WEIGHTS_NAME
    for each in (*_get_safe_alternatives(wanted), wanted):
        found = try_to_load_from_cache(repository, each)
        if isinstance(found, str):
            return found
    return None


def assemble(model: Any, architecture: Mapping[str, Any], tokenize: Callable[[list[str]], Tensor]) -> LoadedModel:
    """Join an open_clip model, however it came to be, with its preprocessing and its tokenizer."""
    preprocessing = model.visual.preprocess_cfg
    seen = PreprocessCfg(**preprocessing)
    prepare = framed(image_transform_v2(seen, is_train=False), seen)
    configuration = {"architecture": architecture, "preprocessing": preprocessing}
    return LoadedModel(model.eval().requires_grad_(requires_grad=False), configuration, prepare, tokenize)


def _checked(reference: str, name: str, pretrained: str | None) -> Mapping[str, Any]:
    """What to tell the tokenizer of a model, whose configuration and weights are checked first: to run no code.

    Raises:
        InvalidInputError: they hold what is not known to be harmless.
        UnavailableError: it cannot be had on this machine.
    """
    scheme, _, rest = name.partition(":")
    what = f"the model {reference!r}"
    if scheme == "hf-hub":
        path = Path(_attempt(reference, lambda: download_pretrained_from_hf(rest, filename=CONFIGURATION)))
        model = read_configuration(path, what)["model_cfg"]
        check_weights(Path(_attempt(reference, lambda: download_pretrained_from_hf(rest))))
    elif scheme == "local-dir":
        model = _check_folder(reference, name)
        if weights := _find_checkpoint_in_dir(Path(rest)):
            check_weights(Path(weights))
    else:
        model = get_model_config(name)
        if pretrained and Path(pretrained).is_file():
            check_weights(Path(pretrained))
    _never_ask()
    return {"trust_remote_code": False} if model["text_cfg"].get("hf_tokenizer_name") else {}


def _check_folder(reference: str, name: str) -> Any:
    """The architecture of a model in a folder, checked."""
    folder, what = Path(name.removeprefix("local-dir:")), f"the model {reference!r}"
    check_folder(folder, what)
    return read_configuration(folder / CONFIGURATION, what)["model_cfg"]


def _never_ask() -> None:
    """Have transformers refuse a model's code, where it would ask whoever sits at the terminal whether to run it."""
    if find_spec("transformers") is not None:
        importlib.import_module("transformers.dynamic_module_utils").TIME_OUT_REMOTE_CODE = 0  # type: ignore[attr-defined]


def _parse(reference: str) -> tuple[str, str | None]:
    """What open_clip calls `model_name` and `pretrained`.

    Raises:
        InvalidInputError: no known form.
    """
    if reference == "demo":
        return f"local-dir:{_folder(DEMO_MODEL)}", None
    scheme, _, rest = reference.partition(":")
    if scheme == "local-dir":
        return f"local-dir:{_folder(Path(rest))}", None
    if scheme == "hf-hub":
        return reference, None
    if rest:
        return _architecture(scheme), str(_weights_file(Path(rest)))
    name, _, tag = reference.rpartition("/")
    if not name:
        raise InvalidInputError(f"the model {reference!r} is of no known form; give {_FORMS}")
    return _architecture(name), _tag(name, tag)


def _folder(path: Path) -> Path:
    if not (path / CONFIGURATION).is_file():
        raise InvalidInputError(f"the model folder {path} holds no {CONFIGURATION}")
    return path


def _weights_file(path: Path) -> Path:
    if not path.is_file():
        raise InvalidInputError(f"the weights file {path} does not exist")
    if path.suffix not in _SUFFIXES:
        raise InvalidInputError(f"the weights file {path} must end in one of {', '.join(_SUFFIXES)}")
    return path


def _architecture(name: str) -> str:
    return _one_of(name, open_clip.list_models(), "architecture")


def _tag(architecture: str, tag: str) -> str:
    return _one_of(tag, open_clip.list_pretrained_tags_by_model(architecture), f"pretrained tag of {architecture}")


def _one_of(name: str, known: Sequence[str], what: str) -> str:
    if name not in known:
        near = [other for other in known if name.lower() in other.lower() or other.lower() in name.lower()] or known
        raise InvalidInputError(f"open_clip knows no {what} {name!r}; it knows {', '.join(sorted(near)[:20])}")
    return name


def _trained_with_quick_gelu(name: str, pretrained: str | None) -> bool:
    """Some tags, OpenAI's among them, were trained with another activation than their architecture's file says."""
    return bool(get_pretrained_cfg(name, pretrained).get("quick_gelu")) if pretrained else False


def _attempt(reference: str, load: Callable[[], Any]) -> Any:
    """Run a loader of open_clip, which raises what its many backends raise, and say what can be done.

    Raises:
        InvalidInputError: files that are here do not fit together.
        UnavailableError: something is not here.
    """
    try:
        return load()
    except ImportError as error:
        raise UnavailableError(f"the model {reference!r} needs a package that is not installed: {error}") from error
    except Exception as error:
        reason = _last_line(error)
        if reference == "demo" or reference.startswith("local-dir:") or ":/" in reference:
            raise InvalidInputError(f"the model {reference!r} cannot be loaded: {reason}") from error
        raise UnavailableError(
            f"the model {reference!r} cannot be had here ({reason}); fetch its weights on a machine with access to the "
            "hub, then name them: 'ARCHITECTURE:/path/to/weights.safetensors' or 'local-dir:/path'"
        ) from error


def _last_line(error: Exception) -> str:
    """Libraries tell what they tried first, and what went wrong last."""
    if isinstance(error, pickle.UnpicklingError):
        return "its weights file is damaged, or holds more than tensors; save it as safetensors"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
