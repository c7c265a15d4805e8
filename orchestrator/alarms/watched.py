"""The laboratory and its unfinished campaigns as the alarm desk sees them, as the log grows."""

from orchestrator.core.alarm_kinds import kind_of
from orchestrator.core.campaign import CampaignState
from orchestrator.core.events import (
    LAB_STREAM,
    CampaignOpened,
    CorrectionEvent,
    campaign_stream,
)
from orchestrator.core.lab import LabState
from orchestrator.core.slimming import without_past
from orchestrator.errors import IllegalTransition
from orchestrator.log.event_log import EventLog, Record
from orchestrator.log.recovered import recovered_state

__all__ = ["Watched"]

_ENDED = ("stopped", "aborted", "finished")


class Watched:
    """States folded from one log; what was folded before is not read again.

    Args:
        log: Whose records are folded.
        is_simulated: Which campaigns are watched: the pretended or the real ones.
        campaign_id: Only this one; None is all of them.
    """

    def __init__(self, log: EventLog, *, is_simulated: bool, campaign_id: str | None) -> None:
        self._log = log
        self._is_simulated = is_simulated
        self._only = campaign_id
        self._seq: int | None = None
        self._known: set[str] = set()
        self.lab = LabState()
        self.campaigns: dict[str, CampaignState] = {}
        """By id: those that have not ended."""
        self.unreadable: dict[str, str] = {}
        """Streams that cannot be folded, with the reason."""

    def catch_up(self) -> None:
        """Read what was appended since the last time.

        Raises:
            IllegalTransition: The laboratory's stream cannot be folded.
            LogError: The log cannot be read.
        """
        if self._seq is None:
            self._read_all()
        elif self._log.last_seq() > self._seq:
            for record in self._log.read(after_seq=self._seq):
                self._take(record)
                self._seq = record.seq

    def is_mine(self, alarm: str) -> bool:
        """Tell whether an alarm is this desk's to raise and to return.

        Args:
            alarm: Its name; one of a kind that is not known is somebody else's.
        """
        kind = kind_of(alarm)
        if kind is None:
            return False
        if kind.is_of_campaign:
            return alarm.split("/")[1] in self._known
        return self._only is None or self.lab.station is None

    def _read_all(self) -> None:
        """Fold the laboratory and every campaign that has not ended, and nothing else."""
        seq = self._log.last_seq()
        lab = LabState()
        for record in self._log.read(stream=LAB_STREAM):
            lab = lab.after(record.event, record.time)
        self.lab = lab
        for row in self._log.projection("campaign"):
            campaign_id = str(row["campaign_id"])
            if not self._is_watched(campaign_id, is_simulated=bool(row["is_simulated"])):
                continue
            self._known.add(campaign_id)
            if str(row["state"]) not in _ENDED:
                self._fold(campaign_id)
        self._seq = seq

    def _fold(self, campaign_id: str) -> None:
        stream = campaign_stream(campaign_id)
        try:
            recovered = recovered_state(self._log, campaign_id)
        except IllegalTransition as error:
            self.unreadable[stream] = str(error)
            recovered = None
        if recovered is None or recovered.state.status.has_ended:
            self.campaigns.pop(campaign_id, None)
        else:
            self.campaigns[campaign_id] = without_past(recovered.state)

    def _take(self, record: Record) -> None:
        """Fold one more record, unless it was folded already."""
        if record.stream == LAB_STREAM:
            if record.version > self.lab.version:
                self.lab = self.lab.after(record.event, record.time)
            return
        event, campaign_id = record.event, record.stream.partition("/")[2]
        if isinstance(event, CampaignOpened):
            is_watched = self._is_watched(campaign_id, is_simulated=event.is_simulated)
            if is_watched and campaign_id not in self._known:
                self._known.add(campaign_id)
                self.campaigns[campaign_id] = CampaignState.from_opening(event, record.time)
            return
        state = self.campaigns.get(campaign_id)
        if state is None or record.version <= state.version:
            return
        if isinstance(event, CorrectionEvent):
            self._fold(campaign_id)  # what it corrects may be forgotten here
            return
        try:
            after = without_past(state.after(event, record.time))
        except IllegalTransition as error:
            self.unreadable[record.stream] = str(error)
            del self.campaigns[campaign_id]
            return
        self.campaigns[campaign_id] = after
        if after.status.has_ended:
            del self.campaigns[campaign_id]

    def _is_watched(self, campaign_id: str, *, is_simulated: bool) -> bool:
        return is_simulated == self._is_simulated and self._only in (None, campaign_id)
