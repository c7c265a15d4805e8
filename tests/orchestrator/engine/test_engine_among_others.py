"""The engine while operators, other engines and broken parts act at the wrong moment."""

import asyncio
import multiprocessing
from multiprocessing.connection import wait

import pytest

from campaigns.loading import campaign_from_text
from drivers.clock import VirtualClock
from orchestrator.core.campaign import CampaignStatus
from orchestrator.core.events import (
    AbortRequested,
    CandidatesProposed,
    EngineAttached,
    JobFinished,
    JobInterrupted,
    JobOutcomeUnknown,
    JobStarted,
    ObservationRetracted,
    PauseRequested,
    ProposalFailed,
    ResumeRequested,
    StopRequested,
)
from orchestrator.core.job import JobStatus
from orchestrator.engine.habits import EngineHabits
from orchestrator.engine.journal import EngineSuperseded, Journal
from orchestrator.engine.loop import Engine
from orchestrator.engine.planning import Planning, planning_in_process, planning_in_worker
from orchestrator.errors import IllegalTransition, LogError
from orchestrator.execution.analyses.composition_by_mass import CompositionByMass
from orchestrator.execution.local_executor import LocalExecutor
from orchestrator.execution.rig import bench_for
from orchestrator.log.memory_log import MemoryLog
from tests.support.dry_runs import CAMPAIGN_ID, LIBRARY, START, DryRun, oer_campaign, oer_rig
from tests.support.pretend_bench import run_virtually

DEAD_BALANCE = """
[[simulation.fault]]
instrument = "balance"
kind = "lost"
probability = 1.0
"""


def _opened(log=None, spec=None, more=""):
    spec = spec if spec is not None else oer_campaign(max_experiments=2)
    dry_run = DryRun(log if log is not None else MemoryLog(), spec, oer_rig(more))
    dry_run.open()
    return dry_run


@pytest.mark.parametrize(
    ("request_", "end"),
    [
        (StopRequested(reason="lunch"), CampaignStatus.STOPPED),
        (AbortRequested(reason="smoke"), CampaignStatus.ABORTED),
        (PauseRequested(), CampaignStatus.HELD),
    ],
)
def test_a_request_while_a_dead_instrument_is_connected_is_obeyed(request_, end):
    dry_run = _opened(more=DEAD_BALANCE)
    requests = [request_]

    def look(_watch):
        if requests:
            dry_run.append(requests.pop())

    dry_run.drive(on_change=look)

    assert dry_run.state().status is end


class _IntrudedLog(MemoryLog):
    """A log into which another engine writes just before the first answer of an instrument."""

    has_intruded = False

    def append(self, stream, events, **how):
        if isinstance(events[0], JobFinished) and not self.has_intruded:
            self.has_intruded = True
            doubt = JobOutcomeUnknown(job_id=events[0].job_id, evidence="nobody reported")
            super().append(stream, [EngineAttached(epoch=2), doubt], **{**how, "expected": None})
        return super().append(stream, events, **how)


def test_an_engine_that_was_superseded_reports_nothing_more():
    dry_run = _opened(_IntrudedLog())

    with pytest.raises(EngineSuperseded):
        dry_run.drive()

    assert isinstance(dry_run.events()[-1], JobOutcomeUnknown)
    assert dry_run.state().epoch == 2


def test_a_fact_that_cannot_follow_is_not_written():
    dry_run = _opened()
    journal = Journal(dry_run.log, CAMPAIGN_ID, _StandingClock())

    with pytest.raises(IllegalTransition):
        journal.record([JobInterrupted(job_id="E0001/tare", reason="")])

    assert dry_run.log.last_seq() == 1


class _Station(LocalExecutor):
    """An executor whose orders go on when an engine hangs up, and are cut off when it cancels."""

    has_hung_up = False
    n_cut_off = 0

    async def close(self):
        self.has_hung_up = True
        await super().close()

    async def perform(self, order):
        try:
            return await super().perform(order)
        except asyncio.CancelledError:
            self.n_cut_off += not self.has_hung_up
            raise


