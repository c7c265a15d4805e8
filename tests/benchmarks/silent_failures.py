"""Wasted experiments where a third of the space silently gives no result.

Run from the repository root:
    python -m tests.benchmarks.silent_failures --seeds 8 --experiments 60

On the OER plate every composition with too much of x1 and x4 together fails: nothing can be
measured, and nothing says so beforehand. One campaign tells such a row as failed; the other tells
it as a row without a value, as one who treats failures as missing does. Wasted are the experiments
that gave nothing, initial ones left out.
"""

import argparse
import json
import os
import statistics
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final, TypedDict

import numpy as np
import pandas as pd

from orchestrator.ask_tell import AskTell
from tests.benchmarks.oer_top import NOISE_SD_V, campaign_for, top_places
from tests.benchmarks.peers.problems import problem
from tests.benchmarks.peers.racing import BATCH, N_INITIAL, commit
from tests.benchmarks.peers.tables import Point
from tests.benchmarks.results import save

WAYS: Final = ("told as failed", "treated as missing")
LINES: Final = {
    "edge": {"x1": 1.0, "x4": 1.0},
    "ridge": {"x2": 1.0, "x6": 1.0, "x3": 0.5},
    "best": {},
}
"""Where it fails: above the third quantile of a weighted sum; `best`: of closeness to the best."""
FOLDER: Final = Path(__file__).parent / "results/silent_failures"


class Wasted(TypedDict):
    """One campaign: which experiments failed, and the quality at the end."""

    failed: list[int]
    quality: float


def failing(where: str) -> np.ndarray:
    """Return which of the plate's compositions give nothing; a third of them."""
    points, values, _ = top_places()
    if where == "best":
        fractions = np.array([list(point.values()) for point in points], dtype=float)
        best = fractions[int(values.argmin())]
        apart = np.abs(np.sqrt(((fractions - best) ** 2).sum(axis=1)) - 0.45)
        return np.asarray(apart <= np.quantile(apart, 1 / 3))
    weights = LINES[where]
    sums = np.array([sum(w * float(p[name]) for name, w in weights.items()) for p in points])
    ties = np.random.default_rng(0).uniform(0, 1e-6, len(points))
    return np.asarray(sums + ties >= np.quantile(sums + ties, 2 / 3))


def one(where: str, way: str, seed: int, n: int) -> Wasted:
    """Run one campaign of `n` experiments."""
    points, values, _ = top_places()
    fails = failing(where)
    places = {tuple(point.values()): i for i, point in enumerate(points)}
    campaign = campaign_for("campaign", "botorch")
    rng = np.random.default_rng([seed, 29])
    made = [int(i) for i in rng.choice(len(points), N_INITIAL, replace=False)]
    noise = rng.normal(0, NOISE_SD_V, n + BATCH)
    while len(made) < n:
        told = pd.DataFrame([points[i] for i in made])
        readings = values[made] + noise[: len(made)]
        told["overpotential_v"] = np.where(fails[made], np.nan, readings)
        if way == WAYS[0]:
            told["failed"] = fails[made]
        lab = AskTell(campaign, seed=seed)
        lab.tell(told)
        asked = lab.ask(min(BATCH, n - len(made)))
        names = list(campaign.space.names)
        made += [places[tuple(row)] for row in asked[names].itertuples(index=False, name=None)]
    failed = [i + 1 for i, place in enumerate(made) if fails[place] and i >= N_INITIAL]
    good: list[Point] = [points[i] for i in made if not fails[i]]
    return {"failed": failed, "quality": problem("oer").quality(problem("oer").truth(good))[-1]}


def kept(folder: Path, where: str, way: str, seed: int, n: int) -> Wasted:
    """Return one campaign's answer, computed only if it is not there."""
    path = folder / f"{where}-{way.replace(' ', '_')}-{n}-{seed}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(one(where, way, seed, n)) + "\n", encoding="utf-8")
        part.replace(path)
    found: Wasted = json.loads(path.read_text(encoding="utf-8"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--experiments", type=int, default=60)
    parser.add_argument("--where", nargs="+", choices=list(LINES), default=list(LINES))
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    rows: list[list[str]] = []
    with ProcessPoolExecutor(given.workers) as pool:
        for where in given.where:
            means: list[float] = []
            for way in WAYS:
                futures = [
                    pool.submit(kept, given.folder, where, way, seed, given.experiments)
                    for seed in range(given.seeds)
                ]
                answers = [future.result() for future in futures]
                counts = [len(each["failed"]) for each in answers]
                quality = statistics.mean(each["quality"] for each in answers)
                means.append(statistics.mean(counts))
                print(f"{where}, {way}: {counts}", flush=True)
                rows.append([where, way, f"{means[-1]:.1f}", str(counts), f"{quality:.3f}"])
            rows[-2].append(f"{means[0] / max(means[1], 1e-9):.2f}")
            rows[-1].append("1")
    save(
        "silent_failures",
        "A third of the space gives no result",
        f"OER plate, overpotential and cost, {given.experiments} experiments in batches of {BATCH},"
        f" {given.seeds} seeds, commit {commit()}; wasted experiments, initial ones left out "
        "(bar: half of those wasted when failures are treated as missing).",
        [
            "where it fails",
            "failures are",
            "wasted, mean",
            "by seed",
            "quality at the end",
            "ratio",
        ],
        rows,
    )


if __name__ == "__main__":
    main()
