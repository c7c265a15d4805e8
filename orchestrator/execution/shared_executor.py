"""One executor for the engines of several campaigns in one process; each sees it as its own."""

from collections.abc import Mapping

from orchestrator.execution.executor import Connection, Order, Outcome
from orchestrator.execution.local_executor import LocalExecutor
from orchestrator.execution.parting import make_safe_beside

__all__ = ["CampaignExecutor", "SharedExecutor"]


class SharedExecutor:
    """A bench that several engines use; it is let go of when the last of them has gone.

    Args:
        core: Has the jobs done.
    """

    def __init__(self, core: LocalExecutor) -> None:
        self.core = core
        self._here: set[str] = set()

    def for_campaign(self, campaign_id: str) -> "CampaignExecutor":
        """Return the executor of one campaign's engine, which is there from now on.

        Args:
            campaign_id: Whose.
        """
        self._here.add(campaign_id)
        return CampaignExecutor(self, campaign_id)

    def others_than(self, campaign_id: str) -> frozenset[str]:
        """Return the campaigns beside one whose engines are there.

        Args:
            campaign_id: Which does not count.
        """
        return frozenset(self._here - {campaign_id})

    async def leave(self, campaign_id: str) -> None:
        """Take note that an engine has gone; leaving twice does nothing.

        Args:
            campaign_id: Whose.
        """
        if campaign_id in self._here:
            self._here.remove(campaign_id)
            if not self._here:
                await self.core.close()


class CampaignExecutor:
    """What one campaign's engine sees of a bench that others use as well; an `Executor`.

    Args:
        bench: Shared with the others.
        campaign_id: Whose engine this is for.
    """

    def __init__(self, bench: SharedExecutor, campaign_id: str) -> None:
        self._bench = bench
        self._campaign_id = campaign_id

    async def connect(self) -> Mapping[str, Connection]:
        """Check every instrument that is not connected yet; see `Executor.connect`."""
        return await self._bench.core.connect()

    async def perform(self, order: Order) -> Outcome:
        """Have one order carried out, at most once for ever; see `Executor.perform`."""
        return await self._bench.core.perform(order)

    async def settle(self, order: Order) -> Outcome:
        """Say what became of an order that was handed over earlier; see `Executor.settle`."""
        return await self._bench.core.settle(order)

    async def stop(self, instrument: str) -> None:
        """Stop one instrument now; see `Executor.stop`."""
        await self._bench.core.stop(instrument)

    async def make_safe(self) -> Mapping[str, str]:
        """Bring to its safe state what no other campaign works with; see `Executor.make_safe`."""
        others = self._bench.others_than(self._campaign_id)
        return await make_safe_beside(self._bench.core, self._campaign_id, others)

    async def close(self) -> None:
        """Leave; the last one lets go of the lines."""
        await self._bench.leave(self._campaign_id)

    def snapshot(self) -> Mapping[str, str]:
        """Return what each instrument does; see `Executor.snapshot`."""
        return self._bench.core.snapshot()
