"""What happened lately in a log: who acted last, what instruments said last, which samples ended.

Nothing long past is read: a log of a million records is looked at from its end.
"""

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict

from orchestrator.core.events import (
    ExperimentEvent,
    ExperimentStarted,
    JobEvent,
    JobFinished,
)
from orchestrator.core.experiment import ExperimentState, experiment_id_of
from orchestrator.log.event_log import Record
from orchestrator.service.decisions import is_person
from orchestrator.service.events import summary
from orchestrator.service.lab import Lab

__all__ = ["PersonAct", "RecentPast", "ShownReading", "shown_readings"]

_N_RECORDS: Final = 3000
"""How far back the first look reaches."""
_N_ENDED: Final = 60
"""How many ended experiments are kept."""


class PersonAct(BaseModel):
    """The last thing that a person did."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    said: str
    """What, in words."""
    time: datetime
    seq: int
    campaign_id: str
    """Of which campaign; empty for the laboratory."""


class ShownReading(BaseModel):
    """A single number or word that an instrument gave with a job."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """With its unit as the suffix."""
    value: float | str
    time: datetime
    campaign_id: str
    job_id: str


class RecentPast:
    """Follows a log; one for each web process, looked at under the lock of its laboratory.

    Args:
        n_records: How far back the first look reaches.
    """

    def __init__(self, n_records: int = _N_RECORDS) -> None:
        self._n_records = n_records
        self._seq: int | None = None
        self._open: dict[tuple[str, str], ExperimentState] = {}
        self.last_person: PersonAct | None = None
        """None if nobody did anything as far back as was looked."""
        self.readings: dict[str, tuple[ShownReading, ...]] = {}
        """Of the last job of each instrument that gave any."""
        self.ended: deque[tuple[str, ExperimentState]] = deque(maxlen=_N_ENDED)
        """Campaigns' ids and experiments, the one that ended last at the end."""

    def look(self, lab: Lab) -> None:
        """Take what the log has got since.

        Args:
            lab: The same each time.

        Raises:
            LogError: The log cannot be read.
        """
        if self._seq is None:
            self._seq = max(0, lab.last_seq() - self._n_records)
        for record in lab.records(None, after_seq=self._seq):
            self._follow(record)
            self._seq = record.seq

    def ended_of(self, campaign_id: str) -> list[ExperimentState]:
        """Return the experiments of a campaign that ended lately, in that order."""
        return [one for name, one in self.ended if name == campaign_id]

    def _follow(self, record: Record) -> None:
        event = record.event
        place, _, campaign_id = record.stream.partition("/")
        if is_person(record.actor):
            self.last_person = PersonAct(
                name=record.actor,
                said=summary(event),
                time=record.time,
                seq=record.seq,
                campaign_id=campaign_id if place == "campaign" else "",
            )
        if isinstance(event, ExperimentStarted):
            state = ExperimentState.from_start(event, record.time)
            self._open[campaign_id, event.experiment_id] = state
        elif isinstance(event, ExperimentEvent):
            self._follow_experiment(campaign_id, event, record.time)

    def _follow_experiment(self, campaign_id: str, event: ExperimentEvent, time: datetime) -> None:
        if isinstance(event, JobEvent):
            name = experiment_id_of(event.job_id)
        else:
            name = event.experiment_id
        known = self._open.get((campaign_id, name))
        if known is None:
            return
        after = known.after(event, time)
        self._open[campaign_id, name] = after
        if isinstance(event, JobFinished):
            job = after.jobs[event.job_id.partition("/")[2]]
            shown = shown_readings(campaign_id, after, job.planned.name)
            if shown:
                self.readings[job.instrument] = shown
        if not after.is_open:
            del self._open[campaign_id, name]
            self.ended.append((campaign_id, after))


def shown_readings(
    campaign_id: str, experiment: ExperimentState, name: str
) -> tuple[ShownReading, ...]:
    """Return what one job gave, without series.

    Args:
        campaign_id: Of the experiment.
        experiment: Whose job it is.
        name: Of the job in the recipe.
    """
    job = experiment.jobs[name]
    if job.ended_time is None:
        return ()
    found: list[ShownReading] = []
    for reading in job.readings:
        value: float | str | Sequence[float] = reading.value
        if isinstance(value, float | str):
            found.append(
                ShownReading(
                    name=reading.name,
                    value=value,
                    time=job.ended_time,
                    campaign_id=campaign_id,
                    job_id=job.planned.job_id,
                )
            )
    return tuple(found)
