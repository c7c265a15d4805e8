"""What people may ask of living stations directly; the door itself is built on a higher floor.

A stop must not wait for a disk: it goes to the station's control socket first, then into the log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict

from orchestrator.errors import ActRepeated, LogCorrupt, LogError, LogTooNew, LogUnavailable

__all__ = [
    "Driven",
    "EndOfCampaign",
    "NoStations",
    "StationDoor",
    "StationReply",
    "log_error_after",
    "told_in_words",
]


EndOfCampaign: TypeAlias = Literal["hold", "stop", "abort", "go_on"]
"""What a station can begin before an engine knows of it; ``go_on`` takes a hold back."""


class StationReply(BaseModel):
    """What one station said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    station: str
    """The rig that it serves."""
    is_done: bool
    """Whether it did what was asked."""
    message: str
    """What it did, or why it could not."""


@dataclass(frozen=True, slots=True)
class Driven:
    """Which campaigns the living stations work for."""

    campaigns: tuple[str, ...] = ()
    """Their ids, in order."""
    silent: tuple[str, ...] = ()
    """Stations that are there and did not say for which they work."""


class StationDoor(Protocol):
    """The control sockets of all stations of one laboratory; every method asks each of them.

    None raises: a station that cannot be reached gives a reply that says so. Without a living
    station there is no reply at all.
    """

    def driven(self) -> Driven:
        """Tell which campaigns the living stations work for."""
        ...

    def end_campaign(
        self, campaign_id: str, how: EndOfCampaign, reason: str
    ) -> Sequence[StationReply]:
        """Begin to hold or to end a campaign, before the log knows of it."""
        ...

    def emergency_stop(self, reason: str) -> Sequence[StationReply]:
        """Bring everything to its safe state now and send nothing until the latch is cleared."""
        ...

    def clear_latch(self, reason: str) -> Sequence[StationReply]:
        """Clear the stop latch."""
        ...

    def take_out(self, instrument: str, reason: str) -> Sequence[StationReply]:
        """Send nothing more to an instrument."""
        ...

    def put_back(self, instrument: str, reason: str) -> Sequence[StationReply]:
        """Let an instrument be used again."""
        ...

    def wake(self, campaign_id: str) -> Sequence[StationReply]:
        """Have a campaign's engine look at the log at once; an empty id wakes all of them."""
        ...


class NoStations:
    """The door of a laboratory whose engines have no station beside them: nobody answers."""

    def driven(self) -> Driven:
        """Ask nobody."""
        return Driven()

    def end_campaign(
        self, campaign_id: str, how: EndOfCampaign, reason: str
    ) -> Sequence[StationReply]:
        """Ask nobody."""
        return ()

    def emergency_stop(self, reason: str) -> Sequence[StationReply]:
        """Ask nobody."""
        return ()

    def clear_latch(self, reason: str) -> Sequence[StationReply]:
        """Ask nobody."""
        return ()

    def take_out(self, instrument: str, reason: str) -> Sequence[StationReply]:
        """Ask nobody."""
        return ()

    def put_back(self, instrument: str, reason: str) -> Sequence[StationReply]:
        """Ask nobody."""
        return ()

    def wake(self, campaign_id: str) -> Sequence[StationReply]:
        """Ask nobody."""
        return ()


def told_in_words(replies: Sequence[StationReply]) -> str:
    """Return what stations did, for a person who must know although the log failed.

    Example:
        >>> told_in_words([])
        'no station lives, nothing was stopped'
    """
    if not replies:
        return "no station lives, nothing was stopped"
    return "; ".join(
        f"station {reply.station} {'did it' if reply.is_done else 'did not do it'}"
        + (f": {reply.message}" if reply.message else "")
        for reply in replies
    )


def log_error_after(error: LogError, replies: Sequence[StationReply]) -> LogError:
    """Return the error of a log that could not take what stations were told before.

    Where a station was told, the log is what cannot be used now: what was asked is not bad input.
    An act that was done before stays that, whatever stations were told again.

    Args:
        error: What the log said.
        replies: What the living stations did.
    """
    if isinstance(error, ActRepeated):
        return error
    is_bad_for_ever = isinstance(error, LogCorrupt | LogTooNew)
    is_unavailable = isinstance(error, LogUnavailable) or (bool(replies) and not is_bad_for_ever)
    kind = LogUnavailable if is_unavailable else LogError
    return kind(f"{error}; {told_in_words(replies)}")
