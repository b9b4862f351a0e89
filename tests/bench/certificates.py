"""How much of a pool may be accepted: the posterior's confidence against a temperature-scaled softmax, same procedure.

    python -m tests.bench.certificates [--seeds 10] [--set NAME ...] [--bound 0.02 --bound 0.05]

A pool of a set's images: a slice is drawn at random, `TAKEN` images are taken by the strategy, both are labelled, and
`alflow.guarantees` looks for the threshold on the slice alone. Only the confidence differs:

    posterior            the product's prediction, fitted to the images taken (never to the slice)
    temperature scaling  softmax of the zero-shot logits over a temperature that is fitted to the images taken
    fitted, temperature  the class scores of the same fit (mean logits) over a temperature fitted to the images taken

Shown are means over seeds: the share of the rest of the pool that is accepted, the share of the seeds in which anything
is, the error among the accepted, and in how many seeds it is above the bound.
"""
# ruff: noqa: T201 (its output is its purpose)

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from alflow.acquisition.acquire import acquire
from alflow.acquisition.beliefs import ask, believe
from alflow.bayes.fit import refit
from alflow.guarantees import Evidence, examine
from alflow.temperature import fit_temperature, temperature_scaled
from alflow.workflow.backtests.backtest import World
from tests.bench import sets
from tests.bench.learning import cosine_logits

SETS = (*sets.CLIP, sets.DEMO)
SLICE, TAKEN, ROUNDS = 300, 200, 4
DELTA = 0.05
FOLDS = 5


@dataclass(frozen=True)
class Outcome:
    """What one confidence gave in one pool: shares of what was left."""

    accepted: float
    error: float | None


def main(arguments: Sequence[str]) -> None:
    """Print the table; a set that is not at hand is left out with the reason."""
    chosen = _parse(arguments)
    print("| images | bound | confidence | accepted | seeds with any | error of the accepted | seeds above the bound |")
    print("|---|---|---|---|---|---|---|")
    for name in sets.at_hand(chosen.set or SETS):
        for line in rows(name, sets.world(name), chosen.seeds, chosen.bound or [0.02, 0.05]):
            print("|", " | ".join(line), "|", flush=True)


def rows(name: str, world: World, seeds: int, bounds: Sequence[float]) -> Iterator[list[str]]:
    """The cells of a set."""
    pools = [trial(world, seed) for seed in range(seeds)]
    for bound in bounds:
        for way in pools[0]:
            found = [outcome(*pool[way], bound) for pool in pools]
            errors = [one.error for one in found if one.error is not None]
            accepted = np.array([one.accepted for one in found])
            deviation = accepted.std(ddof=1) / len(found) ** 0.5 if len(found) > 1 else float("nan")
            cells = [f"{name} ({len(world.labels)})", f"{bound:.0%}", way, f"{accepted.mean():.3f} ± {deviation:.3f}"]
            error = f"{np.mean(errors):.4f}" if errors else "-"
            yield [*cells, f"{len(errors)}/{seeds}", error, str(sum(one > bound for one in errors))]


def outcome(evidence: Evidence, wrong: Tensor, bound: float) -> Outcome:
    """Look for the threshold, and judge it by what is true of those left."""
    tested = examine(evidence, bound, DELTA)
    if tested.best is None:
        return Outcome(0.0, None)
    accepted = evidence.left >= tested.thresholds[tested.best]
    return Outcome(float(accepted.mean()), float(wrong.numpy()[accepted].mean()))


def trial(world: World, seed: int) -> Mapping[str, tuple[Evidence, Tensor]]:
    """One pool: what each confidence says, and which of those left are wrong."""
    generator = torch.Generator().manual_seed(seed)
    n = len(world.labels)
    size, taken_size = min(SLICE, n // 4), min(TAKEN, n // 5)
    order = torch.randperm(n, generator=generator)
    slice_rows, rest = order[:size], order[size:]
    taken = take(world, rest, taken_size, generator)
    left = rest[~torch.isin(rest, taken)]
    fit = refit(world.model, world.images[taken], world.labels[taken], generator)
    folds = torch.arange(len(taken)) % FOLDS
    parts = []
    for fold in range(FOLDS):
        some = taken[folds != fold]
        parts.append(refit(world.model, world.images[some], world.labels[some], generator))
    zero, logits = cosine_logits(world.images, world.model), believe(fit, world.images).mean
    held = torch.stack([believe(part, world.images[taken]).mean for part in parts])[folds, torch.arange(len(taken))]
    sure = torch.stack([part.probabilities(world.images[taken]) for part in parts])[folds, torch.arange(len(taken))]
    cold, fitted = fit_temperature(zero[taken], world.labels[taken]), fit_temperature(held, world.labels[taken])
    ways = {
        "posterior": (fit.probabilities(world.images), sure),
        "temperature scaling": (temperature_scaled(zero, cold), temperature_scaled(zero[taken], cold)),
        "fitted, temperature": (temperature_scaled(logits, fitted), temperature_scaled(held, fitted)),
    }
    return {way: _evidence(world, *said, slice_rows, left, taken) for way, said in ways.items()}


def take(world: World, pool: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Rows that the default strategy takes out of the pool, in a few rounds with their labels."""
    model, taken = world.model, pool[:0]
    for _ in range(ROUNDS):
        left = pool[~torch.isin(pool, taken)]
        query = ask(model, world.images[left], world.images[pool[:0]], world.images[taken])
        chosen, _ = acquire(query, "default", size // ROUNDS, 0.0, generator)
        taken = torch.cat([taken, left[chosen.rows]])
        model = refit(world.model, world.images[taken], world.labels[taken], generator)
    return taken


def _evidence(
    world: World, p: Tensor, p_taken: Tensor, slice_rows: Tensor, left: Tensor, taken: Tensor
) -> tuple[Evidence, Tensor]:
    wrong, sure = p.argmax(1) != world.labels, p.amax(1).double().numpy()
    evidence = Evidence(
        sure[slice_rows],
        wrong[slice_rows].numpy(),
        sure[left],
        p_taken.amax(1).double().numpy(),
        (p_taken.argmax(1) != world.labels[taken]).numpy(),
    )
    return evidence, wrong[left]


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure how much may be accepted.")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--set", action="append", choices=SETS, help="repeatable; all by default")
    parser.add_argument("--bound", action="append", type=float, help="repeatable; 0.02 and 0.05 by default")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
