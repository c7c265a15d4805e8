"""What a person decided, appended on the very state that it rests on, or decided again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from drivers.clock import Clock
from orchestrator.core.campaign import CampaignState
from orchestrator.core.events import LAB_STREAM, Event, LabEvent, campaign_stream
from orchestrator.core.lab import LabState
from orchestrator.errors import StaleView, VersionConflict
from orchestrator.log.event_log import EventLog, Record
from orchestrator.log.kept_acts import ActKey
from orchestrator.service.folds import Folds

__all__ = ["Acting", "Decisions", "is_person", "shown_now"]

_NOT_PEOPLE: Final = frozenset({"engine", "station", "watchdog", "supervisor", "alarms"})
"""Who writes into the log without being a person."""


@dataclass(frozen=True, slots=True)
class Acting:
    """What a decision is part of: one act, asked for on a page that showed the log up to a seq."""

    key: ActKey
    seen_seq: int | None
    """None is obeyed whatever anybody did meanwhile."""
    concerns: Callable[[Event], bool]
    """Tells whether what somebody else did meanwhile makes the page too old for this act."""

    def refuse_stale(self, later: Sequence[Record]) -> None:
        """Refuse what was asked on a page that is too old.

        Args:
            later: The records after `seen_seq` of the stream that the act is about.

        Raises:
            StaleView: A person did something that the page does not show yet.
        """
        for record in later:
            if record.actor not in _NOT_PEOPLE and self.concerns(record.event):
                raise StaleView(record.actor, record.event.kind, record.time, seq=record.seq)


def is_person(actor: str) -> bool:
    """Tell whether who wrote a record is a person.

    Example:
        >>> is_person("ada"), is_person("engine")
        (True, False)
    """
    return actor not in _NOT_PEOPLE


def shown_now(state: CampaignState, clock: Clock) -> datetime:
    """Return the time on a campaign's own clock; a pretended one stands at its last event."""
    return state.last_time if state.is_simulated else clock.now()


class Decisions:
    """Appends what one person says.

    Args:
        log: Where it goes.
        folds: The same log's states.
        actor: The person.
        clock: The wall clock.
        acting: The act that the decisions are part of; None where nobody keeps a key.
    """

    def __init__(
        self,
        log: EventLog,
        folds: Folds,
        *,
        actor: str,
        clock: Clock,
        acting: Acting | None = None,
    ) -> None:
        self._log = log
        self._folds = folds
        self._actor = actor
        self._clock = clock
        self._acting = acting

    def refuse_stale(self, stream: str) -> None:
        """Refuse an act that was asked for on a page that is too old.

        Args:
            stream: What it is about.

        Raises:
            StaleView: A person did something that the page does not show yet.
        """
        if self._acting is not None and self._acting.seen_seq is not None:
            later = self._log.read(after_seq=self._acting.seen_seq, stream=stream)
            self._acting.refuse_stale(list(later))

    def of_campaign(
        self, campaign_id: str, events_for: Callable[[CampaignState], Sequence[Event]]
    ) -> CampaignState:
        """Append what follows from a campaign's state; see `Lab.decide`."""
        stream = campaign_stream(campaign_id)
        while True:
            state = after = self._folds.campaign(campaign_id)
            self.refuse_stale(stream)
            events = events_for(state)
            time = max(state.last_time, shown_now(state, self._clock))
            for event in events:
                after = after.after(event, time)
            if self._has_appended(stream, events, time, state.is_simulated, state.version):
                return self._folds.campaign(campaign_id)

    def of_laboratory(self, events_for: Callable[[LabState], Sequence[LabEvent]]) -> LabState:
        """Append what follows from the laboratory's state; see `Lab.decide_in_lab`."""
        while True:
            lab = after = self._folds.laboratory()
            self.refuse_stale(LAB_STREAM)
            events = events_for(lab)
            is_simulated, time = self.lab_time()
            for event in events:
                after = after.after(event, time)
            if self._has_appended(LAB_STREAM, events, time, is_simulated, lab.version):
                return self._folds.laboratory()

    def _has_appended(
        self, stream: str, events: Sequence[Event], time: datetime, is_simulated: bool, version: int
    ) -> bool:
        """Tell whether the events are in the log; not if it had moved on meanwhile."""
        key = None if self._acting is None else self._acting.key
        if not events:
            if key is not None:
                self._log.keep_act(key, time=time)
            return True
        try:
            self._log.append(
                stream,
                events,
                time=time,
                actor=self._actor,
                is_simulated=is_simulated,
                expected={stream: version},
                act=key,
            )
        except VersionConflict:
            return False
        return True

    def lab_time(self) -> tuple[bool, datetime]:
        """Tell whether the laboratory is only a pretended one, and the time on its clock."""
        rows = self._log.projection("campaign")
        running = [row for row in rows if row["state"] not in ("stopped", "aborted", "finished")]
        current = running or rows
        if not current or not all(row["is_simulated"] for row in current):
            return False, self._clock.now()
        times = [row["last_time"] for row in rows]
        last = self._folds.lab_time
        known = [time for time in [*times, last] if isinstance(time, datetime)]
        return True, max(known)
