"""Packages that offer strategies, as an installer leaves them: modules and a dist-info folder on the path."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

GOOD: Final = '''
import torch
from alflow.acquisition.beliefs import Acquisition
from alflow.acquisition.combine import Strategy

def last(query, budget, generator):
    """The last rows of the pool."""
    score = torch.arange(len(query.pool)).float()
    best = score.topk(min(budget, len(score)))
    return Acquisition(best.indices, best.values, score)

def partial(query, budget, generator):
    """Rates three rows only."""
    score = torch.full((len(query.pool),), torch.nan)
    score[:3] = torch.tensor([1.0, 3.0, 2.0])
    rows = [1, 2, 0, *range(3, len(score))][:budget]
    return Acquisition(torch.tensor(rows), torch.zeros(len(rows)), score)

free = Strategy("another-name", "Needs no posterior.", last)
number = 7
'''

BAD: Final = """
import torch
from alflow.acquisition.beliefs import Acquisition

def answer(rows, scores=None, n=None):
    def choose(query, budget, generator):
        found = rows(budget, len(query.pool))
        n_pool = len(query.pool) if n is None else n
        of_rows = torch.zeros(len(found)) if scores is None else scores(len(found))
        return Acquisition(torch.tensor(found, dtype=torch.int64), of_rows, torch.zeros(n_pool))
    return choose

twice = answer(lambda b, n: [0, 0, *range(1, b - 1)])
outside = answer(lambda b, n: [n, *range(b - 1)])
negative = answer(lambda b, n: [-1, *range(b - 1)])
few = answer(lambda b, n: list(range(b - 1)))
many = answer(lambda b, n: list(range(b + 1)))
nan = answer(lambda b, n: list(range(b)), lambda n: torch.full((n,), torch.nan))
short = answer(lambda b, n: list(range(b)), n=1)

def nothing(query, budget, generator):
    return None

def raising(query, budget, generator):
    raise ZeroDivisionError("division by zero")
"""


def install(folder: Path, package: str, modules: Mapping[str, str], entry_points: Mapping[str, str]) -> None:
    """Put modules and the metadata of a distribution into a folder, which is to be on the path."""
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    about = folder / f"{package}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"{name} = {value}" for name, value in entry_points.items()]
    (about / "entry_points.txt").write_text("\n".join(["[alflow.strategies]", *lines]) + "\n")
