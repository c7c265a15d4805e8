"""What the traces say: quality against experiments, seconds, broken rules, paired differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.peers.problems import PROBLEMS, Problem, problem
from tests.benchmarks.peers.racing import BUDGET, N_INITIAL, Trace
from tests.benchmarks.peers.traces import all_traces

__all__ = [
    "LONG",
    "Broken",
    "Difference",
    "Results",
    "broken_rules",
    "experiments_to_reach",
    "paired_difference",
    "random_at_length",
    "seconds_per_ask",
]

FloatArray = NDArray[np.float64]

LONG: Final = 300
"""Experiments of the random runs that others are to beat with fewer."""
_RANDOM_SEEDS: Final = 30
_RESAMPLES: Final = 10_000
_COVERAGE: Final = 0.90


@dataclass(frozen=True)
class Results:
    """Traces by peer, problem and seed, with the quality after each experiment."""

    traces: Mapping[tuple[str, str, int], Trace]
    quality: Mapping[tuple[str, str, int], FloatArray]

    @staticmethod
    def load() -> "Results":
        """Read all traces of whole runs."""
        traces = {(t["peer"], t["problem"], t["seed"]): t for t in all_traces()}
        quality = {}
        for key, trace in traces.items():
            outcomes = [each["true"] for each in trace["experiments"]]
            quality[key] = np.array(problem(key[1]).quality(outcomes))
        return Results(traces, quality)

    def seeds(self, peer: str, name: str) -> list[int]:
        """Return the seeds that a peer was run with on a problem."""
        return sorted(seed for p, n, seed in self.traces if (p, n) == (peer, name))

    def curves(self, peer: str, name: str) -> FloatArray:
        """Return one row a seed, one column an experiment."""
        rows = [self.quality[peer, name, seed] for seed in self.seeds(peer, name)]
        return np.array(rows) if rows else np.empty((0, BUDGET))

    def of(self, peer: str, name: str | None = None) -> list[Trace]:
        """Return the traces of one peer, on one problem or on all."""
        return [t for (p, n, _), t in self.traces.items() if p == peer and name in (None, n)]


@dataclass(frozen=True)
class Broken:
    """How many of the asked rows broke which kind of rule."""

    rows: int
    grid: int
    presence: int
    other: int
    failed_asks: int
    asks: int


def broken_rules(traces: Sequence[Trace]) -> Broken:
    """Count asked rows that leave the grid, that break the presence of components, or the rest."""
    found = [each for t in traces for ask in t["asks"] for each in ask["violations"]]
    grid = presence = other = 0
    for texts in found:
        off = [text for text in texts if "whole multiple" in text or "one of" in text]
        present = [text for text in texts if "present" in text]
        grid += bool(off)
        presence += bool(present)
        other += len(off) + len(present) < len(texts)
    asks = [ask for t in traces for ask in t["asks"]]
    failed = sum(ask["error"] is not None for ask in asks)
    return Broken(len(found), grid, presence, other, failed, len(asks))


def seconds_per_ask(traces: Sequence[Trace]) -> FloatArray:
    """Return processor seconds of all answered asks, without the first of each run."""
    asks = [ask for t in traces for ask in t["asks"][1:] if ask["error"] is None]
    seconds = [ask.get("cpu_seconds") or ask["seconds"] for ask in asks]
    return np.array(seconds, dtype=float)


@dataclass(frozen=True)
class Difference:
    """Our mean quality at the end less a peer's, with its interval of 90 %."""

    pairs: int
    mean: float
    low: float
    high: float


def paired_difference(
    results: Results, ours: str, theirs: str, names: Sequence[str] = PROBLEMS
) -> Difference | None:
    """Return the paired bootstrap over all seeds of problems that both were run on."""
    gaps = []
    for name in names:
        for seed in results.seeds(ours, name):
            if (theirs, name, seed) in results.quality:
                one, other = results.quality[ours, name, seed], results.quality[theirs, name, seed]
                gaps.append(float(one[BUDGET - 1] - other[BUDGET - 1]))
    if not gaps:
        return None
    rng = np.random.default_rng(0)
    means = rng.choice(np.array(gaps), (_RESAMPLES, len(gaps))).mean(axis=1)
    low, high = np.quantile(means, [(1 - _COVERAGE) / 2, (1 + _COVERAGE) / 2])
    return Difference(len(gaps), float(np.mean(gaps)), float(low), float(high))


@lru_cache
def random_at_length(name: str) -> float | None:
    """Return random's median quality after `LONG` experiments; None if there are too few points.

    A table of fewer than twice `LONG` rows is left out: chance alone finds most of its best.
    """
    task = problem(name)
    if task.table is not None and len(task.table.points) < 2 * LONG:
        return None
    ends = [_random_quality(task, seed)[-1] for seed in range(_RANDOM_SEEDS)]
    return float(np.median(ends))


def _random_quality(task: Problem, seed: int) -> list[float]:
    rng = np.random.default_rng([seed, 17])
    if task.table is not None:
        places = rng.choice(len(task.table.points), LONG, replace=False)
        return task.quality(task.truth([task.table.points[i] for i in places]))
    rows = task.feasible.sample(LONG, rng)
    points = [task.feasible.lattice.point(row) for row in rows[rng.permutation(len(rows))].tolist()]
    return task.quality(task.truth(points))


def experiments_to_reach(results: Results, peer: str, name: str) -> list[int | None]:
    """Return, by seed, experiments until random's median at `LONG`, initial ones counted."""
    goal = random_at_length(name)
    if goal is None:
        return []
    reached: list[int | None] = []
    for curve in results.curves(peer, name):
        above = np.flatnonzero(curve >= goal - 1e-12)
        reached.append(max(int(above[0]) + 1, N_INITIAL) if len(above) else None)
    return reached
