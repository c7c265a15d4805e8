"""Properties of the decisions: what may never happen, whatever the dice say."""

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.attempts import MAX_ATTEMPTS, is_lost
from orchestrator.core.campaign import CampaignState, CampaignStatus, fold
from orchestrator.core.decide import decide
from orchestrator.core.events import (
    CampaignHeld,
    CampaignPaused,
    EngineAttached,
    ExperimentFailed,
    ExperimentStarted,
    JobOutcomeUnknown,
    JobStarted,
    PauseRequested,
    ResumeRequested,
)
from orchestrator.core.intents import AskPlanner, Finish, Hold, RunJob
from orchestrator.core.job import JobState, JobStatus
from orchestrator.core.lab import LabState
from tests.support.dice_bench import DiceBench
from tests.support.pretend_campaigns import START, opening, planned_jobs, small_campaign


def _check_places_and_instruments(state: CampaignState, lab: LabState) -> None:
    owners: dict[str, str] = {}
    busy: set[str] = set()
    for experiment in state.open_experiments.values():
        for place in experiment.places_held():
            assert place not in owners, f"{place} is held twice"
            assert place not in lab.unclean, f"{place} was left unclean"
            owners[place] = experiment.experiment_id
        for job in experiment.jobs.values():
            if job.status is JobStatus.STARTED:
                assert job.instrument not in busy, "two jobs on one instrument"
                busy.add(job.instrument)


GATES = ("", '[approval]\ngate = "all"\n', '[approval]\ngate = "first"\nn_first = 2\n')
REFERENCE = "[reference]\nevery_n_experiments = 2\npoint = { a = 0.3, b = 0.7 }\n"


@given(
    seed=st.integers(0, 10**9),
    trouble=st.floats(0.0, 0.6),
    in_flight=st.integers(1, 4),
    gate=st.sampled_from(GATES),
    reference=st.sampled_from(["", REFERENCE]),
)
def test_no_matter_is_touched_twice_and_nothing_is_shared(
    seed, trouble, in_flight, gate, reference
):
    dice = random.Random(seed)
    spec = small_campaign(in_flight=in_flight, more=gate + reference)
    bench = DiceBench(spec, dice, trouble)

    for state, intents in bench.run():
        _check_places_and_instruments(state, bench.lab)
        assert len(state.open_experiments) <= state.n_started
        assert state.n_searched <= 4
        for intent in intents:
            if isinstance(intent, RunJob):
                job = state.open_experiments[intent.experiment_id].jobs[intent.job_name]
                assert not bench.lab.why_unusable(intent.instrument or job.planned.instrument)

    for job_id, times in bench.sent.items():
        if job_id.endswith("/read"):
            n_sent = times - bench.never_sent.get(job_id, 0)
            assert n_sent <= MAX_ATTEMPTS, f"{job_id} sent {times} times"
        else:
            assert times - bench.never_sent.get(job_id, 0) <= 1, f"{job_id} sent {times} times"


@given(seed=st.integers(0, 10**9))
def test_without_trouble_every_experiment_gives_an_observation(seed):
    bench = DiceBench(small_campaign(), random.Random(seed), trouble=0.0)

    *_, (state, intents) = bench.run()

    assert state.status is CampaignStatus.FINISHED
    assert len(state.observations) == 4
    assert intents == ()


@given(seed=st.integers(0, 10**9), trouble=st.floats(0.0, 0.6), data=st.data())
def test_folding_in_two_halves_equals_folding_at_once(seed, trouble, data):
    bench = DiceBench(small_campaign(), random.Random(seed), trouble)
    for _ in bench.run():
        pass
    cut = data.draw(st.integers(1, len(bench.events)))

    state = fold(bench.events[:cut])
    assert state is not None
    for event, time in bench.events[cut:]:
        state = state.after(event, time)

    assert state == fold(bench.events)


@given(seed=st.integers(0, 10**9), trouble=st.floats(0.0, 0.6))
def test_a_campaign_ends_or_says_why_it_does_not_go_on(seed, trouble):
    bench = DiceBench(small_campaign(), random.Random(seed), trouble)

    states = [state for state, _ in bench.run()]

    last = states[-1]
    assert last.status.has_ended or last.status.is_waiting
    if last.status is CampaignStatus.HELD:
        assert last.status_reason


