"""A campaign of many experiments and jobs, written quickly: for figures of large logs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from orchestrator.core.events import (
    AnalysisFinished,
    CandidatesProposed,
    Event,
    ExperimentFinished,
    ExperimentStarted,
    JobFinished,
    JobStarted,
    LoggedReading,
    ObservationRecorded,
    PlannedJob,
    ReferencePointFrozen,
)
from orchestrator.core.point import Candidate, Observation, Prediction
from orchestrator.log.chain import StoredRecord, next_records, record_from_stored
from orchestrator.log.event_log import Record
from orchestrator.log.sql_log import SqliteLog
from orchestrator.log.sql_rows import insert_stored
from tests.support.recorded_campaign import RecordedCampaign

__all__ = ["BulkLog", "GreatCampaign"]

_PAGE: Final = 5000
_INSTRUMENTS: Final = ("balance", "pump_x1", "source_meter")


class BulkLog:
    """Takes a campaign's events and writes them in large transactions, without projections.

    Args:
        log: Where they go.
    """

    def __init__(self, log: SqliteLog) -> None:
        self.log = log
        self.n = 0
        self._last: StoredRecord | None = None
        self._versions: dict[str, int] = {}
        self._waiting: list[StoredRecord] = []

    def append(
        self,
        stream: str,
        events: Sequence[Event],
        *,
        time: datetime,
        actor: str,
        is_simulated: bool,
        expected: Mapping[str, int] | None = None,
    ) -> tuple[Record, ...]:
        """Append events to one stream."""
        records = next_records(
            stream,
            events,
            time=time,
            actor=actor,
            is_simulated=is_simulated,
            last=self._last,
            version=self._versions.get(stream, 0),
        )
        self._last, self._versions[stream] = records[-1], records[-1].version
        self._waiting += records
        self.n += len(records)
        if len(self._waiting) >= _PAGE:
            self.flush()
        return tuple(record_from_stored(record) for record in records[:1])

    def flush(self) -> None:
        """Write what waits."""
        with self.log._write() as connection:
            for record in self._waiting:
                insert_stored(connection, record)
        self._waiting.clear()


class GreatCampaign(RecordedCampaign):
    """Experiments of as many jobs as one likes, whose results get slowly better.

    Args:
        log: Where they go.
        n_jobs: Of each experiment.
    """

    n_jobs = 47

    def make(self, n: int) -> str:
        """Propose, start, do and observe one experiment.

        Args:
            n: Its number, from 1.

        Returns:
            Its id.
        """
        name = f"E{n:04d}"
        nickel, iron = (n * 7919 % 1000) / 2000, (n * 104729 % 1000) / 2000
        point: dict[str, float | str] = {
            "Ni": nickel,
            "Fe": iron,
            "Co": 1.0 - nickel - iron,
            "furnace_c": 300.0 + n % 300,
        }
        expected = {"overpotential_v": Prediction(mean=0.35, sd=0.02)}
        candidate = Candidate(point=point, predictions=expected)
        jobs = [
            PlannedJob(
                job_id=f"{name}/job_{i:02d}",
                name=f"job_{i:02d}",
                instrument=_INSTRUMENTS[i % 3],
                action="transfer",
                arguments={"volume_ul": 600.0},
                recovery="blind",
                expected_s=60.0,
            )
            for i in range(self.n_jobs)
        ]
        self.append(
            CandidatesProposed(
                proposal=n,
                planner="sobol",
                method="initial_design",
                reason="no model yet",
                n_observations=0,
                candidates=(candidate,),
            ),
            ExperimentStarted(
                experiment_id=name, number=n, candidate=candidate, jobs=tuple(jobs), cost_usd=0.5
            ),
        )
        for job in jobs:
            self.append(JobStarted(job_id=job.job_id, attempt=1, epoch=1))
            reading = LoggedReading(name="mass_g", value=1.25)
            self.append(JobFinished(job_id=job.job_id, readings=(reading,)), minutes=1.0)
        self._observe(name, n, point)
        if n == 4:
            worst = {"overpotential_v": 0.6, "cost_usd_per_mol": 30.0}
            self.append(ReferencePointFrozen(reference_point=worst))
        return name

    def _observe(self, name: str, n: int, point: dict[str, float | str]) -> None:
        nickel, iron = float(point["Ni"]), float(point["Fe"])
        cost = 12 * nickel + 2 * iron + 30 * (1 - nickel - iron)
        luck = (n * 15485863 % 997) / 997
        values = {
            "overpotential_v": 0.25 + 0.3 * luck * (1 + 30 / (30 + n / 50)) / 2 + 0.1 / (5 + cost),
            "adhesion_fraction": (n * 32452843 % 100) / 100,
        }
        self.append(
            AnalysisFinished(
                experiment_id=name,
                analysis="overpotential_from_sweep",
                version=1,
                quality="good",
                values=values,
                sds={"overpotential_v": 0.001},
            ),
            ObservationRecorded(
                experiment_id=name,
                observation=Observation(point=point, values=values, sds={"overpotential_v": 0.001}),
                computed={"cost_usd_per_mol": cost},
            ),
            ExperimentFinished(experiment_id=name),
        )
