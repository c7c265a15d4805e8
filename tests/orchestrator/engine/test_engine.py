"""The engine on the pretend bench: it finishes, obeys, and survives being cut off anywhere."""

from collections import Counter

import pytest

from orchestrator.core.campaign import CampaignStatus
from orchestrator.core.events import (
    AbortRequested,
    CampaignHeld,
    EngineAttached,
    EngineDetached,
    ExperimentFailed,
    JobFinished,
    JobInterrupted,
    JobOutcomeUnknown,
    JobStarted,
    ObservationRecorded,
    PauseRequested,
    ResumeRequested,
    StopRequested,
)
from orchestrator.core.job import JobStatus
from orchestrator.engine.journal import EngineSuperseded
from orchestrator.errors import LogError
from orchestrator.log.event_log import last_hash
from orchestrator.log.memory_log import MemoryLog
from tests.support.dry_runs import CAMPAIGN_ID, DryRun, oer_campaign, oer_rig


def _opened(log=None, **more):
    dry_run = DryRun(log if log is not None else MemoryLog(), oer_campaign(**more))
    dry_run.open()
    return dry_run


def test_a_campaign_runs_to_its_end_and_every_job_is_written_twice():
    dry_run = _opened(max_experiments=3)

    state = dry_run.drive()

    kinds = Counter(type(event) for event in dry_run.events())
    assert state.status is CampaignStatus.FINISHED
    assert kinds[ObservationRecorded] == 3
    assert kinds[JobStarted] == kinds[JobFinished] > 20
    assert isinstance(dry_run.events()[-1], EngineDetached)
    assert dry_run.log.verify().first_bad_seq is None


def test_the_same_seed_gives_the_same_hash_and_another_seed_another():
    runs = [DryRun(MemoryLog(), oer_campaign(), seed=seed) for seed in (3, 3, 4)]
    for dry_run in runs:
        dry_run.open()
        dry_run.drive()

    hashes = [last_hash(dry_run.log) for dry_run in runs]

    assert hashes[0] == hashes[1] != hashes[2]


def test_observations_carry_the_composition_that_was_made():
    dry_run = _opened(max_experiments=2)

    state = dry_run.drive()

    for record in state.observations:
        made = record.observation.point
        asked = state.experiments[0].candidate.point
        assert made != asked
        fractions = [made[name] for name in ("x1", "x2", "x3", "x4", "x5", "x6")]
        assert sum(fractions) == pytest.approx(1.0, abs=1e-12)


def test_two_experiments_are_in_flight_and_never_in_one_place():
    most = 0

    def look(watch):
        nonlocal most
        places = [
            place
            for experiment in watch.state.open_experiments.values()
            for place in experiment.places_held()
        ]
        assert len(places) == len(set(places))
        started = [
            job
            for experiment in watch.state.open_experiments.values()
            for job in experiment.jobs.values()
            if job.status is JobStatus.STARTED
        ]
        most = max(most, len(started))

    _opened(max_experiments=4).drive(on_change=look)

    assert most == 2


def _request_after(dry_run, n_jobs, request):
    """Return an onlooker that appends a request once so many jobs were started."""
    has_asked = False

    def look(_watch):
        nonlocal has_asked
        started = sum(isinstance(event, JobStarted) for event in dry_run.events())
        if started >= n_jobs and not has_asked:
            has_asked = True
            dry_run.append(request)

    return look


def test_a_pause_finishes_what_runs_and_a_resume_goes_on():
    dry_run = _opened(max_experiments=4)

    paused = dry_run.drive(on_change=_request_after(dry_run, 5, PauseRequested()))
    open_then = dict(paused.open_experiments)
    dry_run.append(ResumeRequested())
    finished = dry_run.drive()

    assert paused.status is CampaignStatus.PAUSED
    assert not open_then
    assert 1 <= len(paused.observations) < 4
    assert finished.status is CampaignStatus.FINISHED
    assert len(finished.observations) == 4


def test_a_stop_finishes_the_running_jobs_and_ends():
    dry_run = _opened(max_experiments=4)

    state = dry_run.drive(on_change=_request_after(dry_run, 7, StopRequested(reason="lunch")))

    assert state.status is CampaignStatus.STOPPED
    assert not any(isinstance(event, JobInterrupted) for event in dry_run.events())
    failed = [event for event in dry_run.events() if isinstance(event, ExperimentFailed)]
    assert {event.cause for event in failed} == {"interrupted"}


def test_an_abort_interrupts_the_running_job_and_the_pump_stands_still():
    dry_run = _opened(max_experiments=4)

    state = dry_run.drive(on_change=_request_after(dry_run, 2, AbortRequested(reason="smoke")))

    cut = [event for event in dry_run.events() if isinstance(event, JobInterrupted)]
    assert state.status is CampaignStatus.ABORTED
    assert len(cut) == 1
    assert not any(
        job.status is JobStatus.STARTED
        for experiment in state.experiments
        for job in experiment.jobs.values()
    )


