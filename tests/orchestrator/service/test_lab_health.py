"""Whether the laboratory is well, what needs a person, and what happens next."""

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.core.events import (
    LAB_STREAM,
    AlarmRaised,
    CandidatesProposed,
    Event,
    InstrumentConnected,
    InstrumentLost,
    InstrumentTakenOut,
    InterlockTripped,
    JobOutcomeUnknown,
    JobStarted,
    LatchSet,
    PauseRequested,
    PlacesLeftUnclean,
    PlannedJob,
    Severity,
    WatchdogActed,
)
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.experiment_events import ExperimentStarted
from orchestrator.core.point import Candidate
from orchestrator.log.event_log import EventLog
from orchestrator.log.memory_log import MemoryLog
from orchestrator.service.lab_health import LabWord
from orchestrator.service.lab_health_gantt import gantt_view
from orchestrator.service.lab_health_jobs import BenchTime, OnBench, Span, job_plan
from orchestrator.service.lab_health_whole import LabWatch, WholeLab, whole_lab
from orchestrator.service.laboratory_view import StationSign
from orchestrator.service.live import LiveLab
from orchestrator.service.recent_past import RecentPast
from orchestrator.service.task_boards import TaskBoards
from tests.support.recorded_campaign import CAMPAIGN_ID, OPENED, RecordedCampaign, record_campaign
from tests.support.standing_clock import StandingClock

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def looked_at(log: MemoryLog, now: datetime, *, signs: tuple[StationSign, ...] = ()) -> WholeLab:
    """Return the laboratory of a log at a time of day."""
    live = LiveLab(log, clock=StandingClock(now), source="memory")
    return whole_lab(live, RecentPast(), wall_now=now, signs=signs)


def running(log: EventLog, *, is_simulated: bool = False) -> RecordedCampaign:
    """Record a campaign with a sample whose second job runs since two minutes."""
    campaign = RecordedCampaign(log, is_simulated=is_simulated)
    campaign.open()
    campaign.finish(campaign.start(), 0.4)
    experiment_id = campaign.start()
    campaign.do_jobs(experiment_id, "tare")
    campaign.append(JobStarted(job_id=f"{experiment_id}/dose", attempt=1, epoch=1))
    return campaign


def with_engine(log: MemoryLog, campaign: RecordedCampaign, now: datetime) -> None:
    """Let the campaign's engine beat, as a process that lives on another machine."""
    name = f"engine/{campaign.campaign_id}"
    log.beat(name, pid=77, host="elsewhere", time=now)


def test_an_empty_laboratory_is_idle() -> None:
    whole = looked_at(MemoryLog(), NOON)
    assert whole.health.word is LabWord.IDLE
    assert whole.needs == ()
    assert whole.next.what == "nothing, until somebody starts a campaign"
    assert whole.control.person is None


def test_a_campaign_that_runs_is_well_and_says_what_is_next() -> None:
    log = MemoryLog()
    campaign = running(log)
    now = campaign.time + timedelta(minutes=2)
    with_engine(log, campaign, now)
    whole = looked_at(log, now)
    assert (whole.health.word, whole.health.level) == (LabWord.WELL, "good")
    assert whole.next.what == "E0002/dose on pump_x1 should be done"
    assert whole.next.at == campaign.time + timedelta(minutes=8)
    assert whole.next.overdue_s == 0.0
    assert whole.next.result == f"E0002 of {CAMPAIGN_ID}"
    (job,) = whole.running
    assert job.done_fraction == pytest.approx(0.25)
    assert {card.instrument.name: card.doing for card in whole.instruments} == {
        "balance": "ready",
        "pump_x1": "running",
        "source_meter": "ready",
    }


def test_a_job_that_lasts_too_long_is_said_to() -> None:
    log = MemoryLog()
    campaign = running(log)
    now = campaign.time + timedelta(minutes=11)
    with_engine(log, campaign, now)
    whole = looked_at(log, now)
    assert whole.next.overdue_s == pytest.approx(180.0)
    assert whole.running[0].done_fraction == 1.0


