"""A cable pulled in the middle of a job, and put back, for each way of recovery."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from drivers.clock import VirtualClock
from orchestrator.core.lab_events import InstrumentConnected, InstrumentLost, LabEvent
from orchestrator.execution.executor import Done, Order, Outcome, Refused, Unknown
from orchestrator.execution.local_executor import LocalExecutor
from orchestrator.execution.rig_spec import RigSpec
from simulators.bench import Bench
from simulators.faults import Fault, FaultKind
from simulators.line import SimulatedLine
from tests.support.benches import again, on_virtual_time, order, small_rig
from tests.support.driver_rig import rig_of_all_drivers

TRANSFER = order("pump_x1", "transfer", volume_ul=500.0, rate_ul_per_min=1500.0)
WITHDRAW = order("pump_x1", "withdraw", volume_ul=100.0, rate_ul_per_min=1500.0)
OTHER = order("pump_x2", "transfer", volume_ul=500.0, rate_ul_per_min=1500.0)
WEIGH = order("balance", "measure_mass")
TARE = order("balance", "tare")
TRACE = order("source_meter", "measure_voltage_trace", n_readings=100, interval_s=1.0)


class Place:
    """A bench whose cables can be pulled, with the facts that the executor told."""

    def __init__(self, clock: VirtualClock, rig: RigSpec) -> None:
        self.clock = clock
        self.rig = rig
        self.bench = Bench.from_rig(self.rig.as_tables(), clock, seed=3)
        self.facts: list[LabEvent] = []
        lines = {name: self.bench.line(name) for name in self.rig.lines}
        self.executor = LocalExecutor(self.rig, lines, clock, on_fact=self.facts.append)

    def cable(self, name: str) -> SimulatedLine:
        line = self.bench.line(name)
        assert isinstance(line, SimulatedLine)
        return line

    async def cut_short(
        self, wanted: Order, line: str, *, after_s: float, back_after_s: float | None
    ) -> Outcome:
        """Perform an order and pull its cable in the middle of it."""
        async with asyncio.TaskGroup() as group:
            work = group.create_task(self.executor.perform(wanted))
            await self.clock.sleep(after_s)
            self.cable(line).unplug()
            if back_after_s is not None:
                await self.clock.sleep(back_after_s)
                self.cable(line).plug_in()
        return work.result()

    async def done_at_last(self, wanted: Order) -> bool:
        """Try again: a cable that nobody used while it was out is missed at the next order."""
        for attempt in (2, 3):
            if isinstance(await self.executor.perform(again(wanted, attempt)), Done):
                return True
            await self.clock.sleep(40.0)
        return False

    def told(self, kind: type[LabEvent]) -> list[str]:
        return [f.instrument for f in self.facts if isinstance(f, kind)]  # type: ignore[union-attr]


def at_a_bench(visit: Callable[[Place], Awaitable[None]], rig: RigSpec | None = None) -> None:
    async def main(clock: VirtualClock) -> None:
        place = Place(clock, rig or small_rig())
        await place.executor.connect()
        place.facts.clear()
        try:
            await visit(place)
        finally:
            await place.executor.close()

    on_virtual_time(main)


@pytest.mark.parametrize(
    ("wanted", "line", "after_s", "expected"),
    [
        pytest.param(TRANSFER, "pumps", 20.0, ("DeviceFault", True), id="queryable, in mid-stroke"),
        pytest.param(
            TRANSFER, "pumps", 0.05, ("NothingDone", False), id="queryable, before it acts"
        ),
        pytest.param(TARE, "balance", 0.005, ("NothingDone", False), id="idempotent"),
        pytest.param(TRACE, "source_meter", 20.0, ("LineError", False), id="pure"),
    ],
)
def test_a_cable_pulled_and_put_back_leaves_no_doubt(
    wanted: Order, line: str, after_s: float, expected: tuple[str, bool]
) -> None:
    async def visit(place: Place) -> None:
        outcome = await place.cut_short(wanted, line, after_s=after_s, back_after_s=45.0)
        await place.clock.sleep(60.0)

        assert isinstance(outcome, Refused)
        assert outcome.has_acted == expected[1]
        assert outcome.error in {expected[0], "OutcomeUnknown"}
        assert await place.done_at_last(wanted)
        assert place.told(InstrumentLost).count(wanted.instrument) == 1
        assert place.told(InstrumentConnected).count(wanted.instrument) == 1

    at_a_bench(visit)


@pytest.mark.parametrize(
    ("after_s", "expected"), [(0.5, "refused"), (8.0, "done")], ids=["not taken yet", "taken"]
)
def test_a_keyed_task_is_asked_for_by_its_key(after_s: float, expected: str) -> None:
    """The person reads the board in the room; only our cable to it is out."""
    task = order("manual_station", "carry_out", instruction="Turn the vial.", within_s=60.0)

    async def visit(place: Place) -> None:
        line = place.rig.instruments["manual_station"].line
        outcome = await place.cut_short(task, line, after_s=after_s, back_after_s=2.0)

        assert outcome.kind == expected
        assert not isinstance(outcome, Refused) or not outcome.has_acted
        assert await place.executor.settle(task) == outcome
        assert place.told(InstrumentLost).count("manual_station") == 1

    at_a_bench(visit, RigSpec.model_validate(rig_of_all_drivers()))


def test_a_blind_action_that_was_cut_off_is_left_to_a_person() -> None:
    pulse = order("numato_usb_relay", "open_for", duration_s=30.0)

    async def visit(place: Place) -> None:
        line = place.rig.instruments["numato_usb_relay"].line
        outcome = await place.cut_short(pulse, line, after_s=10.0, back_after_s=60.0)

        assert isinstance(outcome, Unknown)
        assert "relay" in outcome.evidence
        assert await place.executor.settle(pulse) == outcome
        assert isinstance(await place.executor.perform(again(pulse)), Done)

    at_a_bench(visit, RigSpec.model_validate(rig_of_all_drivers()))


def test_a_stroke_that_ended_before_the_cable_was_back_counts_as_done() -> None:
    async def visit(place: Place) -> None:
        outcome = await place.cut_short(WITHDRAW, "pumps", after_s=2.0, back_after_s=30.0)

        assert isinstance(outcome, Done)
        assert outcome.readings[0].value == pytest.approx(100.0, rel=0.01)

    at_a_bench(visit)


def test_a_cable_that_stays_out_leaves_a_doubt_that_the_device_can_still_settle() -> None:
    async def visit(place: Place) -> None:
        wanted = TRANSFER.model_copy(update={"deadline_s": 100.0})
        outcome = await place.cut_short(wanted, "pumps", after_s=20.0, back_after_s=None)
        ended_s = place.clock.monotonic_s()
        refused = await place.executor.perform(again(wanted))
        place.cable("pumps").plug_in()
        await place.clock.sleep(60.0)
        settled = await place.executor.settle(wanted)

        assert isinstance(outcome, Unknown)
        assert "could not be asked" in outcome.evidence
        assert ended_s < 110.0
        assert isinstance(refused, Refused)
        assert refused.error == "NotConnected"
        assert isinstance(settled, Refused)
        assert (settled.error, settled.has_acted) == ("DeviceFault", True)

    at_a_bench(visit)


def test_both_pumps_of_a_cable_are_lost_and_found_together() -> None:
    async def visit(place: Place) -> None:
        async with asyncio.TaskGroup() as group:
            works = [group.create_task(place.executor.perform(one)) for one in (TRANSFER, OTHER)]
            await place.clock.sleep(20.0)
            place.cable("pumps").unplug()
            await place.clock.sleep(5.0)
            place.cable("pumps").plug_in()

        for work in works:
            outcome = work.result()
            assert isinstance(outcome, Refused)
            assert (outcome.error, outcome.has_acted) == ("DeviceFault", True)
        assert sorted(place.told(InstrumentLost)) == ["pump_x1", "pump_x2"]
        assert sorted(place.told(InstrumentConnected)) == ["pump_x1", "pump_x2"]

    at_a_bench(visit)


def test_other_instruments_go_on_while_a_cable_is_out() -> None:
    async def visit(place: Place) -> None:
        place.cable("pumps").unplug()
        refused = await place.executor.perform(TRANSFER)
        weighed = await place.executor.perform(WEIGH)

        assert isinstance(refused, Refused)
        assert (refused.error, refused.has_acted) == ("LineError", False)
        assert isinstance(weighed, Done)

    at_a_bench(visit)


def test_an_instrument_that_was_dead_at_first_is_found_later() -> None:
    async def main(clock: VirtualClock) -> None:
        place = Place(clock, small_rig())
        place.cable("balance").unplug()
        connections = await place.executor.connect()
        place.cable("balance").plug_in()
        await clock.sleep(40.0)

        weighed = await place.executor.perform(WEIGH)
        await place.executor.close()

        assert [name for name, one in connections.items() if not one.is_connected] == ["balance"]
        assert place.told(InstrumentLost) == ["balance"]
        assert "balance" in place.told(InstrumentConnected)
        assert isinstance(weighed, Done)

    on_virtual_time(main)


def test_the_longest_wait_for_a_lost_instrument_is_half_a_minute() -> None:
    async def visit(place: Place) -> None:
        place.cable("balance").unplug()
        await place.executor.perform(WEIGH)
        await place.clock.sleep(24 * 3600.0)
        place.cable("balance").plug_in()
        await place.clock.sleep(35.0)

        assert place.executor.snapshot()["balance"] == "idle"

    at_a_bench(visit)


def test_another_device_behind_the_cable_stays_lost_and_the_right_one_is_found() -> None:
    async def visit(place: Place) -> None:
        pump = place.bench.device("pump_x1")
        wanted = TRANSFER.model_copy(update={"deadline_s": 70.0})
        async with asyncio.TaskGroup() as group:
            work = group.create_task(place.executor.perform(wanted))
            await place.clock.sleep(20.0)
            place.cable("pumps").unplug()
            pump.address = 7  # type: ignore[attr-defined]  # a pump has one
            place.cable("pumps").plug_in()
        connections = await place.executor.connect()
        errors = await place.executor.make_safe()
        pump.address = 1  # type: ignore[attr-defined]  # a pump has one
        await place.clock.sleep(90.0)

        assert isinstance(work.result(), Unknown)
        assert [name for name, one in connections.items() if not one.is_connected] == ["pump_x1"]
        assert "no reply" in connections["pump_x1"].error
        assert [name for name, error in errors.items() if error] == ["pump_x1"]
        settled = await place.executor.settle(wanted)
        assert isinstance(settled, Refused)
        assert (settled.error, settled.has_acted) == ("DeviceFault", True)

    at_a_bench(visit)


def test_a_cable_that_falls_out_while_a_reading_is_awaited_is_told_at_once() -> None:
    async def visit(place: Place) -> None:
        place.bench.device("balance").faults.strike_next(
            Fault(instrument="balance", kind=FaultKind.STALLED, exchange=1)
        )
        outcome = await place.cut_short(WEIGH, "balance", after_s=0.2, back_after_s=None)

        assert isinstance(outcome, Refused)
        assert not outcome.has_acted
        assert place.told(InstrumentLost) == ["balance"]

        place.cable("balance").plug_in()
        await place.clock.sleep(40.0)
        assert place.told(InstrumentConnected) == ["balance"]
        assert isinstance(await place.executor.perform(again(WEIGH)), Done)

    at_a_bench(visit)


async def exchanged(place: Place) -> None:
    """Pull the balance's cable, find out, and plug another balance in."""
    place.cable("balance").unplug()
    await place.executor.perform(WEIGH)
    place.bench.device("balance").is_another = True
    place.cable("balance").plug_in()
    await place.clock.sleep(60.0)


