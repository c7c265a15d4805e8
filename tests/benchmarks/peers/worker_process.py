"""A peer's process, spoken to in lines, and the problem as it is told there."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from campaigns.space import CategoricalParameter
from tests.benchmarks.peers.problems import Problem

__all__ = ["OWN", "PEERS", "ROOT", "WorkerProcess", "task_of"]

ROOT: Final = Path(__file__).parents[3]
WORKERS: Final = Path(__file__).parent / "workers"
PEERS: Final[Mapping[str, tuple[str, ...]]] = {
    "random": ("random_worker.py",),
    "sobol": ("athanor_worker.py", "sobol"),
    "ax": ("ax_worker.py",),
    "baybe": ("baybe_worker.py",),
    "bofire": ("bofire_worker.py",),
    "athanor": ("athanor_worker.py", "botorch"),
}
"""The worker of each peer, with its arguments."""
OWN: Final = ("random", "sobol", "athanor")
"""Peers that run in this environment; the others have their own."""


class WorkerProcess:
    """A peer's process on one thread; killed when left.

    Args:
        peer: As in `PEERS`.
        python: The interpreter of the peer's environment.
        task: See `task_of`.
        log: Where its standard error goes.

    Raises:
        RuntimeError: The process ended before it answered.
    """

    def __init__(self, peer: str, python: Path, task: Mapping[str, object], log: Path) -> None:
        script, *arguments = PEERS[peer]
        threads = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        environment = {**os.environ, **dict.fromkeys(threads, "1"), "PYTHONPATH": str(ROOT)}
        if peer not in OWN:
            del environment["PYTHONPATH"]
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [str(python), str(WORKERS / script), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=ROOT,
                env=environment,
                text=True,
            )
        self.versions: dict[str, str] = self._say(task)["versions"]

    def _say(self, content: Mapping[str, object]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(content) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker ended with {self._process.wait()}")
        return dict(json.loads(line))

    def ask(self, n: int, history: Sequence[Mapping[str, object]]) -> dict[str, Any]:
        """Return rows, seconds and error, as `workers/ask_lines.py` says.

        Raises:
            RuntimeError: The process ended.
        """
        return self._say({"n": n, "history": list(history)})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


def task_of(problem: Problem, seed: int) -> dict[str, object]:
    """Return the problem in plain data, as a worker is told it."""
    space = problem.campaign.space
    mixture = space.composition
    lattice = problem.feasible.lattice
    parameters = []
    for each in space.parameters:
        category = isinstance(each, CategoricalParameter)
        levels = lattice.values[lattice.names.index(each.name)]
        values = [str(value) if category else float(value) for value in levels]
        parameters.append({"name": each.name, "kind": each.kind, "values": values})
    inequalities = []
    for condition in problem.campaign.conditions:
        for linear in condition.linear_inequalities() or ():
            weights = {name: float(weight) for name, weight in linear.coefficients.items()}
            inequalities.append({"weights": weights, "at_most": float(linear.bound)})
    bounds: dict[str, list[float]] = {}
    if mixture is not None:
        for name, (low, high) in zip(mixture.names, mixture.count_bounds, strict=True):
            bounds[name] = [low / mixture.n_steps, high / mixture.n_steps]
    return {
        "name": problem.name,
        "seed": seed,
        "components": list(space.components),
        "bounds": bounds,
        "step": float(mixture.step) if mixture is not None else 0.0,
        "max_active": mixture.max_active if mixture is not None else 0,
        "min_active_fraction": float(mixture.min_active_fraction) if mixture is not None else 0.0,
        "inequalities": inequalities,
        "parameters": parameters,
        "objectives": [
            {"name": each.name, "direction": each.direction, "threshold": threshold}
            for each, threshold in zip(problem.campaign.objectives, problem.threshold, strict=True)
        ],
        "table": problem.table.points if problem.table is not None else None,
        "campaign": problem.listed_text,
    }
