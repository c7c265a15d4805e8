"""How full a load begins: what can go with a task, and whether more is worth waiting for; pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.core.shop import Shop, Task
from orchestrator.core.timetable import Timetable

__all__ = ["Load", "Loading", "load_groups"]

_NEVER_S: Final = -1.0


@dataclass(frozen=True, slots=True)
class Load:
    """What to do about a task that may go with others."""

    companions: tuple[str, ...] = ()
    """Ready tasks that go with it, at most as many as the machine takes."""
    waits_until_s: float = _NEVER_S
    """When to look again; it begins now if this is past."""
    why: str = ""
    """What it waits for."""


class Loading:
    """Decides on loads while the rule is run forward.

    Args:
        shop: What there is to do.
        tables: By machine.
        patience: How long a machine waits for a fuller load, in parts of the load's duration.
    """

    def __init__(self, shop: Shop, tables: Mapping[str, Timetable], patience: float) -> None:
        self._shop = shop
        self._tables = tables
        self._patience = patience
        self._of_load: dict[str, list[Task]] = {}
        for task in shop.tasks.values():
            if task.load:
                self._of_load.setdefault(task.load, []).append(task)
        self._since_s: dict[tuple[str, str], float] = {}

    def of(
        self,
        task: Task,
        table: Timetable,
        now_s: float,
        ready: Iterable[str],
        placed: Collection[str],
        ends_s: Mapping[str, float],
    ) -> Load:
        """Return what goes with a task, or until when it waits.

        Args:
            task: The first of its machine.
            table: Of the machine, which is free.
            now_s: In seconds from now.
            ready: Keys of other tasks that could begin on the machine, the first ones first.
            placed: Keys of tasks that have a run.
            ends_s: When tasks end that have one.
        """
        capacity = table.machine.capacity
        if capacity == 1 or not task.load:
            return Load()
        same = (key for key in ready if self._shop.tasks[key].load == task.load)
        found = [key for key in same if key not in placed][: capacity - 1]
        n_free = capacity - 1 - len(found)
        ready_s = min(self._shop.tasks[key].since_s for key in (task.key, *found))
        begun_s = now_s + max(ready_s, table.machine.since_s) if now_s <= 0.0 else now_s
        since = self._since_s.setdefault((table.machine.name, task.load), begun_s)
        until_s = since + self._patience * task.duration_s
        if n_free and now_s < until_s:
            taken = {task.key, *found, *placed}
            arrivals = self._arrivals(task.load, taken, now_s, until_s, ends_s, n_free)
            if arrivals:
                why = f"waits for up to {len(arrivals)} more for its load on {table.machine.name}"
                return Load((), until_s, why)
        return Load(tuple(found))

    def begun(self, task: Task, table: Timetable) -> None:
        """Note that a machine has begun a load: the next one is waited for anew.

        Args:
            task: One of it.
            table: Of the machine.
        """
        self._since_s.pop((table.machine.name, task.load), None)

    def _arrivals(
        self,
        load: str,
        taken: Collection[str],
        now_s: float,
        until_s: float,
        ends_s: Mapping[str, float],
        n: int,
    ) -> list[float]:
        """Return when the next tasks of a load could arrive, the soonest first; never too late."""
        found: list[float] = []
        for task in self._of_load[load]:
            if task.key in taken:
                continue
            at_s = self._arrival_s(task, now_s, ends_s)
            if at_s <= until_s:
                found.append(at_s)
        return sorted(found)[:n]

    def _arrival_s(self, task: Task, now_s: float, ends_s: Mapping[str, float]) -> float:
        """Return the earliest time at which the tasks right before a task can have ended."""
        at_s = now_s
        for key in task.after:
            if key in ends_s:
                at_s = max(at_s, ends_s[key])
            elif key in self._shop.tasks:
                at_s = max(at_s, now_s + self._shop.tasks[key].duration_s)
        return at_s


def load_groups(shop: Shop) -> Mapping[str, float]:
    """Return for tasks up to a shared load how soon that load should be filled, by key.

    Samples of one load are put together as they come, those that are furthest first.

    Args:
        shop: What there is to do.
    """
    capacities = {name: machine.capacity for name, machine in shop.machines.items()}
    heads_s = {task.key: _head_s(shop, task) for task in shop.tasks.values() if task.load}
    of_load: dict[tuple[str, str], list[Task]] = {}
    for task in shop.tasks.values():
        if task.load and task.machines and capacities.get(task.machines[0], 1) > 1:
            of_load.setdefault((task.machines[0], task.load), []).append(task)
    groups: list[tuple[float, tuple[Task, ...]]] = []
    for (name, _), tasks in of_load.items():
        tasks.sort(key=lambda task: heads_s[task.key])
        size = capacities[name]
        for group in (tuple(tasks[i : i + size]) for i in range(0, len(tasks), size)):
            groups.append((sum(heads_s[task.key] for task in group) / len(group), group))
    groups.sort(key=lambda group: group[0])
    found: dict[str, float] = {}
    for rank, (_, group) in enumerate(groups):
        for task in group:
            for key in _up_to(shop, task):
                found[key] = min(found.get(key, rank), float(rank))
    return found


def _up_to(shop: Shop, task: Task) -> set[str]:
    """Return the keys of a task and of everything that must be done before it."""
    found, pending = {task.key}, [task]
    while pending:
        for key in pending.pop().after:
            if key in shop.tasks and key not in found:
                found.add(key)
                pending.append(shop.tasks[key])
    return found


def _head_s(shop: Shop, task: Task) -> float:
    """Return how much must still be done before a task, in seconds."""
    return sum(shop.tasks[key].duration_s for key in _up_to(shop, task) if key != task.key)
