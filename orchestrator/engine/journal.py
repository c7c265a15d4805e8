"""The engine's view of its campaign and of the laboratory, kept up to date by reading the log."""

from collections.abc import Callable, Sequence
from datetime import datetime
from operator import attrgetter

from drivers.clock import Clock
from orchestrator.core.campaign import CampaignState
from orchestrator.core.events import LAB_STREAM, Event, campaign_stream
from orchestrator.core.lab import LabState
from orchestrator.core.slimming import slimmed
from orchestrator.engine.neighbours import Neighbours
from orchestrator.errors import AthanorError, RequestRefused, VersionConflict
from orchestrator.log.event_log import EventLog
from orchestrator.log.recovered import (
    KEEP_EVERY,
    StateKeeper,
    recovered_lab,
    recovered_state,
)

__all__ = ["EngineSuperseded", "Journal"]


class EngineSuperseded(AthanorError):
    """Another engine has taken the campaign over; this one must not act any more.

    Args:
        campaign_id: Which.
        epoch: The epoch of this engine.
        by: The epoch of the other.
    """

    def __init__(self, campaign_id: str, epoch: int, by: int) -> None:
        super().__init__(
            f"campaign {campaign_id}: engine {epoch} was superseded by engine {by}; "
            "this one stops acting"
        )


class Journal:
    """One campaign's stream and the laboratory's, read and appended to by one engine.

    Args:
        log: Where the streams are.
        campaign_id: Which campaign.
        clock: Gives the time of every record.
        keep_every: After how many events of a stream its state is kept, for the next engine.
        is_driven: Tells whether another campaign's engine is there; as the log says, by default.

    Raises:
        RequestRefused: There is no such campaign.
    """

    def __init__(
        self,
        log: EventLog,
        campaign_id: str,
        clock: Clock,
        *,
        keep_every: int = KEEP_EVERY,
        is_driven: Callable[[CampaignState], bool] = attrgetter("is_attached"),
    ) -> None:
        self.log = log
        self._clock = clock
        self._stream = campaign_stream(campaign_id)
        campaign, lab = recovered_state(log, campaign_id), recovered_lab(log)
        if campaign is None:
            raise RequestRefused(f"there is no campaign {campaign_id!r} in this log")
        self.state: CampaignState = campaign.state
        self._last_seq = campaign.seq
        self._keeper = StateKeeper[CampaignState](
            log, self._stream, campaign.kept_version, every=keep_every
        )
        self.lab: LabState = lab.state
        self._last_lab_seq = lab.seq
        self._lab_keeper = StateKeeper[LabState](
            log, LAB_STREAM, lab.kept_version, every=keep_every
        )
        self.neighbours = Neighbours(log, self.state, is_driven)
        self.on_written: Callable[[], None] = lambda: None
        """Told after every append."""
        self._epoch = 0

    def take(self, epoch: int) -> None:
        """Say which engine this is; from then on a later one supersedes it."""
        self._epoch = epoch

    def catch_up(self) -> bool:
        """Read what others have appended.

        Returns:
            Whether there was anything.

        Raises:
            EngineSuperseded: Another engine has attached.
        """
        has_changed = False
        for record in self.log.read(after_seq=self._last_seq, stream=self._stream):
            self.state = slimmed(self.state.after(record.event, record.time))
            self._last_seq = record.seq
            self._keeper.note(self.state, record)
            has_changed = True
        for record in self.log.read(after_seq=self._last_lab_seq, stream=LAB_STREAM):
            self.lab = self.lab.after(record.event, record.time)
            self._last_lab_seq = record.seq
            self._lab_keeper.note(self.lab, record)
            has_changed = True
        if self._epoch and self.state.epoch > self._epoch:
            raise EngineSuperseded(self.state.campaign_id, self._epoch, self.state.epoch)
        return has_changed

    def record(self, events: Sequence[Event]) -> None:
        """Append facts on top of whatever others have appended meanwhile.

        Raises:
            EngineSuperseded: Another engine has attached; nothing was appended, and what this one
                started is in doubt already.
            IllegalTransition: They cannot follow what is known; nothing was appended.
            LogError: The log cannot be written; nothing was appended.
        """
        while True:
            self.catch_up()
            try:
                return self.decide(events)
            except VersionConflict:
                continue

    def decide(self, events: Sequence[Event], *, reads_lab: bool = False) -> None:
        """Append a decision that rests on `state` as it is.

        Args:
            events: What was decided.
            reads_lab: Whether it rests on `lab` and `neighbours` as well.

        Raises:
            VersionConflict: A stream has moved on; nothing was appended.
            IllegalTransition: The events cannot follow what is known; nothing was appended.
            LogError: The log cannot be written; nothing was appended.
        """
        time = self._clock.now()
        self._refuse_impossible(events, time)
        expected = {self._stream: self.state.version}
        if reads_lab:
            expected[LAB_STREAM] = self.lab.version
            expected.update(self.neighbours.versions)
        self.log.append(
            self._stream,
            events,
            time=time,
            actor="engine",
            is_simulated=self.state.is_simulated,
            expected=expected,
        )
        self.on_written()
        self.catch_up()

    def _refuse_impossible(self, events: Sequence[Event], time: datetime) -> None:
        """Fold events before they are written: one that cannot follow would lock the log."""
        state = self.state
        for event in events:
            state = state.after(event, time)

    def record_in_lab(self, events: Sequence[Event]) -> None:
        """Append facts about the laboratory to its stream.

        Raises:
            IllegalTransition: They cannot follow what is known; nothing was appended.
            LogError: The log cannot be written; nothing was appended.
        """
        while True:
            self.catch_up()
            try:
                return self.decide_in_lab(events)
            except VersionConflict:
                continue

    def decide_in_lab(self, events: Sequence[Event]) -> None:
        """Append to the laboratory's stream what rests on `lab` as it is.

        Raises:
            VersionConflict: The stream has moved on; nothing was appended.
            IllegalTransition: The events cannot follow what is known; nothing was appended.
            LogError: The log cannot be written; nothing was appended.
        """
        time, lab = self._clock.now(), self.lab
        for event in events:
            lab = lab.after(event, time)
        self.log.append(
            LAB_STREAM,
            events,
            time=time,
            actor="engine",
            is_simulated=self.state.is_simulated,
            expected={LAB_STREAM: self.lab.version},
        )
        self.on_written()
        self.catch_up()
