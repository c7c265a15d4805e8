"""When a machine is taken: what it does now and what it is promised to; pure."""

from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf

from orchestrator.core.shop import Machine

__all__ = ["Slot", "Timetable"]

_TINY_S = 1e-6


@dataclass(order=True, slots=True)
class Slot:
    """One run of a machine."""

    begin_s: float
    end_s: float
    load: str = field(default="", compare=False)
    keys: list[str] = field(default_factory=list, compare=False)
    """The tasks that it does."""


class Timetable:
    """The runs of one machine, in order; no two overlap.

    Args:
        machine: Whose.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.slots: list[Slot] = []

    def begin_of(self, not_before_s: float, duration_s: float) -> float:
        """Return the earliest time from which the machine is free for so long.

        Args:
            not_before_s: In seconds from now.
            duration_s: For how long.
        """
        begin_s = max(not_before_s, self.machine.free_s)
        first = max(0, bisect_right(self.slots, begin_s, key=lambda slot: slot.begin_s) - 1)
        for slot in self.slots[first:]:
            if begin_s + duration_s <= slot.begin_s + _TINY_S:
                return begin_s
            begin_s = max(begin_s, slot.end_s)
        return begin_s

    def is_free(self, begin_s: float, duration_s: float) -> bool:
        """Tell whether the machine is free for so long from a time on."""
        return self.begin_of(begin_s, duration_s) <= begin_s + _TINY_S

    def joinable(self, load: str, earliest_s: float, latest_s: float) -> Iterator[Slot]:
        """Yield runs of a load that begin in a span of time and have room for one more task.

        Args:
            load: Of the task; tasks without one are done alone.
            earliest_s: The run begins then or later.
            latest_s: The run begins then or earlier.
        """
        if not load or self.machine.capacity == 1:
            return
        for slot in self.slots:
            is_in_time = earliest_s - _TINY_S <= slot.begin_s <= latest_s + _TINY_S
            if slot.load == load and is_in_time and len(slot.keys) < self.machine.capacity:
                yield slot

    def take(self, begin_s: float, duration_s: float, load: str, keys: list[str]) -> Slot:
        """Give the machine a run; it must be free."""
        slot = Slot(begin_s, begin_s + duration_s, load, keys)
        insort(self.slots, slot)
        return slot

    def forget(self, slot: Slot) -> None:
        """Take a run back."""
        self.slots.remove(slot)

    def next_begin_s(self, after_s: float) -> float:
        """Return when the next run begins after a time; infinite if none does."""
        index = bisect_right(self.slots, after_s + _TINY_S, key=lambda slot: slot.begin_s)
        return self.slots[index].begin_s if index < len(self.slots) else inf
