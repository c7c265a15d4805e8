"""A person answers a doubt while the device is being asked about the same job."""

import asyncio

import pytest

from drivers.clock import VirtualClock
from orchestrator.core.campaign import CampaignStatus
from orchestrator.core.events import (
    LAB_STREAM,
    DoubtAnswered,
    JobFailed,
    JobOutcomeUnknown,
    LatchCleared,
    LatchSet,
    ResumeRequested,
)
from orchestrator.core.job import JobStatus
from orchestrator.engine.habits import EngineHabits
from orchestrator.engine.journal import Journal
from orchestrator.engine.loop import Engine
from orchestrator.engine.planning import planning_in_process
from orchestrator.execution.executor import Done, Refused, Unknown
from orchestrator.execution.local_executor import LocalExecutor
from orchestrator.execution.rig import bench_for
from orchestrator.log.memory_log import MemoryLog
from tests.support.dry_runs import CAMPAIGN_ID, DryRun, oer_campaign
from tests.support.pretend_bench import run_virtually


class Dying(LocalExecutor):
    """An executor whose engine dies when it hands a dose over."""

    async def perform(self, order):
        if order.action == "transfer":
            raise RuntimeError("the engine dies")
        return await super().perform(order)


class Asking(LocalExecutor):
    """An executor whose device takes its time and then says that it ran."""

    performed = ()
    asked = ()

    async def perform(self, order):
        self.performed = (*self.performed, order.job_id)
        return await super().perform(order)

    async def settle(self, order):
        self.asked = (*self.asked, order.job_id)
        await self._clock.sleep(30.0)
        return Done()


def test_a_device_that_says_it_ran_is_not_overruled_by_a_hasty_person():
    run = DryRun(MemoryLog(), oer_campaign(max_experiments=1))
    run.open()

    def engine(executor, clock, look):
        return Engine(
            journal=Journal(run.log, CAMPAIGN_ID, clock),
            clock=clock,
            executor=executor,
            planning=planning_in_process(),
            recipe=run.recipe,
            rig=run.rig,
            habits=EngineHabits(poll_s=5.0),
            on_change=look,
        )

    async def main(clock: VirtualClock):
        bench = bench_for(run.rig, clock, 0)
        lines = {name: bench.line(name) for name in run.rig.lines}
        with pytest.raises(RuntimeError, match="the engine dies"):
            await engine(Dying(run.rig, lines, clock), clock, lambda _: None).run()
        asking = Asking(run.rig, lines, clock)

        def answer_hastily(watch):
            (experiment,) = watch.state.open_experiments.values()
            doubts = [j for j in experiment.jobs.values() if j.status is JobStatus.IN_DOUBT]
            if asking.asked and doubts and not _answers(run):
                job_id = doubts[0].planned.job_id
                run.append(DoubtAnswered(job_id=job_id, answer="did_not_run", reason="looked dry"))
                run.append(JobFailed(job_id=job_id, error="DidNotRun", message="", has_acted=False))

        await engine(asking, clock, answer_hastily).run()
        return asking

    asking = run_virtually(main)

    state = run.state()
    assert asking.asked[0] not in asking.performed
    assert state.status is CampaignStatus.HELD
    assert asking.asked[0] in state.status_reason
    last = [event for event in run.events() if isinstance(event, JobOutcomeUnknown)][-1]
    assert "looked dry" in last.evidence
    assert "the device says" in last.evidence


def _answers(run):
    return [event for event in run.events() if isinstance(event, DoubtAnswered)]


class CutOff(LocalExecutor):
    """An executor whose first dose was cut off by the latch, and the question about it, too."""

    asked = ()

    async def perform(self, order):
        if order.action == "transfer" and not self.asked:
            return Unknown(evidence="the stop latch was set; the question was cut off")
        return await super().perform(order)

    async def settle(self, order):
        self.asked = (*self.asked, order.job_id)
        return Refused(error="NothingDone", message="nothing moved", has_acted=False)


def test_a_doubt_that_a_latch_cut_off_is_asked_about_again_when_the_latch_is_cleared():
    run = DryRun(MemoryLog(), oer_campaign(max_experiments=1))
    run.open()
    said = []

    def operate(watch):
        if watch.state.status is not CampaignStatus.HELD:
            return
        if not said:
            happened = [LatchSet(source="operator", reason="smoke"), LatchCleared(reason="steam")]
            run.log.append(
                LAB_STREAM, happened, time=watch.now, actor="operator", is_simulated=True
            )
            said.append("cleared")
        elif said == ["cleared"] and not watch.state.open_experiments["E0001"].jobs_in_doubt():
            run.append(ResumeRequested())
            said.append("resumed")

    async def main(clock: VirtualClock):
        bench = bench_for(run.rig, clock, 0)
        lines = {name: bench.line(name) for name in run.rig.lines}
        executor = CutOff(run.rig, lines, clock)
        engine = Engine(
            journal=Journal(run.log, CAMPAIGN_ID, clock),
            clock=clock,
            executor=executor,
            planning=planning_in_process(),
            recipe=run.recipe,
            rig=run.rig,
            habits=EngineHabits(poll_s=5.0, leaves_when_held=False),
            on_change=operate,
        )
        async with asyncio.timeout(3600.0 * 5):
            await engine.run()
        return executor.asked

    asked = run_virtually(main)

    assert len(asked) == 1
    assert said == ["cleared", "resumed"]
    assert run.state().status is CampaignStatus.FINISHED
