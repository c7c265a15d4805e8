"""Processor seconds of one ask of four, as a ratio to Ax's `Client` in the same run.

Run from the repository root, where `python -m tests.benchmarks.peers.run` has made Ax's own
environment (or pass one):
    python -m tests.benchmarks.ask_ratio --repeats 3
    python -m tests.benchmarks.ask_ratio --absolute

Both get the same observations of one mixture of six components in steps of 1 %, two objectives.
Ax gets five of them and an inequality. Each side is a process of its own on one thread; the first
ask of each is not counted. Asks of the two sides take turns, so that both meet the same machine.
`--absolute` measures ours alone, with more objectives and more observations.
"""

import argparse
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from orchestrator.optimise.feasible_set import FeasibleSet
from tests.benchmarks.peers.environments import DEFAULT_FOLDER, make_environment
from tests.benchmarks.peers.problems import Problem
from tests.benchmarks.peers.racing import BATCH, commit
from tests.benchmarks.peers.worker_process import WorkerProcess, task_of
from tests.benchmarks.results import save

NAMES: Final = ("x1", "x2", "x3", "x4", "x5", "x6")
RATIO_OBSERVATIONS: Final = (50, 200)
ABSOLUTE: Final = ((2, 50), (2, 200), (3, 50), (5, 50), (10, 50), (2, 500), (2, 2000))
"""Objectives and observations that ours alone is timed with."""


def mixture(n_objectives: int) -> Problem:
    """Return a mixture of six with so many measured objectives."""
    objectives = "".join(
        f'[[objective]]\nname = "y{i}"\ndirection = "maximise"\nthreshold = -1.0\n'
        for i in range(n_objectives)
    )
    text = (
        f'[campaign]\nname = "ratio"\n[space.composition]\ncomponents = {list(NAMES)}\n'
        f'step = 0.01\n{objectives}[planner]\nname = "botorch"\nn_initial = 8\nbatch = {BATCH}\n'
    )
    return Problem("ratio", text)


def history(problem: Problem, n: int, seed: int) -> list[dict[str, object]]:
    """Return `n` experiments at random points, each objective falling away from its own target."""
    rng = np.random.default_rng([seed, n])
    feasible: FeasibleSet = problem.feasible
    rows = feasible.sample(n, rng)
    names = [each.name for each in problem.campaign.objectives]
    targets = np.random.default_rng(5).dirichlet(np.ones(len(NAMES)), len(names))
    fractions = rows[:, : len(NAMES)] / 100
    distances = np.sqrt(((fractions[:, None, :] - targets[None]) ** 2).sum(axis=-1))
    values = np.exp(-distances / 0.4) + rng.normal(0, 0.01, distances.shape)
    return [
        {
            "point": feasible.lattice.point(row),
            "values": dict(zip(names, map(float, outcomes), strict=True)),
        }
        for row, outcomes in zip(rows.tolist(), values, strict=True)
    ]


def asked(worker: WorkerProcess, told: Sequence[dict[str, object]]) -> tuple[float, float]:
    """Return seconds of the processor and of the clock of one ask.

    Raises:
        RuntimeError: The planner failed.
    """
    answer = worker.ask(BATCH, told)
    if answer["error"] is not None:
        raise RuntimeError(answer["error"])
    return float(answer["cpu_seconds"]), float(answer["seconds"])


def ratio(python: Path, repeats: int) -> None:
    """Time both sides in turn and keep the table."""
    problem = mixture(2)
    task, logs = task_of(problem, 0), DEFAULT_FOLDER / "logs"
    rows = []
    with (
        WorkerProcess("athanor", Path(sys.executable), task, logs / "ratio-athanor.log") as ours,
        WorkerProcess("ax", python, task, logs / "ratio-ax.log") as theirs,
    ):
        for worker in (ours, theirs):
            asked(worker, history(problem, 20, 99))
        for n in RATIO_OBSERVATIONS:
            seconds: dict[str, list[tuple[float, float]]] = {"ours": [], "theirs": []}
            for repeat in range(repeats):
                told = history(problem, n, repeat)
                seconds["ours"].append(asked(ours, told))
                seconds["theirs"].append(asked(theirs, told))
                print(n, seconds["ours"][-1], seconds["theirs"][-1], flush=True)
            cpu = {side: statistics.median(c for c, _ in both) for side, both in seconds.items()}
            clock = {side: statistics.median(t for _, t in both) for side, both in seconds.items()}
            ratios = [a[0] / b[0] for a, b in zip(seconds["ours"], seconds["theirs"], strict=True)]
            rows.append(
                [
                    str(n),
                    f"{cpu['ours']:.2f}",
                    f"{cpu['theirs']:.2f}",
                    f"{statistics.median(ratios):.3f} ({min(ratios):.3f}-{max(ratios):.3f})",
                    f"{clock['ours'] / clock['theirs']:.3f}",
                ]
            )
    save(
        "ask_ratio",
        "Seconds an ask, as a ratio to Ax",
        f"Six components, two objectives, asks of {BATCH}, one thread each, in turn, warm; median "
        f"of {repeats}, processor seconds; commit {commit()} against ax-platform "
        f"{theirs.versions['ax-platform']} (bar: 0.10).",
        ["observations", "Athanor", "Ax", "ratio (range)", "ratio by the clock"],
        rows,
    )


def absolute(repeats: int) -> None:
    """Time ours alone and keep the table."""
    rows = []
    for n_objectives, n in ABSOLUTE:
        problem = mixture(n_objectives)
        log = DEFAULT_FOLDER / "logs/absolute.log"
        with WorkerProcess("athanor", Path(sys.executable), task_of(problem, 0), log) as worker:
            asked(worker, history(problem, 20, 99))
            seconds = [asked(worker, history(problem, n, repeat)) for repeat in range(repeats)]
        cpu, clock = zip(*seconds, strict=True)
        texts = [
            f"{statistics.median(cpu):.2f}",
            f"{max(cpu):.2f}",
            f"{statistics.median(clock):.2f}",
        ]
        rows.append([str(n_objectives), str(n), *texts])
        print(*rows[-1], flush=True)
    save(
        "ask_seconds",
        "Seconds an ask, by objectives and observations",
        f"The same mixture of six, asks of {BATCH}, one thread, warm, {repeats} repeats, commit "
        f"{commit()}.",
        ["objectives", "observations", "processor, median", "longest", "clock, median"],
        rows,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--absolute", action="store_true", help="ours alone, many sizes")
    parser.add_argument("--environments", type=Path, default=DEFAULT_FOLDER)
    given = parser.parse_args()
    if given.absolute:
        absolute(given.repeats)
    else:
        ratio(make_environment("ax", given.environments), given.repeats)


if __name__ == "__main__":
    main()
