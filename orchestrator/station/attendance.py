"""Which engines are attached to a station, and how long each has been silent."""

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from orchestrator.errors import AthanorError

__all__ = ["Attendance", "Claim", "ClaimRefused"]

BEATS_UNTIL_SILENT: Final = 3

C = TypeVar("C")
"""What stands for a connection."""


class ClaimRefused(AthanorError):
    """A later engine drives the campaign."""


@dataclass(slots=True)
class Claim(Generic[C]):
    """One engine's hold on its campaign: as mutable as its connection."""

    campaign_id: str
    epoch: int
    connection: C | None
    silent_s: float = 0.0
    """Since its last sign of life, in real seconds."""
    is_given_up: bool = False
    """Whether its silence has lasted so long that its jobs were cut off."""


class Attendance(Generic[C]):
    """The engines that said hello and did not say goodbye.

    Args:
        heartbeat_s: How often an engine shows that it lives, in real seconds.
    """

    def __init__(self, heartbeat_s: float) -> None:
        self._heartbeat_s = heartbeat_s
        self._claims: dict[str, Claim[C]] = {}

    @property
    def claims(self) -> tuple[Claim[C], ...]:
        """Every claim, in the order in which they came."""
        return tuple(self._claims.values())

    @property
    def has_engines(self) -> bool:
        """Whether an engine is attached that was not given up."""
        return any(not claim.is_given_up for claim in self._claims.values())

    def claim(self, campaign_id: str, epoch: int, connection: C) -> Claim[C] | None:
        """Attach an engine.

        An equal epoch is the same engine on another connection.

        Returns:
            The claim that it takes the place of, if there was one.

        Raises:
            ClaimRefused: A later engine is or was attached.
        """
        before = self._claims.get(campaign_id)
        if before is not None and epoch < before.epoch:
            raise ClaimRefused(f"epoch {epoch} of {campaign_id} is over, {before.epoch} goes on")
        self._claims[campaign_id] = Claim(campaign_id, epoch, connection)
        return before

    def beat(self, campaign_id: str, connection: C) -> Claim[C] | None:
        """Take note of a sign of life.

        Returns:
            The claim if it had been given up and holds again, else None.
        """
        claim = self._claims.get(campaign_id)
        if claim is None or claim.connection is not connection:
            return None
        claim.silent_s = 0.0
        if claim.is_given_up:
            claim.is_given_up = False
            return claim
        return None

    def hang_up(self, connection: C) -> None:
        """Take note that a connection is gone; its engine is silent from now on."""
        for claim in self._claims.values():
            if claim.connection is connection:
                claim.connection = None

    def detach(self, campaign_id: str, connection: C) -> bool:
        """Let an engine go that says goodbye.

        Returns:
            Whether it was the one that is attached.
        """
        claim = self._claims.get(campaign_id)
        if claim is None or claim.connection is not connection:
            return False
        del self._claims[campaign_id]
        return True

    def let_pass(self, elapsed_s: float) -> list[Claim[C]]:
        """Let time pass for every engine.

        A station that was itself held up must not take its own absence for the engines' silence:
        no more than one beat counts at a time.

        Args:
            elapsed_s: Since the last call, in real seconds.

        Returns:
            The claims that are given up now.
        """
        given_up = []
        for claim in self._claims.values():
            claim.silent_s += min(elapsed_s, self._heartbeat_s)
            is_silent = claim.silent_s > BEATS_UNTIL_SILENT * self._heartbeat_s
            if is_silent and not claim.is_given_up:
                claim.is_given_up = True
                given_up.append(claim)
        return given_up

    def forget(self, claim: Claim[C]) -> None:
        """Drop a claim that was given up and that nobody takes up again."""
        if self._claims.get(claim.campaign_id) is claim:
            del self._claims[claim.campaign_id]
