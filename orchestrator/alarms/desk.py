"""The alarm desk: raises what is newly true, returns what is over, has people told.

It holds no truth of its own. What it decides rests on the log as it stands and is appended on the
very version that it read, so that of two desks only one raises. Only the delays and the messages
that are on their way are in memory: a desk that dies may tell a person twice, never not at all.

When the log itself cannot be written, that one alarm is told without it: to the process's own log
lines and over every channel, and written down once the log is back.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from drivers.clock import Clock
from orchestrator.alarms.channels import Channels
from orchestrator.alarms.delays import Delays
from orchestrator.alarms.escalation import Notice, due_notices
from orchestrator.alarms.tasks_done import who_did
from orchestrator.alarms.watched import Watched
from orchestrator.core.alarm_conditions import SignsOfLife, conditions
from orchestrator.core.alarm_kinds import ALARM_KINDS, Condition
from orchestrator.core.alarms import Alarms, AlarmState, AlarmStatus
from orchestrator.core.campaign import CampaignState
from orchestrator.core.events import (
    LAB_STREAM,
    AlarmAcknowledged,
    AlarmEvent,
    AlarmNotified,
    AlarmRaised,
    AlarmReturned,
    AlarmUnshelved,
)
from orchestrator.core.lab import LabState
from orchestrator.core.patience import Patience
from orchestrator.errors import AthanorError, VersionConflict
from orchestrator.log.event_log import EventLog

__all__ = ["AlarmDesk", "LookAround", "Messenger"]

logger = logging.getLogger(__name__)

LookAround = Callable[[LabState, Mapping[str, CampaignState]], SignsOfLife]
"""Says what is known beside the log of the laboratory and its campaigns, by id."""

_ACTOR: Final = "station"
_STORE: Final = "the log"


class Messenger(Protocol):
    """Brings messages to people, in its own time (`orchestrator.alarms.notifying.Notifier`)."""

    @property
    def channels(self) -> Channels:
        """Whom it reaches."""
        ...

    def send(self, notice: Notice) -> None:
        """Put a notice on its way and return at once."""
        ...

    def busy(self) -> frozenset[str]:
        """Return the names of the channels over which something is on its way."""
        ...

    def results(self) -> list[tuple[Notice, str]]:
        """Return what has ended since the last call, with why it did not go out, or nothing."""
        ...


@dataclass(frozen=True, slots=True)
class _Outage:
    """The log fails; what would stand in it about that stands here."""

    error: str
    alarms: Alarms


def _nothing_seen(lab: LabState, campaigns: Mapping[str, CampaignState]) -> SignsOfLife:
    return SignsOfLife()


class AlarmDesk:
    """Watches one laboratory; `look` is called at every beat, by one thread at a time.

    Args:
        log: What is watched, and where the alarms go.
        clock: Its time.
        patience: How long things may last.
        look_around: Asked at every look for what is known beside the log.
        messenger: Tells people; None tells nobody.
        is_simulated: Whether the campaigns that are watched are pretended ones.
        campaign_id: Only this campaign; None is all of them.
        calibrate_every_days: By instrument, how long a calibration counts, in days.
    """

    def __init__(
        self,
        log: EventLog,
        clock: Clock,
        *,
        patience: Patience,
        look_around: LookAround = _nothing_seen,
        messenger: Messenger | None = None,
        is_simulated: bool = False,
        campaign_id: str | None = None,
        calibrate_every_days: Mapping[str, float] | None = None,
    ) -> None:
        self._log = log
        self._clock = clock
        self._patience = patience
        self._calibrate_every_days = calibrate_every_days or {}
        self._look_around = look_around
        self._messenger = messenger
        self._is_simulated = is_simulated
        self._watched = Watched(log, is_simulated=is_simulated, campaign_id=campaign_id)
        self._delays = Delays()
        self._unwritten: list[AlarmNotified] = []
        self._outage: _Outage | None = None

    @property
    def alarms(self) -> Alarms:
        """The alarms as this desk last saw them."""
        return self._watched.lab.alarms

    def look(self, *, is_last: bool = False) -> bool:
        """Look at everything once, write down what changed, have people told.

        It raises nothing that is raised on purpose: if it cannot do its work it says so over every
        channel, without the log, and tries again when it is next called.

        Args:
            is_last: Whether nobody will look again soon: what is there rings without its delay.

        Returns:
            False if the log moved on meanwhile, and it has to look again.
        """
        now = self._clock.now()
        self._take_results(now)
        try:
            self._write_changes(now, is_last=is_last)
        except VersionConflict:
            logger.debug("the log moved on; looking again at the next beat")
            return False
        except (AthanorError, OSError) as error:
            self._cry_out(" ".join(str(error).split()), now)
        else:
            if self._outage is not None:
                logger.warning("the alarm desk works again")
                self._outage = None
        self._have_told(now)
        return True

    def _take_results(self, now: datetime) -> None:
        """Note what became of the messages that were on their way."""
        if self._messenger is None:
            return
        for notice, error in self._messenger.results():
            events = [
                AlarmNotified(alarm=alarm, level=notice.level, channel=notice.channel, error=error)
                for alarm in notice.alarms
            ]
            self._unwritten.extend(events)
            if self._outage is not None:
                alarms = self._outage.alarms
                for event in events:
                    alarms = alarms.after(event, now)
                self._outage = replace(self._outage, alarms=alarms)

    def _write_changes(self, now: datetime, *, is_last: bool) -> None:
        """Append what changed since the last look.

        Raises:
            VersionConflict: Somebody appended meanwhile; nothing was written.
            AthanorError: The log cannot be read or written, or not be folded.
        """
        watched = self._watched
        watched.catch_up()
        found = [one for one in self._conditions(now) if watched.is_mine(one.alarm)]
        self._acknowledge_tasks_done(found, now)
        changes = self._changes(found, now, is_last=is_last)
        told = list(self._unwritten)
        events = [*changes, *told] if self._outage is not None else [*told, *changes]
        if not events:
            return
        self._append(events, now, actor=_ACTOR)
        del self._unwritten[: len(told)]
        watched.catch_up()

    def _acknowledge_tasks_done(self, found: Sequence[Condition], now: datetime) -> None:
        """Acknowledge the alarm of a person's task in the name of whoever has done it.

        Raises:
            VersionConflict: Somebody appended meanwhile.
            AthanorError: The log cannot be read or written.
        """
        present = {one.alarm for one in found}
        for name, one in tuple(self.alarms.active.items()):
            is_over = one.status is AlarmStatus.RAISED and name not in present
            if not is_over or not self._watched.is_mine(name):
                continue
            if person := who_did(name, self._watched.campaigns, self._log):
                seen = AlarmAcknowledged(alarm=name, reason="the task was done")
                self._append([seen], now, actor=person)
                self._watched.catch_up()

    def _append(self, events: Sequence[AlarmEvent], now: datetime, *, actor: str) -> None:
        """Append what follows from the laboratory as it was read, and from nothing later."""
        lab = self._watched.lab
        for event in events:
            lab = lab.after(event, now)
        self._log.append(
            LAB_STREAM,
            events,
            time=now,
            actor=actor,
            is_simulated=self._is_simulated,
            expected={LAB_STREAM: self._watched.lab.version},
        )

    def _conditions(self, now: datetime) -> tuple[Condition, ...]:
        watched = self._watched
        signs = self._look_around(watched.lab, watched.campaigns)
        signs = replace(signs, unreadable={**signs.unreadable, **watched.unreadable})
        if self._outage is not None:
            signs = replace(signs, failing={_STORE: self._outage.error, **signs.failing})
        return conditions(
            watched.lab,
            watched.campaigns.values(),
            signs,
            now,
            self._patience,
            calibrate_every_days=self._calibrate_every_days,
        )

    def _changes(
        self, found: Sequence[Condition], now: datetime, *, is_last: bool
    ) -> list[AlarmEvent]:
        """Return what has to be said of the alarms, given what needs a person now."""
        active, now_s = self.alarms.active, self._clock.monotonic_s()
        mine = [name for name in active if self._watched.is_mine(name)]
        present = {one.alarm for one in found}
        events: list[AlarmEvent] = [
            AlarmReturned(alarm=name)
            for name in self._delays.over(mine, found, now_s)
            if active[name].status is not AlarmStatus.RETURNED
        ]
        for condition in self._delays.ripe(found, now_s, is_last=is_last):
            events.extend(_raising(active.get(condition.alarm), condition))
        for name in mine:
            until = active[name].shelved_until
            if until is not None and now >= until and name in present:
                events.append(AlarmUnshelved(alarm=name, reason="its time on the shelf is over"))
        return events

    def _cry_out(self, error: str, now: datetime) -> None:
        """Say without the log that it fails: once to the log lines, and over every channel."""
        if self._outage is not None and self._outage.error == error:
            return
        condition = ALARM_KINDS["log_failing"].condition(_STORE, f"{_STORE} fails: {error}")
        logger.critical("%s %s", condition.message, condition.kind.consequence)
        if self._outage is None:
            self._outage = _Outage(error, Alarms().after(condition.raised(), now))
        else:
            self._outage = replace(self._outage, error=error)

    def _have_told(self, now: datetime) -> None:
        """Put on their way the messages that are due."""
        if self._messenger is None:
            return
        alarms = self.alarms if self._outage is None else self._outage.alarms
        channels, busy = self._messenger.channels, self._messenger.busy()
        for notice in due_notices(alarms, channels, now, busy=busy):
            self._messenger.send(notice)


def _raising(known: AlarmState | None, condition: Condition) -> list[AlarmEvent]:
    """Return what raises an alarm, or raises it anew for another matter."""
    if known is None or known.status is AlarmStatus.RETURNED:
        return [condition.raised()]
    is_other = condition.kind.is_renewed and known.raised.message != condition.message
    if not is_other or known.status is AlarmStatus.SHELVED:
        return []
    renewed: AlarmRaised = condition.raised()
    return [AlarmReturned(alarm=condition.alarm), renewed]
