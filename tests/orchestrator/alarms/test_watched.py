"""What the alarm desk keeps of a campaign that goes on for weeks."""

from datetime import UTC, datetime

from orchestrator.alarms.watched import Watched
from orchestrator.core.events import (
    CandidatesProposed,
    EngineAttached,
    Event,
    ExperimentFinished,
    ExperimentStarted,
    ObservationAmended,
    ObservationRecorded,
    ObservationRetracted,
    campaign_stream,
)
from orchestrator.core.point import Candidate, Observation
from orchestrator.log.memory_log import MemoryLog
from tests.support.pretend_campaigns import opening, planned_jobs, small_campaign

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OPENING = opening(small_campaign())
CAMPAIGN = OPENING.campaign_id
STREAM = campaign_stream(CAMPAIGN)


def experiment(number: int) -> list[Event]:
    name = f"E{number:04d}"
    candidate = Candidate(point={"a": 0.25, "b": 0.75})
    made = Observation(point={"a": 0.25, "b": 0.75}, values={"y": float(number)})
    return [
        CandidatesProposed(
            proposal=number,
            planner="sobol",
            method="initial_design",
            reason="",
            n_observations=number - 1,
            candidates=(candidate,),
        ),
        ExperimentStarted(
            experiment_id=name,
            number=number,
            candidate=candidate,
            jobs=planned_jobs(name),
            cost_usd=1.0,
        ),
        ObservationRecorded(experiment_id=name, observation=made),
        ExperimentFinished(experiment_id=name),
    ]


def log_with(n: int) -> MemoryLog:
    log = MemoryLog()
    append(log, [OPENING, EngineAttached(epoch=1)])
    for number in range(1, n + 1):
        append(log, experiment(number))
    return log


def append(log: MemoryLog, events: list[Event]) -> None:
    log.append(STREAM, events, time=NOW, actor="test", is_simulated=True)


def watched(log: MemoryLog) -> Watched:
    found = Watched(log, is_simulated=True, campaign_id=None)
    found.catch_up()
    return found


def test_what_ended_long_ago_is_forgotten_at_once_and_along_the_way():
    log = log_with(120)
    desk = watched(log)
    assert len(desk.campaigns[CAMPAIGN].closed_experiments) == 20

    for number in range(121, 400):
        append(log, experiment(number))
        desk.catch_up()
        state = desk.campaigns[CAMPAIGN]
        assert len(state.closed_experiments) < 70
        assert len(state.observations) < 70
    assert state.version == 2 + 4 * 399
    assert not desk.unreadable


def test_a_correction_of_what_was_forgotten_makes_nothing_unreadable():
    log = log_with(120)
    desk = watched(log)
    made = Observation(point={"a": 0.25, "b": 0.75}, values={"y": 0.5})

    append(log, [ObservationAmended(experiment_id="E0003", observation=made, reason="weighed")])
    append(log, [ObservationRetracted(experiment_id="E0004", reason="wrong vial")])
    append(log, experiment(121))
    desk.catch_up()

    assert not desk.unreadable
    state = desk.campaigns[CAMPAIGN]
    assert (state.version, state.closed_experiments[-1].experiment_id) == (2 + 480 + 2 + 4, "E0121")
