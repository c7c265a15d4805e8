"""One log under locks, for the threads of a web process: its campaigns, its laboratory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock
from types import TracebackType
from typing import Final, Self

from drivers.clock import Clock, SystemClock
from orchestrator.service.alarms import AlarmCounts, AlarmView, alarm_counts, alarm_views
from orchestrator.service.campaign_lines import campaign_line
from orchestrator.service.engine_views import engine_of
from orchestrator.service.lab import Lab
from orchestrator.service.lab_states import LabLog
from orchestrator.service.laboratory_view import LaboratoryView
from orchestrator.service.live_campaign import LiveCampaign
from orchestrator.service.log_file import open_log_file
from orchestrator.service.views import CampaignLine, EngineView
from orchestrator.settings import Settings

__all__ = ["LiveLog"]

_KEPT_CAMPAIGNS: Final = 8
"""How many campaigns are kept folded; a page of another folds it anew from its snapshot."""


@dataclass(slots=True)
class _Place:
    """Where a campaign is kept; it is None until the first look has folded it."""

    lock: RLock = field(default_factory=RLock)
    live: LiveCampaign | None = None


class LiveLog:
    """One log, each part of it looked at by one thread at a time.

    Args:
        log: Whose records are shown; closed with this.
        clock: The wall clock.
        source: What the log is called in messages.
    """

    def __init__(self, log: LabLog, *, clock: Clock, source: str) -> None:
        self._log = log
        self._clock = clock
        self._source = source
        self._lab = Lab(log, actor="dashboard", clock=clock, source=source)
        self._lock = RLock()
        self._seq = 0
        self._campaigns: dict[str, _Place] = {}

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Open the log that the settings name; nothing is created.

        Raises:
            LogError: There is no such log, or it cannot be read.
        """
        log = open_log_file(settings)
        return cls(log, clock=SystemClock(), source=str(settings.database))

    def close(self) -> None:
        """Let go of the log; closing twice does nothing."""
        with self._lock:
            self._lab.close()

    def __enter__(self) -> Self:
        """Return the live laboratory itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the log."""
        self.close()

    @property
    def seq(self) -> int:
        """The record up to which the view that was given last is current, at least."""
        return self._seq

    def refresh(self) -> int:
        """Look how far the log is, and return the seq of its last record."""
        self._seq = seq = self._log.last_seq()
        return seq

    @contextmanager
    def using(self) -> Iterator[Lab]:
        """Give the laboratory to other functions of the service, which look only, one at a time.

        `Lab.campaign` is not for pages: it folds every experiment.
        """
        with self._lock:
            self.refresh()
            yield self._lab

    def campaigns(self) -> tuple[CampaignLine, ...]:
        """Return every campaign of the log, the one last written to at the end."""
        self.refresh()
        rows = self._log.projection("campaign")
        rows.sort(key=lambda row: int(str(row["last_seq"])))
        return tuple(campaign_line(row, self._engine_of, self._source) for row in rows)

    def laboratory(self) -> LaboratoryView:
        """Return everything that is shown of the laboratory."""
        with self.using() as lab:
            return lab.laboratory_view()

    def alarms(self, *, with_past: bool = False) -> tuple[AlarmView, ...]:
        """Return the alarms: the unacknowledged, then the urgent, then the old ones first.

        Args:
            with_past: Also those that are over, after the others.
        """
        with self.using() as lab:
            return alarm_views(lab, with_past=with_past)

    def alarm_counts(self) -> AlarmCounts:
        """Return how many alarms there are and the worst of them."""
        with self.using() as lab:
            return alarm_counts(lab)

    @contextmanager
    def _watched(self, campaign_id: str | None) -> Iterator[LiveCampaign]:
        """Give a campaign as it stands; one that is folded for long keeps nobody else waiting."""
        with self.using() as lab:
            chosen = lab.meant(campaign_id)
            place = self._campaigns.pop(chosen, None) or _Place()
            while len(self._campaigns) >= _KEPT_CAMPAIGNS:
                del self._campaigns[next(iter(self._campaigns))]
            self._campaigns[chosen] = place
        with place.lock:
            if place.live is None:
                place.live = LiveCampaign(self._log, chosen, self._source)
            else:
                place.live.catch_up()
            yield place.live

    def _engine_of(self, campaign_id: str) -> EngineView:
        with self._watched(campaign_id) as live:
            return engine_of(live.state, self._log.heartbeats(), self._clock.now())
