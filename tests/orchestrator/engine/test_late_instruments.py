"""Instruments that answer later than the engine comes up, as after a power cut."""

import pytest

from drivers.clock import VirtualClock
from orchestrator.core.campaign import CampaignStatus
from orchestrator.core.events import StopRequested
from orchestrator.engine.habits import EngineHabits
from orchestrator.engine.journal import Journal
from orchestrator.engine.loop import Engine
from orchestrator.engine.planning import planning_in_process
from orchestrator.execution.local_executor import LocalExecutor
from orchestrator.execution.rig import bench_for
from orchestrator.log.memory_log import MemoryLog
from tests.support.dry_runs import CAMPAIGN_ID, DryRun, oer_campaign
from tests.support.pretend_bench import run_virtually


class Booting(LocalExecutor):
    """An executor one of whose instruments answers only after a while."""

    answers_at_s = 60.0
    n_asked = 0

    async def connect(self):
        self.n_asked += 1
        found = dict(await super().connect())
        if self._clock.monotonic_s() < self.answers_at_s:
            found["balance"] = found["balance"].model_copy(
                update={"identity": "", "error": "LineError: no port"}
            )
        return found


class Dying(LocalExecutor):
    """An executor whose engine dies at its first job."""

    async def perform(self, order):
        raise RuntimeError("the engine dies")


def _engine(run, executor, clock, waits_for_instruments_s):
    return Engine(
        journal=Journal(run.log, CAMPAIGN_ID, clock),
        clock=clock,
        executor=executor,
        planning=planning_in_process(),
        recipe=run.recipe,
        rig=run.rig,
        habits=EngineHabits(poll_s=5.0, waits_for_instruments_s=waits_for_instruments_s),
        on_change=lambda _: None,
    )


def _drive(*, waits_for_instruments_s, has_begun=True, before=lambda run: None):
    run = DryRun(MemoryLog(), oer_campaign(max_experiments=1))
    run.open()

    async def main(clock: VirtualClock):
        bench = bench_for(run.rig, clock, 0)
        lines = {name: bench.line(name) for name in run.rig.lines}
        if has_begun:
            with pytest.raises(RuntimeError, match="the engine dies"):
                await _engine(run, Dying(run.rig, lines, clock), clock, 0.0).run()
        late = Booting(run.rig, lines, clock)
        late.answers_at_s = clock.monotonic_s() + 60.0
        before(run)
        return await _engine(run, late, clock, waits_for_instruments_s).run(), late.n_asked

    return run_virtually(main)


def test_a_campaign_that_goes_on_waits_for_a_slow_instrument():
    state, n_asked = _drive(waits_for_instruments_s=300.0)

    assert n_asked > 5
    assert not state.status_reason.startswith("no connection")


def test_it_is_held_when_the_instrument_does_not_come_in_time():
    state, n_asked = _drive(waits_for_instruments_s=20.0)

    assert n_asked > 3
    assert state.status is CampaignStatus.HELD
    assert state.status_reason == "no connection to balance: LineError: no port"


def test_a_new_campaign_is_held_at_once():
    state, n_asked = _drive(waits_for_instruments_s=300.0, has_begun=False)

    assert n_asked == 1
    assert state.status is CampaignStatus.HELD


def test_an_end_that_is_asked_for_is_not_kept_waiting():
    state, n_asked = _drive(
        waits_for_instruments_s=300.0, before=lambda run: run.append(StopRequested(reason="go"))
    )

    assert n_asked == 1
    assert state.status.has_ended
