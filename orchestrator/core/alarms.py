"""Alarms and their lives after ISA-18.2: raised, acknowledged, returned, shelved for a time.

References:
    ANSI/ISA-18.2-2016, Management of Alarm Systems for the Process Industries: the alarm state
    machine with the states normal, unacknowledged, acknowledged, returned to normal
    unacknowledged, and shelved.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from orchestrator.core.lab_events import (
    AlarmAcknowledged,
    AlarmEvent,
    AlarmNotified,
    AlarmRaised,
    AlarmReturned,
    AlarmShelved,
    AlarmUnshelved,
)
from orchestrator.errors import IllegalTransition

__all__ = ["ALARM_TRANSITIONS", "AlarmState", "AlarmStatus", "Alarms"]


class AlarmStatus(StrEnum):
    """Where an alarm stands. Exactly one holds at a time."""

    NORMAL = "normal"
    RAISED = "raised"
    """Its cause is there and nobody has said that he has seen it."""
    ACKNOWLEDGED = "acknowledged"
    """Its cause is there and somebody takes care of it."""
    RETURNED = "returned"
    """Its cause is over and nobody had said that he has seen it."""
    SHELVED = "shelved"
    """Set aside by a person until a named time."""


_S = AlarmStatus
ALARM_TRANSITIONS: Final[dict[tuple[AlarmStatus, type[AlarmEvent]], AlarmStatus]] = {
    (_S.NORMAL, AlarmRaised): _S.RAISED,
    (_S.RAISED, AlarmAcknowledged): _S.ACKNOWLEDGED,
    (_S.RAISED, AlarmReturned): _S.RETURNED,
    (_S.RAISED, AlarmShelved): _S.SHELVED,
    (_S.RAISED, AlarmNotified): _S.RAISED,
    (_S.ACKNOWLEDGED, AlarmReturned): _S.NORMAL,
    (_S.ACKNOWLEDGED, AlarmShelved): _S.SHELVED,
    (_S.ACKNOWLEDGED, AlarmNotified): _S.ACKNOWLEDGED,
    (_S.RETURNED, AlarmAcknowledged): _S.NORMAL,
    (_S.RETURNED, AlarmRaised): _S.RAISED,
    (_S.RETURNED, AlarmShelved): _S.SHELVED,
    (_S.RETURNED, AlarmNotified): _S.RETURNED,
    (_S.SHELVED, AlarmUnshelved): _S.RAISED,
    (_S.SHELVED, AlarmReturned): _S.NORMAL,
    (_S.SHELVED, AlarmShelved): _S.SHELVED,
    (_S.SHELVED, AlarmNotified): _S.SHELVED,
    (_S.NORMAL, AlarmNotified): _S.NORMAL,
}
"""The whole life of an alarm."""


@dataclass(frozen=True, slots=True)
class AlarmState:
    """What is known of one alarm."""

    alarm: str
    raised: AlarmRaised
    """As it was raised last."""
    status: AlarmStatus
    raised_time: datetime
    since: datetime
    """When it came to its status."""
    shelved_until: datetime | None = None
    notified_level: int = 0
    """Up to which level of the escalation somebody was told since it was raised."""
    notified_time: datetime | None = None
    """When somebody was told last, or it was tried."""


@dataclass(frozen=True, slots=True)
class Alarms:
    """All alarms that are not normal."""

    active: Mapping[str, AlarmState] = field(default_factory=dict)
    """By name."""

    def after(self, event: AlarmEvent, time: datetime) -> "Alarms":
        """Return the alarms after one more event.

        Args:
            event: What happened.
            time: When.

        Raises:
            IllegalTransition: The table has no such pair.
        """
        known = self.active.get(event.alarm)
        before = known.status if known is not None else AlarmStatus.NORMAL
        status = ALARM_TRANSITIONS.get((before, type(event)))
        if status is None:
            raise IllegalTransition(f"alarm {event.alarm}", str(before), event.kind)
        others = {name: one for name, one in self.active.items() if name != event.alarm}
        if status is AlarmStatus.NORMAL:
            return Alarms(others)
        if isinstance(event, AlarmRaised):
            after = AlarmState(event.alarm, event, status, raised_time=time, since=time)
            return Alarms({**others, event.alarm: after})
        if known is None:
            raise IllegalTransition(f"alarm {event.alarm}", str(before), event.kind)
        after = replace(known, status=status)
        if status is not before:
            after = replace(after, since=time, shelved_until=None)
        if isinstance(event, AlarmShelved):
            after = replace(after, shelved_until=event.until)
        if isinstance(event, AlarmNotified):
            level = max(known.notified_level, event.level)
            after = replace(after, notified_level=level, notified_time=time)
        return Alarms({**others, event.alarm: after})
