"""How long a proposal may take; without a budget no clock is read."""

from drivers.clock import SystemClock

__all__ = ["TimeBudget"]


class TimeBudget:
    """Real seconds from now, and what was left out when they were over.

    Args:
        seconds: How many; None for as many as it takes.

    Example:
        >>> TimeBudget(None).is_over("everything")
        False
    """

    def __init__(self, seconds: float | None) -> None:
        self._clock = SystemClock()
        self._ends_s = None if seconds is None else self._clock.monotonic_s() + seconds
        self._cut: dict[str, None] = {}

    def is_over(self, what: str) -> bool:
        """Return whether something has to be left out, and remember it.

        Args:
            what: What would come next, in words.
        """
        if self._ends_s is None or self._clock.monotonic_s() < self._ends_s:
            return False
        self._cut[what] = None
        return True

    @property
    def remark(self) -> str:
        """What was left out, in words; empty if nothing was."""
        return f"the time budget was over: no {', no '.join(self._cut)}" if self._cut else ""
