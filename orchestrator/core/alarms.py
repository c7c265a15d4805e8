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
    Severity,
)
from orchestrator.errors import IllegalTransition

__all__ = ["ALARM_TRANSITIONS", "AlarmState", "AlarmStatus", "Alarms", "Telling", "urgency"]


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


def urgency(severity: Severity) -> int:
    """Return how urgent a severity is: the greater, the more.

    Example:
        >>> urgency(Severity.CRITICAL) > urgency(Severity.LOW)
        True
    """
    return len(Severity) - list(Severity).index(severity)


@dataclass(frozen=True, slots=True)
class Telling:
    """How it went to tell somebody of an alarm, over one channel."""

    time: datetime
    """Of the last attempt."""
    n_failures: int
    """Attempts that failed since the last that did not."""
    told_time: datetime | None
    """When it went out last; None if it never did."""

    def after(self, error: str, time: datetime) -> "Telling":
        """Return how it stands after one more attempt; an empty error is a success."""
        if error:
            return Telling(time, self.n_failures + 1, self.told_time)
        return Telling(time, 0, time)


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
    said: str = ""
    """What the person said who acknowledged or shelved it."""
    notified_level: int = 0
    """Up to which level of the escalation somebody was told since it was raised."""
    tellings: Mapping[str, Telling] = field(default_factory=dict)
    """Attempts to tell somebody since it was raised or taken from the shelf, by channel."""

    @property
    def is_unacknowledged(self) -> bool:
        """Whether nobody has said that he has seen it."""
        return self.status in (AlarmStatus.RAISED, AlarmStatus.RETURNED)

    @property
    def is_present(self) -> bool:
        """Whether its cause is there, as far as is known."""
        return self.status is not AlarmStatus.RETURNED


@dataclass(frozen=True, slots=True)
class Alarms:
    """All alarms that are not normal."""

    active: Mapping[str, AlarmState] = field(default_factory=dict)
    """By name."""

    def worst_first(self) -> tuple[AlarmState, ...]:
        """Return all of them: the unacknowledged, then the urgent, then the old ones first."""

        def rank(one: AlarmState) -> tuple[bool, int, datetime, str]:
            weight = urgency(one.raised.severity)
            return (not one.is_unacknowledged, -weight, one.raised_time, one.alarm)

        return tuple(sorted(self.active.values(), key=rank))

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
        if isinstance(event, AlarmRaised):
            raised = AlarmState(event.alarm, event, status, raised_time=time, since=time)
            return Alarms({**others, event.alarm: raised})
        if known is None or status is AlarmStatus.NORMAL:
            return Alarms(others)
        return Alarms({**others, event.alarm: _after(known, event, status, time)})


def _after(known: AlarmState, event: AlarmEvent, status: AlarmStatus, time: datetime) -> AlarmState:
    after = replace(known, status=status)
    if status is not known.status:
        after = replace(after, since=time, shelved_until=None, said="")
    match event:
        case AlarmAcknowledged():
            return replace(after, said=event.reason)
        case AlarmShelved():
            return replace(after, shelved_until=event.until, said=event.reason)
        case AlarmUnshelved():
            return replace(after, notified_level=0, tellings={})
        case AlarmNotified():
            return _told(after, event, time)
        case _:
            return after


def _told(alarm: AlarmState, event: AlarmNotified, time: datetime) -> AlarmState:
    before = alarm.tellings.get(event.channel, Telling(time, 0, None))
    tellings = {**alarm.tellings, event.channel: before.after(event.error, time)}
    level = alarm.notified_level if event.error else max(alarm.notified_level, event.level)
    return replace(alarm, notified_level=level, tellings=tellings)