def test_without_an_engine_nothing_is_foretold() -> None:
    log = MemoryLog()
    campaign = running(log)
    now = campaign.time + timedelta(minutes=2)
    with_engine(log, campaign, now - timedelta(hours=1))
    whole = looked_at(log, now)
    assert whole.health.word is LabWord.UNATTENDED
    assert whole.next.at is None
    assert whole.next.what == "nothing, until somebody acts"
    assert whole.samples[0].expected_end is None
    assert next(c.doing for c in whole.instruments if c.instrument.name == "pump_x1") == "unwatched"
    assert [need.kind for need in whole.needs] == ["unattended"]
    assert whole.needs[0].act == "start_again"
    assert "is silent" in whole.control.engines[0].said


def test_a_dry_run_is_told_in_bench_time() -> None:
    log = MemoryLog()
    campaign = running(log, is_simulated=True)
    whole = looked_at(log, NOON)
    assert whole.bench == BenchTime(now=campaign.time, is_virtual=True)
    assert whole.running[0].is_virtual


def test_a_simulated_bench_that_keeps_the_time_of_day_is_told_in_it() -> None:
    log = MemoryLog()
    campaign = running(log, is_simulated=True)
    now = campaign.time + timedelta(minutes=4)
    assert looked_at(log, now).bench == BenchTime(now=now, is_virtual=False)


_TROUBLES: tuple[tuple[Event, LabWord, str, str, str], ...] = (
    (
        WatchdogActed(reason="silent", unsafe={"pump_x1": "no reply"}),
        LabWord.UNSAFE,
        "unsafe",
        "now",
        "",
    ),
    (LatchSet(source="operator", reason="smoke"), LabWord.STOPPED, "latch", "now", "clear_latch"),
    (
        InterlockTripped(interlock="hood", reason="airflow 0.3", instruments=("furnace",)),
        LabWord.NEEDS_SOMEBODY,
        "interlock",
        "now",
        "",
    ),
    (
        InstrumentLost(instrument="balance", reason="no reply"),
        LabWord.NEEDS_SOMEBODY,
        "instrument",
        "soon",
        "take_out",
    ),
    (
        InstrumentTakenOut(instrument="balance", reason="serviced"),
        LabWord.WELL,
        "instrument",
        "later",
        "put_back",
    ),
    (
        PlacesLeftUnclean(places=("a1", "a2"), campaign_id=CAMPAIGN_ID, experiment_id="E0001"),
        LabWord.WELL,
        "place",
        "later",
        "clean_places",
    ),
    (
        AlarmRaised(
            alarm="disk/lab.db",
            severity=Severity.HIGH,
            message="full",
            consequence="nothing is sent",
            what_to_do="make room",
        ),
        LabWord.NEEDS_SOMEBODY,
        "alarm",
        "soon",
        "acknowledge_alarm",
    ),
)


@pytest.mark.parametrize(("event", "word", "kind", "urgency", "act"), _TROUBLES)
def test_each_trouble_needs_a_person(
    event: Event, word: LabWord, kind: str, urgency: str, act: str
) -> None:
    log = MemoryLog()
    campaign = running(log)
    campaign.append(event, stream=LAB_STREAM)
    with_engine(log, campaign, campaign.time)
    whole = looked_at(log, campaign.time)
    assert whole.health.word is word
    (need,) = whole.needs
    assert (need.kind, need.urgency, need.act) == (kind, urgency, act)
    assert need.what_to_do


