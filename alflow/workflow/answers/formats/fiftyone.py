"""A FiftyOneImageClassificationDataset in a folder for each split: `data/` and `labels.json`.

`fiftyone.Dataset.from_dir(FOLDER / split, dataset_type=fiftyone.types.FiftyOneImageClassificationDataset)` reads one
(https://docs.voxel51.com/user_guide/import_datasets.html). The layout has a place for the class alone; images without
one are null there. `labels.jsonl` beside the splits has the rest.
"""

from collections.abc import Iterable
from json import dumps
from pathlib import Path

from alflow.workflow.answers.formats.pictures import OWN_NAMES, Dataset, Picture, by_split, create, join, line, parts


def write(folder: Path, about: Dataset, pictures: Iterable[Picture]) -> None:
    """Write the images, their classes, and what else is known."""
    seen = dict[str, None]()
    with parts() as files:
        for split, picture in by_split(pictures, OWN_NAMES):
            seen[split] = None
            create(folder / split / "data" / picture.file_name, picture.jpeg)
            stem = picture.file_name.removesuffix(".jpg")
            files.add(folder / split / "labels.part", f"{dumps(stem)}: {dumps(about.index(picture))}", ",\n")
            row = {"file_name": f"{split}/data/{picture.file_name}"} | picture.facts()
            files.add(folder / "labels.jsonl", line(row) + "\n")
    opening = f'{{"classes": {dumps(about.classes)},\n"labels": {{\n'
    for split in seen:
        join(folder / split / "labels.json", opening, folder / split / "labels.part", "}}\n")
