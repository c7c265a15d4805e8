from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.events import (
    AbortRequested,
    CampaignAborted,
    CampaignFinished,
    CampaignHeld,
    CampaignPaused,
    CampaignStopped,
    CandidateApproved,
    CandidateEdited,
    CandidateRejected,
    CandidatesProposed,
    DoubtAnswered,
    EngineAttached,
    Event,
    ExperimentFailed,
    ExperimentFinished,
    HoldRequested,
    JobFailed,
    JobFinished,
    JobInterrupted,
    JobOutcomeUnknown,
    JobSkipped,
    JobStarted,
    ObservationAmended,
    ObservationGiven,
    ObservationRetracted,
    PauseRequested,
    PointAdded,
    ResumeRequested,
    StopRequested,
)
from orchestrator.core.experiment import ExperimentEvent, ExperimentState
from orchestrator.core.point import Candidate
from orchestrator.errors import IllegalTransition
from orchestrator.log.memory_log import MemoryLog
from tests.support.recorded_events import (
    CAMPAIGN_ID,
    CANDIDATE,
    MADE,
    MORNING,
    POINT,
    STREAM,
    append,
    life,
    observed,
    opened,
    started,
)

job_id = st.sampled_from(["E0001/tare", "E0001/weigh"])
experiment_event: st.SearchStrategy[ExperimentEvent] = st.one_of(
    st.builds(JobStarted, job_id=job_id, attempt=st.integers(1, 3), epoch=st.just(1)),
    st.builds(JobFinished, job_id=job_id),
    st.builds(JobOutcomeUnknown, job_id=job_id, evidence=st.sampled_from(["silence", "noise"])),
    st.builds(JobInterrupted, job_id=job_id, reason=st.just("abort")),
    st.builds(JobSkipped, job_id=job_id, reason=st.just("clean")),
    st.builds(
        JobFailed,
        job_id=job_id,
        error=st.just("DeviceFault"),
        message=st.just("S I"),
        has_acted=st.booleans(),
    ),
    st.just(observed()),
    st.just(ExperimentFinished(experiment_id="E0001")),
    st.just(ExperimentFailed(experiment_id="E0001", cause="interrupted", reason="abort")),
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
        ((CampaignHeld(reason="stalled"),), "held"),
        ((HoldRequested(),), "holding"),
        ((HoldRequested(), CampaignHeld(reason="lunch"), ResumeRequested()), "running"),
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
        ((JobSkipped(job_id="E0001/tare", reason="clean"),), "skipped", "clean"),
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


@settings(max_examples=60)
@given(st.lists(experiment_event, max_size=12))
def test_the_rows_say_what_the_fold_says(events: list[ExperimentEvent]) -> None:
    log = log_of(opened(), started())
    state = ExperimentState.from_start(started(), MORNING + timedelta(minutes=1))

    for minute, event in enumerate(events, start=2):
        append(log, event, stream=STREAM, minute=minute)
        try:
            state = state.after(event, MORNING + timedelta(minutes=minute))
        except IllegalTransition:
            continue

    row = only(log, "experiment")
    assert (row["state"], row["ended_time"], row["cause"], row["reason"]) == (
        state.status,
        state.ended_time,
        state.cause,
        state.reason,
    )
    assert only(log, "campaign")["n_in_doubt"] == int(state.status == "in_doubt")
    for job in state.jobs.values():
        row = only(log, "job", job_id=job.planned.job_id)
        assert (row["state"], row["attempt"]) == (job.status, job.attempt)
        assert (row["error"], row["evidence"]) == (job.error, job.evidence)
        assert (row["started_time"], row["ended_time"]) == (job.started_time, job.ended_time)


def test_a_correction_changes_the_row_and_what_counts() -> None:
    log = log_of(opened(), started(), observed(), ExperimentFinished(experiment_id="E0001"))
    amended = observed().observation.model_copy(update={"values": {"overpotential_v": 0.36}})
    retracted = ObservationRetracted(experiment_id="E0001", reason="the wrong bottle")
    amendment = ObservationAmended(experiment_id="E0001", observation=amended, reason="a slip")

    append(log, retracted, stream=STREAM)
    first = only(log, "experiment"), only(log, "campaign")["n_observed"]
    append(log, amendment, stream=STREAM)
    second = only(log, "experiment"), only(log, "campaign")["n_observed"]

    assert (first[0]["is_retracted"], first[0]["correction"], first[1]) == (
        True,
        "the wrong bottle",
        0,
    )
    assert first[0]["values"] == {"overpotential_v": 0.3471}
    assert (second[0]["is_retracted"], second[0]["values"], second[1]) == (
        False,
        {"overpotential_v": 0.36},
        1,
    )


def test_an_answer_stands_in_the_jobs_row() -> None:
    answer = DoubtAnswered(job_id="E0003/tare", answer="did_not_run", reason="the pan is empty")
    failed = JobFailed(job_id="E0003/tare", error="DidNotRun", message="", has_acted=False)
    log = log_of(*life())

    append(log, answer, failed, stream=STREAM)

    row = only(log, "job", job_id="E0003/tare")
    assert (row["state"], row["answer"]) == ("failed", "did_not_run: the pan is empty")
    assert only(log, "campaign")["n_in_doubt"] == 0


def test_the_queue_says_who_judged_what() -> None:
    other = Candidate(point={**POINT, "solvent": "oil"}, is_out_of_distribution=True)
    log = log_of(
        opened(),
        CandidatesProposed(
            proposal=1,
            planner="sobol",
            method="initial_design",
            reason="",
            n_observations=0,
            candidates=(CANDIDATE, other, other),
        ),
        CandidateApproved(candidate_id="C0001", reason="fine"),
        CandidateEdited(candidate_id="C0002", point=POINT, reason="no oil"),
        CandidateRejected(candidate_id="C0003", reason="no oil at all"),
        started("E0001", 1),
        CandidateApproved(candidate_id="C0003", reason="too late"),
    )

    rows = log.projection("candidate")

    assert [row["state"] for row in rows] == ["started", "edited", "rejected"]
    assert [row["experiment_id"] for row in rows] == ["E0001", "", ""]
    assert (rows[1]["point"], rows[1]["proposed"]) == (POINT, other.point)
    assert [row["is_out_of_distribution"] for row in rows] == [None, None, True]
    assert (rows[2]["judged_by"], rows[2]["reason"]) == ("engine", "no oil at all")


def test_a_result_given_by_hand_counts_once_in_the_rows() -> None:
    given = ObservationGiven(
        experiment_id="E0002",
        observation=observed().observation,
        composition="asked",
        reason="a hand-held meter",
    )
    log = log_of(*life())

    append(log, given, given, stream=STREAM)
    first = only(log, "experiment", experiment_id="E0002"), only(log, "campaign")["n_observed"]
    append(log, ObservationRetracted(experiment_id="E0002", reason="a mix-up"), stream=STREAM)
    second = only(log, "experiment", experiment_id="E0002"), only(log, "campaign")["n_observed"]

    assert (first[0]["state"], first[0]["values"], first[1]) == (
        "failed",
        {"overpotential_v": 0.3471},
        2,
    )
    assert first[0]["correction"] == "a hand-held meter (composition as asked)"
    assert (second[0]["is_retracted"], second[1]) == (True, 1)


def test_what_has_a_result_is_given_none() -> None:
    given = ObservationGiven(
        experiment_id="E0001", observation=observed().observation, composition="asked", reason="x"
    )
    log = log_of(*life())
    before = only(log, "experiment", experiment_id="E0001")

    append(log, given, stream=STREAM)

    assert only(log, "experiment", experiment_id="E0001") == before


def test_a_persons_own_point_is_a_candidate_without_a_proposal() -> None:
    own = PointAdded(candidate_id="P0001", point=POINT, person="ada", reason="a hunch")
    log = log_of(opened(), own)

    waiting = only(log, "candidate")
    append(log, started().model_copy(update={"candidate": Candidate(point=POINT)}), stream=STREAM)

    assert (waiting["proposal"], waiting["state"], waiting["point"]) == (0, "approved", POINT)
    assert (waiting["judged_by"], waiting["reason"]) == ("ada", "a hunch")
    assert only(log, "candidate")["experiment_id"] == "E0001"
    assert only(log, "campaign")["n_candidates"] == 0
