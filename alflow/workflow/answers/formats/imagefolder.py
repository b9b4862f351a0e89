"""Hugging Face `imagefolder`: a folder for each split, with `metadata.jsonl`.

`datasets.load_dataset("imagefolder", data_dir=FOLDER)` reads it (https://huggingface.co/docs/datasets/image_dataset).
It knows the names train, validation and test: pool, target and test are written under these, in this order, and
`alflow_split` keeps the project's own word. All splits must have columns of the same types, whatever their rows:
`votes` is JSON text, and a label that an image does not have is an empty one.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from alflow.domain.images import Split
from alflow.workflow.answers.formats.pictures import Dataset, Picture, by_split, create, line, parts

NAMES: Final = {Split.POOL: "train", Split.TARGET: "validation", Split.TEST: "test"}


def write(folder: Path, _: Dataset, pictures: Iterable[Picture]) -> None:
    """Write the images and a row for each."""
    with parts() as files:
        for split, picture in by_split(pictures, NAMES):
            create(folder / split / picture.file_name, picture.jpeg)
            facts = picture.facts()
            facts |= {name: facts[name] or "" for name in ("label", "label_from")}
            row = {"file_name": picture.file_name} | facts | {"votes": json.dumps(facts["votes"])}
            files.add(folder / split / "metadata.jsonl", line(row) + "\n")
