"""Doubts and their answers: what is said beforehand, what follows, what is refused."""

import pytest

from drivers.clock import SystemClock
from orchestrator.core.events import (
    LAB_STREAM,
    CampaignHeld,
    CampaignStopped,
    DoubtAnswered,
    ExperimentFailed,
    InstrumentConnected,
    JobFailed,
    JobFinished,
    ResumeRequested,
    StopRequested,
)
from orchestrator.errors import LogError, RequestRefused
from orchestrator.log.memory_log import MemoryLog
from orchestrator.service.doubt_answers import answer_doubt, open_doubts
from orchestrator.service.doubts import Answer
from orchestrator.service.lab import Lab
from tests.support.recorded_campaign import CAMPAIGN_TEXT, RecordedCampaign

DOSE = "E0001/dose"


def lab_on(log: MemoryLog) -> Lab:
    return Lab(log, actor="ada", clock=SystemClock(), source="memory")


@pytest.fixture
def log() -> MemoryLog:
    log = MemoryLog()
    campaign = RecordedCampaign(log)
    campaign.open()
    campaign.leave_in_doubt(campaign.start())
    return log


def test_a_doubt_says_what_was_asked_what_is_known_and_what_each_answer_does(log):
    (doubt,) = open_doubts(lab_on(log))

    assert doubt.asked == "transfer volume 600 µl"
    assert (doubt.campaign_id, doubt.instrument, doubt.attempt) == ("small-1", "pump_x1", 1)
    assert doubt.evidence == "no reply in 62 s"
    assert doubt.needs_person
    assert doubt.answers["ran"].startswith("the sample goes on with sweep")
    assert "attempt 2" in doubt.answers["did_not_run"]
    assert "volume 600 µl more!" in doubt.answers["did_not_run"]
    assert doubt.answers["scrap_sample"].startswith("no result")


@pytest.mark.parametrize(
    ("answer", "follows"),
    [
        (Answer.RAN, JobFinished(job_id=DOSE)),
        (
            Answer.DID_NOT_RUN,
            JobFailed(job_id=DOSE, error="DidNotRun", message="I looked", has_acted=False),
        ),
        (
            Answer.SCRAP_SAMPLE,
            JobFailed(job_id=DOSE, error="SampleScrapped", message="I looked", has_acted=True),
        ),
    ],
)
def test_an_answer_and_what_follows_stand_in_the_log_together(answer, follows, log):
    before = log.last_seq()

    answer_doubt(lab_on(log), DOSE, answer, reason="I looked")

    records = list(log.read(after_seq=before))
    said = DoubtAnswered(job_id=DOSE, answer=answer.value, reason="I looked")
    assert [record.event for record in records] == [said, follows]
    assert {record.actor for record in records} == {"ada"}
    assert not open_doubts(lab_on(log))


def test_an_answer_may_resume_the_campaign_in_the_same_breath(log):
    answer_doubt(lab_on(log), DOSE, Answer.RAN, reason="I looked", resumes=True)

    *_, last = log.read()
    assert isinstance(last.event, ResumeRequested)
    assert lab_on(log).state().status == "running"


def test_a_campaign_that_does_not_wait_needs_no_resume(log):
    RecordedCampaign(log).append(ResumeRequested())

    answer_doubt(lab_on(log), DOSE, Answer.RAN, reason="I looked", resumes=True)

    *_, last = log.read()
    assert last.event == JobFinished(job_id=DOSE)


@pytest.mark.parametrize(
    ("job", "message"),
    [
        ("E0001/tare", "E0001/tare of small-1 is done, not in doubt; in doubt: E0001/dose"),
        ("E0001/sweep", "is queued, not in doubt"),
        ("E0009/tare", "is no job that was ever planned"),
    ],
)
def test_what_is_not_in_doubt_is_refused_with_what_it_is(job, message, log):
    with pytest.raises(RequestRefused, match=message):
        answer_doubt(lab_on(log), job, Answer.RAN, reason="I looked")


