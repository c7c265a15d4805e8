"""What an instrument is told about the job that it does, and what it can say of one afterwards.

A driver calls `Ticket.about_to_act` right before the first byte that may touch matter. What it
notes there is durable when the call returns, so that after a crash the question is not whether the
job was started but whether matter can have been touched, and the device can be asked about exactly
that.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from drivers.reading import Reading

__all__ = ["Settlement", "Ticket", "Verdict"]


class Verdict(StrEnum):
    """What became of an action that was begun and never reported."""

    RAN = "ran"
    """It was done as asked; nothing is left to do."""
    DID_NOT_RUN = "did_not_run"
    """Matter was not touched; it may be done now."""
    PARTLY = "partly"
    """Matter was touched, though not as asked."""
    CANNOT_TELL = "cannot_tell"
    """Only a person can know."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a device could say about an action after a crash."""

    verdict: Verdict
    evidence: str
    """What was asked and what came back, for a person."""
    readings: tuple[Reading, ...] = field(default=())
    """The readings of the action, if it ran."""


class Ticket:
    """One attempt at one job, as its instrument sees it; this one keeps nothing.

    Args:
        key: Names the attempt, the same after a crash, for ever:
            ``oer-plate-1/E0001/dispense_x1#1@20260302T080000000000``. A device that deduplicates is
            given this.
    """

    def __init__(self, key: str = "") -> None:
        self.key = key

    async def about_to_act(self, note: str = "") -> None:
        """Make it durable that matter may be touched from now on.

        Args:
            note: What the driver wants to know if it is asked about this action after a crash.

        Raises:
            NothingDone: It could not be made durable, so the action must not go on.
        """
