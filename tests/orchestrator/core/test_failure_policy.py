"""What follows when a job failed, as its recipe says; what has acted never runs again."""

import random
from datetime import timedelta

import pytest

from orchestrator.core.attempts import is_lost, may_retry
from orchestrator.core.events import (
    CampaignHeld,
    CandidatesProposed,
    EngineAttached,
    ExperimentStarted,
    JobFailed,
    JobStarted,
    ResumeRequested,
)
from orchestrator.core.intents import ConcludeExperiment, Hold, RunJob
from orchestrator.core.job import JobState
from orchestrator.core.point import Candidate
from tests.support.dice_bench import DiceBench
from tests.support.pretend_campaigns import START, opening, planned_jobs, small_campaign


def failed_job(error: str, *, has_acted: bool = False, attempt: int = 1, **policy) -> JobState:
    """Return the dosing job after some attempts of which the last failed."""
    planned = planned_jobs("E0001")[1].model_copy(update=policy)
    job = JobState(planned)
    for number in range(1, attempt + 1):
        job = job.after(JobStarted(job_id="E0001/dose", attempt=number, epoch=1), START)
        job = job.after(
            JobFailed(job_id="E0001/dose", error=error, message="", has_acted=has_acted), START
        )
    return job


@pytest.mark.parametrize("policy", ["fail_sample", "retry", "hold"])
@pytest.mark.parametrize("error", ["DeviceFault", "NothingDone", "LineError", "DidNotRun"])
def test_what_has_acted_is_never_tried_again(policy, error):
    job = failed_job(error, has_acted=True, on_failure=policy, max_attempts=9)

    assert not may_retry(job)
    assert is_lost(job)


@pytest.mark.parametrize(
    ("policy", "error", "attempt", "max_attempts", "expected"),
    [
        ("fail_sample", "DeviceFault", 1, 3, False),
        ("fail_sample", "NothingDone", 2, 3, True),
        ("fail_sample", "NothingDone", 3, 3, False),
        ("retry", "DeviceFault", 1, 3, True),
        ("retry", "DeviceFault", 4, 5, True),
        ("retry", "DeviceFault", 5, 5, False),
        ("retry", "LimitError", 1, 5, False),
        ("fail_sample", "LineError", 40, 3, True),
        ("hold", "DeviceFault", 1, 3, True),
    ],
)
def test_the_recipe_says_what_is_tried_again(policy, error, attempt, max_attempts, expected):
    job = failed_job(error, attempt=attempt, on_failure=policy, max_attempts=max_attempts)

    assert may_retry(job) is expected
    assert is_lost(job) is not expected


def bench_with_failed_dose(*, has_acted: bool) -> DiceBench:
    """Return a bench with two experiments of which the first failed to dose and wants a person."""
    spec = small_campaign(max_experiments=9)
    bench = DiceBench(spec, random.Random(0), trouble=0.0)
    bench.append(opening(spec), EngineAttached(epoch=1))
    candidate = Candidate(point={"a": 0.5, "b": 0.5})
    jobs = [job.model_copy(update={"on_failure": "hold"}) for job in planned_jobs("E0001")]
    bench.append(
        CandidatesProposed(
            proposal=1,
            planner="dice",
            method="dice",
            reason="",
            n_observations=0,
            candidates=(candidate,),
        ),
        ExperimentStarted(
            experiment_id="E0001", number=1, candidate=candidate, jobs=jobs[1:], cost_usd=0
        ),
        JobStarted(job_id="E0001/dose", attempt=1, epoch=1),
    )
    bench.now += timedelta(seconds=60)
    bench.append(
        JobFailed(job_id="E0001/dose", error="DeviceFault", message="jam", has_acted=has_acted)
    )
    return bench


@pytest.mark.parametrize("has_acted", [True, False])
def test_hold_holds_the_campaign_with_the_sample_where_it_is(has_acted):
    bench = bench_with_failed_dose(has_acted=has_acted)

    (hold,) = bench.intents()

    assert isinstance(hold, Hold)
    assert hold.reason == "E0001/dose: DeviceFault: jam"


def test_after_a_resume_what_has_not_acted_is_tried_again():
    bench = bench_with_failed_dose(has_acted=False)
    bench.append(CampaignHeld(reason="jam"))
    bench.now += timedelta(hours=1)
    bench.append(ResumeRequested(reason="unjammed"))

    assert RunJob("E0001", "dose") in bench.intents()


def test_after_a_resume_what_has_acted_fails_the_sample():
    bench = bench_with_failed_dose(has_acted=True)
    bench.append(CampaignHeld(reason="jam"))
    bench.now += timedelta(hours=1)
    bench.append(ResumeRequested(reason="cleaned"))

    cleanup = [intent for intent in bench.intents() if isinstance(intent, RunJob)]

    assert cleanup == [RunJob("E0001", "move")]
    assert ConcludeExperiment("E0001") not in bench.intents()
