"""Croissant 1.0: `croissant.json` describes `labels.jsonl` and the images beside it (https://mlcommons.org/croissant).

`mlcroissant.Dataset("croissant.json").records("images")` gives the rows, each with its picture. Votes are JSON text.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from alflow.workflow.answers.formats.pictures import Dataset, Picture, create, line, parts

COLUMNS: Final = ("file_name", "split", "label", "label_from", "uri", "sha256", "votes")


def write(folder: Path, about: Dataset, pictures: Iterable[Picture]) -> None:
    """Write the images, a row for each, and the description of both."""
    table = folder / "labels.jsonl"
    with parts() as files:
        for picture in pictures:
            create(folder / "images" / picture.file_name, picture.jpeg)
            facts = picture.facts()
            facts |= {"file_name": picture.file_name, "split": facts["alflow_split"]}
            facts["votes"] = json.dumps(facts["votes"])
            files.add(table, line({name: facts[name] or "" for name in COLUMNS}) + "\n")
    with table.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    create(folder / "croissant.json", json.dumps(_described(about, checksum), indent=2).encode())


def _described(about: Dataset, checksum: str) -> dict[str, Any]:
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": about.name,
        "description": f"Images of the classes {', '.join(about.classes)}, with the votes of people.",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "datePublished": about.created.date().isoformat(),
        "version": "1.0.0",
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": "labels.jsonl",
                "name": "labels.jsonl",
                "contentUrl": "labels.jsonl",
                "encodingFormat": "application/jsonlines",
                "sha256": checksum,
            },
            {
                "@type": "cr:FileSet",
                "@id": "image-files",
                "name": "image-files",
                "encodingFormat": "image/jpeg",
                "includes": "images/*.jpg",
            },
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "images",
                "name": "images",
                "field": [*(_column(name) for name in COLUMNS), _PICTURE],
            }
        ],
    }


def _column(name: str) -> dict[str, Any]:
    column: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"images/{name}",
        "name": name,
        "dataType": "sc:Text",
        "source": {"fileObject": {"@id": "labels.jsonl"}, "extract": {"column": name}},
    }
    if name == "file_name":
        column["references"] = {"fileSet": {"@id": "image-files"}, "extract": {"fileProperty": "filename"}}
    return column


_PICTURE: Final = {
    "@type": "cr:Field",
    "@id": "images/image",
    "name": "image",
    "dataType": "sc:ImageObject",
    "source": {"fileSet": {"@id": "image-files"}, "extract": {"fileProperty": "content"}},
}
_CONTEXT: Final = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
