import pytest

from orchestrator.core.events import (
    AbortRequested,
    CampaignAborted,
    CampaignFinished,
    CampaignPaused,
    CampaignStopped,
    EngineAttached,
    Event,
    ExperimentFailed,
    JobFailed,
    JobFinished,
    JobInterrupted,
    JobOutcomeUnknown,
    JobStarted,
    PauseRequested,
    ResumeRequested,
    StopRequested,
)
from orchestrator.log.memory_log import MemoryLog
from tests.support.recorded_events import (
    CAMPAIGN_ID,
    MADE,
    POINT,
    STREAM,
    append,
    life,
    observed,
    opened,
    started,
)


def log_of(*events: Event) -> MemoryLog:
    log = MemoryLog()
    for minute, event in enumerate(events):
        append(log, event, stream=STREAM, minute=minute)
    return log


def only(log: MemoryLog, table: str, **where: object) -> dict[str, object]:
    (row,) = log.projection(table, where=where)
    return row


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((), "running"),
        ((PauseRequested(),), "pausing"),
        ((PauseRequested(), CampaignPaused()), "paused"),
        ((CampaignPaused(),), "paused"),
        ((PauseRequested(), ResumeRequested()), "running"),
        ((PauseRequested(), CampaignPaused(), ResumeRequested()), "running"),
        ((StopRequested(),), "stopping"),
        ((StopRequested(), PauseRequested()), "stopping"),
        ((StopRequested(), CampaignStopped(reason="")), "stopped"),
        ((AbortRequested(),), "aborting"),
        ((StopRequested(), AbortRequested(), CampaignAborted(reason="")), "aborted"),
        ((CampaignFinished(rule="target", reason=""),), "finished"),
        ((CampaignFinished(rule="target", reason=""), PauseRequested()), "finished"),
    ],
)
def test_a_campaigns_row_says_where_it_stands(events: tuple[Event, ...], state: str) -> None:
    assert only(log_of(opened(), *events), "campaign")["state"] == state


def test_a_campaigns_row_counts() -> None:
    row = only(log_of(*life()), "campaign")

    assert row["campaign_id"] == CAMPAIGN_ID
    assert (row["n_experiments_started"], row["n_observed"], row["n_failed"]) == (3, 1, 1)
    assert (row["n_in_doubt"], row["engine_epoch"], row["cost_usd"]) == (1, 1, 25.5)
    assert (row["last_seq"], row["seed"], row["is_simulated"]) == (len(life()), 7, True)


def test_an_experiments_row_holds_what_was_asked_made_and_measured() -> None:
    row = only(log_of(*life()), "experiment", experiment_id="E0001")

    assert (row["state"], row["number"], row["n_jobs"]) == ("done", 1, 2)
    assert (row["point"], row["made"]) == (POINT, MADE)
    assert (row["values"], row["computed"]) == (
        {"overpotential_v": 0.3471},
        {"cost_usd_per_kg": 12.25},
    )
    assert row["ended_time"] is not None


def test_a_failed_experiment_says_why() -> None:
    row = only(log_of(*life()), "experiment", experiment_id="E0002")

    assert (row["state"], row["cause"], row["reason"]) == ("failed", "instrument", "overload")


def test_a_failed_synthesis_counts_as_failed_and_not_as_observed() -> None:
    failed = ExperimentFailed(experiment_id="E0001", cause="synthesis", reason="it foamed")

    row = only(log_of(opened(), started(), observed(is_failed=True), failed), "campaign")

    assert (row["n_observed"], row["n_failed"]) == (0, 1)


@pytest.mark.parametrize(
    ("events", "state", "evidence"),
    [
        ((), "queued", ""),
        ((JobStarted(job_id="E0001/tare", attempt=2, epoch=1),), "started", ""),
        ((JobFinished(job_id="E0001/tare"),), "queued", ""),
    ],
)
def test_a_jobs_row_says_where_it_stands(
    events: tuple[Event, ...], state: str, evidence: str
) -> None:
    row = only(log_of(opened(), started(), *events), "job", job_id="E0001/tare")

    assert (row["state"], row["evidence"]) == (state, evidence)


@pytest.mark.parametrize(
    ("event", "state", "evidence"),
    [
        (JobFinished(job_id="E0001/tare"), "done", ""),
        (JobInterrupted(job_id="E0001/tare", reason="abort"), "interrupted", "abort"),
        (JobOutcomeUnknown(job_id="E0001/tare", evidence="silence"), "in_doubt", "silence"),
        (
            JobFailed(job_id="E0001/tare", error="DeviceFault", message="S I", has_acted=False),
            "failed",
            "S I",
        ),
    ],
)
def test_a_started_job_ends(event: Event, state: str, evidence: str) -> None:
    start = JobStarted(job_id="E0001/tare", attempt=1, epoch=1)

    row = only(log_of(opened(), started(), start, event), "job", job_id="E0001/tare")

    assert (row["state"], row["evidence"]) == (state, evidence)
    assert row["started_time"] != row["ended_time"] is not None


def test_an_experiment_is_in_doubt_while_one_of_its_jobs_is() -> None:
    log = log_of(
        opened(),
        started(),
        JobStarted(job_id="E0001/tare", attempt=1, epoch=1),
        JobStarted(job_id="E0001/weigh", attempt=1, epoch=1),
        JobOutcomeUnknown(job_id="E0001/tare", evidence="silence"),
        JobOutcomeUnknown(job_id="E0001/weigh", evidence="silence"),
    )

    def doubt() -> tuple[object, object]:
        return only(log, "experiment")["state"], only(log, "campaign")["n_in_doubt"]

    assert doubt() == ("in_doubt", 1)
    append(log, JobFinished(job_id="E0001/tare"), stream=STREAM)
    assert doubt() == ("in_doubt", 1)
    append(log, JobStarted(job_id="E0001/weigh", attempt=2, epoch=1), stream=STREAM)
    assert doubt() == ("running", 0)


def test_a_failed_experiment_is_no_longer_in_doubt() -> None:
    log = log_of(*life())
    failed = ExperimentFailed(experiment_id="E0003", cause="interrupted", reason="scrapped")

    append(log, failed, stream=STREAM)

    row = only(log, "campaign")
    assert (row["n_in_doubt"], row["n_failed"]) == (0, 2)


def test_facts_about_what_was_never_started_change_no_row() -> None:
    log = log_of(opened(), EngineAttached(epoch=3))

    append(log, JobFinished(job_id="E0009/tare"), observed("E0009"), stream=STREAM)
    append(log, opened("elsewhere"), PauseRequested(), stream="lab")
    append(log, PauseRequested(), stream="campaign/never-opened")

    assert log.projection("experiment") == log.projection("job") == []
    assert [row["campaign_id"] for row in log.projection("campaign")] == [CAMPAIGN_ID]


@pytest.mark.parametrize(("table", "where"), [("jobs", {}), ("job", {"number": 1})])
def test_a_query_for_what_is_not_there_is_refused(table: str, where: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="table"):
        MemoryLog().projection(table, where=where)