def test_a_twin_with_another_serial_number_is_refused_and_the_right_one_goes_on() -> None:
    async def visit(place: Place) -> None:
        await exchanged(place)
        refused = await place.executor.perform(again(WEIGH))
        connections = await place.executor.connect()
        place.bench.device("balance").is_another = False
        await place.clock.sleep(60.0)
        weighed = await place.executor.perform(again(WEIGH, 3))

        assert isinstance(refused, Refused)
        assert (refused.error, refused.has_acted) == ("NotConnected", False)
        assert "B234567890" in connections["balance"].error
        assert "B123456789" in connections["balance"].error
        assert "take balance out of service" in connections["balance"].error
        assert isinstance(weighed, Done)
        assert place.told(InstrumentLost) == ["balance"]

    at_a_bench(visit)


def test_a_balance_that_was_exchanged_on_purpose_is_taken_after_it_was_put_back() -> None:
    async def visit(place: Place) -> None:
        place.executor.take_out("balance", "broken, exchanged")
        place.executor.put_back("balance")  # while it is connected: another is still refused
        await exchanged(place)
        refused = await place.executor.perform(again(WEIGH))
        place.executor.take_out("balance", "broken, exchanged")
        place.executor.put_back("balance")
        await place.clock.sleep(60.0)

        assert isinstance(refused, Refused)
        assert isinstance(await place.executor.perform(again(WEIGH, 3)), Done)

    at_a_bench(visit)