class _CutLog(MemoryLog):
    """A log whose process dies right after the record with a certain seq is durable."""

    def __init__(self, die_after: int) -> None:
        super().__init__()
        self.die_after: int | None = die_after

    def append(self, stream, events, **how):
        records = super().append(stream, events, **how)
        if self.die_after is not None and self.last_seq() >= self.die_after:
            raise LogError("the process died here")
        return records


def _length_of_a_whole_run() -> int:
    dry_run = _opened(max_experiments=2)
    dry_run.drive()
    return dry_run.log.last_seq()


@pytest.mark.slow
def test_a_run_cut_after_any_event_goes_on_or_says_what_is_in_doubt():
    length = _length_of_a_whole_run()
    ends = Counter()
    for die_after in range(2, length + 1, 3):
        log = _CutLog(die_after)
        dry_run = _opened(log, max_experiments=2)
        with pytest.raises(LogError, match="died here"):
            dry_run.drive()
        log.die_after = None
        n_before = len(dry_run.events())

        state = dry_run.drive()

        ends[str(state.status)] += 1
        starts = Counter(e.job_id for e in dry_run.events() if isinstance(e, JobStarted))
        blind = {
            job.planned.job_id
            for experiment in state.experiments
            for job in experiment.jobs.values()
            if job.planned.recovery != "pure"
        }
        assert all(starts[job_id] == 1 for job_id in blind if job_id in starts)
        assert len(dry_run.events()) > n_before
        if state.status is CampaignStatus.HELD:
            assert state.status_reason
        else:
            assert state.status is CampaignStatus.FINISHED
    assert set(ends) == {"finished", "held"}


def test_a_job_that_was_running_when_the_engine_died_is_in_doubt():
    dry_run = _opened(max_experiments=2)

    def die(_watch):
        last = dry_run.events()[-1]
        if isinstance(last, JobStarted) and "/dispense" in last.job_id:
            raise LogError("the process died here")

    with pytest.raises(LogError, match="died here"):
        dry_run.drive(on_change=die)
    state = dry_run.drive()

    doubts = [event for event in dry_run.events() if isinstance(event, JobOutcomeUnknown)]
    assert len(doubts) == 1
    assert "engine 1 ended" in doubts[0].evidence
    assert state.status is CampaignStatus.HELD
    assert doubts[0].job_id in state.status_reason


def test_an_older_engine_stops_acting_when_another_attaches():
    dry_run = _opened(max_experiments=4)

    with pytest.raises(EngineSuperseded, match=CAMPAIGN_ID):
        dry_run.drive(on_change=_request_after(dry_run, 3, EngineAttached(epoch=2)))

    later = [event for event in dry_run.events() if isinstance(event, EngineDetached)]
    assert not later


@pytest.mark.parametrize("kind", ["lost", "late", "garbled", "stalled", "refused"])
@pytest.mark.parametrize("instrument", ["pump_x1", "balance", "source_meter"])
def test_a_fault_on_the_wire_never_ends_in_a_wrong_number(kind, instrument):
    fault = f"""
[[simulation.fault]]
instrument = "{instrument}"
kind = "{kind}"
exchange = 14
{"delay_s = 400.0" if kind == "late" else ""}
"""
    dry_run = DryRun(MemoryLog(), oer_campaign(max_experiments=3), oer_rig(fault))
    dry_run.open()

    state = dry_run.drive()

    assert state.status in (CampaignStatus.FINISHED, CampaignStatus.HELD)
    if state.status is CampaignStatus.HELD:
        assert state.status_reason
        assert any(isinstance(event, CampaignHeld) for event in dry_run.events())
    for record in state.observations:
        assert 0.3 < record.observation.values["overpotential_v"] < 0.8


def test_a_failed_experiment_is_cleaned_away_before_the_next_one():
    fault = """
[[simulation.fault]]
instrument = "balance"
kind = "refused"
exchange = 7
"""
    dry_run = DryRun(MemoryLog(), oer_campaign(max_experiments=3), oer_rig(fault))
    dry_run.open()

    state = dry_run.drive()

    failed = [each for each in state.experiments if each.cause == "instrument"]
    assert state.status is CampaignStatus.FINISHED
    assert len(failed) == 1
    assert not failed[0].places_held()
    assert failed[0].jobs["fill_cell"].status is JobStatus.DONE
    assert failed[0].jobs["drain_cell"].status is JobStatus.DONE
    assert failed[0].jobs["sweep"].status is JobStatus.QUEUED
    assert len(state.observations) == 2


def test_an_instrument_that_does_not_answer_holds_the_campaign_after_one_sample():
    dead = """
[[simulation.fault]]
instrument = "source_meter"
kind = "stalled"
exchange = 40
"""
    more = "".join(dead.replace("40", str(n)) for n in range(60, 140))
    dry_run = DryRun(MemoryLog(), oer_campaign(max_experiments=6), oer_rig(more))
    dry_run.open()

    state = dry_run.drive()

    failed = [each for each in state.experiments if each.cause == "instrument"]
    assert state.status is CampaignStatus.HELD
    assert state.status_reason.startswith("source_meter could not be used in 3 attempts")
    assert len(failed) <= 2
    assert not dry_run.lab().unclean
