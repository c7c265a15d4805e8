"""Two campaigns on one shelf: neither is promised what the other has, and both go on together."""

import asyncio

import pytest

from drivers.clock import VirtualClock
from orchestrator.core.campaign import CampaignState, fold
from orchestrator.core.events import (
    LAB_STREAM,
    CampaignOpened,
    CandidatesProposed,
    StockReceived,
    campaign_stream,
)
from orchestrator.core.intents import StartExperiment
from orchestrator.core.point import Candidate
from orchestrator.engine.habits import EngineHabits
from orchestrator.engine.journal import Journal
from orchestrator.engine.loop import Engine
from orchestrator.engine.perform import start_of
from orchestrator.engine.planning import planning_in_process
from orchestrator.engine.stockroom import Stockroom
from orchestrator.errors import VersionConflict
from orchestrator.execution.compile import CompiledRecipe
from orchestrator.execution.local_executor import LocalExecutor
from orchestrator.execution.rig import bench_for, drivers_for
from orchestrator.log.memory_log import MemoryLog
from orchestrator.log.stock_rows import shelf_in
from tests.support.dry_runs import START, oer_campaign
from tests.support.pretend_bench import run_virtually
from tests.support.short_stock import short_rig
from tests.support.stock_hand import stock_violations

POINT = {"x1": 0.5, "x2": 0.5, "x3": 0.0, "x4": 0.0, "x5": 0.0, "x6": 0.0}


class Shared(LocalExecutor):
    """An executor that no single engine closes."""

    async def close(self) -> None:
        """Keep the lines."""


class TwoCampaigns:
    """One rig, one log, campaigns that are opened one after the other."""

    def __init__(self, clock: VirtualClock, volume_ml: float) -> None:
        self.clock = clock
        self.log = MemoryLog()
        self.rig = short_rig(volume_ml)
        self.spec = oer_campaign(max_experiments=5)
        self.recipe = CompiledRecipe.of(self.spec, self.rig, drivers_for(self.rig))
        self.executor: Shared | None = None

    def open(self, campaign_id: str, *, seed: int) -> Journal:
        """Record an opening and return its journal."""
        opened = CampaignOpened(
            campaign_id=campaign_id,
            name=campaign_id,
            campaign_text=self.spec.canonical_text(),
            rig_name=self.rig.header.name,
            rig_sha256=self.rig.fingerprint(),
            seed=seed,
            is_simulated=True,
            athanor_version="0",
        )
        stream, now = campaign_stream(campaign_id), self.clock.now()
        self.log.append(stream, [opened], time=now, actor="ada", is_simulated=True)
        return Journal(self.log, campaign_id, self.clock)

    def engine(self, journal: Journal) -> Engine:
        """Return an engine on the shared bench."""
        if self.executor is None:
            bench = bench_for(self.rig, self.clock, 0)
            lines = {name: bench.line(name) for name in self.rig.lines}
            self.executor = Shared(self.rig, lines, self.clock)
        return Engine(
            journal=journal,
            clock=self.clock,
            executor=self.executor,
            planning=planning_in_process(),
            recipe=self.recipe,
            rig=self.rig,
            habits=EngineHabits(poll_s=30.0, leaves_when_paused=True),
            on_change=lambda _: None,
        )

    def state(self, campaign_id: str) -> CampaignState:
        """Return what a campaign's events add up to."""
        records = self.log.read(stream=campaign_stream(campaign_id))
        state = fold((record.event, record.time) for record in records)
        assert state is not None
        return state


def test_what_one_was_promised_the_other_is_refused() -> None:
    run_virtually(_promise_twice)


async def _promise_twice(clock: VirtualClock) -> None:
    two = TwoCampaigns(clock, volume_ml=1.5)
    journals = [two.open("a-1", seed=0), two.open("b-1", seed=1)]
    rooms = [Stockroom(one, two.recipe, two.clock) for one in journals]
    rooms[0].receive_first()
    starts = []
    for journal, room in zip(journals, rooms, strict=True):
        proposed = CandidatesProposed(
            proposal=1,
            planner="sobol",
            method="x",
            reason="",
            n_observations=0,
            candidates=(Candidate(point=POINT),),
        )
        journal.record([proposed])
        starts.append((journal, room))
    for journal, _ in starts:
        journal.catch_up()
        journal.neighbours.catch_up()
    intent = StartExperiment("C0001")
    (first, first_room), (second, second_room) = starts
    mine = start_of(intent, first.state, two.recipe, first_room)
    theirs = start_of(intent, second.state, two.recipe, second_room)

    first.decide(mine, reads_lab=True)
    with pytest.raises(VersionConflict):
        second.decide(theirs, reads_lab=True)
    second.neighbours.catch_up()

    assert start_of(intent, second.state, two.recipe, second_room) == []
    assert "x1" in second_room.supply().why_not("C0001", START.date())
    assert stock_violations(two.log) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_two_campaigns_share_little_and_nothing_is_promised_twice(seed: int) -> None:
    async def main(clock: VirtualClock) -> None:
        two = TwoCampaigns(clock, volume_ml=3.0)
        journals = [two.open("a-1", seed=seed), two.open("b-1", seed=seed + 50)]
        ends = await asyncio.gather(*(two.engine(one).run() for one in journals))

        n_made = sum(state.n_started for state in ends)
        assert any(state.lacks == "stock" for state in ends)
        assert 2 <= n_made < 10
        assert not any(state.open_experiments for state in ends)
        assert stock_violations(two.log) == []
        received = [record for record in two.log.read() if isinstance(record.event, StockReceived)]
        assert len(received) == len(two.rig.stock)
        assert {record.stream for record in received} == {LAB_STREAM}
        assert not any(lot.reserved for lot in shelf_in(two.log, ends[0].shelf).lots)

    run_virtually(main)
