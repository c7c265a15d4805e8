"""The core of a station: a rig's instruments, performed in this process, one job at a time each.

What becomes of an order is the business of `OrderDesk`, what brings the rig to rest that of
`Safeguards`; here the parts are put together.
"""

import asyncio
from collections.abc import Callable, Mapping

from drivers.clock import Clock
from drivers.line import Line
from orchestrator.core.lab_events import LabEvent
from orchestrator.execution.connecting import Connector
from orchestrator.execution.executor import Connection, Order, Outcome
from orchestrator.execution.interlocks import Interlocks
from orchestrator.execution.kept_orders import KeptOrders
from orchestrator.execution.order_desk import OrderDesk
from orchestrator.execution.rig_spec import RigSpec
from orchestrator.execution.running_order import RunningOrder
from orchestrator.execution.safeguards import Safeguards
from orchestrator.execution.seats import Seat, wires_for
from orchestrator.execution.stops import Stops
from orchestrator.log.station_journal import MemoryStationJournal, StationJournal

__all__ = ["LocalExecutor"]


class LocalExecutor(Safeguards):
    """Opens a rig's lines and drivers in this process.

    Args:
        rig: Checked.
        lines: By name; real ones or a bench's.
        clock: Through which everything waits; orders expire on its monotonic scale.
        journal: What survives this process; None keeps it in memory.
        on_fact: Told what happens to the laboratory, once each.

    Raises:
        RigError: A driver is not installed or refuses its settings.
    """

    def __init__(
        self,
        rig: RigSpec,
        lines: Mapping[str, Line],
        clock: Clock,
        journal: StationJournal | None = None,
        *,
        on_fact: Callable[[LabEvent], None] = lambda _: None,
    ) -> None:
        self._journal = journal if journal is not None else MemoryStationJournal()
        stops = Stops(self._journal)
        wires = wires_for(rig, lines, clock, self._line_is_down)
        found = {seat.name: seat for wire in wires.values() for seat in wire.seats}
        seats = {name: found[name] for name in rig.instruments}
        self._connector = Connector(wires, clock, on_fact, self._cut_off_by_line, self._is_back)
        interlocks = Interlocks(rig.interlocks, seats, clock, on_fact, self._has_tripped)
        kept = KeptOrders(self._journal)
        desk = OrderDesk(seats, clock, kept, stops, self._connector, interlocks)
        distrust = self._connector.distrust
        super().__init__(seats, desk, stops, interlocks, clock, on_fact=on_fact, on_unsafe=distrust)

    async def connect(self) -> Mapping[str, Connection]:
        """Open the lines and check every instrument that is not connected yet; move nothing."""
        found = await self._connector.connect_all()
        return {name: found[name] for name in self._seats}

    def watch_interlocks(self) -> None:
        """Say of each interlock that it holds, as soon as it does, whoever found it tripped."""
        self._interlocks.watch_until_they_hold()

    async def perform(self, order: Order) -> Outcome:
        """Have one order carried out, at most once for ever; see `Executor.perform`."""
        return await self._desk.perform(order)

    async def settle(self, order: Order) -> Outcome:
        """Say what became of an order that was handed over earlier; see `Executor.settle`."""
        return await self._desk.settle(order)

    def running(self) -> tuple[str, ...]:
        """Return the keys of the orders that are carried out or asked about."""
        return tuple(job.order.key for job in self._desk.running)

    async def interrupt(self, key: str, reason: str = "it was called off") -> None:
        """Cut a running order off: its instrument is stopped; its outcome says what it had done.

        Args:
            key: Of the order; one that does not run is left alone.
            reason: In words.
        """
        await self._cut_off(lambda job: job.order.key == key, "NothingDone", reason)

    async def close(self) -> None:
        """Let go of the lines; closing twice does nothing."""
        await self._desk.close()
        await self._interlocks.close()
        await self._end_works()
        await self._connector.close()
        self._journal.close()

    def snapshot(self) -> Mapping[str, str]:
        """Return what each instrument does; see `Executor.snapshot`."""
        now_s = self._clock.monotonic_s()
        return {name: seat.in_words(now_s) for name, seat in self._seats.items()}

    async def _cut_off(
        self, is_meant: Callable[[RunningOrder], bool], error: str, reason: str
    ) -> None:
        jobs = [job for job in self._desk.running if is_meant(job)]
        for job in jobs:
            job.cut_off(error, reason)
        if tasks := {job.task for job in jobs if job.task is not None}:
            await asyncio.wait(tasks)

    def _line_is_down(self, instrument: str, reason: str) -> None:
        self._connector.lose(instrument, reason)

    def _cut_off_by_line(self, seat: Seat, reason: str) -> None:
        for job in self._desk.running:
            if job.seat is seat and not job.is_question:
                job.cut_off("LineError", f"the line went down in the middle: {reason}")
