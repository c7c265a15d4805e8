"""The only door to a laboratory's log: views come out, requests go in.

Nothing here decides or acts. A page or a command opens a `Lab`, looks, asks, and closes it; the
engine never knows that it was there except by what stands in the log.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from threading import Event as Flag
from types import TracebackType
from typing import Protocol, Self

from drivers.clock import Clock, SystemClock
from orchestrator.alarms.signs_of_life import engine_name, is_alive
from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.events import Event, LabEvent, campaign_stream
from orchestrator.core.lab import LabState
from orchestrator.errors import LogError, RequestRefused
from orchestrator.log.event_log import EventLog, Record, Verification, last_hash
from orchestrator.log.side_tables import Heartbeat, SideTables
from orchestrator.service.campaign_view import (
    campaign_view,
    engine_view,
    shown_state,
)
from orchestrator.service.decisions import Decisions, shown_now
from orchestrator.service.events import EventView, event_view
from orchestrator.service.folds import Folds
from orchestrator.service.laboratory_view import LaboratoryView, laboratory_view
from orchestrator.service.requests import Request, request_event
from orchestrator.service.views import CampaignLine, CampaignView, EngineView
from orchestrator.settings import Settings

__all__ = ["Lab", "LabLog"]


class LabLog(EventLog, SideTables, Protocol):
    """What a lab needs of a log: records, projections and signs of life."""

    def projection(
        self, table: str, *, where: Mapping[str, object] | None = None
    ) -> list[dict[str, object]]:
        """Return rows of a projection table, in the order in which they first came."""
        ...


class Lab:
    """One log, opened for looking and asking.

    Args:
        log: Whose records are shown; the lab closes it.
        actor: The person who asks.
        clock: The wall clock.
        source: What the log is called in messages.
    """

    def __init__(self, log: LabLog, *, actor: str, clock: Clock, source: str) -> None:
        self._log = log
        self._actor = actor
        self._clock = clock
        self._source = source
        self._folds = Folds(log, source)
        self._decisions = Decisions(log, self._folds, actor=actor, clock=clock)

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Open the log that the settings name; nothing is created.

        Raises:
            LogError: There is no such log, or it cannot be read.
        """
        from orchestrator.log.sql_log import open_sqlite_log

        path = Path(settings.database)
        if not path.is_file():
            found = "a folder" if path.is_dir() else "no such file"
            raise LogError(
                f"{path}: got {found}, expected the log of a laboratory; "
                "`athanor run` makes one, --database or ATHANOR_DATABASE names it"
            )
        log = open_sqlite_log(path, must_exist=True)
        return cls(log, actor=settings.actor, clock=SystemClock(), source=str(path))

    def __enter__(self) -> Self:
        """Return the lab itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the log."""
        self.close()

    def close(self) -> None:
        """Let go of the log; closing twice does nothing."""
        self._log.close()

    def campaigns(self) -> tuple[CampaignLine, ...]:
        """Return every campaign of the log, the one last written to at the end."""
        return tuple(self._line(row) for row in self._rows())

    def wait(self, duration_s: float) -> None:
        """Wait before looking again.

        Args:
            duration_s: How long, in real seconds.
        """
        Flag().wait(duration_s)

    def now(self) -> datetime:
        """Return the wall clock's time, with zone UTC."""
        return self._clock.now()

    def last_seq(self) -> int:
        """Return the seq of the last record; cheap enough to poll."""
        return self._log.last_seq()

    def campaign(self, campaign_id: str | None = None) -> CampaignView:
        """Return everything that is shown of one campaign.

        Args:
            campaign_id: Which; None is the only unfinished one, or else the one last written to.

        Raises:
            RequestRefused: There is no such campaign, or several could be meant.
        """
        state = self._folds.campaign(self._resolve(campaign_id))
        return campaign_view(
            state,
            engine=self._engine(state),
            now=shown_now(state, self._clock),
            last_hash=last_hash(self._log),
            laboratory=self._folds.laboratory(),
        )

    def events(
        self, *, after_seq: int = 0, campaign_id: str | None = None, limit: int | None = None
    ) -> Iterator[EventView]:
        """Yield records in order of seq.

        Args:
            after_seq: Only records after this one.
            campaign_id: Only this campaign's.
            limit: At most so many.

        Raises:
            RequestRefused: There is no such campaign.
        """
        stream = None if campaign_id is None else campaign_stream(self._resolve(campaign_id))
        for record in self._log.read(after_seq=after_seq, stream=stream, limit=limit):
            yield event_view(record)

    def request(
        self, request: Request, campaign_id: str | None = None, *, reason: str = ""
    ) -> CampaignLine:
        """Put a request into the log; the engine reads it there.

        Args:
            request: What is asked.
            campaign_id: Of which campaign; None is the only unfinished one.
            reason: Why, in the operator's words.

        Returns:
            The campaign after the request.

        Raises:
            RequestRefused: It would change nothing, or no campaign is meant.
        """
        chosen = self.only_unfinished() if campaign_id is None else self._resolve(campaign_id)
        state = self._folds.campaign(chosen)
        event = request_event(state, request, reason)
        self._log.append(
            campaign_stream(chosen),
            [event],
            time=max(state.last_time, shown_now(state, self._clock)),
            actor=self._actor,
            is_simulated=state.is_simulated,
        )
        (row,) = self._log.projection("campaign", where={"campaign_id": chosen})
        return self._line(row)

    def engine(self, campaign_id: str) -> EngineView:
        """Return what is known of a campaign's engine."""
        return self._engine(self._folds.campaign(self._resolve(campaign_id)))

    def state(self, campaign_id: str | None = None) -> CampaignState:
        """Return one campaign as it stands, for other modules of the service.

        Args:
            campaign_id: Which; None is the only unfinished one, or else the one last written to.

        Raises:
            RequestRefused: There is no such campaign, or several could be meant.
        """
        return self._folds.campaign(self._resolve(campaign_id))

    def unfinished(self) -> tuple[CampaignState, ...]:
        """Return every campaign that has not ended, the one last written to at the end."""
        return tuple(self._folds.campaign(campaign_id) for campaign_id in self._unfinished())

    def laboratory(self) -> LabState:
        """Return the laboratory as it stands, for other modules of the service."""
        return self._folds.laboratory()

    def laboratory_view(self) -> LaboratoryView:
        """Return everything that is shown of the laboratory."""
        return laboratory_view(self._folds.laboratory(), self._folds.lab_time)

    def records(self, stream: str, *, after_seq: int = 0) -> Iterator[Record]:
        """Yield the records of one stream, in order, for other modules of the service.

        Args:
            stream: Which.
            after_seq: Only records after this one.
        """
        yield from self._log.read(after_seq=after_seq, stream=stream)

    def bench_now(self) -> datetime:
        """Return the time on the bench's own clock, which is virtual where all is simulated."""
        return self._decisions.lab_time()[1]

    def decide(
        self, campaign_id: str, events_for: Callable[[CampaignState], Sequence[Event]]
    ) -> CampaignState:
        """Append what a person decided about a campaign, on the state that it rests on.

        Args:
            campaign_id: Which.
            events_for: Says what follows from the state, and is asked again if the campaign moved
                on meanwhile; no events append nothing.

        Returns:
            The campaign after it.

        Raises:
            RequestRefused: `events_for` refuses, or there is no such campaign.
            IllegalTransition: The events cannot follow what is known; nothing was appended.
            LogError: The log cannot be written; nothing was appended.
        """
        return self._decisions.of_campaign(campaign_id, events_for)

    def decide_in_lab(self, events_for: Callable[[LabState], Sequence[LabEvent]]) -> LabState:
        """Append what a person decided about the laboratory, on the state that it rests on.

        Args:
            events_for: Says what follows from the state, and is asked again if the laboratory moved
                on meanwhile; no events append nothing.

        Returns:
            The laboratory after it.

        Raises:
            RequestRefused: `events_for` refuses.
            IllegalTransition: The events cannot follow what is known; nothing was appended.
            LogError: The log cannot be written; nothing was appended.
        """
        return self._decisions.of_laboratory(events_for)

    def verify(self) -> Verification:
        """Recompute the hash of every record and compare the chain."""
        return self._log.verify()

    def _rows(self) -> list[dict[str, object]]:
        return sorted(self._log.projection("campaign"), key=lambda row: _number(row["last_seq"]))

    def _line(self, row: Mapping[str, object]) -> CampaignLine:
        status = CampaignStatus(str(row["state"]))
        n_in_doubt = _number(row["n_in_doubt"])
        campaign_id = str(row["campaign_id"])
        state = str(status)
        if not status.has_ended:
            state = shown_state(status, self._engine(self._folds.campaign(campaign_id)), n_in_doubt)
        opened = row["opened_time"]
        if not isinstance(opened, datetime):
            raise LogError(f"{self._source}: campaign {campaign_id} has no opening time")
        return CampaignLine(
            campaign_id=campaign_id,
            name=str(row["name"]),
            state=state,
            is_simulated=bool(row["is_simulated"]),
            opened_time=opened,
            n_started=_number(row["n_experiments_started"]),
            n_observed=_number(row["n_observed"]),
            n_failed=_number(row["n_failed"]),
            n_in_doubt=n_in_doubt,
        )

    def _engine(self, state: CampaignState) -> EngineView:
        beats: dict[str, Heartbeat] = {beat.name: beat for beat in self._log.heartbeats()}
        beat = beats.get(engine_name(state.campaign_id))
        real_now = self._clock.now()
        return engine_view(
            epoch=state.epoch,
            is_attached=state.is_attached,
            heartbeat=beat,
            real_now=real_now,
            is_alive=beat is not None
            and is_alive(beat, real_now=real_now, is_simulated=state.is_simulated),
        )

    def _resolve(self, campaign_id: str | None) -> str:
        rows = self._rows()
        ids = [str(row["campaign_id"]) for row in rows]
        if campaign_id is None:
            unfinished = self._unfinished()
            if len(unfinished) == 1:
                return unfinished[0]
            if not ids:
                raise RequestRefused(f"no campaign in {self._source}")
            return ids[-1]
        if campaign_id not in ids:
            there = f"; there are: {', '.join(ids)}" if ids else ""
            raise RequestRefused(f"no campaign {campaign_id!r} in {self._source}{there}")
        return campaign_id

    def _unfinished(self) -> list[str]:
        return [
            str(row["campaign_id"])
            for row in self._rows()
            if not CampaignStatus(str(row["state"])).has_ended
        ]

    def only_unfinished(self) -> str:
        """Return the id of the campaign that is meant when none is named.

        Raises:
            RequestRefused: None is unfinished, or several are.
        """
        unfinished = self._unfinished()
        if not unfinished:
            raise RequestRefused(f"no unfinished campaign in {self._source}")
        if len(unfinished) > 1:
            raise RequestRefused(
                f"several unfinished campaigns in {self._source}, name one: {', '.join(unfinished)}"
            )
        return unfinished[0]


def _number(cell: object) -> int:
    return int(str(cell))
