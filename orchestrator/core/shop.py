"""What there is to do on a bench, and with what: the model that schedules are made of; pure.

Times are seconds from now. A shop says nothing of matter: what may run at all, and what is unsafe,
is decided elsewhere before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import inf

__all__ = ["Machine", "Shop", "Task"]


@dataclass(frozen=True, slots=True)
class Task:
    """One job that is to be done, as far as time and place are concerned."""

    key: str
    """Unique: ``oer-plate-1/E0004/fire``."""
    sample: str
    """Whose job it is: ``oer-plate-1/E0004``."""
    machines: tuple[str, ...]
    """Any one of them does it; the first is preferred."""
    duration_s: float
    after: tuple[str, ...] = ()
    """Keys of tasks that must be done before; one that the shop does not know is done."""
    load: str = ""
    """Tasks of one load and one machine may be done together, as many as the machine takes."""
    max_wait_s: float = inf
    """It must begin within so many seconds after the tasks before it have ended."""
    takes: tuple[str, ...] = ()
    """Places that its sample comes to stand in when it begins."""
    leaves: tuple[str, ...] = ()
    """Places that its sample has left when it ends."""
    since_s: float = 0.0
    """Since when it could begin as far as its sample goes, 0 or less; 0 if it cannot yet."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Something that does tasks."""

    name: str
    capacity: int = 1
    """How many tasks of one load it does at once."""
    free_s: float = 0.0
    """When it can begin something; infinite if nobody knows."""
    since_s: float = -inf
    """Since when it stands idle, 0 or less, as far as that is known."""


@dataclass(frozen=True)
class Shop:
    """A bench at one moment.

    Tasks are in the order in which they are preferred, all else being equal: oldest samples first.
    """

    tasks: Mapping[str, Task]
    """What has not begun, by key."""
    machines: Mapping[str, Machine]
    running: Mapping[str, float] = field(default_factory=dict)
    """When tasks end that have begun, by key."""
    ended: Mapping[str, float] = field(default_factory=dict)
    """When tasks have ended, 0 or less, by key; only those matter that others must follow soon."""
    free: Mapping[str, int] = field(default_factory=dict)
    """How many more samples a place holds, by name; a place that is not here holds any number."""
    leaving: Sequence[tuple[float, str]] = ()
    """When samples leave places, and which, as far as that follows from what runs."""
    closes_s: float = inf
    """Nothing may be under way any more from then on."""
    promises: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    """Machine and begin of what must follow soon what has begun, by key, as it was foreseen before;
    what is foreseen anew keeps to it where it can."""

    @cached_property
    def followers(self) -> Mapping[str, tuple[Task, ...]]:
        """The tasks that wait for each task, by key."""
        found: dict[str, list[Task]] = {}
        for task in self.tasks.values():
            for key in task.after:
                found.setdefault(key, []).append(task)
        return {key: tuple(tasks) for key, tasks in found.items()}

    @cached_property
    def tails_s(self) -> Mapping[str, float]:
        """How long a sample needs at least after each task has ended, in seconds, by key."""
        found: dict[str, float] = {}
        for key in [*self.tasks, *self.running]:
            self._tail(key, found)
        return found

    def _tail(self, key: str, found: dict[str, float]) -> float:
        pending = [key]
        while pending:
            last = pending[-1]
            after = self.followers.get(last, ())
            unknown = [task.key for task in after if task.key not in found]
            if unknown:
                pending.extend(unknown)
                continue
            found[last] = max((task.duration_s + found[task.key] for task in after), default=0.0)
            pending.pop()
        return found[key]
