"""What lies beside an ONNX file: how pixels are prepared, and which column is which class."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image

from alflow.errors import UnavailableError
from alflow.workflow.insight.exports.head_files import About

if TYPE_CHECKING:
    from torch import Tensor

    from alflow.vlm.models import LoadedModel

MODEL: Final = "model.onnx"
PREPARATION: Final = "preparation.json"


def require() -> None:
    """Are the packages there that write ONNX?

    Raises:
        UnavailableError: they are not.
    """
    missing = [name for name in ("onnx", "onnxscript") if find_spec(name) is None]
    if missing:
        raise UnavailableError(f"ONNX needs the package {missing[0]}: pip install 'alflow[onnx]'")


def example(loaded: "LoadedModel") -> "Tensor":
    """Prepared pixels of one picture [1 3 H W]."""
    return loaded.prepare(Image.linear_gradient("L").convert("RGB"))[None]


def write_preparation(folder: Path, loaded: "LoadedModel", pixels: "Tensor", about: About) -> None:
    """Write the classes by column, and open_clip's own words for how a picture becomes pixels."""
    seen = loaded.configuration["preprocessing"]
    preparation = {
        "input": {"name": "pixels", "type": "float32", "shape": ["images", *pixels.shape[1:]]},
        "output": {"name": "probabilities", "type": "float32", "shape": ["images", len(about.classes)]},
        "classes": about.classes,
        "preparation": {name: value for name, value in seen.items() if name != "mode"} | {"mode": "RGB"},
    }
    (folder / PREPARATION).write_text(json.dumps(preparation, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
