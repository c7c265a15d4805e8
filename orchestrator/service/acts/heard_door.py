"""The door to the stations as one act uses it: it remembers what they said."""

from collections.abc import Callable, Sequence

from orchestrator.service.station_door import (
    Driven,
    EndOfCampaign,
    StationDoor,
    StationReply,
    told_in_words,
)

__all__ = ["HeardDoor"]


class HeardDoor:
    """Asks another door, and remembers what stations did.

    Once they were asked it can be had to say the same again without asking: what they did is
    recorded, not done once more.

    Args:
        door: Asks the stations.
    """

    def __init__(self, door: StationDoor) -> None:
        self._door = door
        self._said: list[StationReply] = []
        self._is_asking = True

    @property
    def has_done(self) -> bool:
        """Whether a station did something that it was asked for."""
        return any(reply.is_done for reply in self._said)

    @property
    def replies(self) -> tuple[StationReply, ...]:
        """All that stations said, in order."""
        return tuple(self._said)

    def in_words(self) -> str:
        """Return what stations did, for a person."""
        return told_in_words(self.replies)

    def repeat(self) -> None:
        """Ask nobody from now on, and say what was said before."""
        self._is_asking = False

    def driven(self) -> Driven:
        """Tell which campaigns the living stations work for."""
        return self._door.driven()

    def end_campaign(
        self, campaign_id: str, how: EndOfCampaign, reason: str
    ) -> Sequence[StationReply]:
        """Begin to hold or to end a campaign."""
        return self._heard(lambda: self._door.end_campaign(campaign_id, how, reason))

    def emergency_stop(self, reason: str) -> Sequence[StationReply]:
        """Bring everything to its safe state."""
        return self._heard(lambda: self._door.emergency_stop(reason))

    def clear_latch(self, reason: str) -> Sequence[StationReply]:
        """Clear the stop latch."""
        return self._heard(lambda: self._door.clear_latch(reason))

    def take_out(self, instrument: str, reason: str) -> Sequence[StationReply]:
        """Send nothing more to an instrument."""
        return self._heard(lambda: self._door.take_out(instrument, reason))

    def put_back(self, instrument: str, reason: str) -> Sequence[StationReply]:
        """Let an instrument be used again."""
        return self._heard(lambda: self._door.put_back(instrument, reason))

    def wake(self, campaign_id: str) -> Sequence[StationReply]:
        """Have a campaign's engine look at the log at once."""
        return self._door.wake(campaign_id)

    def _heard(self, ask: Callable[[], Sequence[StationReply]]) -> Sequence[StationReply]:
        if not self._is_asking:
            return self.replies
        said = tuple(ask())
        self._said += said
        return said
