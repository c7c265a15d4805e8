"""A campaign with run windows, from end to end in virtual time."""

from datetime import datetime, timedelta
from decimal import Decimal

from campaigns.run_windows import RunWindows
from orchestrator.core.campaign import CampaignStatus
from orchestrator.core.experiment import ExperimentStatus
from orchestrator.log.memory_log import MemoryLog
from tests.support.dry_runs import START, DryRun, oer_campaign

WINDOWS = '[run_windows]\ntime_zone = "Asia/Kolkata"\nopen = ["daily 09:00-10:30"]'


def test_nothing_is_under_way_outside_and_everything_is_made() -> None:
    run = DryRun(MemoryLog(), oer_campaign(max_experiments=14, more=WINDOWS))
    run.open()

    state = run.drive()

    assert state.status is CampaignStatus.FINISHED
    windows = RunWindows.model_validate(
        {"time_zone": "Asia/Kolkata", "open": ["daily 09:00-10:30"]}
    )
    days: set[datetime] = set()
    for experiment in state.experiments:
        assert experiment.status is ExperimentStatus.DONE
        for job in experiment.jobs.values():
            assert job.started_time is not None
            assert job.ended_time is not None
            closing = windows.closing(job.started_time)
            assert closing is not None
            assert job.started_time < job.ended_time <= closing
            days.add(closing)
    assert len(days) > 1, "it went on on another day"


def test_what_cannot_be_finished_in_the_hours_of_the_campaign_is_not_begun() -> None:
    spec = oer_campaign(max_experiments=14)
    hours = spec.stopping.model_copy(update={"max_hours": Decimal("1.5")})
    run = DryRun(MemoryLog(), spec.model_copy(update={"stopping": hours}))
    run.open()

    state = run.drive()

    assert state.status is CampaignStatus.FINISHED
    assert "hours" in state.status_reason or "h have passed" in state.status_reason
    begun = {experiment.experiment_id for experiment in state.experiments}
    assert 2 <= len(begun) < 14
    for experiment in state.experiments:
        assert experiment.status is ExperimentStatus.DONE
        lasts = timedelta(seconds=run.recipe.expected_s(experiment.candidate.point))
        assert experiment.started_time + lasts <= START + timedelta(hours=1.5)
