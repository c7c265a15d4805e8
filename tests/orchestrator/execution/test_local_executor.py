"""What the executor says when the wire dies or our own code breaks in the middle of a job."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from drivers.clock import VirtualClock
from drivers.line import MAX_FRAME_BYTES, Line
from orchestrator.execution.executor import Done, Refused, Unknown
from orchestrator.execution.local_executor import LocalExecutor
from orchestrator.execution.rig import bench_for
from tests.support.benches import again, on_virtual_time, order, small_rig

TRANSFER = order("pump_x1", "transfer", volume_ul=500.0, rate_ul_per_min=1500.0)
TRACE = order("source_meter", "measure_voltage_trace", n_readings=100, interval_s=1.0)


class CrookedLine:
    """A line that works until it is told to break, as our own code might."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.error: Exception | None = None

    @property
    def name(self) -> str:
        return self._line.name

    async def open(self) -> None:
        await self._line.open()

    async def close(self) -> None:
        await self._line.close()

    def exchange(self) -> AbstractAsyncContextManager[None]:
        return self._line.exchange()

    async def write(self, data: bytes, *, timeout_s: float) -> None:
        if self.error is not None:
            raise self.error
        await self._line.write(data, timeout_s=timeout_s)

    async def read_until(
        self, terminator: bytes, *, timeout_s: float, max_bytes: int = MAX_FRAME_BYTES
    ) -> bytes:
        return await self._line.read_until(terminator, timeout_s=timeout_s, max_bytes=max_bytes)


Visit = Callable[[LocalExecutor, dict[str, CrookedLine], VirtualClock], Awaitable[None]]


def with_crooked_lines(visit: Visit) -> None:
    async def main(clock: VirtualClock) -> None:
        rig = small_rig()
        bench = bench_for(rig, clock, seed=1)
        lines = {name: CrookedLine(bench.line(name)) for name in rig.lines}
        executor = LocalExecutor(rig, lines, clock)
        await executor.connect()
        await visit(executor, lines, clock)
        for line in lines.values():
            line.error = None
        await executor.close()

    on_virtual_time(main)


def test_a_line_that_is_dead_from_the_start_refuses_with_nothing_done() -> None:
    async def visit(
        executor: LocalExecutor, lines: dict[str, CrookedLine], clock: VirtualClock
    ) -> None:
        await lines["pumps"].close()

        outcome = await executor.perform(TRANSFER)

        assert isinstance(outcome, Refused)
        assert (outcome.error, outcome.has_acted) == ("LineError", False)

    with_crooked_lines(visit)


def test_a_programming_error_is_an_unknown_outcome_with_its_traceback() -> None:
    async def visit(
        executor: LocalExecutor, lines: dict[str, CrookedLine], clock: VirtualClock
    ) -> None:
        lines["balance"].error = ZeroDivisionError("our own mistake")

        outcome = await executor.perform(order("balance", "measure_mass"))

        assert isinstance(outcome, Unknown)
        assert outcome.evidence.startswith("Traceback")
        assert "ZeroDivisionError: our own mistake" in outcome.evidence
        assert executor.snapshot()["balance"].startswith("fault: ")

    with_crooked_lines(visit)


def test_a_programming_error_on_the_way_to_rest_stops_no_other_instrument() -> None:
    async def visit(
        executor: LocalExecutor, lines: dict[str, CrookedLine], clock: VirtualClock
    ) -> None:
        lines["source_meter"].error = ZeroDivisionError("our own mistake")

        errors = await executor.make_safe()

        assert errors["source_meter"] == "ZeroDivisionError: our own mistake"
        assert errors["pump_x1"] == errors["pump_x2"] == ""

    with_crooked_lines(visit)


def test_a_stop_that_does_not_arrive_after_a_cancel_is_a_fault() -> None:
    async def visit(
        executor: LocalExecutor, lines: dict[str, CrookedLine], clock: VirtualClock
    ) -> None:
        work = asyncio.ensure_future(executor.perform(TRANSFER))
        await clock.sleep(20.0)
        lines["pumps"].error = ConnectionResetError("gone")

        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

        assert executor.snapshot()["pump_x1"].startswith("fault: not stopped: ")
        refused = await executor.perform(again(TRANSFER))
        assert isinstance(refused, Refused)
        assert refused.error == "DoubtOpen"

    with_crooked_lines(visit)


def test_a_read_that_takes_too_long_may_be_repeated() -> None:
    async def visit(
        executor: LocalExecutor, lines: dict[str, CrookedLine], clock: VirtualClock
    ) -> None:
        outcome = await executor.perform(TRACE.model_copy(update={"deadline_s": 20.0}))

        assert isinstance(outcome, Refused)
        assert not outcome.has_acted
        assert "had not ended after 20 s" in outcome.message
        assert isinstance(await executor.perform(again(TRACE)), Done)

    with_crooked_lines(visit)


def test_two_cancels_leave_the_pump_at_rest() -> None:
    async def visit(
        executor: LocalExecutor, lines: dict[str, CrookedLine], clock: VirtualClock
    ) -> None:
        work = asyncio.ensure_future(executor.perform(TRANSFER))
        await clock.sleep(20.0)

        work.cancel()
        await asyncio.sleep(0)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

        assert executor.snapshot()["pump_x1"] == "idle"
        assert isinstance(await executor.perform(again(TRANSFER)), Done)

    with_crooked_lines(visit)
