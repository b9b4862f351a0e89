"""What benchmarks measure on: the demo, and the feature packs in the folder ALFLOW_PACKS (real CLIP under clip/)."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from alflow.demo.evaluate import load_demo
from alflow.workflow.backtests.backtest import World
from alflow.workflow.backtests.packs import ImagePack, Pack

DEMO = "demo"
STAND_INS = ("fashion", "emoji")
CLIP = ("pets24", "caltech65", "animals16", "aerial19", "dogs118")
CLIP_IMAGES = ("dtd_images", "flowers_images")
"""Images and labels without texts."""


class MissingError(Exception):
    """Why a set is not measured."""


def pack(name: str) -> Pack | ImagePack:
    """The files of a set that is not the demo.

    Raises:
        MissingError: they are not at hand.
    """
    folder = os.environ.get("ALFLOW_PACKS")
    if not folder:
        raise MissingError("set ALFLOW_PACKS to the folder of the feature packs")
    here = Path(folder) / ("" if name in STAND_INS else "clip")
    alone = name in CLIP_IMAGES
    model, pairs, images = (here / f"{file}.safetensors" for file in ("model", "pairs", name))
    if missing := [str(path) for path in ((images,) if alone else (model, pairs, images)) if not path.exists()]:
        raise MissingError(f"there is no {', '.join(missing)}")
    return ImagePack(images) if alone else Pack(model, pairs, images)


def at_hand(names: Iterable[str]) -> list[str]:
    """Those of these sets that can be measured; of the others, standard error says why they are left out."""
    found = []
    for name in dict.fromkeys(names):
        try:
            if name != DEMO:
                pack(name)
        except MissingError as why:
            sys.stderr.write(f"{name} is left out: {why}\n")
        else:
            found.append(name)
    return found


def world(name: str) -> World:
    """A set's images, labels and model.

    Raises:
        MissingError: it is not at hand.
    """
    if name != DEMO:
        return pack(name).world()
    demo = load_demo()
    return World(demo.images, demo.labels, demo.model)
