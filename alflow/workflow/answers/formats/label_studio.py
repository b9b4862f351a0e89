"""Label Studio tasks: `tasks.json` for its import, `labeling_config.xml` for its settings, and `images/`.

A vote is an annotation with its annotator, time and seconds (https://labelstud.io/guide/export). "Skip" is one that was
cancelled; the other answers without a class are annotations without a result; `meta` has the answer word for word. What
was settled stands in the data of the task. Label Studio knows people by their email: it must know those of the votes,
or be told to take unknown ones (ALLOW_IMPORT_TASKS_WITH_UNKNOWN_EMAILS).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from alflow.domain.answers import Verdict
from alflow.store.answers.provenance import Provenance
from alflow.workflow.answers.formats.pictures import (
    Dataset,
    Picture,
    create,
    join,
    line,
    parts,
    vote_facts,
)

SERVED: Final = "/data/local-files/?d=images/"
"""How Label Studio addresses a file below its LOCAL_FILES_DOCUMENT_ROOT: the folder of the export."""


def write(folder: Path, about: Dataset, pictures: Iterable[Picture]) -> None:
    """Write the images, the tasks and the labelling interface."""
    choices = "\n".join(f"    <Choice value={quoteattr(name)}/>" for name in about.classes)
    config = _CONFIG.format(choices=choices)
    create(folder / "labeling_config.xml", config.encode())
    with parts() as files:
        for picture in pictures:
            create(folder / "images" / picture.file_name, picture.jpeg)
            files.add(folder / "tasks.part", line(_task(picture)), ",\n")
    join(folder / "tasks.json", "[\n", folder / "tasks.part", "]\n")


_CONFIG: Final = """<View>
  <Image name="image" value="$image"/>
  <Choices name="class" toName="image" choice="single" showInLine="true">
{choices}
  </Choices>
</View>
"""


def _task(picture: Picture) -> dict[str, Any]:
    data = picture.facts()
    del data["votes"]
    image = SERVED + quote(picture.file_name)
    return {
        "id": picture.item.id,
        "data": {"image": image, "file_name": picture.file_name} | data,
        "annotations": [_annotation(vote) for vote in picture.votes],
    }


def _annotation(vote: Provenance) -> dict[str, Any]:
    at = vote.at.isoformat()
    chosen = {"from_name": "class", "to_name": "image", "type": "choices", "value": {"choices": [vote.class_name]}}
    return {
        "completed_by": {"email": vote.annotator},
        "created_at": at,
        "updated_at": at,
        "lead_time": vote.seconds,
        "was_cancelled": vote.verdict is Verdict.SKIP,
        "ground_truth": False,
        "result": [chosen] if vote.class_name is not None else [],
        "meta": vote_facts(vote),
    }