def test_an_engine_that_was_superseded_cuts_nothing_off():
    dry_run = _opened()
    stations = []

    def look(watch):
        jobs = [job for one in watch.state.open_experiments.values() for job in one.jobs.values()]
        is_running = any(job.status is JobStatus.STARTED for job in jobs)
        if is_running and dry_run.state().epoch == 1:
            dry_run.append(EngineAttached(epoch=2))

    async def main(_):
        clock = VirtualClock(START)
        bench = bench_for(dry_run.rig, clock, 0)
        lines = {name: bench.line(name) for name in dry_run.rig.lines}
        stations.append(_Station(dry_run.rig, lines, clock))
        engine = Engine(
            journal=Journal(dry_run.log, CAMPAIGN_ID, clock),
            clock=clock,
            executor=stations[0],
            planning=planning_in_process(),
            recipe=dry_run.recipe,
            rig=dry_run.rig,
            habits=EngineHabits(poll_s=0.01),
            on_change=look,
        )
        return await engine.run()

    with pytest.raises(EngineSuperseded):
        run_virtually(main)

    assert stations[0].has_hung_up
    assert stations[0].n_cut_off == 0


class _StandingClock(VirtualClock):
    """A clock that stands at one time, outside any loop."""

    def __init__(self) -> None:
        super().__init__(START)

    def now(self):
        return START


@pytest.mark.parametrize("reason", ["", "lunch"])
def test_a_pause_that_was_asked_for_waits_for_a_resume(reason):
    dry_run = _opened()
    dry_run.append(PauseRequested())
    dry_run.append(ResumeRequested(reason="back"))
    dry_run.append(PauseRequested(reason=reason))
    n_looks = 0

    def look(watch):
        nonlocal n_looks
        if watch.state.status is CampaignStatus.PAUSED:
            n_looks += 1
            if n_looks == 2:
                dry_run.append(ResumeRequested())

    state = dry_run.drive(on_change=look, leaves_when_paused=False)

    assert state.status is CampaignStatus.FINISHED


def test_an_abort_without_a_reason_does_not_inherit_one():
    dry_run = _opened()
    for request in (PauseRequested(), ResumeRequested(reason="back"), AbortRequested()):
        dry_run.append(request)

    state = dry_run.drive()

    assert (state.status, state.status_reason) == (CampaignStatus.ABORTED, "")


def test_an_analysis_that_breaks_is_a_failed_measurement(monkeypatch):
    def broken(_self, _sample):
        raise ZeroDivisionError("our own mistake")

    monkeypatch.setattr(CompositionByMass, "analyse", broken)
    dry_run = _opened(spec=oer_campaign(max_experiments=1))

    state = dry_run.drive()

    assert state.status is CampaignStatus.FINISHED
    assert state.experiments[0].cause == "measurement"
    assert "ZeroDivisionError: our own mistake" in state.experiments[0].reason


def test_a_candidate_without_a_price_is_never_queued():
    text = (LIBRARY / "oer_plate.toml").read_text(encoding="utf-8")
    text = text.replace('name = "botorch"', 'name = "sobol"')
    price = 'cost_usd_per_experiment = "1 / x1"'
    spec = campaign_from_text(text.replace("cost_usd_per_experiment = 9.5", price), file="x.toml")
    dry_run = _opened(spec=spec)

    state = dry_run.drive()

    failed = [event for event in dry_run.events() if isinstance(event, ProposalFailed)]
    assert state.status is CampaignStatus.HELD
    assert "RecipeError" in failed[0].error
    assert all(queued.candidate.point["x1"] for queued in state.queue)


