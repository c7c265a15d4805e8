"""How little time work can take, whatever the order: bounds that need no search; pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from orchestrator.core.shop import Shop, Task

__all__ = ["Around", "Least"]


@dataclass(frozen=True, slots=True)
class Around:
    """What one machine must do before, or after, tasks that are done together."""

    fixed_s: float
    """Time that passes besides its work, whichever tasks they are."""
    work_s: Mapping[str, float]
    """Its work for each task, by key."""


class Least:
    """Lower bounds for all work of a shop.

    Args:
        shop: What there is to do.
    """

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._tasks = shop.tasks
        self._heads: dict[str, float] = {}
        for key in self._tasks:
            self.head_s(key)

    def head_s(self, key: str) -> float:
        """Return how long after now a task begins at the earliest, as what is before it goes.

        Args:
            key: Of the task.
        """
        pending = [key]
        while pending:
            task = self._tasks[pending[-1]]
            before = [self._tasks[one] for one in task.after if one in self._tasks]
            unknown = [one.key for one in before if one.key not in self._heads]
            if unknown:
                pending.extend(unknown)
                continue
            ends = [self._heads[one.key] + one.duration_s for one in before]
            self._heads[pending.pop()] = max(ends, default=0.0)
        return self._heads[key]

    def work_s(self, name: str) -> float:
        """Return how long a machine must work at least, every load being as full as can be.

        Args:
            name: Of the machine.
        """
        capacity = self._shop.machines[name].capacity
        of_load: dict[str, list[float]] = {}
        work_s = 0.0
        for task in self._only_on(name):
            if capacity > 1 and task.load:
                of_load.setdefault(task.load, []).append(task.duration_s)
            else:
                work_s += task.duration_s
        return work_s + sum(ceil(len(all_s) / capacity) * min(all_s) for all_s in of_load.values())

    def end_s(self, name: str) -> float:
        """Return when all work can end at the earliest, for what a machine must do.

        Args:
            name: Of the machine.
        """
        own = self._only_on(name)
        if not own:
            return 0.0
        begin_s = max(min(self.head_s(task.key) for task in own), self._shop.machines[name].free_s)
        return begin_s + self.work_s(name) + min(self._shop.tails_s[task.key] for task in own)

    def before(self, tasks: Sequence[Task]) -> list[Around]:
        """Return what each machine must have done before any of these tasks can begin together.

        Args:
            tasks: Of one load.
        """
        return [
            found
            for name, machine in self._shop.machines.items()
            if machine.capacity == 1 and (found := self._before_on(name, tasks)) is not None
        ]

    def behind(self, tasks: Sequence[Task]) -> list[Around]:
        """Return what each machine must still do after any of these tasks have ended together.

        Args:
            tasks: Of one load.
        """
        return [
            found
            for name, machine in self._shop.machines.items()
            if machine.capacity == 1 and (found := self._behind_on(name, tasks)) is not None
        ]

    def _only_on(self, name: str) -> list[Task]:
        return [task for task in self._tasks.values() if task.machines == (name,)]

    def _before_on(self, name: str, tasks: Sequence[Task]) -> Around | None:
        work_s, begins, gaps = {}, [], []
        for task in _one_a_sample(tasks):
            found = [
                self._tasks[key]
                for key in self._ancestors(task)
                if self._tasks[key].machines == (name,) and self._tasks[key].sample == task.sample
            ]
            work_s[task.key] = sum(one.duration_s for one in found)
            begins += [self.head_s(one.key) for one in found]
            gaps += [self._gap_s(one, task) for one in found]
        if not any(work_s.values()):
            return None
        if len(work_s) < len(tasks) or not all(work_s.values()):
            return Around(0.0, work_s)
        free_s = self._shop.machines[name].free_s
        return Around(max(free_s, min(begins)) + min(gaps), work_s)

    def _behind_on(self, name: str, tasks: Sequence[Task]) -> Around | None:
        work_s, gaps, tails = {}, [], []
        for task in _one_a_sample(tasks):
            found = [
                one
                for one in self._descendants(task)
                if one.machines == (name,) and one.sample == task.sample
            ]
            work_s[task.key] = sum(one.duration_s for one in found)
            gaps += [self._gap_s(task, one) for one in found]
            tails += [self._shop.tails_s[one.key] for one in found]
        if not any(work_s.values()):
            return None
        if len(work_s) < len(tasks) or not all(work_s.values()):
            return Around(0.0, work_s)
        return Around(min(gaps) + min(tails), work_s)

    def _gap_s(self, first: Task, second: Task) -> float:
        """Return the least time between the end of a task and the begin of one that follows it."""
        return max(0.0, self.head_s(second.key) - self.head_s(first.key) - first.duration_s) * (
            self._is_alone_before(second)
        )

    def _is_alone_before(self, task: Task) -> bool:
        """Tell whether everything before a task is one chain, so that heads are distances."""
        while True:
            before = [key for key in task.after if key in self._tasks]
            if not before:
                return True
            if len(before) > 1:
                return False
            task = self._tasks[before[0]]

    def _ancestors(self, task: Task) -> Collection[str]:
        found: dict[str, None] = {}
        pending = [task]
        while pending:
            for key in pending.pop().after:
                if key in self._tasks and key not in found:
                    found[key] = None
                    pending.append(self._tasks[key])
        return found

    def _descendants(self, task: Task) -> Iterable[Task]:
        found: dict[str, Task] = {}
        pending = [task]
        while pending:
            for one in self._shop.followers.get(pending.pop().key, ()):
                if one.key in self._tasks and one.key not in found:
                    found[one.key] = one
                    pending.append(one)
        return found.values()


def _one_a_sample(tasks: Sequence[Task]) -> Iterable[Task]:
    """Return the first task of each sample, so that no work is counted twice."""
    return {task.sample: task for task in reversed(tasks)}.values()
