"""A campaign that goes on for weeks, as events, and a log that counts what is read of them."""

from collections.abc import Iterator

from orchestrator.core.events import (
    CandidatesProposed,
    Event,
    ExperimentFinished,
    ExperimentStarted,
    ObservationRecorded,
    campaign_stream,
)
from orchestrator.core.point import Candidate, Observation
from orchestrator.log.event_log import EventLog, Record
from orchestrator.log.memory_log import MemoryLog
from tests.support.pretend_campaigns import START, opening, planned_jobs, small_campaign

__all__ = ["MADE", "OPENING", "STREAM", "CountingLog", "append", "begun", "ended"]

OPENING = opening(small_campaign())
STREAM = campaign_stream(OPENING.campaign_id)
MADE = Observation(point={"a": 0.5, "b": 0.5}, values={"y": 1.0})


class CountingLog(MemoryLog):
    """A log that counts the records that are read from it."""

    n_read = 0

    def read(
        self, *, after_seq: int = 0, stream: str | None = None, limit: int | None = None
    ) -> Iterator[Record]:
        for record in super().read(after_seq=after_seq, stream=stream, limit=limit):
            self.n_read += 1
            yield record


def append(log: EventLog, *events: Event) -> None:
    """Append events to the campaign's stream, all at once."""
    log.append(STREAM, events, time=START, actor="test", is_simulated=True)


def begun(number: int) -> list[Event]:
    """Return the proposal and the start of an experiment of one job."""
    name = f"E{number:04d}"
    candidate = Candidate(point=MADE.point)
    proposal = CandidatesProposed(
        proposal=number,
        planner="sobol",
        method="initial_design",
        reason="",
        n_observations=number - 1,
        candidates=(candidate,),
    )
    start = ExperimentStarted(
        experiment_id=name,
        number=number,
        candidate=candidate,
        jobs=planned_jobs(name)[:1],
        cost_usd=1.0,
    )
    return [proposal, start]


def ended(number: int) -> list[Event]:
    """Return the four events of an experiment that gave an observation."""
    name = f"E{number:04d}"
    made = Observation(point=MADE.point, values={"y": float(number)})
    recorded = ObservationRecorded(experiment_id=name, observation=made)
    return [*begun(number), recorded, ExperimentFinished(experiment_id=name)]
