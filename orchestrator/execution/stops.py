"""What forbids sending: the stop latch, campaigns that are being stopped, instruments taken out."""

import logging

from orchestrator.errors import LogError
from orchestrator.execution.executor import Order, Refused
from orchestrator.execution.refusals import refused
from orchestrator.log.station_journal import StationJournal

__all__ = ["Stops"]

logger = logging.getLogger(__name__)


class Stops:
    """The station's reasons to refuse orders that have nothing to do with the devices.

    Args:
        journal: In which the latch survives; the rest lives as long as the station.
    """

    def __init__(self, journal: StationJournal) -> None:
        self._journal = journal
        self._unkept_latch: str | None = None
        self._stopping: dict[str, tuple[int, str]] = {}

    def latch(self) -> str:
        """Return why the stop latch is set; empty when it is not.

        Raises:
            LogError: The journal cannot be read.
        """
        return self._journal.latch() if self._unkept_latch is None else self._unkept_latch

    def set_latch(self, reason: str) -> None:
        """Set the stop latch: it holds even if the journal cannot keep it."""
        self._unkept_latch = reason
        try:
            self.require_kept()
        except LogError:
            logger.exception("the stop latch is set in memory only")

    def clear_latch(self) -> None:
        """Clear the stop latch.

        Raises:
            LogError: The journal could not keep that; the latch stays set.
        """
        self._journal.keep_latch("")
        self._unkept_latch = None

    def require_kept(self) -> None:
        """Keep the latch if that failed before.

        Raises:
            LogError: It still cannot be kept; nothing may be sent.
        """
        if self._unkept_latch is not None:
            self._journal.keep_latch(self._unkept_latch)
            self._unkept_latch = None

    def stop(self, campaign_id: str, how: str) -> None:
        """Refuse a campaign's orders until it is released or a later engine of it sends one.

        Args:
            campaign_id: Whose.
            how: ``hold``, ``stop`` or ``abort``.
        """
        try:
            epoch = self._journal.epoch(campaign_id)
        except LogError:
            logger.exception("%s: its epoch cannot be read; it is stopped for good", campaign_id)
            epoch = 2**62
        self._stopping[campaign_id] = (epoch, how)

    def release(self, campaign_id: str) -> None:
        """Take a campaign's orders again."""
        self._stopping.pop(campaign_id, None)

    def refusal(self, order: Order) -> Refused | None:
        """Return why an order is refused, or None.

        Raises:
            LogError: The journal cannot be read.
        """
        latch = self.latch()
        if latch:
            return refused("Latched", f"the stop latch is set: {latch}")
        epoch, how = self._stopping.get(order.campaign_id, (0, ""))
        if not how:
            return None
        if order.epoch > epoch:
            self.release(order.campaign_id)
            return None
        return refused("Stopping", f"{how} of {order.campaign_id} was asked for")