def test_the_urgent_comes_first_and_alarms_of_what_is_listed_are_counted_once() -> None:
    log = MemoryLog()
    campaign = running(log)
    for event in (
        PlacesLeftUnclean(places=("a1",), campaign_id=CAMPAIGN_ID, experiment_id="E0001"),
        InstrumentLost(instrument="balance", reason="no reply"),
        AlarmRaised(
            alarm="lost/balance",
            severity=Severity.HIGH,
            message="balance does not answer",
            consequence="its jobs wait",
            what_to_do="look at the cable",
        ),
        LatchSet(source="operator", reason="smoke"),
    ):
        campaign.append(event, stream=LAB_STREAM)
    with_engine(log, campaign, campaign.time)
    whole = looked_at(log, campaign.time)
    assert [need.kind for need in whole.needs] == ["latch", "instrument", "place", "alarm"]
    assert whole.needs[-1].title == "1 alarm has not been acknowledged"
    assert (whole.health.n_now, whole.health.n_soon, whole.health.n_later) == (1, 1, 2)
    (card,) = [one for one in whole.instruments if one.instrument.name == "balance"]
    assert [alarm.alarm for alarm in card.alarms] == ["lost/balance"]


def test_a_doubt_is_a_need_and_its_instrument_says_so() -> None:
    log = MemoryLog()
    campaign = RecordedCampaign(log, is_simulated=False)
    campaign.open()
    campaign.leave_in_doubt(campaign.start())
    whole = looked_at(log, campaign.time)
    assert [need.kind for need in whole.needs] == ["doubt", "waiting"]
    assert whole.samples[0].doing == "in doubt: dose on pump_x1"
    assert next(c.doing for c in whole.instruments if c.instrument.name == "pump_x1") == "in_doubt"


def test_a_station_that_does_not_answer_is_a_need() -> None:
    log = MemoryLog()
    sign = StationSign(station="oer-bench", pid=0, is_answering=False)
    whole = looked_at(log, NOON, signs=(sign,))
    assert whole.health.word is LabWord.NEEDS_SOMEBODY
    assert whole.control.is_answering is False
    assert [need.kind for need in whole.needs] == ["station"]


def test_who_acted_last_is_a_person() -> None:
    log = MemoryLog()
    campaign = running(log)
    paused = PauseRequested(reason="lunch")
    stream = f"campaign/{campaign.campaign_id}"
    log.append(stream, [paused], time=campaign.time, actor="ada", is_simulated=False)
    with_engine(log, campaign, campaign.time)
    person = looked_at(log, campaign.time).control.person
    assert person is not None
    assert (person.name, person.campaign_id) == ("ada", CAMPAIGN_ID)
    assert "lunch" in person.said


def test_the_recent_past_reaches_back_a_little_only() -> None:
    log = MemoryLog()
    record_campaign(log, n=4)
    live = LiveLab(log, clock=StandingClock(NOON), source="memory")
    past = RecentPast(n_records=20)
    with live.using() as lab:
        past.look(lab)
        past.look(lab)
    assert [one.experiment_id for one in past.ended_of(CAMPAIGN_ID)] == ["E0004"]
    assert past.readings["source_meter"][0].job_id == "E0004/sweep"


def test_a_campaign_card_says_how_far_each_rule_is() -> None:
    log = MemoryLog()
    campaign = running(log)
    with_engine(log, campaign, campaign.time)
    (card,) = looked_at(log, campaign.time).campaigns
    said = {rule.name: rule.said for rule in card.rules}
    assert said["experiments"] == "2 of 40"
    assert said["overpotential"] == "at most 0.3000 V; best 0.4000 V"
    assert card.requests == ("pause", "hold", "stop", "abort")


def _experiment(number: int, *jobs: tuple[str, str, float, tuple[str, ...]]) -> ExperimentState:
    planned = tuple(
        PlannedJob(
            job_id=f"E{number:04d}/{name}",
            name=name,
            instrument=instrument,
            action="act",
            after=after,
            recovery="blind",
            expected_s=expected_s,
        )
        for name, instrument, expected_s, after in jobs
    )
    start = ExperimentStarted(
        experiment_id=f"E{number:04d}",
        number=number,
        candidate=Candidate(point={"x": 0.5}),
        jobs=planned,
        cost_usd=1.0,
    )
    return ExperimentState.from_start(start, OPENED)


