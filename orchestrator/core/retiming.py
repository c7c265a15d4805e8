"""When the runs of a plan begin, as things stand at this moment: their order is kept; pure.

Who shares a run, and in which order a machine does its runs, is taken from the plan; the times are
worked out anew, the earliest that honour all waits: the longest paths in a simple temporal network
[Dechter1991]_.

.. [Dechter1991] R. Dechter, I. Meiri, J. Pearl, Temporal constraint networks, Artificial
   Intelligence 49 (1991) 61-95, doi:10.1016/0004-3702(91)90006-6.
"""

import sys
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heappush
from math import inf
from typing import Final

from orchestrator.core.foreseen import Forecast, Start
from orchestrator.core.shop import Shop, Task

__all__ = ["retimed", "without_waits"]

_TINY_S: Final = 1e-6
_MOST_MOVES: Final = 12
"""How often a run is moved at most; an order that needs more is taken to have no times at all."""


def without_waits(shop: Shop, largest: int = sys.maxsize) -> Shop:
    """Return a shop in which everything may wait for ever.

    Args:
        shop: What there is to do.
        largest: The most tasks that a machine does at once.
    """
    tasks = {key: replace(task, max_wait_s=inf) for key, task in shop.tasks.items()}
    machines = {
        name: replace(machine, capacity=min(machine.capacity, largest))
        for name, machine in shop.machines.items()
    }
    return replace(shop, tasks=tasks, machines=machines, promises={})


def retimed(shop: Shop, plan: Sequence[Start]) -> Forecast | None:
    """Return how the work of a plan goes from now on; None if it cannot go on as planned.

    Args:
        shop: What there is to do; tasks that the plan does not know are left.
        plan: Only the order of its begins counts, not their times.
    """
    runs = _runs_of(shop, plan)
    network = _Network(shop, runs)
    has_room = network.keep_places(_planned_ends(plan))
    if not has_room or not network.settle() or not network.is_kept() or not _has_room(shop, runs):
        return None
    return _forecast_of(shop, runs, network.late)


@dataclass(slots=True)
class _Run:
    """One run of the plan that has not begun."""

    machine: str
    tasks: tuple[Task, ...]
    begin_s: float
    """The earliest that is known so far."""
    duration_s: float
    latest_s: dict[str, float] = field(default_factory=dict)
    """Until when it must begin for the sake of tasks whose samples wait already, by key."""
    moved_by: int | None = None
    """The run that it could not begin without, or before, as far as is known."""
    later: list[tuple[int, float]] = field(default_factory=list)
    """Runs that begin at least so many seconds after this one begins; less than 0 for before."""

    @property
    def end_s(self) -> float:
        """When it ends, in seconds from now."""
        return self.begin_s + self.duration_s


def _runs_of(shop: Shop, plan: Sequence[Start]) -> list[_Run]:
    """Return what is left of a plan, in its order, without what cannot be done for now."""
    impossible = _impossible(shop, plan)
    runs: list[_Run] = []
    for start in sorted(plan, key=lambda one: one.begin_s):
        tasks = tuple(
            shop.tasks[key] for key in start.keys if key in shop.tasks and key not in impossible
        )
        if tasks:
            duration_s = max(task.duration_s for task in tasks)
            free_s = shop.machines[start.machine].free_s
            runs.append(_Run(start.machine, tasks, max(0.0, free_s), duration_s))
    return runs


def _impossible(shop: Shop, plan: Sequence[Start]) -> set[str]:
    """Return the tasks that cannot be done for now, and those that depend on them.

    Their machine is gone, or the plan does not know them. What such a task must follow soon cannot
    be done, either.
    """
    gone = {name for name, machine in shop.machines.items() if machine.free_s == inf}
    possible = {
        key
        for start in plan
        if start.machine in shop.machines and start.machine not in gone
        for key in start.keys
    }
    pending = [key for key in shop.tasks if key not in possible]
    found = set(pending)
    while pending:
        task = shop.tasks[pending.pop()]
        near = [one.key for one in shop.followers.get(task.key, ())]
        if task.max_wait_s < inf:
            near += [key for key in task.after if key in shop.tasks]
        fresh = {*near} - found
        found |= fresh
        pending += fresh
    return found


