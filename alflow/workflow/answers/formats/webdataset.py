"""WebDataset shards: `SPLIT-000000.tar`, in which an image is `KEY.jpg`, `KEY.cls` and `KEY.json`.

`webdataset.WebDataset(...).decode("pil").to_tuple("jpg", "cls", "json")` reads them
(https://github.com/webdataset/webdataset). `cls` is the number of the class in `classes.json`; an image without a class
has none, which readers skip if told so (`missing_is_error=False`).
"""

import io
import json
import tarfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from alflow.workflow.answers.formats.pictures import OWN_NAMES, Dataset, Picture, by_split, create, line

SHARD: Final = 1_000
"""Images of a shard: some 100 MB of them, as readers like it."""


def write(folder: Path, about: Dataset, pictures: Iterable[Picture]) -> None:
    """Write the shards and the names of the classes."""
    create(folder / "classes.json", json.dumps(about.classes).encode())
    counts, shards = Counter[str](), dict[str, tarfile.TarFile]()
    try:
        for split, picture in by_split(pictures, OWN_NAMES):
            number, place = divmod(counts[split], SHARD)
            if place == 0:
                if split in shards:
                    shards[split].close()
                path = folder / f"{split}-{number:06d}.tar"
                shards[split] = tarfile.open(path, "x", format=tarfile.USTAR_FORMAT)  # noqa: SIM115 - closed below
            counts[split] += 1
            _add(shards[split], about, picture)
    finally:
        for shard in shards.values():
            shard.close()


def _add(shard: tarfile.TarFile, about: Dataset, picture: Picture) -> None:
    key, index = picture.file_name.removesuffix(".jpg"), about.index(picture)
    members = {"jpg": picture.jpeg, "json": line(picture.facts()).encode()}
    if index is not None:
        members["cls"] = str(index).encode()
    for ending, data in members.items():
        entry = tarfile.TarInfo(f"{key}.{ending}")
        entry.size = len(data)
        shard.addfile(entry, io.BytesIO(data))
