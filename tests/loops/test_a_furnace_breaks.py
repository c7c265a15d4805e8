"""A furnace with eight samples in it: all fired in one go; and what the log says if it breaks."""

from collections import Counter

from orchestrator.core.campaign import CampaignStatus
from orchestrator.core.events import ExperimentFailed, JobFailed, JobStarted
from orchestrator.core.experiment import ExperimentStatus
from orchestrator.log.memory_log import MemoryLog
from tests.support.dry_runs import DryRun
from tests.support.furnace_bench import furnace_campaign, furnace_rig


def test_eight_samples_are_fired_under_one_order() -> None:
    run = DryRun(MemoryLog(), furnace_campaign(), furnace_rig())
    run.open()

    state = run.drive()

    assert state.status is CampaignStatus.FINISHED
    assert {one.status for one in state.experiments} == {ExperimentStatus.DONE}
    fired = [
        event
        for event in run.events()
        if isinstance(event, JobStarted) and event.job_id.endswith("/fire")
    ]
    assert len(fired) == 8
    assert sorted(event.slots["furnace"] for event in fired) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert Counter(event.led_by for event in fired) == {"": 1, "E0001/fire": 7}
    peaks = {
        one.jobs["fire"].readings[0].value for one in state.experiments if one.jobs["fire"].readings
    }
    assert len(peaks) == 1, "one firing, one peak"


def test_the_log_says_of_each_sample_what_became_of_it_when_the_furnace_breaks() -> None:
    spec = furnace_campaign(max_experiments=16)
    run = DryRun(MemoryLog(), spec, furnace_rig(heater_dies_after_min=40.0))
    run.open()

    state = run.drive()

    assert state.status is CampaignStatus.HELD
    failed = [event for event in run.events() if isinstance(event, JobFailed)]
    assert {event.job_id for event in failed} == {f"E{n:04d}/fire" for n in range(1, 9)}
    assert all(event.has_acted for event in failed)
    ended = [event for event in run.events() if isinstance(event, ExperimentFailed)]
    assert sorted(event.experiment_id for event in ended) == [f"E{n:04d}" for n in range(1, 9)]
    assert {event.cause for event in ended} == {"instrument"}
    assert all("furnace" in event.reason or "fire" in event.reason for event in ended)
    assert not state.open_experiments
    assert "experiments in a row failed" in state.status_reason
