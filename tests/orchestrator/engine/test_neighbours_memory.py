"""What an engine keeps of the other campaigns on its bench: where their samples stand."""

from collections.abc import Iterator
from dataclasses import replace

from orchestrator.core.events import (
    CandidatesProposed,
    Event,
    ExperimentFinished,
    ExperimentStarted,
    ObservationAmended,
    ObservationRecorded,
    ObservationRetracted,
    campaign_stream,
)
from orchestrator.core.point import Observation
from orchestrator.engine.neighbours import Neighbours
from orchestrator.log.event_log import Record
from orchestrator.log.memory_log import MemoryLog
from orchestrator.log.recovered import StateKeeper, recovered_state
from tests.support.pretend_campaigns import CANDIDATE, START, opening, planned_jobs, small_campaign

OPENING = opening(small_campaign())
STREAM = campaign_stream(OPENING.campaign_id)
MADE = Observation(point=CANDIDATE.point, values={"y": 1.0})


class CountingLog(MemoryLog):
    """A log that counts the records that are read from it."""

    n_read = 0

    def read(
        self, *, after_seq: int = 0, stream: str | None = None, limit: int | None = None
    ) -> Iterator[Record]:
        for record in super().read(after_seq=after_seq, stream=stream, limit=limit):
            self.n_read += 1
            yield record


def append(log: MemoryLog, *events: Event) -> None:
    log.append(STREAM, events, time=START, actor="test", is_simulated=True)


def begun(number: int) -> list[Event]:
    name = f"E{number:04d}"
    proposal = CandidatesProposed(
        proposal=number,
        planner="sobol",
        method="initial_design",
        reason="",
        n_observations=number - 1,
        candidates=(CANDIDATE,),
    )
    start = ExperimentStarted(
        experiment_id=name,
        number=number,
        candidate=CANDIDATE,
        jobs=planned_jobs(name)[:1],
        cost_usd=1.0,
    )
    return [proposal, start]


def ended(number: int) -> list[Event]:
    name = f"E{number:04d}"
    recorded = ObservationRecorded(experiment_id=name, observation=MADE)
    return [*begun(number), recorded, ExperimentFinished(experiment_id=name)]


def neighbours(log: MemoryLog) -> Neighbours:
    own = recovered_state(log, OPENING.campaign_id).state
    found = Neighbours(log, replace(own, campaign_id="own-1"))
    found.catch_up()
    return found


def test_a_correction_of_what_was_forgotten_changes_nothing_about_places():
    log = MemoryLog()
    append(log, OPENING)
    found = neighbours(log)
    for number in range(1, 101):
        append(log, *ended(number))
    append(log, *begun(101))
    found.catch_up()
    before = found.taken()

    append(log, ObservationAmended(experiment_id="E0003", observation=MADE, reason="weighed"))
    append(log, ObservationRetracted(experiment_id="E0004", reason="wrong vial"), *ended(102))
    found.catch_up()

    assert found.taken() == before
    assert found.versions == {STREAM: 1 + 4 * 101 + 2 + 2}
    assert found.versions == neighbours(log).versions


def test_an_engine_that_starts_does_not_read_the_whole_past_of_a_neighbour():
    log = CountingLog()
    append(log, OPENING)
    for number in range(1, 101):
        append(log, *ended(number))
    found = recovered_state(log, OPENING.campaign_id)
    *_, last = log.read(stream=STREAM)
    StateKeeper(log, STREAM, 0, every=1).note(found.state, last)

    log.n_read = 0
    known = Neighbours(log, replace(found.state, campaign_id="own-1"))
    known.catch_up()
    append(log, *ended(101))
    known.catch_up()

    assert log.n_read < 20
    assert known.versions == {STREAM: 1 + 4 * 101}