def test_a_second_answer_is_refused(log):
    answer_doubt(lab_on(log), DOSE, Answer.RAN, reason="I looked")

    with pytest.raises(RequestRefused, match="is done, not in doubt"):
        answer_doubt(lab_on(log), DOSE, Answer.DID_NOT_RUN, reason="or not")


def test_an_answer_needs_a_reason(log):
    with pytest.raises(RequestRefused, match="expected what was seen on the bench"):
        answer_doubt(lab_on(log), DOSE, Answer.RAN, reason="  ")


def test_the_doubts_of_an_ended_campaign_are_past(log):
    RecordedCampaign(log).append(
        StopRequested(),
        ExperimentFailed(experiment_id="E0001", cause="interrupted", reason="stopped"),
        CampaignStopped(reason="enough"),
    )

    assert open_doubts(lab_on(log), "small-1") == ()
    with pytest.raises(RequestRefused, match="part of a campaign that is stopped"):
        answer_doubt(lab_on(log), DOSE, Answer.RAN, reason="x", campaign_id="small-1")


def test_one_job_in_doubt_in_two_campaigns_must_be_named(log):
    other = RecordedCampaign(log, "small-2")
    other.open()
    other.leave_in_doubt(other.start())

    with pytest.raises(RequestRefused, match="small-1, small-2: name one with --campaign"):
        answer_doubt(lab_on(log), DOSE, Answer.RAN, reason="x")

    answer_doubt(lab_on(log), DOSE, Answer.RAN, reason="x", campaign_id="small-2")
    assert [doubt.campaign_id for doubt in open_doubts(lab_on(log))] == ["small-1"]


ANALYSED = (
    CAMPAIGN_TEXT
    + """
[recipe]
[[recipe.job]]
name = "dose"
instrument = "pump_x1"
action = "transfer"
[[recipe.analysis]]
name = "some_analysis"
settings = { job = "%s" }
"""
)


@pytest.mark.parametrize(
    ("job", "what_follows"),
    [
        ("dose", "which an analysis needs: no result will come of it"),
        ("sweep", "are lost, no analysis needs them"),
    ],
)
def test_lost_readings_are_told_before_the_answer(job, what_follows):
    log = MemoryLog()
    campaign = RecordedCampaign(log)
    campaign.open(ANALYSED % job)
    campaign.leave_in_doubt(campaign.start())
    pump = InstrumentConnected(instrument="pump_x1", driver="new_era_ne1000", identity="x")
    campaign.append(pump, stream=LAB_STREAM)

    (doubt,) = open_doubts(lab_on(log))

    assert "dispensed_volume_ul" in doubt.answers["ran"]
    assert doubt.answers["ran"].endswith(what_follows)


class ForgetfulLog(MemoryLog):
    """Refuses to keep anything once its disk is full."""

    is_full = False

    def append(self, *arguments, **named):
        if self.is_full:
            raise LogError("disk full")
        return super().append(*arguments, **named)


def test_an_answer_that_cannot_be_kept_changes_nothing():
    log = ForgetfulLog()
    campaign = RecordedCampaign(log)
    campaign.open()
    campaign.leave_in_doubt(campaign.start())
    log.is_full = True

    with pytest.raises(LogError, match="disk full"):
        answer_doubt(lab_on(log), DOSE, Answer.RAN, reason="x")

    assert len(open_doubts(lab_on(log))) == 1


def test_an_engine_that_moves_on_meanwhile_is_not_overwritten(log):
    lab = lab_on(log)
    lab.state()
    RecordedCampaign(log).append(ResumeRequested())
    RecordedCampaign(log).append(CampaignHeld(reason="again"))

    answer_doubt(lab, DOSE, Answer.RAN, reason="x")

    assert not open_doubts(lab)
    assert lab.state().status == "held"