def _opened(**more: object) -> list:
    return [
        (opening(small_campaign(**more)), START),
        (EngineAttached(epoch=1), START),
    ]


def test_a_paused_campaign_proposes_nothing():
    events = [*_opened(), (PauseRequested(), START), (CampaignPaused(), START)]

    decision = decide(fold(events), LabState(), START, is_planning=False)

    assert decision.intents == ()


def test_a_pause_that_is_taken_back_goes_on():
    events = [*_opened(), (PauseRequested(), START), (ResumeRequested(), START)]

    decision = decide(fold(events), LabState(), START, is_planning=False)

    assert decision.intents == (AskPlanner(1),)


def test_hours_end_a_campaign():
    state = fold(_opened(more="max_hours = 2.0"))

    before = decide(state, LabState(), START + timedelta(hours=1.99), is_planning=False)
    after = decide(state, LabState(), START + timedelta(hours=2), is_planning=False)

    assert before.intents == (AskPlanner(1),)
    assert isinstance(after.intents[0], Finish)
    assert after.intents[0].rule == "max_hours"


def test_a_batch_never_exceeds_what_may_still_be_made():
    state = fold(_opened(max_experiments=3, in_flight=8, batch=8))

    assert decide(state, LabState(), START, is_planning=False).intents == (AskPlanner(3),)


@pytest.mark.parametrize(
    ("more", "n"),
    [("", 2), ('[approval]\ngate = "all"\n', 8), ("[batch]\nmax_components = 2\n", 8)],
)
def test_more_than_can_start_is_asked_for_only_where_a_batch_belongs_together(more, n):
    state = fold(_opened(max_experiments=99, in_flight=2, batch=8, more=more))

    assert decide(state, LabState(), START, is_planning=False).intents == (AskPlanner(n),)


def test_nothing_is_asked_while_the_planner_works():
    assert decide(fold(_opened()), LabState(), START, is_planning=True).intents == ()


def test_failures_in_a_row_hold_the_campaign():
    bench = DiceBench(small_campaign(max_experiments=50), random.Random(0))
    bench.append(opening(bench.spec), EngineAttached(epoch=1))
    for number in range(bench.spec.failures.hold_after):
        name = f"E{number + 1:04d}"
        _start(bench, name, jobs=())
        assert not any(isinstance(intent, Hold) for intent in bench.intents())
        bench.append(ExperimentFailed(experiment_id=name, cause="measurement", reason=""))

    (hold,) = bench.intents()
    bench.append(CampaignHeld(reason=hold.reason), ResumeRequested())

    assert "in a row failed" in hold.reason
    assert bench.intents() == (AskPlanner(1),)


def _start(bench: DiceBench, name: str, *, jobs: tuple) -> None:
    """Propose a candidate and make it an experiment."""
    proposal = bench.proposal()
    bench.append(
        proposal,
        ExperimentStarted(
            experiment_id=name,
            number=int(name[1:]),
            candidate=proposal.candidates[0],
            jobs=jobs,
            cost_usd=0,
        ),
    )


@pytest.mark.parametrize("late", [PauseRequested(), ResumeRequested()])
def test_a_request_after_the_end_changes_nothing(late):
    bench = DiceBench(small_campaign(), random.Random(1), trouble=0.0)
    *_, (ended, _) = bench.run()

    after = ended.after(late, bench.now)

    assert after.status is CampaignStatus.FINISHED


def test_a_reading_without_answer_is_repeated_a_few_times_only():
    (planned,) = [job for job in planned_jobs("E0001") if job.name == "read"]
    job = JobState(planned)
    outcomes = []
    for attempt in range(1, MAX_ATTEMPTS + 1):
        job = job.after(JobStarted(job_id="E0001/read", attempt=attempt, epoch=1), START)
        job = job.after(JobOutcomeUnknown(job_id="E0001/read", evidence="broken"), START)
        outcomes.append(is_lost(job))

    assert outcomes == [False] * (MAX_ATTEMPTS - 1) + [True]
