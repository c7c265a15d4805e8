"""When alarms were raised lately: read from the laboratory's stream alone, from a time on."""

from datetime import datetime
from typing import NamedTuple

from orchestrator.core.events import LAB_STREAM, AlarmRaised
from orchestrator.service.audit_trail import seq_before
from orchestrator.service.lab import Lab

__all__ = ["RaisedAlarm", "raised_lately"]


class RaisedAlarm(NamedTuple):
    """One alarm that was raised."""

    alarm: str
    severity: str
    time: datetime


def raised_lately(lab: Lab, *, since: datetime) -> tuple[RaisedAlarm, ...]:
    """Return the alarms that were raised since a time, the oldest first.

    Args:
        lab: Whose.
        since: On the bench's clock.
    """
    after = seq_before(lab, since) - 1
    return tuple(
        RaisedAlarm(record.event.alarm, str(record.event.severity), record.time)
        for record in lab.records(LAB_STREAM, after_seq=after)
        if isinstance(record.event, AlarmRaised) and record.time >= since
    )
