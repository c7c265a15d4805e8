"""Alarms as an operator sees them, and what he may say of them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from pydantic import BaseModel, ConfigDict

from orchestrator.core.alarms import (
    ALARM_TRANSITIONS,
    Alarms,
    AlarmState,
    AlarmStatus,
    urgency,
)
from orchestrator.core.events import (
    LAB_STREAM,
    AlarmAcknowledged,
    AlarmEvent,
    AlarmNotified,
    AlarmShelved,
    AlarmUnshelved,
)
from orchestrator.core.lab import LabState
from orchestrator.errors import RequestRefused
from orchestrator.service.events import EventView, event_view
from orchestrator.service.lab import Lab
from orchestrator.settings import Settings

__all__ = [
    "LONGEST_SHELF_S",
    "AlarmAnswer",
    "AlarmCounts",
    "AlarmView",
    "acknowledge",
    "acknowledge_all",
    "alarm_counts",
    "alarm_views",
    "later_alarm_events",
    "send_test",
    "shelve",
    "unshelve",
]

LONGEST_SHELF_S: Final = 24 * 3600.0
"""How long an alarm may be set aside at most, in seconds."""

AlarmAnswer: TypeAlias = AlarmAcknowledged | AlarmShelved | AlarmUnshelved
"""What a person may say of an alarm."""


class AlarmView(BaseModel):
    """One alarm."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alarm: str
    severity: str
    status: str
    """``raised``, ``acknowledged``, ``returned``, ``shelved``; ``normal`` for one of the past."""
    message: str
    consequence: str
    what_to_do: str
    raised_time: datetime
    since: datetime
    """When it came to its status."""
    shelved_until: datetime | None
    said: str
    """What the person said who acknowledged or shelved it."""
    told: tuple[str, ...]
    """Names of the channels over which somebody was told."""
    not_told: tuple[str, ...]
    """Names of the channels over which the last attempt failed."""


