"""The only door to a laboratory's log: views come out, requests go in.

Nothing here decides or acts. A page or a command opens a `Lab`, looks, asks, and closes it; the
engine never knows that it was there except by what stands in the log.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from threading import Event as Flag
from types import TracebackType
from typing import Self

from drivers.clock import SystemClock
from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.events import campaign_stream
from orchestrator.errors import LogError
from orchestrator.log.event_log import Verification, last_hash
from orchestrator.service.campaign_view import campaign_view
from orchestrator.service.decisions import Acting, shown_now
from orchestrator.service.engine_views import engine_of, shown_state
from orchestrator.service.events import EventView, event_view
from orchestrator.service.lab_states import LabLog, LabStates
from orchestrator.service.requests import Request, request_event
from orchestrator.service.views import CampaignLine, CampaignView, EngineView
from orchestrator.settings import Settings

__all__ = ["Lab", "LabLog"]


class Lab(LabStates):
    """One log, opened for looking and asking.

    Args:
        log: Whose records are shown; the lab closes it.
        actor: The person who asks.
        clock: The wall clock.
        source: What the log is called in messages.
        acting: The act that all decisions are part of; None where nobody keeps a key.
    """

    @classmethod
    def open(cls, settings: Settings, acting: Acting | None = None) -> Self:
        """Open the log that the settings name; nothing is created.

        Args:
            settings: Where it is, and who asks.
            acting: The act that all decisions are part of; None where nobody keeps a key.

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
        clock = SystemClock()
        return cls(log, actor=settings.actor, clock=clock, source=str(path), acting=acting)

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
        self.decide(chosen, lambda state: (request_event(state, request, reason),))
        (row,) = self._log.projection("campaign", where={"campaign_id": chosen})
        return self._line(row)

    def verify(self) -> Verification:
        """Recompute the hash of every record and compare the chain."""
        return self._log.verify()

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
        return engine_of(state, self._log.heartbeats(), self._clock.now())


def _number(cell: object) -> int:
    return int(str(cell))
