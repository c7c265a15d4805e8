"""How work is expected to go: which runs begin when, and what waits for what."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Final

from orchestrator.core.shop import Shop

__all__ = ["Forecast", "Start"]

_TINY_S: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Start:
    """One run of a machine."""

    machine: str
    keys: tuple[str, ...]
    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """How all work goes, if everything lasts as long as it should."""

    starts: tuple[Start, ...]
    """By time of begin."""
    waits: Mapping[str, str]
    """Why tasks that could begin by now do not, by key."""
    late: tuple[str, ...]
    """Tasks that cannot begin in time whatever is done."""
    left: tuple[str, ...]
    """Tasks that never begin: their machine is gone, or the window closes before."""
    look_s: float
    """When something else can begin, though nothing has happened until then."""

    @property
    def makespan_s(self) -> float:
        """When everything that begins has ended."""
        return max((start.end_s for start in self.starts), default=0.0)

    def promises(self, shop: Shop) -> Mapping[str, tuple[str, float]]:
        """Return what must follow soon what has begun or begins now: machine and begin, by key.

        Args:
            shop: What this was foreseen for.
        """
        fixed = {key for start in self.now for key in start.keys}
        found: dict[str, tuple[str, float]] = {}
        for start in self.starts:
            for key in start.keys:
                task = shop.tasks[key]
                is_next = all(one not in shop.tasks or one in fixed for one in task.after)
                if key not in fixed and task.max_wait_s < inf and is_next:
                    fixed.add(key)
                    found[key] = (start.machine, start.begin_s)
        return found

    @property
    def now(self) -> tuple[Start, ...]:
        """What is to begin at once."""
        return tuple(start for start in self.starts if start.begin_s <= _TINY_S)

    def score(self) -> tuple[float, ...]:
        """Return what makes one better than another: the smaller, the better."""
        ends_s = [start.end_s * len(start.keys) for start in self.starts]
        return (len(self.late), len(self.left), self.makespan_s, sum(ends_s))
