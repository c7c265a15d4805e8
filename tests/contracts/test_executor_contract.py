"""What every executor promises, on the pretend bench and on virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import pytest

from drivers.clock import VirtualClock
from drivers.line import Line
from orchestrator.execution.executor import (
    Done,
    Executor,
    Order,
    Outcome,
    OutcomeAdapter,
    Refused,
    Unknown,
)
from orchestrator.execution.local_executor import LocalExecutor
from orchestrator.execution.rig_spec import RigSpec
from simulators.bench import Bench
from tests.support.benches import again, on_virtual_time, order, small_rig

Maker = Callable[[RigSpec, Mapping[str, Line], VirtualClock], Executor]

EXECUTORS: dict[str, Maker] = {"local": LocalExecutor}

FAULT_KINDS = ("lost", "late", "garbled", "stalled", "refused")


@pytest.fixture(params=sorted(EXECUTORS))
def make_executor(request: pytest.FixtureRequest) -> Maker:
    return EXECUTORS[request.param]


@dataclass(frozen=True, slots=True)
class Place:
    executor: Executor
    bench: Bench
    clock: VirtualClock

    def moved_ul(self, instrument: str) -> float:
        self.bench.settle()
        acts = self.bench.acts()[instrument]
        return sum(act.amount for act in acts if act.act == "infused")


def at_the_bench(
    make_executor: Maker,
    visit: Callable[[Place], Awaitable[None]],
    *faults: tuple[str, str, int],
    seed: int = 3,
) -> None:
    async def main(clock: VirtualClock) -> None:
        rig = small_rig(*faults)
        bench = Bench.from_rig(rig.as_tables(), clock, seed=seed)
        lines = {name: bench.line(name) for name in rig.lines}
        executor = make_executor(rig, lines, clock)
        try:
            await visit(Place(executor, bench, clock))
        finally:
            await executor.close()

    on_virtual_time(main)


TRANSFER = order("pump_x1", "transfer", volume_ul=500.0, rate_ul_per_min=1500.0)
WEIGH = order("balance", "measure_mass")


def test_instruments_answer_who_they_are(make_executor: Maker) -> None:
    async def visit(place: Place) -> None:
        connections = await place.executor.connect()

        assert sorted(connections) == ["balance", "pump_x1", "pump_x2", "source_meter"]
        assert all(one.is_connected and one.identity for one in connections.values())
        assert set(place.executor.snapshot().values()) == {"idle"}

    at_the_bench(make_executor, visit)


def test_an_order_is_done_once_and_its_readings_come_back(make_executor: Maker) -> None:
    async def visit(place: Place) -> None:
        await place.executor.connect()

        outcome = await place.executor.perform(TRANSFER)

        assert isinstance(outcome, Done)
        readings = {reading.name: reading.value for reading in outcome.readings}
        assert readings["dispensed_volume_ul"] == pytest.approx(500.0, rel=0.01)
        assert place.moved_ul("pump_x1") == pytest.approx(500.0, rel=0.02)
        assert place.moved_ul("pump_x2") == 0.0

    at_the_bench(make_executor, visit)


def test_nothing_moves_before_the_instruments_are_connected(make_executor: Maker) -> None:
    async def visit(place: Place) -> None:
        outcome = await place.executor.perform(TRANSFER)

        assert isinstance(outcome, Refused)
        assert (outcome.error, outcome.has_acted) == ("NotConnected", False)
        assert place.moved_ul("pump_x1") == 0.0

    at_the_bench(make_executor, visit)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (order("pump_x9", "transfer"), "UnknownInstrument"),
        (order("pump_x1", "explode"), "LimitError"),
        (order("pump_x1", "transfer", volume_ul=-1.0, rate_ul_per_min=1500.0), "LimitError"),
        (order("pump_x1", "transfer", volume_ul=500.0), "LimitError"),
        (order("balance", "measure_mass", not_after=-1.0), "OrderExpired"),
    ],
)
def test_a_wrong_order_is_refused_before_anything_is_sent(
    make_executor: Maker, wrong: Order, error: str
) -> None:
    async def visit(place: Place) -> None:
        await place.executor.connect()

        outcome = await place.executor.perform(wrong)

        assert isinstance(outcome, Refused)
        assert (outcome.error, outcome.has_acted) == (error, False)
        assert place.moved_ul("pump_x1") == 0.0
        assert set(place.executor.snapshot().values()) == {"idle"}

    at_the_bench(make_executor, visit)


def test_an_order_of_an_old_epoch_is_refused(make_executor: Maker) -> None:
    async def visit(place: Place) -> None:
        await place.executor.connect()
        assert isinstance(await place.executor.perform(order("balance", "tare", epoch=5)), Done)

        outcome = await place.executor.perform(order("pump_x1", "transfer", epoch=4))

        assert isinstance(outcome, Refused)
        assert (outcome.error, outcome.has_acted) == ("OldEpoch", False)

    at_the_bench(make_executor, visit)


def test_a_busy_instrument_refuses_and_another_goes_on(make_executor: Maker) -> None:
    async def visit(place: Place) -> None:
        await place.executor.connect()
        async with asyncio.TaskGroup() as group:
            first = group.create_task(place.executor.perform(TRANSFER))
            await place.clock.sleep(5.0)

            second = await place.executor.perform(again(TRANSFER))
            other = await place.executor.perform(
                order("pump_x2", "transfer", volume_ul=100.0, rate_ul_per_min=1500.0)
            )

            assert isinstance(second, Refused)
            assert (second.error, second.has_acted) == ("InstrumentBusy", False)
            assert isinstance(other, Done)
            assert place.executor.snapshot()["pump_x1"].startswith("transfer ")
        assert isinstance(first.result(), Done)
        assert place.moved_ul("pump_x1") == pytest.approx(500.0, rel=0.02)

    at_the_bench(make_executor, visit)


def test_an_order_that_expires_while_it_waits_for_the_wire_sends_nothing(
    make_executor: Maker,
) -> None:
    async def visit(place: Place) -> None:
        await place.executor.connect()
        hurried = order(
            "pump_x1",
            "transfer",
            not_after=place.clock.monotonic_s() + 1.0,
            volume_ul=500.0,
            rate_ul_per_min=1500.0,
        )
        async with asyncio.TaskGroup() as group, place.bench.line("pumps").exchange():
            waiting = group.create_task(place.executor.perform(hurried))
            await place.clock.sleep(2.0)

        outcome = waiting.result()
        assert isinstance(outcome, Refused)
        assert (outcome.error, outcome.has_acted) == ("OrderExpired", False)
        assert place.moved_ul("pump_x1") == 0.0

    at_the_bench(make_executor, visit)


def test_a_job_that_outlives_its_deadline_is_stopped_and_its_device_is_asked(
    make_executor: Maker,
) -> None:
    async def visit(place: Place) -> None:
        await place.executor.connect()
        hasty = TRANSFER.model_copy(update={"deadline_s": 25.0})

        outcome = await place.executor.perform(hasty)

        assert isinstance(outcome, Refused)
        assert (outcome.error, outcome.has_acted) == ("DeviceFault", True)
        stopped_at_ul = place.moved_ul("pump_x1")
        await place.clock.sleep(60.0)
        assert place.moved_ul("pump_x1") == stopped_at_ul < 400.0
        assert place.executor.snapshot()["pump_x1"].startswith("fault: ")

    at_the_bench(make_executor, visit)


@pytest.mark.parametrize("after_s", [0.0, 0.3, 5.0, 25.0, 39.0])
def test_a_cancelled_order_leaves_the_instrument_at_rest(
    make_executor: Maker, after_s: float
) -> None:
    async def visit(place: Place) -> None:
        await place.executor.connect()
        work = asyncio.ensure_future(place.executor.perform(TRANSFER))
        await place.clock.sleep(after_s)

        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

        stopped_at_ul = place.moved_ul("pump_x1")
        await place.clock.sleep(60.0)
        assert place.moved_ul("pump_x1") == stopped_at_ul
        assert isinstance(await place.executor.perform(again(TRANSFER)), Done)

    at_the_bench(make_executor, visit)


def test_a_dead_instrument_is_reported_and_stops_no_other(make_executor: Maker) -> None:
    async def visit(place: Place) -> None:
        connections = await place.executor.connect()

        assert [name for name, one in connections.items() if not one.is_connected] == ["pump_x1"]
        assert place.executor.snapshot()["pump_x1"] == "not connected"
        assert isinstance(await place.executor.perform(WEIGH), Done)

    at_the_bench(make_executor, visit, *[("pump_x1", "stalled", n) for n in range(1, 60)])


def test_make_safe_tells_who_cannot_be_reached_and_calms_all_others(
    make_executor: Maker,
) -> None:
    async def visit(place: Place) -> None:
        await place.executor.connect()
        async with asyncio.TaskGroup() as group:
            work = group.create_task(
                place.executor.perform(
                    order("pump_x2", "transfer", volume_ul=500.0, rate_ul_per_min=1500.0)
                )
            )
            await place.clock.sleep(30.0)
            await place.bench.line("source_meter").close()

            errors = await place.executor.make_safe()

            assert [name for name, error in errors.items() if error] == ["source_meter"]
            stopped_at_ul = place.moved_ul("pump_x2")
            await place.clock.sleep(60.0)
            assert place.moved_ul("pump_x2") == stopped_at_ul
        assert not isinstance(work.result(), Done)

    at_the_bench(make_executor, visit)


def test_stop_reaches_a_busy_instrument(make_executor: Maker) -> None:
    async def visit(place: Place) -> None:
        await place.executor.connect()
        async with asyncio.TaskGroup() as group:
            work = group.create_task(place.executor.perform(TRANSFER))
            await place.clock.sleep(30.0)

            await place.executor.stop("pump_x1")

            stopped_at_ul = place.moved_ul("pump_x1")
            await place.clock.sleep(60.0)
            assert place.moved_ul("pump_x1") == stopped_at_ul < 500.0
        assert isinstance(work.result(), Refused | Unknown)

    at_the_bench(make_executor, visit)


def test_closing_twice_is_harmless_and_nothing_is_done_afterwards(make_executor: Maker) -> None:
    async def visit(place: Place) -> None:
        await place.executor.connect()
        await place.executor.close()
        await place.executor.close()

        outcome = await place.executor.perform(WEIGH)

        assert isinstance(outcome, Refused)
        assert not outcome.has_acted

    at_the_bench(make_executor, visit)


@pytest.mark.slow
@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_an_outcome_never_claims_what_did_not_happen(make_executor: Maker, kind: str) -> None:
    """Strike each exchange in turn; what the executor says must agree with what moved."""
    seen: list[Outcome] = []

    async def visit(place: Place) -> None:
        await place.executor.connect()
        outcome = await place.executor.perform(TRANSFER)
        await place.clock.sleep(120.0)
        moved_ul = place.moved_ul("pump_x1")
        seen.append(outcome)
        match outcome:
            case Done():
                assert moved_ul == pytest.approx(500.0, rel=0.02)
            case Refused(has_acted=False):
                assert moved_ul == 0.0
            case Refused() | Unknown():
                assert moved_ul <= 510.0

    for exchange in range(1, 45):
        at_the_bench(make_executor, visit, ("pump_x1", kind, exchange))

    assert any(isinstance(outcome, Done) for outcome in seen)
    assert any(not isinstance(outcome, Done) for outcome in seen)


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_a_measurement_that_fails_has_not_acted(make_executor: Maker, kind: str) -> None:
    seen: list[Outcome] = []

    async def visit(place: Place) -> None:
        await place.executor.connect()
        seen.append(await place.executor.perform(WEIGH))

    for exchange in range(1, 8):
        at_the_bench(make_executor, visit, ("balance", kind, exchange))

    assert not any(isinstance(outcome, Unknown) for outcome in seen)
    assert not any(isinstance(outcome, Refused) and outcome.has_acted for outcome in seen)
    assert any(isinstance(outcome, Refused) for outcome in seen)


def test_every_message_survives_json(make_executor: Maker) -> None:
    async def visit(place: Place) -> None:
        connections = await place.executor.connect()
        outcomes = [
            await place.executor.perform(TRANSFER),
            await place.executor.perform(order("pump_x1", "explode")),
            Unknown(evidence="no reply"),
        ]

        assert Order.model_validate_json(TRANSFER.model_dump_json()) == TRANSFER
        for outcome in outcomes:
            text = OutcomeAdapter.dump_json(outcome)
            assert OutcomeAdapter.validate_json(text) == outcome
        for connection in connections.values():
            assert type(connection).model_validate_json(connection.model_dump_json()) == connection

    at_the_bench(make_executor, visit)
