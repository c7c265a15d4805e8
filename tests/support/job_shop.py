"""A bench of benchmark instances: what must be made, driven moment by moment by any policy."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any, Final, TypeAlias

from orchestrator.core.foreseen import Start
from orchestrator.core.shop import Machine, Shop, Task

__all__ = ["Instance", "Policy", "Report", "drive", "fifo", "load_instance"]

Answer: TypeAlias = tuple[Sequence[Start], float, Mapping[str, tuple[str, float]]]
"""What begins now, when to look again, and what is promised."""
Policy: TypeAlias = Callable[[Shop], Answer]
_TINY_S: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Instance:
    """What is to be made, and what breaks meanwhile."""

    name: str
    tasks: Mapping[str, Task]
    machines: Mapping[str, Machine]
    breakdowns: tuple[tuple[str, float, float], ...] = ()
    """Machine, from when, until when; nobody knows of them before."""


@dataclass
class Report:
    """What became of an instance."""

    makespan_s: float = 0.0
    n_spoilt: int = 0
    """Tasks that began later than they had to."""
    n_by_breakdowns: int = 0
    """Those of them whose sample was under way when something broke."""
    busy_s: dict[str, float] = field(default_factory=dict)
    runs: list[Start] = field(default_factory=list)
    n_decisions: int = 0


def load_instance(path: Path) -> Instance:
    """Read a committed instance."""
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    tasks = {
        one["key"]: Task(
            key=one["key"],
            sample=one["sample"],
            machines=tuple(one["machines"]),
            duration_s=one["duration_s"],
            after=tuple(one["after"]),
            load=one.get("load", ""),
            max_wait_s=one.get("max_wait_s", inf),
        )
        for one in read["tasks"]
    }
    machines = {one["name"]: Machine(one["name"], one["capacity"]) for one in read["machines"]}
    breakdowns = tuple((b["machine"], b["from_s"], b["until_s"]) for b in read["breakdowns"])
    return Instance(read["name"], tasks, machines, breakdowns)


class _Bench:
    """Where an instance stands at one moment."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.now_s = 0.0
        self.pending = dict(instance.tasks)
        self.running: dict[str, float] = {}
        self.runs: dict[str, Start] = {}
        self.first_s: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        self.promises: dict[str, tuple[str, float]] = {}
        self.report = Report(busy_s=dict.fromkeys(instance.machines, 0.0))

    def shop(self) -> Shop:
        """Return what a policy may know: that a machine is broken, not for how long."""
        machines = {
            name: replace(machine, free_s=self._free_s(name))
            for name, machine in self.instance.machines.items()
        }
        soon = {key for task in self.pending.values() for key in task.after}
        return Shop(
            tasks=self.pending,
            machines=machines,
            running={key: self._left_s(self.runs[key]) for key in self.running},
            ended={key: end_s - self.now_s for key, end_s in self.ended.items() if key in soon},
            promises={key: (n, s - self.now_s) for key, (n, s) in self.promises.items()},
        )

    def _free_s(self, name: str) -> float:
        for machine, from_s, until_s in self.instance.breakdowns:
            if machine == name and from_s <= self.now_s < until_s:
                return inf
        open_runs = (run for key, run in self.runs.items() if key in self.running)
        return max((self._left_s(run) for run in open_runs if run.machine == name), default=0.0)

    def _left_s(self, run: Start) -> float:
        """Return how long a run takes from now on, if nothing breaks any more."""
        stood_s = sum(
            max(0.0, min(until_s, self.now_s) - max(from_s, run.begin_s))
            for machine, from_s, until_s in self.instance.breakdowns
            if machine == run.machine
        )
        duration_s = max(self.instance.tasks[key].duration_s for key in run.keys)
        return max(0.0, duration_s - (self.now_s - run.begin_s - stood_s))

    def begin(self, start: Start) -> None:
        """Begin a run now; what it breaks is an error of the policy."""
        tasks = [self.pending.pop(key) for key in start.keys]
        machine = self.instance.machines[start.machine]
        assert self._free_s(start.machine) <= _TINY_S, f"{start.machine} is busy"
        assert len(tasks) <= machine.capacity, "too many"
        assert len(tasks) == 1 or len({task.load for task in tasks}) == 1, "another programme"
        for task in tasks:
            assert start.machine in task.machines
            assert all(key in self.ended for key in task.after), f"{task.key} is too early"
            since_s = max((self.ended[key] for key in task.after), default=self.now_s)
            first_s = self.first_s.setdefault(task.sample, self.now_s)
            if self.now_s - since_s > task.max_wait_s + _TINY_S:
                self.report.n_spoilt += 1
                self.report.n_by_breakdowns += any(
                    first_s <= from_s < self.now_s for _, from_s, _ in self.instance.breakdowns
                )
        end_s = self._end_s(start.machine, max(task.duration_s for task in tasks))
        self.running.update(dict.fromkeys(start.keys, end_s))
        self.report.busy_s[start.machine] += end_s - self.now_s
        self.report.makespan_s = max(self.report.makespan_s, end_s)
        run = Start(start.machine, start.keys, self.now_s, end_s)
        self.runs |= dict.fromkeys(start.keys, run)
        self.report.runs.append(run)

    def _end_s(self, machine: str, duration_s: float) -> float:
        """Return when a run that begins now ends: it stands still while its machine is broken."""
        end_s = self.now_s + duration_s
        for name, from_s, until_s in sorted(self.instance.breakdowns, key=lambda b: b[1]):
            if name == machine and self.now_s < until_s and from_s < end_s:
                end_s += until_s - max(from_s, self.now_s)
        return end_s

    def go_on(self, look_s: float) -> None:
        """Let time pass until something happens."""
        times = [*self.running.values(), self.now_s + look_s]
        for _, from_s, until_s in self.instance.breakdowns:
            times += [from_s, until_s]
        self.now_s = min(time for time in times if time > self.now_s + _TINY_S)
        for key in [key for key, end_s in self.running.items() if end_s <= self.now_s + _TINY_S]:
            self.ended[key] = self.running.pop(key)


def drive(instance: Instance, policy: Policy) -> Report:
    """Make everything of an instance by a policy, which is asked whenever something happens."""
    bench = _Bench(instance)
    while bench.pending or bench.running:
        shop = bench.shop()
        starts, look_s, promises = policy(shop)
        bench.promises = {key: (n, s + bench.now_s) for key, (n, s) in promises.items()}
        bench.report.n_decisions += 1
        for start in starts:
            bench.begin(start)
        bench.go_on(max(look_s, 1.0))
    return bench.report


def fifo(shop: Shop) -> Answer:
    """First come, first served: whoever is ready first; a load begins full, or if nobody comes."""
    starts: list[Start] = []
    ready = [
        task
        for task in shop.tasks.values()
        if all(key not in shop.tasks and key not in shop.running for key in task.after)
    ]
    ready.sort(key=lambda task: max((shop.ended.get(key, 0.0) for key in task.after), default=0.0))
    taken: set[str] = set()
    for name, machine in shop.machines.items():
        if machine.free_s > _TINY_S:
            continue
        own = [task for task in ready if name in task.machines and task.key not in taken]
        for task in own:
            same = [one for one in own if task.load and one.load == task.load]
            load = same[: machine.capacity] if machine.capacity > 1 else [task]
            n_coming = sum(one.load == task.load for one in shop.tasks.values())
            if machine.capacity > 1 and len(load) < min(machine.capacity, n_coming):
                continue
            keys = tuple(one.key for one in load)
            starts.append(Start(name, keys, 0.0, task.duration_s))
            taken |= {*keys}
            break
    return starts, inf, {}
