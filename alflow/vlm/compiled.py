"""What makes a trunk fast on the machine at hand, where its rows need to be right to bfloat16 only.

Two means, each used where it pays:

* arithmetic: a processor with matrix units (AMX, or ARM's) multiplies bfloat16 several times faster than float32. One
  that only has bfloat16 instructions (AVX512-BF16 without AMX) is slower with it: there the trunk stays in float32.
* compilation: `torch.compile` with frozen weights, which joins the small steps between products and lays the weights
  out as the products want them. It takes tens of seconds, once a process, and needs a C++ compiler. It pays where
  products are so fast that the steps between them count: in bfloat16 with matrix units. A float32 ViT-B/32 spends its
  time in products, at 78% of their peak, and was a tenth slower compiled (10 against 11 images a CPU-second).
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, Final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cosine_similarity

from alflow.vlm.towers import Tower

PAYS_FROM_SECONDS: Final = 180.0
"""Seconds of work without compilation from which it pays: three times what compiling takes (21 CPU-seconds measured
for ViT-B/32, twice or thrice that in wall time where the machine is busy)."""
FEWEST_IMAGES: Final = 1024
"""Below this many it is not even measured whether compilation pays."""

_CLOSE: Final = 0.999  # cosine of compiled and plain rows, far below what rounding to bfloat16 does (.99995)
_PROBE: Final = 8
_log = logging.getLogger(__name__)


@cache
def bfloat16_is_fast() -> bool:
    """Whether this processor multiplies matrices faster in bfloat16 than in float32; measured, in 50 milliseconds.

    The answer is no close call: with AMX several times faster, without it half as fast.
    """
    single = torch.ones(512, 512)
    half = single.bfloat16()
    return _fastest(lambda: half @ half) < _fastest(lambda: single @ single)


@torch.no_grad()
def seconds_an_image(tower: Tower, example: Float[Tensor, "1 3 H W"]) -> float:
    """Wall time of the tower as it is, by the better of two small batches."""
    batch = example.expand(_PROBE, *example.shape[1:])
    return _fastest(lambda: tower(batch), times=2) / _PROBE


@torch.no_grad()
def compile_tower(tower: Tower, batch: Float[Tensor, "N 3 H W"]) -> Tower:
    """The tower compiled for batches of N; smaller ones are filled up to N.

    Where there is no working compiler, or where what it made does not reproduce the tower's rows of `batch`, a warning
    is logged and the tower is returned as it is.
    """
    trunk = torch.compile(tower.trunk, dynamic=False, options={"freezing": True})
    compiled = replace(tower, trunk=_filled(trunk, len(batch)))
    try:
        closeness = float(cosine_similarity(compiled(batch).values, tower(batch).values).min())
    except (RuntimeError, OSError) as error:  # what torch raises without compiler, headers or space
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        _log.warning("the model runs uncompiled, which is slower, since it cannot be compiled here: %s", reason)
        return tower
    if not closeness >= _CLOSE:
        _log.warning("the model runs uncompiled: compiled, its rows have a cosine of %.4f to what they were", closeness)
        return tower
    return compiled


def _filled(trunk: Callable[[Tensor], Any], size: int) -> Callable[[Tensor], Tensor]:
    """The trunk for batches of at most `size`, each filled up with copies of its last row: one shape, compiled once."""

    def run(batch: Tensor) -> Tensor:
        missing = size - len(batch)
        whole = torch.cat([batch, batch[-1:].expand(missing, *batch.shape[1:])]) if missing else batch
        output = trunk(whole)
        stream: Tensor = output[0] if isinstance(output, tuple) else output
        return stream[: len(batch)]

    return run


def _fastest(work: Callable[[], object], times: int = 5) -> float:
    """Seconds of the best of several runs: what the machine does besides can only slow them."""
    seconds = []
    for _ in range(times):
        before = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - before)
    return min(seconds)
