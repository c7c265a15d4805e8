"""A bench that several engines use: one that ends cuts nobody else off, the last one lets go."""

import asyncio

from drivers.clock import VirtualClock
from orchestrator.execution.executor import Done, Refused
from orchestrator.execution.local_executor import LocalExecutor
from orchestrator.execution.shared_executor import SharedExecutor
from simulators.bench import Bench
from tests.support.benches import again, on_virtual_time, order, small_rig

POUR = order("pump_x1", "transfer", volume_ul=4000.0, rate_ul_per_min=2000.0)
THEIRS = order("pump_x2", "transfer", volume_ul=4000.0, rate_ul_per_min=2000.0).model_copy(
    update={"campaign_id": "other"}
)


def _bench(clock: VirtualClock) -> SharedExecutor:
    rig = small_rig()
    bench = Bench.from_rig(rig.as_tables(), clock, seed=1)
    lines = {name: bench.line(name) for name in rig.lines}
    return SharedExecutor(LocalExecutor(rig, lines, clock))


def test_what_ends_makes_safe_only_what_no_other_works_with() -> None:
    async def visit(clock: VirtualClock) -> None:
        bench = _bench(clock)
        mine, theirs = bench.for_campaign(POUR.campaign_id), bench.for_campaign("other")
        await mine.connect()
        async with asyncio.TaskGroup() as group:
            cut = group.create_task(mine.perform(POUR))
            other = group.create_task(theirs.perform(THEIRS))
            await clock.sleep(20.0)
            safe = await mine.make_safe()
        await mine.close()

        assert "pump_x1" in safe
        assert "pump_x2" not in safe
        assert isinstance(cut.result(), Refused)
        assert isinstance(other.result(), Done)
        assert isinstance(await theirs.perform(again(THEIRS)), Done)
        assert {"pump_x1", "pump_x2"} <= set(await theirs.make_safe())
        await theirs.close()

    on_virtual_time(visit)


def test_the_last_to_leave_lets_go_of_the_lines() -> None:
    async def visit(clock: VirtualClock) -> None:
        bench = _bench(clock)
        mine, theirs = bench.for_campaign("mine"), bench.for_campaign("other")
        await mine.connect()

        await mine.close()
        await mine.close()
        still = theirs.snapshot()["pump_x1"]
        await theirs.close()

        assert still == "idle"
        assert bench.others_than("") == frozenset()
        assert theirs.snapshot()["pump_x1"] == "not connected"

    on_virtual_time(visit)
