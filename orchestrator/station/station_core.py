"""What a station's server asks of whatever has the orders done."""

from collections.abc import Mapping
from typing import Literal, Protocol

from orchestrator.execution.executor import Executor

__all__ = ["StationCore"]


class StationCore(Executor, Protocol):
    """An executor that can be stopped in every way that a laboratory needs."""

    async def set_latch(self, reason: str, *, source: str = "operator") -> Mapping[str, str]:
        """Set the stop latch, cut every order off and bring everything to its safe state."""
        ...

    def keep_latched(self, reason: str) -> None:
        """Refuse all orders for a stop latch that stands in the log already."""
        ...

    def clear_latch(self, reason: str) -> None:
        """Clear the stop latch.

        Raises:
            LogError: That could not be kept; it stays set.
        """
        ...

    def latch(self) -> str:
        """Return why the stop latch is set; empty when it is not.

        Raises:
            LogError: The journal cannot be read.
        """
        ...

    def take_out(self, instrument: str, reason: str) -> None:
        """Take an instrument out of service.

        Raises:
            KeyError: The rig has no such instrument.
        """
        ...

    def put_back(self, instrument: str) -> None:
        """Put an instrument back into service.

        Raises:
            KeyError: The rig has no such instrument.
        """
        ...

    def out(self) -> dict[str, str]:
        """Return the instruments that were taken out, with the reason."""
        ...

    def tripped(self) -> dict[str, str]:
        """Return the interlocks that do not hold, with the reason."""
        ...

    def running(self) -> tuple[str, ...]:
        """Return the keys of the orders that run."""
        ...

    async def interrupt(self, key: str, reason: str = ...) -> None:
        """Cut a running order off; what it had done becomes its outcome."""
        ...

    async def stop_campaign(
        self, campaign_id: str, how: Literal["hold", "stop", "abort"]
    ) -> Mapping[str, str]:
        """Refuse a campaign's orders; an abort cuts its running ones off and makes safe."""
        ...

    def release_campaign(self, campaign_id: str) -> None:
        """Take a campaign's orders again."""
        ...
