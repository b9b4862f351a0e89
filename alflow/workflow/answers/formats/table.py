"""The table of formats: what `alflow export dataset --format` takes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alflow.workflow.answers.formats import coco, croissant, cvat, fiftyone, imagefolder, label_studio, webdataset
from alflow.workflow.answers.formats.pictures import Dataset, Picture

Write = Callable[[Path, Dataset, Iterable[Picture]], None]


@dataclass(frozen=True)
class Format:
    """One layout: what it is, in a few words, and how it is written into a folder that is there and empty."""

    caption: str
    write: Write


FORMATS: Final[Mapping[str, Format]] = {
    "imagefolder": Format("Hugging Face imagefolder with metadata.jsonl", imagefolder.write),
    "coco": Format("COCO-style JSON for classification", coco.write),
    "cvat": Format("CVAT for images 1.1, a tag for each vote", cvat.write),
    "label-studio": Format("Label Studio tasks with annotations", label_studio.write),
    "fiftyone": Format("FiftyOneImageClassificationDataset for each split", fiftyone.write),
    "webdataset": Format("WebDataset shards", webdataset.write),
    "croissant": Format("images and a table with Croissant metadata", croissant.write),
}
"""Name -> layout."""
