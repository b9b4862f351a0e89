"""What the cases of `make bench` are made of: registering, timing, comparing, memory.

A theme is a file beside this one; each of its functions decorated with `case` yields rows:

    @case
    def logits() -> Iterator[Row]:
        yield compare("logit moments, C=65", fast, written_out, floor=6, flops=2 * N * P * P)
        yield at_least("logit moments, C=65: overlap of the top 200", overlap, floor=0.98)

A row is good where its ratio reaches its floor; a row without a floor is information. Times are medians of five, the
fast and the written-out form taken in turn, so that what else the machine does falls on both.
"""

import ctypes
import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

import torch

_SMALLER = 8
_GEMM = 4096  # width of the square product that gives the peak: 137 gigaflop, far above any cache

Work = Callable[[], object]
Case = Callable[[], "Iterator[Row]"]


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        ratio: what must be at least `floor`: how many times faster, an overlap, or an allowance over what was used.
        floor: None where the row only informs.
        share_of_peak: floating-point operations a second over those of this machine's float32 matrix product.
        seconds: of the fast form.
    """

    name: str
    ratio: float
    floor: float | None = None
    share_of_peak: float | None = None
    seconds: float | None = None

    @property
    def good(self) -> bool:
        return self.floor is None or self.ratio >= self.floor


CASES: list[Case] = []
_size = {"divisor": 1, "repeats": 5}


def make_small() -> None:
    """Before the themes are imported: an eighth of the size, every time once."""
    _size.update(divisor=_SMALLER, repeats=1)


def sized(count: int) -> int:
    """A number of rows, or an eighth of it (a few at the least) in a small run."""
    return max(min(count, 4), count // _size["divisor"])


def case(function: Case) -> Case:
    """Register a case; its rows are printed as they come."""
    CASES.append(function)
    return function


def compare(
    name: str, fast: Work, written_out: Work, floor: float | None, *, flops: float | None = None, share: float = 1.0
) -> Row:
    """How many times faster the fast form is than the written-out one.

    Args:
        name: of the row.
        fast: the whole work, by the product's code.
        written_out: the definition, in float32 on the same threads; it may do a part of the work only.
        floor: the least ratio that is good.
        flops: operations of the fast form, for its share of the machine's peak.
        share: of the work that `written_out` does; its time is divided by it.
    """
    fast()
    written_out()  # caches, thread pools and lazily computed pieces are nobody's merit
    fast_seconds, slow_seconds = [], []
    for _ in range(_size["repeats"]):
        slow_seconds.append(seconds(written_out))
        fast_seconds.append(seconds(fast))
    taken = median(fast_seconds)
    return Row(name, median(slow_seconds) / share / taken, floor, share_of_peak(flops, taken), taken)


def timed(name: str, work: Work, *, flops: float | None = None) -> Row:
    """How long it takes, compared with nothing: the ratio is 1."""
    work()
    taken = median(seconds(work) for _ in range(_size["repeats"]))
    return Row(name, 1.0, None, share_of_peak(flops, taken), taken)


def at_least(name: str, value: float, floor: float) -> Row:
    """A number that is not a time, such as an overlap."""
    return Row(name, value, floor)


def at_most(name: str, value: float, allowed: float) -> Row:
    """A number that must not pass an allowance, such as an error or megabytes: the ratio is allowed / value."""
    return Row(name, allowed / max(value, 1e-300), 1.0)


def seconds(work: Work) -> float:
    """Wall time of one run."""
    before = time.perf_counter()
    work()
    return time.perf_counter() - before


def extra_megabytes(work: Work) -> float:
    """By how much the resident memory of this process rises, at its highest, while the work runs (Linux only)."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what lies free in the heap would be used again unseen
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # resets the high-water mark
    before = _status("VmRSS")
    kept = work()
    extra = _status("VmHWM") - before
    del kept
    return extra


def share_of_peak(flops: float | None, taken: float) -> float | None:
    """Of the operations a second that this machine reaches in a large float32 product."""
    return None if flops is None else flops / taken / peak()


@cache
def peak() -> float:
    """Operations a second of a square float32 product, on the threads at hand: the best of five."""
    left, right = torch.randn(2, _GEMM, _GEMM, generator=torch.Generator().manual_seed(0))
    return 2 * _GEMM**3 / min(seconds(lambda: left @ right) for _ in range(_size["repeats"]))


def _status(field: str) -> float:
    """Megabytes, from the kernel's own account of this process."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024