class AlarmCounts(BaseModel):
    """How many alarms there are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    active: int
    """All that are not normal."""
    unacknowledged: int
    worst: str | None
    """The greatest severity among those whose cause is there and that are not shelved."""


def alarm_counts(lab: Lab) -> AlarmCounts:
    """Return how many alarms there are and the worst of them."""
    active = lab.laboratory().alarms.active.values()
    there = [one for one in active if one.is_present and one.status is not AlarmStatus.SHELVED]
    worst = max((one.raised.severity for one in there), key=urgency, default=None)
    return AlarmCounts(
        active=len(active),
        unacknowledged=sum(one.is_unacknowledged for one in active),
        worst=None if worst is None else str(worst),
    )


def alarm_views(lab: Lab, *, with_past: bool = False) -> tuple[AlarmView, ...]:
    """Return the alarms: the unacknowledged, then the urgent, then the old ones first.

    Args:
        lab: Whose.
        with_past: Also those that are over, the last case of each, after the others.
    """
    alarms = lab.laboratory().alarms
    views = [_view(one, str(one.status)) for one in alarms.worst_first()]
    if with_past:
        over = {name: one for name, one in _past(lab).items() if name not in alarms.active}
        views += [_view(one, str(AlarmStatus.NORMAL)) for one in over.values()]
    return tuple(views)


def acknowledge(lab: Lab, name: str, *, reason: str) -> AlarmView:
    """Say that somebody has seen an alarm and takes care of it.

    Args:
        lab: Whose.
        name: The alarm's name, or as much of it as is unambiguous.
        reason: In the operator's words; may be empty.

    Returns:
        The alarm as it was acknowledged.

    Raises:
        RequestRefused: No alarm or several could be meant, or it cannot be acknowledged now.
    """
    return _answer(lab, name, lambda alarm: AlarmAcknowledged(alarm=alarm, reason=reason))


def acknowledge_all(lab: Lab, *, reason: str) -> tuple[AlarmView, ...]:
    """Say of every alarm that nobody has acknowledged that somebody has seen it.

    Args:
        lab: Whose.
        reason: In the operator's words; may be empty.

    Returns:
        The alarms as they were acknowledged, the urgent first; none if none waited for it.
    """
    meant: list[AlarmState] = []

    def events_for(state: LabState) -> tuple[AlarmAnswer, ...]:
        meant[:] = [one for one in state.alarms.worst_first() if one.is_unacknowledged]
        return tuple(AlarmAcknowledged(alarm=one.alarm, reason=reason) for one in meant)

    after = lab.decide_in_lab(events_for)
    return tuple(_after(one, after) for one in meant)


def shelve(lab: Lab, name: str, *, duration_s: float, reason: str) -> AlarmView:
    """Set an alarm aside for a time; until then nobody is told of it.

    Args:
        lab: Whose.
        name: The alarm's name, or as much of it as is unambiguous.
        duration_s: How long, in seconds, at most `LONGEST_SHELF_S`.
        reason: Why; not empty.

    Raises:
        RequestRefused: No alarm or several could be meant, it cannot be shelved now, for so long,
            or without a reason.
    """
    if not 0.0 < duration_s <= LONGEST_SHELF_S:
        limit = f"up to {LONGEST_SHELF_S / 3600:g} h"
        raise RequestRefused(f"--for: got {duration_s / 3600:g} h, expected a time of {limit}")
    if not reason.strip():
        raise RequestRefused("--reason: got nothing, expected why the alarm is set aside")
    until = lab.bench_now() + timedelta(seconds=duration_s)
    return _answer(lab, name, lambda alarm: AlarmShelved(alarm=alarm, until=until, reason=reason))


def unshelve(lab: Lab, name: str, *, reason: str) -> AlarmView:
    """Let a shelved alarm count again.

    Args:
        lab: Whose.
        name: The alarm's name, or as much of it as is unambiguous.
        reason: In the operator's words; may be empty.

    Raises:
        RequestRefused: No alarm or several could be meant, or it is not shelved.
    """
    return _answer(lab, name, lambda alarm: AlarmUnshelved(alarm=alarm, reason=reason))


def later_alarm_events(lab: Lab, after_seq: int) -> Iterator[EventView]:
    """Yield what happened to alarms after a record of the log.

    Args:
        lab: Whose.
        after_seq: Only records after this one.
    """
    for record in lab.records(LAB_STREAM, after_seq=after_seq):
        if isinstance(record.event, AlarmEvent):
            yield event_view(record)


def send_test(settings: Settings, channel: str) -> str:
    """Send a message over a channel that says that it is a test.

    Args:
        settings: With the file of channels.
        channel: Its name in that file.

    Returns:
        Why it did not go out; empty if it did.

    Raises:
        RequestRefused: There is no such channel, or no file of channels.
        SettingsError: The file of channels is wrong, or others can read it.
    """
    from orchestrator.alarms.channels import load_channels
    from orchestrator.alarms.escalation import Notice
    from orchestrator.alarms.notifying import Notifier

    if settings.alarm_channels is None:
        raise RequestRefused(
            "ATHANOR_ALARM_CHANNELS: got nothing, expected the path of a file of channels"
        )
    channels = load_channels(settings.alarm_channels)
    if channel not in channels.channels:
        there = ", ".join(channels.channels)
        raise RequestRefused(f"no channel {channel!r} in {settings.alarm_channels}; there: {there}")
    only = channels.model_copy(update={"channels": {channel: channels.channels[channel]}})
    notifier = Notifier(only)
    body = f"{settings.actor} tests the alarm channel {channel}. Nothing is the matter."
    notifier.send(Notice(channel, 1, (), "[test] Athanor", body))
    return "; ".join(error for _, error in notifier.wait())


def _answer(lab: Lab, name: str, event_for: Callable[[str], AlarmAnswer]) -> AlarmView:
    """Append what a person says of one alarm and return the alarm after it."""
    meant: list[AlarmState] = []

    def events_for(state: LabState) -> tuple[AlarmAnswer]:
        alarm = _alarm_meant(state, name)
        event = event_for(alarm.alarm)
        if (alarm.status, type(event)) not in ALARM_TRANSITIONS:
            done = type(event).__name__.removeprefix("Alarm").lower()
            raise RequestRefused(f"alarm {alarm.alarm} is {alarm.status}: it cannot be {done}")
        meant[:] = [alarm]
        return (event,)

    after = lab.decide_in_lab(events_for)
    (before,) = meant
    return _after(before, after)


def _after(before: AlarmState, state: LabState) -> AlarmView:
    """Return an alarm as it is in a later state; one that is over, as it was last."""
    now = state.alarms.active.get(before.alarm)
    return _view(before, str(AlarmStatus.NORMAL)) if now is None else _view(now, str(now.status))


def _alarm_meant(lab: LabState, name: str) -> AlarmState:
    """Return the active alarm of a name, or the only one whose name begins with it or has it.

    Raises:
        RequestRefused: There is none, or there are several.
    """
    active = lab.alarms.active
    if name in active:
        return active[name]
    found = [alarm for alarm in active if alarm.startswith(name)]
    found = found or [alarm for alarm in active if name in alarm]
    if len(found) == 1 and name:
        return active[found[0]]
    if found:
        raise RequestRefused(f"several alarms are meant by {name!r}: {', '.join(sorted(found))}")
    there = f"; there are: {', '.join(sorted(active))}" if active else ""
    raise RequestRefused(f"no alarm {name!r}{there}")


def _past(lab: Lab) -> dict[str, AlarmState]:
    """Return every alarm that ever was, as it was last before it was over, the newest first."""
    alarms, last = Alarms(), {}
    for record in lab.records(LAB_STREAM):
        event = record.event
        if isinstance(event, AlarmEvent):
            alarms = alarms.after(event, record.time)
            known = alarms.active.get(event.alarm)
            if known is not None:
                last[event.alarm] = known
            elif event.alarm in last and not isinstance(event, AlarmNotified):
                last[event.alarm] = replace(last[event.alarm], since=record.time)
    return dict(sorted(last.items(), key=lambda item: item[1].since, reverse=True))


def _view(alarm: AlarmState, status: str) -> AlarmView:
    raised = alarm.raised
    tellings = alarm.tellings.items()
    return AlarmView(
        alarm=alarm.alarm,
        severity=str(raised.severity),
        status=status,
        message=raised.message,
        consequence=raised.consequence,
        what_to_do=raised.what_to_do,
        raised_time=alarm.raised_time,
        since=alarm.since,
        shelved_until=alarm.shelved_until,
        said=alarm.said,
        told=tuple(name for name, one in tellings if one.told_time is not None),
        not_told=tuple(name for name, one in tellings if one.n_failures),
    )
