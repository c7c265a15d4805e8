"""The stretch of time that a plan is drawn over, on a page or on a terminal; pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from orchestrator.service.plan_view import PlanView

__all__ = ["PlanAxis"]

_PAST: Final = 1 / 3
"""Part of the drawing that the past takes at most."""
_LEAST_S: Final = 60.0
_STEPS_MIN: Final = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 720, 1440, 2880, 10080)


class PlanAxis:
    """From times to parts of a drawing's width.

    Args:
        plan: What is to be shown.
    """

    def __init__(self, plan: PlanView) -> None:
        ahead_s = max(plan.foreseen_s, _LEAST_S)
        past_s = (plan.now - plan.start).total_seconds()
        self.start = plan.now - timedelta(seconds=min(past_s, ahead_s * _PAST / (1 - _PAST)))
        self.end = plan.now + timedelta(seconds=ahead_s)
        self._whole_s = (self.end - self.start).total_seconds()

    def part(self, time: datetime) -> float:
        """Return where a time is, 0 to 1; below 0 or above 1 if it is not shown."""
        return (time - self.start).total_seconds() / self._whole_s

    def ticks(self, most: int) -> Iterator[datetime]:
        """Yield round times.

        Args:
            most: How many at most, at least 1.
        """
        whole_min = self._whole_s / 60.0
        step_min = next((step for step in _STEPS_MIN if whole_min / step <= most), whole_min)
        step = timedelta(minutes=step_min)
        midnight = self.start.replace(hour=0, minute=0, second=0, microsecond=0)
        time = midnight + step * -(-(self.start - midnight) // step)
        while time <= self.end:
            yield time
            time += step
