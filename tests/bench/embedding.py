"""Embedding with ViT-B/32 (random weights: the time does not depend on them): the network, and from files to rows."""

import copy
import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import open_clip
import torch
from open_clip.factory import get_model_config
from PIL import Image
from torch.nn.functional import cosine_similarity

from alflow.domain.images import Item, Split
from alflow.embeddings import Embeddings
from alflow.vlm.compiled import bfloat16_is_fast
from alflow.vlm.encoder import OpenClipEncoder, open_up
from alflow.vlm.models import assemble
from alflow.workflow.images.encoding import encode_items, prepare_file
from tests.bench.harness import Row, at_least, case, compare, seconds, sized

NAME, BATCH, FILES = "ViT-B-32", 64, sized(256)
MANY = 10**9  # images, so that compiling pays
FASTER = 4.0  # with matrix units; without them bfloat16 is no faster and float32 is computed in: no floor
_WIDTH, _LAYERS, _TOKENS, _PATCHES, _PATCH = 768, 12, 50, 49, 3 * 32 * 32
_OF_A_LAYER = 12 * _TOKENS * _WIDTH**2 + 2 * _TOKENS**2 * _WIDTH  # multiplications: projections and mlp, attention
FLOPS = 2 * (_LAYERS * _OF_A_LAYER + _PATCHES * _PATCH * _WIDTH)  # of an image: 8.8 gigaflop


@case
def embedding() -> Iterator[Row]:
    """The product's encoder of precision bf16 against float32 as it is; then its share of the way from file to row."""
    single, fast = encoders()
    how = "bfloat16, compiled" if fast.dtype == torch.bfloat16 else "float32, as this processor has no matrix units"
    batch = torch.randn(BATCH, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    floor = FASTER if bfloat16_is_fast() else None
    row = compare(
        f"{NAME}, precision bf16 ({how})",
        lambda: fast.pixels(batch),
        lambda: single.pixels(batch),
        floor,
        flops=FLOPS * BATCH,
    )
    yield row
    closeness = cosine_similarity(fast.pixels(batch).values, single.pixels(batch).values).min()
    yield at_least(f"{NAME}, precision bf16: least cosine to float32", float(closeness), 0.9999)
    with tempfile.TemporaryDirectory() as folder:
        yield from files_to_rows(fast, Path(folder))


def encoders() -> tuple[OpenClipEncoder, OpenClipEncoder]:
    """One model in float32, and with precision bf16 as `load_encoder` would open it, for many images."""
    torch.manual_seed(0)  # open_clip initialises from the global generator
    loaded = assemble(open_clip.create_model(NAME), get_model_config(NAME), open_clip.get_tokenizer(NAME))
    cpu = torch.device("cpu")
    single = open_up(copy.deepcopy(loaded), "fp32", cpu, BATCH)
    dtype = torch.bfloat16 if bfloat16_is_fast() else torch.float32
    return single, open_up(loaded, "bf16", cpu, BATCH, dtype).for_many(MANY)


def files_to_rows(encoder: OpenClipEncoder, folder: Path) -> Iterator[Row]:
    """Pictures of a camera's shape, read, checked, decoded in threads while the network works."""
    items = [photograph(folder / f"{number}.jpg", number) for number in range(FILES)]
    pixels = torch.stack([prepare_file(encoder, item.uri) for item in items])
    encoder.pixels(pixels[:BATCH])
    network = seconds(lambda: encoder.pixels(pixels))
    decoding = seconds(lambda: [prepare_file(encoder, item.uri) for item in items])
    whole = seconds(lambda: Embeddings.concatenate([rows for rows, _ in encode_items(encoder, items, BATCH)]))
    name = f"{FILES} JPEGs of 2000 x 1500 to rows, {FILES / whole:.1f} images/s"
    yield Row(f"{name}: share of the network alone", network / whole, None, None, whole)
    yield Row(f"{name}: one after the other / overlapped", (network + decoding) / whole, None, None, whole)


def photograph(path: Path, seed: int) -> Item:
    """Smooth noise, which compresses as a photograph does."""
    coarse = np.random.default_rng(seed).integers(0, 256, (150, 200, 3), np.uint8)
    Image.fromarray(coarse).resize((2000, 1500), Image.Resampling.BICUBIC).save(path, quality=88)
    return Item(seed, 0, hashlib.sha256(path.read_bytes()).hexdigest(), str(path), Split.POOL, 2000, 1500)
