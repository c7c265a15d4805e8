"""A log, a clock that is set by hand and a messenger that keeps what it is given, for alarms."""

from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr

from orchestrator.alarms.channels import Channel, Channels
from orchestrator.alarms.escalation import Notice
from orchestrator.core.events import LAB_STREAM, AlarmRaised, Event, Severity, campaign_stream
from orchestrator.log.event_log import EventLog

__all__ = [
    "NOON",
    "HandClock",
    "KeptMessages",
    "alarm_raised",
    "channels_of",
    "say",
    "write_channels",
]

T = TypeVar("T")

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class HandClock:
    """A clock that stands still until it is set forward."""

    shortest_wait_s = 0.0

    def __init__(self) -> None:
        self.passed_s = 0.0

    def pass_by(self, duration_s: float) -> None:
        """Let time pass."""
        self.passed_s += duration_s

    def now(self) -> datetime:
        """Return noon and what has passed since."""
        return NOON + timedelta(seconds=self.passed_s)

    def monotonic_s(self) -> float:
        """Return what has passed, in seconds."""
        return self.passed_s

    async def sleep(self, duration_s: float) -> None:
        """Let time pass."""
        self.pass_by(duration_s)

    async def call_blocking(self, function: Callable[[], T], executor: Executor | None) -> T:
        """Call the function."""
        return function()

    async def wait_for_outside(self, duration_s: float) -> None:
        """Do nothing: nobody is outside."""

    def real_s(self, duration_s: float) -> float:
        """Return the duration."""
        return duration_s


class KeptMessages:
    """A messenger whose messages go out at once, or do not while it is `broken`."""

    def __init__(self, channels: Channels) -> None:
        self.channels = channels
        self.sent: list[Notice] = []
        self.broken = ""
        self._ended: list[tuple[Notice, str]] = []

    def send(self, notice: Notice) -> None:
        """Keep a notice; it counts as sent unless the messenger is broken."""
        if not self.broken:
            self.sent.append(notice)
        self._ended.append((notice, self.broken))

    def busy(self) -> frozenset[str]:
        """Return nothing: all has ended."""
        return frozenset()

    def results(self) -> list[tuple[Notice, str]]:
        """Return what has ended since the last call."""
        ended, self._ended = self._ended, []
        return ended

    def told(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return channel and alarms of what went out since the last call."""
        sent, self.sent = self.sent, []
        return [(notice.channel, notice.alarms) for notice in sent]


def channels_of(**channels: Channel) -> Channels:
    """Return a file of channels; one called ``oncall`` that is told everything unless given."""
    return Channels(channels=channels or {"oncall": Channel(url=SecretStr("json://secret"))})


def alarm_raised(alarm: str, severity: Severity = Severity.HIGH) -> AlarmRaised:
    """Return the raising of an alarm."""
    return AlarmRaised(
        alarm=alarm,
        severity=severity,
        message=f"{alarm} is wrong",
        consequence="it gets worse",
        what_to_do="put it right",
    )


def say(log: EventLog, clock: HandClock, *events: Event, campaign_id: str = "") -> None:
    """Append facts about the laboratory, or about a campaign."""
    stream = campaign_stream(campaign_id) if campaign_id else LAB_STREAM
    log.append(stream, events, time=clock.now(), actor="ada", is_simulated=False)


def write_channels(path: Path, text: str, *, mode: int = 0o600) -> Path:
    """Write a file of channels with its permissions."""
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path
