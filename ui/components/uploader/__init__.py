"""Files by drag and drop, or chosen: images with whole folders, archives and manifests, or labels (see uploader.js).

It speaks with our own route itself; files go on while other pages are drawn.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from alflow.domain.projects import Project
from alflow.ui.components import modules

_IMAGES: Final = (
    "A ZIP or tar archive, or a manifest (CSV, TSV, JSON lines, Parquet) beside the images it names, will do. Folders "
    "named like a class label their images."
)
_LABELS: Final = (
    "Label Studio's, Argilla's or FiftyOne's JSON, CVAT's XML for images, or JSON lines that alflow exported."
)


def uploader(project: Project, *, fresh: bool) -> None:
    """Show where to drop images; `fresh` is whether the project has none yet, to which the words are fit."""
    call = "Drop the first images here" if fresh else "Drop images here"
    _show("uploader", {"address": f"./upload/{project.id}", "call": call, "hint": _IMAGES, "query": None})


def label_uploader(project: Project, options: Mapping[str, str]) -> None:
    """Show where to drop files of answers, which are imported with these options as soon as they are sent."""
    address, query = f"./upload/{project.id}/labels", urlencode(options)
    _show("label-uploader", {"address": address, "call": "Drop files of labels here", "hint": _LABELS, "query": query})


def _show(key: str, data: Mapping[str, object]) -> None:
    modules.component("uploader", "mount.js")(data=data, key=key)
