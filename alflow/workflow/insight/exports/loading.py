"""How a written model is loaded: the program that its card shows, which a test runs as it is written."""

from collections.abc import Callable, Mapping
from typing import Final

from alflow.workflow.insight.exports.head_files import HeadFiles


def _open_clip(files: HeadFiles) -> str:
    with_alflow = (
        "With alflow:\n\n```python\nimport alflow\n\n"
        'head = alflow.load_head(".")  # the folder of this card\n'
        'print(head.classes_, head.predict_proba(["photo.jpg"]))\n```\n'
    )
    if not files.about.checkpoint:
        return (
            "The checkpoint is that of the model, unchanged: `open_clip.create_model_and_transforms` loads it and "
            "gives the same embeddings. Its image tower has no place for what labels taught, which reads the inputs "
            f"of its last linear layer: `alflow.load_head` takes the tower apart for that.\n\n{with_alflow}"
        )
    return (
        "Embeddings have one more number for each class. The first ones are the embedding of the model, unchanged: "
        "cosines with texts are those of the model. The last ones carry what labels taught. No open_clip checkpoint "
        "gives these logits by its cosines alone: they are a cosine plus a linear map of what comes before the last "
        f"layer. So six lines of torch add the two.\n\n```python\n{_PROGRAM.strip()}\n```\n\n{with_alflow}"
    )


_PROGRAM: Final = """
import json

import open_clip
import torch
from PIL import Image
from safetensors.torch import load_file

folder = "."  # of this card
model, _, prepare = open_clip.create_model_and_transforms(f"local-dir:{folder}")
head, about = load_file(f"{folder}/head.safetensors"), json.load(open(f"{folder}/head.json", encoding="utf-8"))
pixels = prepare(Image.open("photo.jpg").convert("RGB"))[None]
with torch.no_grad():
    embedding, carried = model.eval().encode_image(pixels).split(head["classes"].T.shape, dim=1)
zero_shot = head["scale"] * torch.nn.functional.normalize(embedding, dim=1) @ head["classes"].T
taught = carried / about["checkpoint"] + head["bias"]
logits = zero_shot + taught
probabilities = sum(s * torch.softmax(n * zero_shot + taught, dim=1) for n, s in zip(head["nodes"], head["shares"]))
print(dict(zip(about["classes"], probabilities[0].tolist())))
"""


def _sklearn(files: HeadFiles) -> str:
    pieces = (
        "activations, then residuals" if files.about.residuals else "the inputs of the image tower's last linear layer"
    )
    return (
        "```python\nimport alflow\n\n"
        'head = alflow.load_head(".")  # the folder of this card\n'
        'print(head.classes_, head.predict_proba(["photo.jpg"]))\n```\n\n'
        f"It takes images (paths, Pillow images) or features [N {files.width}]: {pieces}, as `alflow export "
        "embeddings` writes them. It is a classifier of scikit-learn that was fitted already; columns are in the order "
        "of `classes_`. "
        f"For images it loads the model `{files.about.shown_model}`; features need none.\n"
    )


def _onnx(_: HeadFiles) -> str:
    return (
        "Pixels are prepared as `preparation.json` says, in open_clip's own words: a side is resized to `size`, the "
        "middle is cut out, and each channel is (value / 255 - mean) / std.\n\n"
        f"```python\n{_RUN.strip()}\n```\n"
    )


_RUN: Final = """
import json

import onnxruntime
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

folder = "."  # of this card
about = json.load(open(f"{folder}/preparation.json", encoding="utf-8"))
prepare = image_transform_v2(PreprocessCfg(**about["preparation"]), is_train=False)
pixels = prepare(Image.open("photo.jpg").convert("RGB"))[None].numpy()
session = onnxruntime.InferenceSession(f"{folder}/model.onnx")
(probabilities,) = session.run(["probabilities"], {"pixels": pixels})
print(dict(zip(about["classes"], probabilities[0].tolist())))
"""

LOADING: Final[Mapping[str, Callable[[HeadFiles], str]]] = {"open_clip": _open_clip, "sklearn": _sklearn, "onnx": _onnx}
"""Name of a format -> how it is loaded, in Markdown."""
