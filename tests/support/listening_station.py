"""A living station as a `StationDoor`: it does what it is asked, and remembers what it heard."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from orchestrator.core.events import LabEvent, LatchCleared, LatchSet
from orchestrator.service.station_door import Driven, EndOfCampaign, StationReply

__all__ = ["Heard", "ListeningStation"]


@dataclass(frozen=True)
class Heard:
    """Something that the station was asked for."""

    what: str
    subject: str
    reason: str
    seq: int
    """Where the log ended by then."""


@dataclass
class ListeningStation:
    """Refuses a campaign's orders, latches and lets go as a station does.

    Args:
        last_seq: Tells where the log ends.
        note: Puts a fact into the log under a person's name; None leaves the log to others.
        is_willing: Whether it does what it is asked.
    """

    last_seq: Callable[[], int] = lambda: 0
    note: Callable[[LabEvent], None] | None = None
    is_willing: bool = True
    heard: list[Heard] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)
    latch: str = ""
    ending: dict[str, str] = field(default_factory=dict)
    out: set[str] = field(default_factory=set)

    @property
    def acts(self) -> list[str]:
        """What it was asked for, in order, without waking."""
        return [one.what for one in self.heard]

    def driven(self) -> Driven:
        """Work for no campaign by name."""
        return Driven()

    def end_campaign(
        self, campaign_id: str, how: EndOfCampaign, reason: str
    ) -> Sequence[StationReply]:
        """Refuse a campaign's orders, or take them again."""
        if self.is_willing and how == "go_on":
            self.ending.pop(campaign_id, None)
        elif self.is_willing:
            self.ending[campaign_id] = how
        return self._hear(how, campaign_id, reason)

    def emergency_stop(self, reason: str) -> Sequence[StationReply]:
        """Set the latch, and say so in the log."""
        if self.is_willing:
            self.latch = reason
            self._note(LatchSet(source="operator", reason=reason))
        return self._hear("emergency_stop", "", reason)

    def clear_latch(self, reason: str) -> Sequence[StationReply]:
        """Clear the latch, and say so in the log."""
        if self.is_willing:
            self.latch = ""
            self._note(LatchCleared(reason=reason))
        return self._hear("clear_latch", "", reason)

    def take_out(self, instrument: str, reason: str) -> Sequence[StationReply]:
        """Refuse orders for an instrument."""
        if self.is_willing:
            self.out.add(instrument)
        return self._hear("take_out", instrument, reason)

    def put_back(self, instrument: str, reason: str) -> Sequence[StationReply]:
        """Take orders for an instrument again."""
        if self.is_willing:
            self.out.discard(instrument)
        return self._hear("put_back", instrument, reason)

    def wake(self, campaign_id: str) -> Sequence[StationReply]:
        """Remember for which campaign."""
        self.woken.append(campaign_id)
        return ()

    def _hear(self, what: str, subject: str, reason: str) -> Sequence[StationReply]:
        self.heard.append(Heard(what, subject, reason, self.last_seq()))
        said = "done" if self.is_willing else "the line is dead"
        return (StationReply(station="small-bench", is_done=self.is_willing, message=said),)

    def _note(self, fact: LabEvent) -> None:
        if self.note is not None:
            self.note(fact)
