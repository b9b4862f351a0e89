"""COCO-style JSON for classification: `images/`, and for each split a file in `annotations/`.

An annotation names an image and a category and has no box, as tools that read classifications from COCO expect
(https://cocodataset.org/#format-data). What COCO has no field for stands in further ones: `votes` of an image,
`label_from` of an annotation.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from alflow.workflow.answers.formats.pictures import OWN_NAMES, Dataset, Picture, by_split, create, join, line, parts


def write(folder: Path, about: Dataset, pictures: Iterable[Picture]) -> None:
    """Write the images and the files of their annotations; ids are those of alflow."""
    place, seen = folder / "annotations", dict[str, None]()
    with parts() as files:
        for split, picture in by_split(pictures, OWN_NAMES):
            seen[split] = None
            create(folder / "images" / picture.file_name, picture.jpeg)
            files.add(place / f"{split}.images", line(_image(picture)), ",\n")
            if picture.class_name is not None:
                files.add(place / f"{split}.labels", line(_annotation(about, picture)), ",\n")
    for split in seen:
        head = line({"description": f"{about.name}: {split}", "date_created": about.created.isoformat()})
        categories = ",\n".join(
            line({"id": at, "name": name, "supercategory": about.groups.get(name, "")}) for at, name in _numbered(about)
        )
        images, labels = place / f"{split}.images", place / f"{split}.labels"
        opening = f'{{"info": {head},\n"licenses": [],\n"categories": [\n{categories}],\n"images": [\n'
        join(place / f"{split}.json", opening, images, '],\n"annotations": [\n', labels, "]}\n")


def _numbered(about: Dataset) -> Iterable[tuple[int, str]]:
    return enumerate(about.classes, start=1)  # 0 is the background to some readers


def _category(about: Dataset, at: int, name: str) -> dict[str, Any]:
    return {"id": at, "name": name, "supercategory": about.groups.get(name, "")}


def _image(picture: Picture) -> dict[str, Any]:
    facts, (width, height) = picture.facts(), picture.size
    known = {"id": picture.item.id, "file_name": picture.file_name, "width": width, "height": height}
    return known | {name: facts[name] for name in ("uri", "sha256", "votes")}


def _annotation(about: Dataset, picture: Picture) -> dict[str, Any]:
    category = {name: at for at, name in _numbered(about)}[str(picture.class_name)]
    of = picture.item.id
    return {"id": of, "image_id": of, "category_id": category, "iscrowd": 0, "label_from": picture.class_from}
