"""The only door to a laboratory's log: views come out, requests go in.

Nothing here decides or acts. A page or a command opens a `Lab`, looks, asks, and closes it; the
engine never knows that it was there except by what stands in the log.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from threading import Event as Flag
from types import TracebackType
from typing import Self

from drivers.clock import SystemClock
from orchestrator.core.campaign import CampaignState
from orchestrator.core.events import campaign_stream
from orchestrator.log.event_log import Verification, last_hash
from orchestrator.service.campaign_lines import campaign_line
from orchestrator.service.campaign_view import campaign_view
from orchestrator.service.decisions import Acting, shown_now
from orchestrator.service.engine_views import engine_of
from orchestrator.service.events import EventView, event_view
from orchestrator.service.lab_states import LabLog, LabStates
from orchestrator.service.log_file import open_log_file
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
        return cls(
            open_log_file(settings),
            actor=settings.actor,
            clock=SystemClock(),
            source=str(settings.database),
            acting=acting,
        )

    @staticmethod
    def make(settings: Settings) -> bool:
        """Make an empty log where the settings say, unless one is there; tell whether it was made.

        Raises:
            LogError: It cannot be made, or something else is there.
        """
        from orchestrator.log.sql_log import open_sqlite_log

        is_there = Path(settings.database).exists()
        open_sqlite_log(settings.database).close()
        return not is_there

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

    @property
    def source(self) -> str:
        """What the log is called: its file, where it is one."""
        return self._source

    def engine(self, campaign_id: str) -> EngineView:
        """Return what is known of a campaign's engine.

        Raises:
            RequestRefused: There is no such campaign.
        """
        return self._engine(self.state(campaign_id))

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

    def verify(self, on_progress: Callable[[int], None] | None = None) -> Verification:
        """Recompute the hash of every record and compare the chain.

        Args:
            on_progress: Told now and then how many records were checked.
        """
        return self._log.verify(on_progress)

    def _line(self, row: Mapping[str, object]) -> CampaignLine:
        return campaign_line(
            row, lambda name: self._engine(self._folds.campaign(name)), self._source
        )

    def _engine(self, state: CampaignState) -> EngineView:
        return engine_of(state, self._log.heartbeats(), self._clock.now())
