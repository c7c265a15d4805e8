"""Two campaigns on one bench: a sample never goes where one of the other campaign stands."""

import asyncio
from datetime import timedelta

import pytest

from drivers.clock import VirtualClock
from orchestrator.core.campaign import CampaignStatus, fold
from orchestrator.core.events import CampaignOpened, StopRequested, campaign_stream
from orchestrator.engine.habits import EngineHabits
from orchestrator.engine.journal import Journal
from orchestrator.engine.loop import Engine
from orchestrator.engine.planning import planning_in_process
from orchestrator.execution.compile import CompiledRecipe
from orchestrator.execution.local_executor import LocalExecutor
from orchestrator.execution.rig import bench_for, drivers_for
from orchestrator.log.memory_log import MemoryLog
from tests.support.dry_runs import START, oer_campaign, oer_rig
from tests.support.pretend_bench import run_virtually

HEAD_START_S = 200.0
LOOK_EVERY_S = 30.0


class _Shared(LocalExecutor):
    """An executor that no single engine closes."""

    async def close(self):
        """Keep the lines."""


class _TwoCampaigns:
    """One bench and a log with two campaigns, the second of which begins later."""

    def __init__(self, clock):
        self.clock = clock
        self.log = MemoryLog()
        self.rig = oer_rig()
        bench = bench_for(self.rig, clock, 0)
        lines = {name: bench.line(name) for name in self.rig.lines}
        self.executor = _Shared(self.rig, lines, clock)

    def engine(self, campaign_id, *, seed):
        spec = oer_campaign(max_experiments=1)
        opened = CampaignOpened(
            campaign_id=campaign_id,
            name=campaign_id,
            campaign_text=spec.canonical_text(),
            rig_name=self.rig.header.name,
            rig_sha256=self.rig.fingerprint(),
            seed=seed,
            is_simulated=True,
            athanor_version="0",
        )
        self.append(campaign_id, opened)
        return Engine(
            journal=Journal(self.log, campaign_id, self.clock),
            clock=self.clock,
            executor=self.executor,
            planning=planning_in_process(),
            recipe=CompiledRecipe.of(spec, self.rig, drivers_for(self.rig)),
            rig=self.rig,
            habits=EngineHabits(poll_s=LOOK_EVERY_S, leaves_when_paused=True),
            on_change=lambda _: None,
        )

    def append(self, campaign_id, event):
        self.log.append(
            campaign_stream(campaign_id),
            [event],
            time=self.clock.now(),
            actor="ada",
            is_simulated=True,
        )

    def places(self, campaign_id):
        records = self.log.read(stream=campaign_stream(campaign_id))
        state = fold((record.event, record.time) for record in records)
        return {place for one in state.open_experiments.values() for place in one.places_held()}

    async def clashes(self):
        """Return every place that both held at one time, until cancelled."""
        found = []
        try:
            while True:
                await self.clock.sleep(LOOK_EVERY_S)
                found.extend(self.places("a-1") & self.places("b-1"))
        except asyncio.CancelledError:
            return found


@pytest.mark.slow
@pytest.mark.parametrize("is_first_left", [False, True])
def test_a_sample_waits_until_the_other_campaign_has_left_its_place(is_first_left):
    async def main(_):
        clock = VirtualClock(START)
        two = _TwoCampaigns(clock)
        first, second = two.engine("a-1", seed=0), two.engine("b-1", seed=5)
        mine = asyncio.create_task(first.run())
        await clock.sleep(HEAD_START_S)
        theirs = asyncio.create_task(second.run())
        looking = asyncio.create_task(two.clashes())
        if is_first_left:
            mine.cancel()
            await asyncio.wait({mine})
            await clock.sleep(timedelta(hours=1).total_seconds())
            assert "mixing_vessel" in two.places("a-1")
            assert not two.places("b-1")
            two.append("b-1", StopRequested(reason="it waits for a-1"))
        ended = await theirs
        looking.cancel()
        await LocalExecutor.close(two.executor)
        return ended, await looking

    ended, clashes = run_virtually(main)

    assert not clashes
    assert ended.status is (CampaignStatus.STOPPED if is_first_left else CampaignStatus.FINISHED)
    assert len(ended.observations) == (not is_first_left)
