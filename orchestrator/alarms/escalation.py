"""Who has to be told of which alarm now; decided purely from the alarms as the log has them.

What the log says was told is never told again but as a reminder, so that a process that is killed
and started again does not repeat itself; what was sent and not yet written down may go out twice.

Level 1 is told at once, every other level once nobody has acknowledged for long enough. An attempt
that failed is tried again, each time after a longer wait. A critical alarm is told again and again
until somebody acknowledges it. When very many alarms come at once, one message tells of all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from orchestrator.alarms.channels import Channel, Channels
from orchestrator.core.alarms import Alarms, AlarmState, AlarmStatus, urgency
from orchestrator.core.lab_events import Severity

__all__ = ["FLOOD_N", "FLOOD_WINDOW_S", "Notice", "due_notices", "text_of"]

FLOOD_N: Final = 10
"""More alarms than this within the window are a flood (ISA-18.2: more than 10 in 10 minutes)."""
FLOOD_WINDOW_S: Final = 600.0
"""The window of a flood, in seconds."""
FLOOD_PAUSE_S: Final = 60.0
"""How long a channel is left in peace between two messages of a flood, in seconds."""
FIRST_RETRY_S: Final = 30.0
"""Wait after the first failed attempt, in seconds; it doubles with every other."""
LONGEST_RETRY_S: Final = 900.0
"""The longest wait between two attempts, in seconds."""
_N_NAMED: Final = 20
"""So many alarms at most are named in one message."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to send: one channel, one alarm or many."""

    channel: str
    level: int
    alarms: tuple[str, ...]
    title: str
    body: str


def due_notices(
    alarms: Alarms, channels: Channels, now: datetime, *, busy: frozenset[str] = frozenset()
) -> tuple[Notice, ...]:
    """Return the messages to send now, the most urgent first.

    Args:
        alarms: As they stand.
        channels: Whom to tell.
        now: The present time.
        busy: Names of channels over which a message is on its way; they wait for its end.
    """
    ranked = alarms.worst_first()
    is_flood = sum(_age_s(one.raised_time, now) < FLOOD_WINDOW_S for one in ranked) > FLOOD_N
    notices: list[Notice] = []
    for name, channel in sorted(channels.channels.items(), key=lambda item: item[1].level):
        if name in busy:
            continue
        due = [one for one in ranked if _is_due(one, name, channel, channels.repeat_s, now)]
        if not due or (is_flood and _was_used(ranked, name, now)):
            continue
        together = [due] if is_flood and len(due) > 1 else [[one] for one in due]
        notices.extend(_notice(name, channel, group) for group in together)
    return tuple(notices)


def text_of(alarm: AlarmState) -> tuple[str, str]:
    """Return title and body of a message about one alarm."""
    raised = alarm.raised
    lines = [
        raised.message,
        f"If nobody acts: {raised.consequence}",
        f"What to do: {raised.what_to_do}",
        f"Seen? athanor alarms ack {alarm.alarm}",
        f"Raised {alarm.raised_time:%Y-%m-%d %H:%M:%S} UTC.",
    ]
    return f"[{raised.severity}] {alarm.alarm}", "\n".join(lines)


def _notice(name: str, channel: Channel, group: Sequence[AlarmState]) -> Notice:
    if len(group) == 1:
        title, body = text_of(group[0])
    else:
        title, body = _summary_of(group)
    return Notice(name, channel.level, tuple(one.alarm for one in group), title, body)


def _summary_of(group: Sequence[AlarmState]) -> tuple[str, str]:
    counts = dict.fromkeys(Severity, 0)
    for one in group:
        counts[one.raised.severity] += 1
    said = ", ".join(f"{n} {severity}" for severity, n in counts.items() if n)
    lines = [f"[{one.raised.severity}] {one.alarm}: {one.raised.message}" for one in group]
    if len(lines) > _N_NAMED:
        lines[_N_NAMED:] = [f"... and {len(lines) - _N_NAMED} more"]
    lines.append("What to do about each: athanor alarms list")
    return f"[{group[0].raised.severity}] {len(group)} alarms: {said}", "\n".join(lines)


def _is_due(alarm: AlarmState, name: str, channel: Channel, repeat_s: float, now: datetime) -> bool:
    """Tell whether an alarm has to be told over a channel now."""
    if alarm.status is not AlarmStatus.RAISED:
        return False
    if urgency(alarm.raised.severity) < urgency(channel.minimum):
        return False
    if _age_s(alarm.since, now) < channel.delay_s:
        return False
    telling = alarm.tellings.get(name)
    if telling is None:
        return True
    if telling.n_failures:
        wait_s = min(FIRST_RETRY_S * 2.0 ** min(telling.n_failures - 1, 10), LONGEST_RETRY_S)
        return _age_s(telling.time, now) >= wait_s
    is_critical = alarm.raised.severity is Severity.CRITICAL
    return is_critical and _age_s(telling.time, now) >= repeat_s


def _was_used(alarms: Iterable[AlarmState], name: str, now: datetime) -> bool:
    latest = [one.tellings[name].time for one in alarms if name in one.tellings]
    return bool(latest) and now - max(latest) < timedelta(seconds=FLOOD_PAUSE_S)


def _age_s(since: datetime, now: datetime) -> float:
    return (now - since).total_seconds()
