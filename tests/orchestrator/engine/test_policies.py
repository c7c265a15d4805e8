"""What a campaign file says of people, failures and reference samples, on the pretend bench."""

from datetime import timedelta

import pytest

from orchestrator.core.approvals import waiting_for_approval
from orchestrator.core.campaign import CampaignStatus
from orchestrator.core.events import (
    LAB_STREAM,
    CandidateApproved,
    CandidateRejected,
    CandidatesProposed,
    ExperimentFailed,
    InstrumentTakenOut,
    JobStarted,
    ObservationRetracted,
    PauseRequested,
    ResumeRequested,
)
from orchestrator.engine.perform import known_observations, pending_points
from orchestrator.log.memory_log import MemoryLog
from tests.support.dry_runs import START, DryRun, oer_campaign, oer_rig

REFERENCE = """
[reference]
every_n_experiments = 2
point = { x1 = 0.5, x2 = 0.5, x3 = 0.0, x4 = 0.0, x5 = 0.0, x6 = 0.0 }
"""
SPARE_PUMP = """
[instruments.pump_x1_spare]
driver = "new_era_ne1000"
line = "pumps"
draws_from = "x1"
delivers_to = "mixing_vessel"
equal_to = "pump_x1"
[instruments.pump_x1_spare.settings]
address = 30
syringe_diameter_mm = 14.57
syringe_volume_ml = 10.0
"""
STALL = """
[[simulation.fault]]
instrument = "pump_x1"
kind = "stalled"
exchange = 36
"""


def _opened(*, rig: str = "", **more) -> DryRun:
    dry_run = DryRun(MemoryLog(), oer_campaign(**more), oer_rig(rig))
    dry_run.open()
    return dry_run


def test_reference_samples_are_made_and_not_learnt_from():
    dry_run = _opened(max_experiments=3, more=REFERENCE)

    state = dry_run.drive()

    purposes = [experiment.purpose for experiment in state.experiments]
    assert purposes == ["search", "search", "reference", "search"]
    assert (state.status, len(state.references)) == (CampaignStatus.FINISHED, 1)
    assert [one.experiment_id for one in state.observations] == ["E0001", "E0002", "E0004"]
    assert len(known_observations(state)) == 3


def test_an_equal_pump_does_what_one_out_of_service_cannot():
    dry_run = _opened(max_experiments=2, rig=SPARE_PUMP)
    out = InstrumentTakenOut(instrument="pump_x1", reason="leaks")
    dry_run.log.append(LAB_STREAM, [out], time=START, actor="ada", is_simulated=True)

    state = dry_run.drive()

    moved = [
        event
        for event in dry_run.events()
        if isinstance(event, JobStarted) and event.instrument == "pump_x1_spare"
    ]
    assert state.status is CampaignStatus.FINISHED
    assert len(state.observations) == 2
    assert moved
    assert all(event.job_id.endswith("/dispense_x1") for event in moved)


def test_a_fault_of_the_sample_is_an_infeasible_observation():
    spec = oer_campaign(max_experiments=2)
    recipe = spec.recipe
    assert recipe is not None
    jobs = tuple(
        job.model_copy(update={"failure_means": "synthesis"})
        if job.action == "transfer" and job.for_each
        else job
        for job in recipe.jobs
    )
    spec = spec.model_copy(update={"recipe": recipe.model_copy(update={"jobs": jobs})})
    dry_run = DryRun(MemoryLog(), spec, oer_rig(STALL))
    dry_run.open()

    state = dry_run.drive()

    failures = [event for event in dry_run.events() if isinstance(event, ExperimentFailed)]
    assert [one.cause for one in failures] == ["synthesis"]
    first = state.observations[0]
    assert first.observation.is_failed
    assert first.observation.values == {}
    assert first.observation.point == state.experiments[0].candidate.point


def test_nothing_is_made_before_it_is_approved():
    dry_run = _opened(max_experiments=2, more='[approval]\ngate = "all"\n')
    n_started = []

    def look(watch):
        for queued in waiting_for_approval(watch.state):
            n_started.append(watch.state.n_started)
            dry_run.append(CandidateApproved(candidate_id=queued.candidate_id))

    state = dry_run.drive(on_change=look)

    assert state.status is CampaignStatus.FINISHED
    assert len(n_started) == state.n_candidates == 2


def test_what_was_rejected_is_pending_for_the_planner():
    dry_run = _opened(max_experiments=1, more='[approval]\ngate = "all"\n')

    def look(watch):
        for queued in waiting_for_approval(watch.state):
            is_first = queued.candidate_id == "C0001"
            judge = CandidateRejected if is_first else CandidateApproved
            dry_run.append(judge(candidate_id=queued.candidate_id, reason="looked"))

    state = dry_run.drive(on_change=look)

    assert [one.point for one in state.rejected] == [_proposed(dry_run)[0].point]
    assert state.rejected[0].point in pending_points(state)
    assert state.experiments[0].candidate.point == _proposed(dry_run)[1].point


def _proposed(dry_run):
    asked = [event for event in dry_run.events() if isinstance(event, CandidatesProposed)]
    return [candidate for event in asked for candidate in event.candidates]


def test_the_next_proposal_is_made_without_what_was_retracted():
    dry_run = _opened(max_experiments=6)
    has_asked = False

    def look(watch):
        nonlocal has_asked
        if len(watch.state.observations) == 2 and not has_asked:
            has_asked = True
            dry_run.append(PauseRequested())

    paused = dry_run.drive(on_change=look)
    n_known = len(paused.observations)
    retracted = paused.observations[0].experiment_id
    later = paused.last_time + timedelta(minutes=1)
    dry_run.append(ObservationRetracted(experiment_id=retracted, reason="wrong bottle"), time=later)
    n_before = dry_run.state().n_proposals
    dry_run.append(ResumeRequested(), time=later)
    state = dry_run.drive()

    proposals = [event for event in dry_run.events() if isinstance(event, CandidatesProposed)]
    after = [one for one in proposals if one.proposal > n_before]
    assert after[0].n_observations == n_known - 1
    assert state.status is CampaignStatus.FINISHED
    assert len(state.observations) == 5


NEVER_HOLDS = """
[[interlock]]
name = "light enough"
readings = { mass_g = "balance.measure_mass_immediately" }
condition = "mass_g <= -1000"
protects = ["pump_x1", "pump_x2", "pump_x3", "pump_x4", "pump_x5", "pump_x6"]
on_trip = "hold"
"""


@pytest.mark.slow
def test_a_resume_tries_again_what_was_refused_until_the_hold():
    dry_run = _opened(max_experiments=1, rig=NEVER_HOLDS)
    held = dry_run.drive()
    n_before = sum(isinstance(event, JobStarted) for event in dry_run.events())
    dry_run.append(ResumeRequested(reason="again"))

    again = dry_run.drive()

    n_after = sum(isinstance(event, JobStarted) for event in dry_run.events())
    assert held.status is again.status is CampaignStatus.HELD
    assert "InterlockTripped" in held.status_reason
    assert n_after == n_before + 1