@pytest.mark.slow
def test_a_planner_that_is_not_waited_for_is_ended():
    planning = planning_in_worker()
    before = multiprocessing.active_children()

    async def main(clock):
        asking = asyncio.ensure_future(
            planning.propose(oer_campaign(), (), (), n=1, seed=0, clock=clock)
        )
        await asyncio.sleep(0)
        workers = [child for child in multiprocessing.active_children() if child not in before]
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        return workers

    workers = run_virtually(main)
    assert len(workers) == 1
    # by its sentinel: the pool's own thread may be about to reap it
    assert wait([workers[0].sentinel], timeout=30.0)


class _FullLog(MemoryLog):
    """A log whose disk is full while `is_full`."""

    is_full = False

    def append(self, stream, events, **how):
        if self.is_full:
            raise LogError("database or disk is full")
        return super().append(stream, events, **how)


class _MakingRoom(LocalExecutor):
    """An executor whose way to the safe state makes room on the disk, too."""

    async def make_safe(self):
        self.log.is_full = False
        return await super().make_safe()


def test_an_abort_makes_safe_although_the_log_cannot_be_written(monkeypatch):
    monkeypatch.setattr("orchestrator.engine.loop.LOG_RETRY_S", 0.0)
    dry_run = _opened(_FullLog())
    n_failures = 0

    def look(watch):
        nonlocal n_failures
        n_failures += bool(watch.log_error)
        if n_failures > 20:
            dry_run.log.is_full = False
            raise AssertionError("nothing is made safe")
        n_started = sum(isinstance(event, JobStarted) for event in dry_run.events())
        if n_started == 5 and not watch.log_error and not watch.state.status.has_ended:
            dry_run.append(AbortRequested(reason="smoke"))
            dry_run.log.is_full = True

    async def main(_):
        clock = VirtualClock(START)
        bench = bench_for(dry_run.rig, clock, 0)
        lines = {name: bench.line(name) for name in dry_run.rig.lines}
        executor = _MakingRoom(dry_run.rig, lines, clock)
        executor.log = dry_run.log
        engine = Engine(
            journal=Journal(dry_run.log, CAMPAIGN_ID, clock),
            clock=clock,
            executor=executor,
            planning=planning_in_process(),
            recipe=dry_run.recipe,
            rig=dry_run.rig,
            habits=EngineHabits(poll_s=5.0, waits_for_log=True),
            on_change=look,
        )
        return await engine.run()

    assert run_virtually(main).status is CampaignStatus.ABORTED


class _Retracting(Planning):
    """Planning during which a person takes the first result back."""

    def __init__(self, dry_run):
        super().__init__(None)
        self.dry_run = dry_run
        self.n_told = []

    async def propose(self, campaign, observations, pending, **how):
        self.n_told.append(len(observations))
        proposal = await super().propose(campaign, observations, pending, **how)
        if self.n_told[-1] and ObservationRetracted not in map(type, self.dry_run.events()):
            self.dry_run.append(ObservationRetracted(experiment_id="E0001", reason="spilt"))
        return proposal


def test_no_proposal_rests_on_a_result_that_was_retracted_meanwhile():
    dry_run = _opened(spec=oer_campaign(max_experiments=3))
    planning = _Retracting(dry_run)

    async def main(_):
        clock = VirtualClock(START)
        bench = bench_for(dry_run.rig, clock, 0)
        lines = {name: bench.line(name) for name in dry_run.rig.lines}
        engine = Engine(
            journal=Journal(dry_run.log, CAMPAIGN_ID, clock),
            clock=clock,
            executor=LocalExecutor(dry_run.rig, lines, clock),
            planning=planning,
            recipe=dry_run.recipe,
            rig=dry_run.rig,
            habits=EngineHabits(poll_s=600.0),
            on_change=lambda _: None,
        )
        return await engine.run()

    run_virtually(main)
    asked = [e for e in dry_run.events() if isinstance(e, CandidatesProposed)]

    assert planning.n_told[-2:] == [1, 0]
    assert [one.n_observations for one in asked] == [0, 0, 0]