class _Network:
    """What must be how long before what."""

    def __init__(self, shop: Shop, runs: Sequence[_Run]) -> None:
        self._shop = shop
        self._runs = runs
        self._place = {task.key: index for index, run in enumerate(runs) for task in run.tasks}
        self.late: list[str] = []
        last: dict[str, int] = {}
        for index, run in enumerate(runs):
            if run.machine in last:
                self._runs[last[run.machine]].later.append(
                    (index, runs[last[run.machine]].duration_s)
                )
            last[run.machine] = index
            for task in run.tasks:
                self._add(index, run, task)

    def _add(self, index: int, run: _Run, task: Task) -> None:
        """Note what a task follows, and how soon."""
        known = [_end_of(self._shop, key) for key in task.after]
        known_s = max((end_s for end_s in known if end_s is not None), default=None)
        if known_s is not None:
            run.begin_s = max(run.begin_s, known_s)
        before = [self._place[key] for key in task.after if key in self._place]
        for place in before:
            self._runs[place].later.append((index, self._runs[place].duration_s))
        if task.max_wait_s == inf:
            return
        if before:
            place = max(before)
            run.later.append((place, -task.max_wait_s - self._runs[place].duration_s))
        elif known_s is not None:
            run.latest_s[task.key] = known_s + task.max_wait_s

    def keep_places(self, ends_s: Mapping[str, float]) -> bool:
        """Let samples take places in the order of the plan; tell whether all of them find room.

        Args:
            ends_s: When the plan says that tasks end, by key.
        """
        for place, n_free in self._shop.free.items():
            takers = self._by_run(place, takes=True)
            came = {task.sample for _, task in takers}
            leavers = {
                task.sample: (index, task) for index, task in self._by_run(place, takes=False)
            }
            room: list[tuple[float, int]] = [(0.0, -1)] * max(0, n_free)
            room += [(at_s, -1) for at_s, left in self._shop.leaving if left == place]
            room += [
                (ends_s[task.key], index)
                for sample, (index, task) in leavers.items()
                if sample not in came
            ]
            heapify(room)
            for index, task in takers:
                if not room:
                    return False
                at_s, source = heappop(room)
                run = self._runs[index]
                if source < 0:
                    run.begin_s = max(run.begin_s, at_s)
                elif source != index:
                    self._runs[source].later.append((index, self._runs[source].duration_s))
                if task.sample in leavers:
                    leaver, its_task = leavers[task.sample]
                    heappush(room, (ends_s[its_task.key], leaver))
        return True

    def _by_run(self, place: str, *, takes: bool) -> list[tuple[int, Task]]:
        """Return the tasks that take a place, or leave it, with their runs, in the plan's order."""
        return [
            (index, task)
            for index, run in enumerate(self._runs)
            for task in run.tasks
            if place in (task.takes if takes else task.leaves)
        ]

    def settle(self) -> bool:
        """Move every run to its earliest begin; tell whether there is one.

        A sample that waits already, and must wait too long, is late; the others go on.
        """
        n_moves = [0] * len(self._runs)
        queue = deque(range(len(self._runs)))
        is_queued = [True] * len(self._runs)
        while queue:
            index = queue.popleft()
            is_queued[index] = False
            run = self._runs[index]
            for place, gap_s in run.later:
                other = self._runs[place]
                if other.begin_s >= run.begin_s + gap_s - _TINY_S:
                    continue
                other.begin_s = run.begin_s + gap_s
                other.moved_by = index
                n_moves[place] += 1
                if n_moves[place] > _MOST_MOVES:
                    return False
                if not is_queued[place]:
                    is_queued[place] = True
                    queue.append(place)
        return True

    def is_kept(self) -> bool:
        """Tell whether the window is kept; note who is late."""
        for run in self._runs:
            if run.end_s > self._shop.closes_s + _TINY_S:
                return False
            self.late += [key for key, at_s in run.latest_s.items() if run.begin_s > at_s + _TINY_S]
        return True


def _planned_ends(plan: Sequence[Start]) -> dict[str, float]:
    return {key: start.end_s for start in plan for key in start.keys}


def _end_of(shop: Shop, key: str) -> float | None:
    return shop.running.get(key, shop.ended.get(key))


def _has_room(shop: Shop, runs: Sequence[_Run]) -> bool:
    """Tell whether places hold what comes to stand in them."""
    changes: dict[str, list[tuple[float, int]]] = {place: [] for place in shop.free}
    for at_s, place in shop.leaving:
        changes.get(place, []).append((at_s, 1))
    for run in runs:
        for task in run.tasks:
            for place in task.takes:
                changes.get(place, []).append((run.begin_s, -1))
            for place in task.leaves:
                changes.get(place, []).append((run.end_s, 1))
    for place, steps in changes.items():
        n_free = shop.free[place]
        for _, step in sorted(steps, key=lambda one: (one[0], -one[1])):
            n_free += step
            if n_free < 0:
                return False
    return True


def _forecast_of(shop: Shop, runs: Sequence[_Run], late: Sequence[str]) -> Forecast:
    starts = [
        Start(run.machine, tuple(task.key for task in run.tasks), run.begin_s, run.end_s)
        for run in runs
    ]
    planned = {key for start in starts for key in start.keys}
    left = tuple(key for key in shop.tasks if key not in planned)
    doomed = [key for key in left if _is_waited_for(shop, shop.tasks[key])]
    return Forecast(
        starts=tuple(sorted(starts, key=lambda start: (start.begin_s, start.machine))),
        waits=_waits(shop, runs),
        late=(*late, *doomed),
        left=left,
        look_s=min((run.begin_s for run in runs if run.begin_s > _TINY_S), default=inf),
    )


def _is_waited_for(shop: Shop, task: Task) -> bool:
    """Tell whether a task's sample waits, or will soon, for what must not be late."""
    is_next = all(key not in shop.tasks for key in task.after)
    has_begun = any(_end_of(shop, key) is not None for key in task.after)
    return task.max_wait_s < inf and is_next and has_begun


def _waits(shop: Shop, runs: Sequence[_Run]) -> Mapping[str, str]:
    """Say of each task that could begin by now, as far as its sample goes, why it does not."""
    found: dict[str, str] = {}
    for run in runs:
        if run.begin_s <= _TINY_S:
            continue
        ready = [task for task in run.tasks if _is_ready(shop, task)]
        found |= {task.key: _why(run, len(run.tasks) - len(ready), runs) for task in ready}
    return found


def _is_ready(shop: Shop, task: Task) -> bool:
    return all(key not in shop.tasks and key not in shop.running for key in task.after)


def _why(run: _Run, n_coming: int, runs: Sequence[_Run]) -> str:
    """Say what a run waits for."""
    if run.moved_by is None:
        return f"{run.machine} has no room for {run.duration_s:.0f} s"
    mover = runs[run.moved_by]
    if mover.machine == run.machine:
        return f"{run.machine} does {mover.tasks[0].key} first"
    if mover.begin_s >= run.end_s - _TINY_S:
        return "what must follow it soon could not"
    return f"waits for up to {n_coming} more for its load on {run.machine}"
