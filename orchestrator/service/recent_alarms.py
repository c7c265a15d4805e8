"""When alarms were raised lately: read from the end of the laboratory's stream, and bounded."""

from datetime import datetime
from typing import Final, NamedTuple

from orchestrator.core.events import LAB_STREAM, AlarmRaised
from orchestrator.service.lab import Lab

__all__ = ["RaisedAlarm", "raised_lately"]

_LOOKS_BACK: Final = 20_000
"""So many records of the whole log are looked through, from its end."""


class RaisedAlarm(NamedTuple):
    """One alarm that was raised."""

    alarm: str
    severity: str
    time: datetime


def raised_lately(lab: Lab, *, since: datetime) -> tuple[RaisedAlarm, ...]:
    """Return the alarms that were raised since a time, the oldest first.

    Only the newest records of the log are looked through, so that a page never reads weeks.

    Args:
        lab: Whose.
        since: On the bench's clock.
    """
    after = max(0, lab.last_seq() - _LOOKS_BACK)
    return tuple(
        RaisedAlarm(record.event.alarm, str(record.event.severity), record.time)
        for record in lab.records(LAB_STREAM, after_seq=after)
        if isinstance(record.event, AlarmRaised) and record.time >= since
    )
