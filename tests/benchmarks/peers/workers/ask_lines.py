"""The runner's protocol as a worker speaks it: one JSON line in, one JSON line out.

The first line is the task: the problem in plain data, the seed, the number of experiments to
come. The answer names the versions. Each further line is an ask: ``{"n": 4, "history": [...]}``;
the answer holds the rows or the error, and the seconds that the planner itself took, of the clock
and of the processor. Only the standard library is used, so that it runs in every peer's own
environment.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Protocol, TypedDict

__all__ = ["Experiment", "Objective", "Parameter", "Peer", "Point", "Task", "serve"]

Point = dict[str, float | str]


class Objective(TypedDict):
    """One aim; larger is better if `direction` is maximise."""

    name: str
    direction: str
    threshold: float


class Parameter(TypedDict):
    """A parameter beside the mixture; the values of a category are texts."""

    name: str
    kind: str
    values: list[float] | list[str]


class Inequality(TypedDict):
    """The weighted sum of components is at most a number."""

    weights: dict[str, float]
    at_most: float


class Task(TypedDict):
    """A problem in plain data; `table` lists every point that can be measured, if there is one."""

    name: str
    seed: int
    components: list[str]
    bounds: dict[str, list[float]]
    step: float
    max_active: int
    min_active_fraction: float
    inequalities: list[Inequality]
    parameters: list[Parameter]
    objectives: list[Objective]
    table: list[Point] | None
    campaign: str


class Experiment(TypedDict):
    """One point that was made and what came out, by objective."""

    point: Point
    values: dict[str, float]


class Peer(Protocol):
    """What a worker wraps; the state may be kept or built anew for each ask."""

    def learn(self, history: Sequence[Experiment]) -> None:
        """Take all experiments so far; not timed."""

    def ask(self, n: int) -> Sequence[Mapping[str, float | str]]:
        """Fit and return `n` points; timed."""


def serve(build: Callable[[Task], Peer], packages: Sequence[str]) -> None:
    """Answer asks until the standard input ends; what libraries print goes to standard error.

    Args:
        build: Makes the peer from the task.
        packages: Distributions whose versions are reported.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(content: Mapping[str, object]) -> None:
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    task: Task = json.loads(sys.stdin.readline())
    answer({"versions": {package: version(package) for package in packages}})
    for line in sys.stdin:
        order = json.loads(line)
        begun = _clocks()
        try:
            peer = build(task)
            peer.learn(order["history"])
            begun = _clocks()
            rows = [dict(row) for row in peer.ask(order["n"])]
        except Exception as error:  # whatever a peer raises is a result to report
            answer({"rows": [], "error": f"{type(error).__name__}: {error}", **_since(begun)})
        else:
            answer({"rows": rows, "error": None, **_since(begun)})


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(begun: tuple[float, float]) -> dict[str, float]:
    now = _clocks()
    return {"seconds": now[0] - begun[0], "cpu_seconds": now[1] - begun[1]}
