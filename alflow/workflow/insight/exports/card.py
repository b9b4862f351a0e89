"""The model card: Markdown with a head in YAML, as the Hugging Face hub reads it.

https://huggingface.co/docs/hub/model-cards
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import Path
from typing import Final

from alflow.domain.rounds import Evaluation
from alflow.text import visible
from alflow.workflow.insight.exports.facts import Facts
from alflow.workflow.insight.exports.head_files import HeadFiles
from alflow.workflow.insight.exports.loading import LOADING

_LIBRARY: Final = {"open_clip": "open_clip", "sklearn": "sklearn", "onnx": "onnx"}
_CALIBRATION: Final = ("nlpd", "brier", "ece", "adaptive_ece")
_WHERE: Final = {"test": "test split", "control": "random slice of the pool"}
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>|#~$&!])")


def card(facts: Facts, files: HeadFiles, format_: str, posterior: str, folder: Path) -> str:
    """The card of a model that was written into `folder`; `posterior` says where that of the pretraining is from."""
    parts = [
        _yaml(facts, format_),
        f"# {_plain(facts.project.name)}\n",
        _summary(facts, files, format_),
        _section("How to load it", [LOADING[format_](files)]),
        _section("Classes", _classes(facts)),
        _section("Data", _data(facts)),
        _section("Measured", [*_measured(facts, files)]),
        _section("Limits", _limits(facts, files, format_)),
        _section("What it is made of", _hashes(facts, files, posterior, folder)),
    ]
    return "\n".join(parts)


def _yaml(facts: Facts, format_: str) -> str:
    """Strings are JSON, which YAML takes as they are."""
    lines = [
        "---",
        f"library_name: {_LIBRARY[format_]}",
        "pipeline_tag: image-classification",
        "tags:\n- image-classification\n- active-learning\n- alflow",
        f"base_model: {_string(facts.project.model)}" if _is_of_hub(facts.project.model) else "",
        "model-index:",
        f"- name: {_string(facts.project.name)}",
        "  results:",
    ]
    found = [one for one in facts.evaluations if one.round_number == facts.of.number]
    lines[-1] += "" if found else " []"
    for one in found:
        lines += [
            "  - task:",
            "      type: image-classification",
            "    dataset:",
            f"      name: {_string(f'{facts.project.name}, {_WHERE.get(one.split, one.split)}')}",
            f"      type: {_string('alflow')}",
            f"      split: {_string(one.split)}",
            "    metrics:",
        ]
        lines += [
            f"    - type: {name}\n      name: {_string(name)}\n      value: {value:.6g}"
            for name, (value, _, _) in one.metrics.items()
            if isfinite(value)
        ]
    return "\n".join([line for line in lines if line] + ["---", ""])


def _summary(facts: Facts, files: HeadFiles, format_: str) -> str:
    count = sum(facts.labelled.values())
    what = {
        "open_clip": "Both towers as an open_clip checkpoint, and the head that labels taught",
        "sklearn": "The head that labels taught, for the image tower of another model",
        "onnx": "Image tower and head as one ONNX file",
    }[format_]
    return (
        f"{what}. It tells {len(facts.classes)} classes apart. The model is {_plain(files.about.shown_model)} with a "
        f"Gaussian process over its logits, given the {count:,} images that people labelled; fit of round "
        f"{facts.of.number}, exported {facts.at:%Y-%m-%d}.\n"
    )


def _classes(facts: Facts) -> list[str]:
    rows = [
        (_plain(one.name), _plain(", ".join(one.prompts)), f"{facts.labelled.get(one.id, 0):,}")
        for one in facts.classes
    ]
    return [_table(("class", "prompts", "labelled images"), rows)]


def _data(facts: Facts) -> list[str]:
    images = ", ".join(f"{count:,} {split}" for split, count in facts.images.items())
    return [
        f"Images: {images or 'none'}. Settled by people: {sum(facts.labelled.values()):,} of the pool, by "
        f"{facts.answers:,} answers of {facts.people:,} {'person' if facts.people == 1 else 'people'} in "
        f"{facts.of.number} {'round' if facts.of.number == 1 else 'rounds'}. Which images were labelled was chosen by "
        f"the strategy `{facts.of.strategy}`, except for a random slice of each round: labelled images are no random "
        "sample.\n"
    ]


def _measured(facts: Facts, files: HeadFiles) -> Iterator[str]:
    if not facts.evaluations:
        yield "Nothing was measured: there is no test split, and no image of the random slice has a class.\n"
        return
    if facts.of.hashes.get("prompts") not in {None, files.about.hashes["prompts"]}:
        yield "Classes or prompts were changed after this was measured: the exported model may do better or worse.\n"
    yield (
        "Values with 95% intervals. Round 0 is the model before any label. On the random slice the model of each "
        "round is judged by what it said before the labels came, so that its numbers lag by one round.\n"
    )
    yield "Quality:\n"
    yield _metrics(facts.evaluations, calibration=False)
    yield "Calibration (lower is better; nlpd in nats an image):\n"
    yield _metrics(facts.evaluations, calibration=True)


def _metrics(evaluations: Sequence[Evaluation], *, calibration: bool) -> str:
    names = dict.fromkeys(name for one in evaluations for name in one.metrics if (name in _CALIBRATION) == calibration)
    rows = [
        [
            *(str(one.round_number), _WHERE.get(one.split, one.split), f"{one.n_items:,}", f"{one.n_labels:,}"),
            *(_interval(one.metrics.get(name)) for name in names),
        ]
        for one in evaluations
    ]
    return _table(("round", "images", "count", "labels", *names), rows)


def _interval(found: tuple[float, float, float] | None) -> str:
    if found is None or not isfinite(found[0]):
        return "-"
    value, low, high = found
    return f"{value:.4f} [{low:.4f}, {high:.4f}]" if isfinite(low) and isfinite(high) else f"{value:.4f}"


def _limits(facts: Facts, files: HeadFiles, format_: str) -> list[str]:
    fewest = [_plain(one.name) for one in facts.classes if facts.labelled.get(one.id, 0) < 5]
    said = [
        "It knows no class but these: an image of something else gets one of them, sometimes with confidence.",
        "It was made for images like those of the project. On others neither accuracy nor calibration was measured.",
        "Of its uncertainty only the probabilities are here: which part more labels could remove is told by alflow.",
        f"Classes with fewer than five labelled images: {', '.join(fewest[:20])}"
        f"{f' and {len(fewest) - 20} more' if len(fewest) > 20 else ''}."
        if fewest
        else "",
        f"The licence of {_plain(files.about.shown_model)} holds for what is made of it; this card does not know it.",
        "Images were embedded in bfloat16, and the head was fitted to that: in float32 probabilities differ a little."
        if files.about.precision == "bf16"
        else "",
        "alflow reads pictures of more than four times the size that the model sees at a half, a quarter or an eighth, "
        "which `alflow.load_head` does too. Prepared from the whole picture, probabilities differ a little: on the "
        "demo's drawings by up to .007."
        if format_ != "sklearn"
        else "",
    ]
    return [f"- {one}" for one in said if one] + [""]


def _hashes(facts: Facts, files: HeadFiles, posterior: str, folder: Path) -> list[str]:
    rows = [
        ("model", _plain(files.about.shown_model)),
        ("precision", files.about.precision),
        ("posterior", posterior),
    ]
    rows += [(f"hash of the {name}", f"`{value}`") for name, value in files.about.hashes.items()]
    rows += [(f"SHA-256 of `{path.name}`", f"`{_sha256(path)}`") for path in sorted(folder.iterdir())]
    settings = facts.project.settings
    rows += [("strategy, budget, seed", f"`{settings.strategy}`, {settings.budget}, {settings.seed}")]
    return [_table(("what", "value"), rows)]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _section(title: str, parts: Sequence[str]) -> str:
    return "\n".join([f"## {title}\n", *parts])


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _is_of_hub(model: str) -> bool:
    return model.startswith("hf-hub:")


def _string(value: str) -> str:
    return json.dumps(visible(value), ensure_ascii=False)


def _plain(value: str) -> str:
    """Text of people as text, whatever Markdown would make of it."""
    return _MARKUP.sub(r"\\\1", visible(value))
