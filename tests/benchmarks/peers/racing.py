"""One peer on one problem with one seed: initial design, asks, measurements, trace."""

import math
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NotRequired, TypedDict

import numpy as np

from tests.benchmarks.peers.asked import makeable, violations
from tests.benchmarks.peers.problems import Problem, problem
from tests.benchmarks.peers.tables import Point
from tests.benchmarks.peers.worker_process import ROOT, WorkerProcess, task_of

__all__ = [
    "BATCH",
    "BUDGET",
    "N_INITIAL",
    "Ask",
    "Measured",
    "Run",
    "Trace",
    "commit",
    "measure",
    "race",
]

N_INITIAL: Final = 8
BATCH: Final = 4
BUDGET: Final = 40


class Ask(TypedDict):
    """One ask as it was answered, with seconds of the clock and of the processor."""

    seconds: float
    cpu_seconds: NotRequired[float]
    rows: list[Point]
    violations: list[list[str]]
    error: str | None


class Measured(TypedDict):
    """One experiment: noisy values and true ones, in the order of the objectives."""

    point: Point
    values: list[float]
    true: list[float]


class Trace(TypedDict):
    """Everything that one run did; `load` is the machine's over a minute, at start and end."""

    peer: str
    problem: str
    seed: int
    digest: str
    commit: str
    versions: dict[str, str]
    load: list[float]
    asks: list[Ask]
    experiments: list[Measured]


@dataclass(frozen=True)
class Run:
    """What to run, and in which Python.

    Args:
        peer: As in `PEERS` of `worker_process`.
        problem: As in `PROBLEMS`.
        seed: At least 0.
        python: The interpreter of the peer's environment.
    """

    peer: str
    problem: str
    seed: int
    python: Path


def measure(problem: Problem, points: Sequence[Point], seed: int, first: int) -> list[Measured]:
    """Make points: experiment number `first + i` of a seed has the same noise for all peers."""
    found: list[Measured] = []
    for i, (point, true) in enumerate(zip(points, problem.truth(points), strict=True)):
        noise = np.random.default_rng([seed, first + i, 11]).standard_normal(len(true))
        values = [t + sd * e for t, sd, e in zip(true, problem.noise_sd, noise, strict=True)]
        found.append({"point": point, "values": values, "true": true})
    return found


def _told(problem: Problem, experiments: Sequence[Measured]) -> list[dict[str, object]]:
    names = [each.name for each in problem.campaign.objectives]
    return [
        {"point": e["point"], "values": dict(zip(names, e["values"], strict=True))}
        for e in experiments
    ]


def _instead(problem: Problem, experiments: Sequence[Measured], n: int, seed: int) -> list[Point]:
    """Return random points for those that a peer did not deliver."""
    rng = np.random.default_rng([seed, len(experiments), 13])
    if problem.table is not None:
        made = [each["point"] for each in experiments]
        free = [point for point in problem.table.points if point not in made]
        return [free[i] for i in rng.choice(len(free), n, replace=False)]
    rows = problem.feasible.sample(n, rng).tolist()
    return [problem.feasible.lattice.point(row) for row in rows]


def _quality(problem: Problem, experiments: Sequence[Measured]) -> float:
    return problem.quality([each["true"] for each in experiments])[-1]


def commit() -> str:
    """Return the short name of the commit that is checked out."""
    said = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout.strip()


def race(run: Run, log: Path, *, budget: int = BUDGET, until: float = math.inf) -> Trace:
    """Run one peer to the end of its budget.

    Args:
        run: What to run.
        log: Where the peer's standard error goes.
        budget: Experiments, the initial ones counted.
        until: Stop early once this quality is reached.
    """
    task = problem(run.problem)
    trace: Trace = {
        "peer": run.peer,
        "problem": run.problem,
        "seed": run.seed,
        "digest": task.digest,
        "commit": commit(),
        "versions": {},
        "load": [round(os.getloadavg()[0], 1)],
        "asks": [],
        "experiments": measure(task, task.initial(run.seed, N_INITIAL), run.seed, 0),
    }
    experiments = trace["experiments"]
    with WorkerProcess(run.peer, run.python, task_of(task, run.seed), log) as worker:
        trace["versions"] = worker.versions
        while len(experiments) < budget and _quality(task, experiments) < until:
            n = min(BATCH, budget - len(experiments))
            answer = worker.ask(n, _told(task, experiments))
            rows: list[Point] = answer["rows"][:n]
            trace["asks"].append(
                {
                    "seconds": round(answer["seconds"], 3),
                    "cpu_seconds": round(answer["cpu_seconds"], 3),
                    "rows": rows,
                    "violations": [violations(task, row) for row in rows],
                    "error": answer["error"],
                }
            )
            points = makeable(task, rows, [each["point"] for each in experiments]) if rows else []
            made = measure(task, points, run.seed, len(experiments))
            experiments += made
            if missing := n - len(made):
                others = _instead(task, experiments, missing, run.seed)
                experiments += measure(task, others, run.seed, len(experiments))
    trace["load"].append(round(os.getloadavg()[0], 1))
    return trace
