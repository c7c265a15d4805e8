"""A campaign's own time of day, which does not go back when the machine's is set back."""

from datetime import datetime, timedelta
from typing import Final

from typing_extensions import override

from drivers.clock import SystemClock

__all__ = ["SteadyClock"]

_SET_BACK: Final = timedelta(seconds=1)
"""A time of day that falls behind by more was set back; less is the clock being kept right."""


class SteadyClock(SystemClock):
    """The clock of the machine, for whoever reckons with the times of what was recorded before.

    Once the time of day was set back, it goes on from where it stood, by the monotonic scale, until
    the time of day has caught up. So a retry is due when its delay is over, and no record of a
    campaign bears an earlier time than the one before it.

    Args:
        last: The time of the campaign's last record, with zone UTC.
        speed: As for `SystemClock`.
    """

    def __init__(self, last: datetime, speed: float = 1.0) -> None:
        super().__init__(speed)
        self._last = last
        self._last_s = self.monotonic_s()

    @override
    def now(self) -> datetime:
        """Return the time of day, with zone UTC, or later if that was set back."""
        told, now_s = super().now(), self.monotonic_s()
        steady = self._last + timedelta(seconds=now_s - self._last_s)
        self._last = steady if told < steady - _SET_BACK else told
        self._last_s = now_s
        return self._last