def test_instruments_are_given_to_whoever_can_begin_first() -> None:
    first = _experiment(1, ("dose", "pump", 60.0, ()), ("heat", "oven", 600.0, ("dose",)))
    second = _experiment(2, ("dose", "pump", 60.0, ()), ("heat", "oven", 600.0, ("dose",)))
    plan = job_plan([OnBench("a", first), OnBench("b", second)], OPENED)

    def at(seconds: float) -> datetime:
        return OPENED + timedelta(seconds=seconds)

    assert plan == {
        ("a", "E0001/dose"): Span(at(0), at(60)),
        ("a", "E0001/heat"): Span(at(60), at(660)),
        ("b", "E0002/dose"): Span(at(60), at(120)),
        ("b", "E0002/heat"): Span(at(660), at(1260)),
    }


def test_what_waits_for_a_job_in_doubt_has_no_plan() -> None:
    one = _experiment(1, ("dose", "pump", 60.0, ()), ("heat", "oven", 6.0, ("dose",)))
    one = one.after(JobStarted(job_id="E0001/dose", attempt=1, epoch=1), OPENED)
    on_bench = [OnBench("a", one)]
    assert set(job_plan(on_bench, OPENED)) == {("a", "E0001/dose"), ("a", "E0001/heat")}
    doubt = JobOutcomeUnknown(job_id="E0001/dose", evidence="no reply")
    assert job_plan([OnBench("a", one.after(doubt, OPENED))], OPENED) == {}


def test_the_timeline_shows_what_was_planned_beside_what_was_done() -> None:
    one = _experiment(1, ("dose", "pump", 600.0, ()))
    started = one.after(JobStarted(job_id="E0001/dose", attempt=1, epoch=1), OPENED)
    now = OPENED + timedelta(minutes=15)
    on_bench = [OnBench("a", started)]
    view = gantt_view(
        "the laboratory", on_bench, job_plan(on_bench, now), BenchTime(now=now, is_virtual=False)
    )
    (bar,) = view.rows[0].bars
    assert (bar.state, bar.actual_s, bar.late_s) == ("started", 900.0, 300.0)
    assert bar.actual is not None
    assert bar.planned is not None
    assert bar.actual[1] == pytest.approx(view.now_at)
    assert bar.planned[1] == pytest.approx(0.5)
    assert all(0.0 <= place <= 1.0 for _, place in view.ticks)
    assert len(view.ticks) <= 10


def test_one_look_serves_everybody_until_something_happens() -> None:
    log, clock = MemoryLog(), StandingClock(NOON)
    asked: list[int] = []

    def signs() -> tuple[StationSign, ...]:
        asked.append(1)
        return ()

    live = LiveLab(log, clock=clock, source="memory")
    watch = LabWatch(live, clock, signs, TaskBoards())
    assert watch.look() is watch.look()
    log.append(
        LAB_STREAM,
        [InstrumentConnected(instrument="balance", driver="d", identity="i")],
        time=NOON,
        actor="engine",
        is_simulated=False,
    )
    assert len(watch.look().instruments) == 1
    clock.time += timedelta(seconds=2)
    watch.look()
    assert len(asked) == 3


def test_candidates_that_were_proposed_are_the_queue() -> None:
    log = MemoryLog()
    campaign = running(log)
    point: dict[str, float | str] = {"Ni": 0.1, "Fe": 0.2, "Co": 0.7, "furnace_c": 300.0}
    campaign.append(
        CandidatesProposed(
            proposal=9,
            planner="sobol",
            method="initial_design",
            reason="no model yet",
            n_observations=1,
            candidates=(Candidate(point=point),),
        )
    )
    (queue,) = looked_at(log, campaign.time).queues
    assert queue.candidates == ("C0003",)
    assert queue.waiting == ()
