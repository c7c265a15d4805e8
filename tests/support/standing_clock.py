"""A wall clock that stands until a test sets it."""

from datetime import datetime

from typing_extensions import override

from tests.support.alarm_bench import HandClock

__all__ = ["StandingClock"]


class StandingClock(HandClock):
    """Tells the time that it was given.

    Args:
        time: The time of day, with zone UTC.
    """

    def __init__(self, time: datetime) -> None:
        super().__init__()
        self.time = time

    @override
    def now(self) -> datetime:
        """Return the time that was set."""
        return self.time
