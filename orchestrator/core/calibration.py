"""When instruments have to be calibrated again; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.core.lab import LabState

__all__ = ["CalibrationDue", "calibrations_due"]


@dataclass(frozen=True, slots=True)
class CalibrationDue:
    """An instrument whose calibration is too old, or of which none is known."""

    instrument: str
    every_days: float
    last_time: datetime | None
    """Of the last calibration; None if there was none."""

    @property
    def message(self) -> str:
        """What is the matter, in a sentence."""
        if self.last_time is None:
            return f"{self.instrument} was never calibrated, as far as this log knows"
        since = f"{self.last_time:%Y-%m-%d}"
        return f"{self.instrument} was calibrated last on {since}; due every {self.every_days:g} d"


def calibrations_due(
    lab: LabState, every_days: Mapping[str, float], now: datetime
) -> tuple[CalibrationDue, ...]:
    """Return the instruments that have to be calibrated, in the order given.

    Args:
        lab: Knows when each was calibrated.
        every_days: By instrument, how long a calibration counts, in days.
        now: The present time.
    """
    due = []
    for name, days in every_days.items():
        known = lab.instruments.get(name)
        last = known.calibrated_time if known is not None else None
        if last is None or now - last >= timedelta(days=days):
            due.append(CalibrationDue(name, days, last))
    return tuple(due)
