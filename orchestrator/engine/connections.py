"""Which instruments answer when an engine takes a campaign over, and what if some do not."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from drivers.clock import Clock
from orchestrator.core.campaign import CampaignStatus
from orchestrator.core.events import (
    CampaignHeld,
    CampaignJoined,
    Event,
    InstrumentConnected,
    InstrumentLost,
)
from orchestrator.engine.habits import EngineHabits
from orchestrator.engine.journal import Journal
from orchestrator.errors import VersionConflict
from orchestrator.execution.executor import Connection, Executor
from orchestrator.execution.rig_spec import RigSpec

__all__ = ["Joining"]

_TRY_AGAIN_S: Final = 5.0


class Joining:
    """Has every instrument checked before a campaign is driven.

    Args:
        journal: The engine's.
        executor: Which connects.
        rig: That the instruments belong to.
        clock: The engine's.
        habits: How long instruments that do not answer are waited for.
        tell: Has onlookers told.
    """

    def __init__(
        self,
        journal: Journal,
        executor: Executor,
        rig: RigSpec,
        clock: Clock,
        habits: EngineHabits,
        tell: Callable[[], None],
    ) -> None:
        self._journal = journal
        self._executor = executor
        self._rig = rig
        self._clock = clock
        self._habits = habits
        self._tell = tell

    async def join(self, tasks: asyncio.TaskGroup) -> bool:
        """Have every instrument checked; tell whether there is something to drive after it.

        A campaign that is gone on with waits a while for instruments that are slower than this
        computer after a power cut; a new one is held at once. An end that is asked for meanwhile
        is not kept waiting.
        """
        longest_s = self._habits.waits_for_instruments_s
        until_s = self._clock.monotonic_s() + longest_s * bool(self._journal.state.experiments)
        while True:
            connections = await self._connections(tasks)
            if connections is None:
                return True
            lost = [one for one in connections if not one.is_connected]
            if not lost or self._clock.monotonic_s() >= until_s:
                break
            await self._clock.sleep(_TRY_AGAIN_S)
        state = self._journal.state
        joined = CampaignJoined(campaign_id=state.campaign_id, rig_name=state.rig_name)
        facts = [_fact_of(one) for one in connections] if self._habits.keeps_lab else []
        self._journal.record_in_lab([joined, *facts])
        return not lost or self._go_on_without(_in_words(lost, self._rig))

    async def _connections(self, tasks: asyncio.TaskGroup) -> list[Connection] | None:
        """Return what became of every instrument; None if an end is asked for meanwhile."""
        work = tasks.create_task(self._connect())
        while not work.done():
            await asyncio.wait([work], timeout=self._habits.poll_s)
            self._journal.catch_up()
            self._tell()
            if self._journal.state.status in (CampaignStatus.STOPPING, CampaignStatus.ABORTING):
                work.cancel()
                await asyncio.wait([work])
                return None
        return list(work.result())

    async def _connect(self) -> Iterable[Connection]:
        return (await self._executor.connect()).values()

    def _go_on_without(self, reason: str) -> bool:
        """Hold for want of instruments; only an end that was asked for is still carried out.

        Returns:
            Whether there is something to drive.
        """
        while True:
            self._journal.catch_up()
            if self._journal.state.status not in (CampaignStatus.RUNNING, CampaignStatus.PAUSING):
                return True
            try:
                self._journal.decide([CampaignHeld(reason=f"no connection to {reason}")])
            except VersionConflict:
                continue
            self._tell()
            return not self._habits.leaves_when_held


def _fact_of(found: Connection) -> Event:
    """Return the fact that an instrument answered, or that it did not."""
    if found.is_connected:
        return InstrumentConnected(
            instrument=found.instrument, driver=found.driver, identity=found.identity
        )
    return InstrumentLost(instrument=found.instrument, reason=found.error)


def _in_words(lost: Sequence[Connection], rig: RigSpec) -> str:
    """Name instruments without a connection, those on one line with one error together.

    Args:
        lost: None of them is connected.
        rig: That they belong to.
    """
    together: dict[tuple[str, str], list[str]] = {}
    for found in lost:
        line = rig.instruments[found.instrument].line
        together.setdefault((line, found.error), []).append(found.instrument)
    return "; ".join(f"{', '.join(names)}: {error}" for (_, error), names in together.items())
