"""States folded from a log and kept up to date: what was folded before is not read again."""

from collections.abc import Mapping
from datetime import datetime

from orchestrator.core.campaign import CampaignState
from orchestrator.core.events import LAB_STREAM, PlacesLeftUnclean, campaign_stream
from orchestrator.core.lab import LabState
from orchestrator.errors import RequestRefused
from orchestrator.log.event_log import EventLog
from orchestrator.log.recovered import recovered_state

__all__ = ["Folds"]


class Folds:
    """The campaigns and the laboratory of one log, as they stand.

    Args:
        log: Whose records are folded; it stays the caller's.
        source: What the log is called in messages.
    """

    def __init__(self, log: EventLog, source: str) -> None:
        self._log = log
        self._source = source
        self._campaigns: dict[str, tuple[CampaignState, int]] = {}
        self._laboratory = LabState()
        self._lab_seq = 0
        self._lab_time: datetime | None = None
        self._left_times: dict[str, datetime] = {}

    @property
    def lab_time(self) -> datetime | None:
        """When something was last said of the laboratory; None if nothing ever was."""
        return self._lab_time

    @property
    def left_times(self) -> Mapping[str, datetime]:
        """When each place was last left unclean, whether or not it was cleaned since."""
        return self._left_times

    def campaign(self, campaign_id: str) -> CampaignState:
        """Return a campaign folded up to now.

        Raises:
            RequestRefused: There is no such campaign.
        """
        known = self._campaigns.get(campaign_id)
        if known is None:
            recovered = recovered_state(self._log, campaign_id)
            if recovered is None:
                raise RequestRefused(f"no campaign {campaign_id!r} in {self._source}")
            known = (recovered.state, recovered.seq)
        state, seq = known
        for record in self._log.read(after_seq=seq, stream=campaign_stream(campaign_id)):
            state, seq = state.after(record.event, record.time), record.seq
        self._campaigns[campaign_id] = (state, seq)
        return state

    def laboratory(self) -> LabState:
        """Return the laboratory folded up to now."""
        for record in self._log.read(after_seq=self._lab_seq, stream=LAB_STREAM):
            self._laboratory = self._laboratory.after(record.event, record.time)
            self._lab_seq = record.seq
            self._lab_time = record.time
            if isinstance(record.event, PlacesLeftUnclean):
                self._left_times.update(dict.fromkeys(record.event.places, record.time))
        return self._laboratory
