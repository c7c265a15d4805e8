"""Interlocks, limits, declared safe states, the stop latch and graded stops."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from drivers.clock import VirtualClock
from orchestrator.core.lab_events import (
    InterlockReleased,
    InterlockTripped,
    LabEvent,
    LatchCleared,
    LatchSet,
)
from orchestrator.execution.executor import Done, Refused
from orchestrator.execution.local_executor import LocalExecutor
from orchestrator.execution.rig import load_rig
from orchestrator.execution.rig_spec import RigSpec
from orchestrator.log.station_journal import MemoryStationJournal
from simulators.bench import Bench
from tests.support.benches import again, on_virtual_time, order, small_rig

OER_RIG = Path(__file__).parents[3] / "campaigns" / "library" / "oer" / "oer_rig.toml"
POUR = order("pump_x1", "transfer", volume_ul=4000.0, rate_ul_per_min=2000.0)
SIP = order("pump_x2", "transfer", volume_ul=100.0, rate_ul_per_min=2000.0)
WEIGH = order("balance", "measure_mass")


class Place:
    """A bench with a rig file of its own."""

    def __init__(self, clock: VirtualClock, **changes: Any) -> None:
        tables = small_rig().as_tables()
        for instrument, keys in changes.pop("instruments", {}).items():
            tables["instruments"][instrument].update(keys)
        self.clock = clock
        self.rig = RigSpec.model_validate(tables | changes)
        self.bench = Bench.from_rig(self.rig.as_tables(), clock, seed=3)
        self.facts: list[LabEvent] = []
        self.journal = MemoryStationJournal()
        self.executor = self.reborn()

    def reborn(self) -> LocalExecutor:
        lines = {name: self.bench.line(name) for name in self.rig.lines}
        return LocalExecutor(self.rig, lines, self.clock, self.journal, on_fact=self.facts.append)

    def moved_ul(self, instrument: str) -> float:
        self.bench.settle()
        acts = self.bench.acts()[instrument]
        return sum(act.amount for act in acts)

    async def rests(self, instrument: str) -> bool:
        before = self.moved_ul(instrument)
        await self.clock.sleep(60.0)
        return self.moved_ul(instrument) == before

    def told(self, kind: type[LabEvent]) -> int:
        return sum(isinstance(fact, kind) for fact in self.facts)


def at_a_bench(visit: Callable[[Place], Awaitable[None]], **changes: Any) -> None:
    async def main(clock: VirtualClock) -> None:
        place = Place(clock, **changes)
        await place.executor.connect()
        try:
            await visit(place)
        finally:
            await place.executor.close()

    on_virtual_time(main)


def interlock(condition: str, on_trip: str, **more: object) -> dict[str, object]:
    return {
        "name": "not too heavy",
        "readings": {"mass_g": "balance.measure_mass_immediately"},
        "condition": condition,
        "protects": ["pump_x1"],
        "on_trip": on_trip,
        **more,
    }


def test_an_interlock_that_does_not_hold_refuses_what_it_protects_only() -> None:
    async def visit(place: Place) -> None:
        refused = await place.executor.perform(POUR)
        other = await place.executor.perform(SIP)

        assert isinstance(refused, Refused)
        assert (refused.error, refused.has_acted) == ("InterlockTripped", False)
        assert "mass_g <= -5 does not hold: mass_g = " in refused.message
        assert isinstance(other, Done)
        assert list(place.executor.tripped()) == ["not too heavy"]
        assert place.moved_ul("pump_x1") == 0.0

    at_a_bench(visit, interlock=[interlock("mass_g <= -5", "hold")])


@pytest.mark.parametrize("on_trip", ["hold", "make_safe", "latch"])
def test_an_interlock_that_trips_while_it_is_polled(on_trip: str) -> None:
    async def visit(place: Place) -> None:
        poured = await place.executor.perform(POUR)
        refused = await place.executor.perform(again(POUR))
        other = await place.executor.perform(SIP)

        if on_trip == "hold":
            assert isinstance(poured, Done)
        else:
            assert isinstance(poured, Refused)
            assert (poured.error, poured.has_acted) == ("DeviceFault", True)
            assert "not too heavy" in poured.message
            assert await place.rests("pump_x1")
        assert isinstance(refused, Refused)
        assert refused.error == ("Latched" if on_trip == "latch" else "InterlockTripped")
        assert isinstance(other, Refused if on_trip == "latch" else Done)
        assert place.told(InterlockTripped) == 1
        assert place.told(LatchSet) == (on_trip == "latch")

    at_a_bench(visit, interlock=[interlock("mass_g <= 26", on_trip)])


def test_an_interlock_is_released_when_its_condition_holds_again() -> None:
    async def visit(place: Place) -> None:
        await place.executor.perform(POUR)
        await place.executor.perform(order("balance", "tare"))

        outcome = await place.executor.perform(again(SIP.model_copy(update={"job_id": "x"})))
        drop = order("pump_x1", "transfer", volume_ul=50.0, rate_ul_per_min=2000.0, attempt=3)
        poured = await place.executor.perform(drop)

        assert isinstance(outcome, Done)
        assert isinstance(poured, Done)
        assert (place.told(InterlockTripped), place.told(InterlockReleased)) == (1, 1)
        assert not place.executor.tripped()

    at_a_bench(visit, interlock=[interlock("mass_g <= 26", "hold")])


def test_an_interlock_is_released_although_nothing_is_sent() -> None:
    async def visit(place: Place) -> None:
        await place.executor.perform(POUR)
        await place.executor.perform(order("balance", "tare"))
        await place.clock.sleep(60.0)

        assert (place.told(InterlockTripped), place.told(InterlockReleased)) == (1, 1)
        assert not place.executor.tripped()

    at_a_bench(visit, interlock=[interlock("mass_g <= 26", "hold")])


@pytest.mark.parametrize("limit_g", [26, -5])
def test_a_new_station_says_which_interlocks_hold(limit_g: int) -> None:
    async def visit(place: Place) -> None:
        place.executor.watch_interlocks()
        await place.clock.sleep(60.0)

        assert place.told(InterlockReleased) == (limit_g == 26)
        assert place.told(InterlockTripped) == 0

    at_a_bench(visit, interlock=[interlock(f"mass_g <= {limit_g}", "latch")])


def test_a_reading_that_cannot_be_had_counts_as_tripped() -> None:
    async def visit(place: Place) -> None:
        await place.bench.line("balance").close()
        refused = await place.executor.perform(POUR)

        assert isinstance(refused, Refused)
        assert refused.error == "InterlockTripped"
        assert "mass_g cannot be read from balance" in refused.message

    at_a_bench(visit, interlock=[interlock("mass_g <= 100", "hold")])


def test_an_interlock_may_read_the_instrument_that_it_protects() -> None:
    async def visit(place: Place) -> None:
        poured = await place.executor.perform(POUR)

        assert isinstance(poured, Refused)
        assert (poured.error, poured.has_acted) == ("DeviceFault", True)
        assert "volume_ul <= 500 does not hold" in poured.message

    lock = interlock(
        "volume_ul <= 500",
        "make_safe",
        readings={"volume_ul": "pump_x1.measure_volumes_dispensed.withdrawn_volume_ul"},
    )
    at_a_bench(visit, interlock=[lock])


def test_the_rigs_limits_bind_the_executor_too() -> None:
    limits = {"pump_x1": {"limits": {"transfer": {"volume_ul": [1, 1000]}}}}

    async def visit(place: Place) -> None:
        refused = await place.executor.perform(POUR)

        assert isinstance(refused, Refused)
        assert (refused.error, refused.has_acted) == ("LimitError", False)
        assert "expected 1 to 1000" in refused.message
        assert place.moved_ul("pump_x1") == 0.0

    at_a_bench(visit, instruments=limits)


def test_the_declared_safe_state_is_brought_about() -> None:
    safe = {"balance": {"safe_state": [{"action": "tare", "arguments": {}}]}}

    async def visit(place: Place) -> None:
        errors = await place.executor.make_safe()

        assert set(errors.values()) == {""}
        assert [act.act for act in place.bench.acts()["balance"]] == ["tared"]

    at_a_bench(visit, instruments=safe)


def test_the_latch_stops_everything_until_it_is_cleared_and_survives_the_station() -> None:
    async def visit(place: Place) -> None:
        async with asyncio.TaskGroup() as group:
            work = group.create_task(place.executor.perform(POUR))
            await place.clock.sleep(30.0)
            begun_s = place.clock.monotonic_s()
            errors = await place.executor.set_latch("smoke")
            took_s = place.clock.monotonic_s() - begun_s
        reborn = place.reborn()
        await reborn.connect()
        refused = await reborn.perform(again(POUR))
        reborn.clear_latch("it was steam")
        done = await reborn.perform(again(POUR, 3))
        await reborn.close()

        assert set(errors.values()) == {""}
        assert took_s < 1.0
        assert isinstance(work.result(), Refused)
        assert isinstance(refused, Refused)
        assert (refused.error, refused.has_acted) == ("Latched", False)
        assert isinstance(done, Done)
        assert (place.told(LatchSet), place.told(LatchCleared)) == (1, 1)

    at_a_bench(visit)


def test_an_order_that_comes_together_with_the_latch_is_answered() -> None:
    async def visit(place: Place) -> None:
        work = asyncio.create_task(place.executor.perform(POUR))
        stop = asyncio.create_task(place.executor.set_latch("smoke"))
        await asyncio.wait({work, stop})

        assert not work.cancelled()
        refused = work.result()
        assert isinstance(refused, Refused)
        assert refused.error == "Latched"
        assert place.moved_ul("pump_x1") == 0.0

    at_a_bench(visit)


def test_an_abort_reaches_an_instrument_that_another_campaign_wants_too() -> None:
    async def visit(place: Place) -> None:
        theirs = POUR.model_copy(update={"campaign_id": "other"})
        mine = asyncio.create_task(place.executor.perform(POUR))
        other = asyncio.create_task(place.executor.perform(theirs))
        await place.clock.sleep(20.0)
        errors = await place.executor.stop_campaign(POUR.campaign_id, "abort")

        assert "pump_x1" in errors
        assert await place.rests("pump_x1")
        assert isinstance(await mine, Refused)
        refused = await other
        assert isinstance(refused, Refused)
        assert refused.error == "InstrumentBusy"

    at_a_bench(visit)


@pytest.mark.parametrize("how", ["hold", "stop", "abort"])
def test_a_campaign_is_held_stopped_or_aborted_and_others_go_on(how: str) -> None:
    async def visit(place: Place) -> None:
        theirs = SIP.model_copy(update={"campaign_id": "other"})
        async with asyncio.TaskGroup() as group:
            mine = group.create_task(place.executor.perform(POUR))
            await place.clock.sleep(30.0)
            other = group.create_task(place.executor.perform(theirs))
            await place.clock.sleep(1.0)
            errors = await place.executor.stop_campaign(POUR.campaign_id, how)  # type: ignore[arg-type]
            refused = await place.executor.perform(again(POUR))
        resumed = again(POUR, 3).model_copy(update={"epoch": 2})

        assert isinstance(mine.result(), Refused if how == "abort" else Done)
        assert isinstance(refused, Refused)
        assert (refused.error, refused.has_acted) == ("Stopping", False)
        assert isinstance(other.result(), Done)
        assert ("pump_x1" in errors) == (how != "hold")
        assert "pump_x2" not in errors
        assert isinstance(await place.executor.perform(resumed), Done)

    at_a_bench(visit)


def test_a_campaign_that_is_released_goes_on() -> None:
    async def visit(place: Place) -> None:
        await place.executor.stop_campaign(POUR.campaign_id, "hold")
        place.executor.release_campaign(POUR.campaign_id)

        assert isinstance(await place.executor.perform(WEIGH), Done)

    at_a_bench(visit)


def test_interrupting_one_order_leaves_the_others_alone() -> None:
    async def visit(place: Place) -> None:
        async with asyncio.TaskGroup() as group:
            mine = group.create_task(place.executor.perform(POUR))
            other = group.create_task(place.executor.perform(SIP))
            await place.clock.sleep(2.0)
            running = place.executor.running()
            await place.executor.interrupt(POUR.key)
            assert place.executor.running() == (SIP.key,)

        assert running == (POUR.key, SIP.key)
        assert isinstance(mine.result(), Refused)
        assert isinstance(other.result(), Done)

    at_a_bench(visit)


@pytest.mark.slow
def test_from_an_abort_to_all_safe_takes_less_than_a_second() -> None:
    """Eight pumps share one line of 19200 baud; the abort comes at any time of their strokes."""
    rig = load_rig(OER_RIG)
    pumps = [name for name, spec in rig.instruments.items() if spec.line == "pumps"]
    chance = random.Random(1)
    took_s: list[float] = []

    async def main(clock: VirtualClock) -> None:
        bench = Bench.from_rig(rig.as_tables(), clock, seed=len(took_s))
        executor = LocalExecutor(rig, {name: bench.line(name) for name in rig.lines}, clock)
        await executor.connect()
        async with asyncio.TaskGroup() as group:
            for pump in pumps:
                stroke = order(pump, "transfer", volume_ul=1000.0, rate_ul_per_min=1500.0)
                group.create_task(executor.perform(stroke))
            await clock.sleep(chance.uniform(0.0, 60.0))
            begun_s = clock.monotonic_s()
            errors = await executor.stop_campaign("small-1", "abort")
            took_s.append(clock.monotonic_s() - begun_s)
        assert set(errors.values()) == {""}
        assert sorted(errors) == sorted(rig.instruments)
        await executor.close()

    for _ in range(40):
        on_virtual_time(main)

    assert len(pumps) == 8
    assert max(took_s) < 1.0
