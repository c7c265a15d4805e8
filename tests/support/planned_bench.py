"""A hand-made rig on which campaigns have samples in flight: a doser, a furnace for two, a meter.

with lab_at_furnace(tmp_path) as lab:            # E0001 and E0002 are fired together since 10 min,
    plan = plan_of(lab, "small-1")               # E0003 is dosed and waits for the furnace
"""

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drivers.clock import SystemClock
from orchestrator.alarms.signs_of_life import engine_name
from orchestrator.core.events import (
    LAB_STREAM,
    CampaignOpened,
    CandidatesProposed,
    EngineAttached,
    Event,
    ExperimentStarted,
    InstrumentTakenOut,
    JobFinished,
    JobStarted,
    PlannedJob,
    campaign_stream,
)
from orchestrator.log.event_log import EventLog
from orchestrator.log.sql_log import SqliteLog, open_sqlite_log
from orchestrator.service.lab import Lab
from tests.support.pretend_campaigns import CANDIDATE, small_campaign
from tests.support.standing_clock import StandingClock

__all__ = ["NOW", "PlannedBench", "lab_at_furnace", "record_furnace"]

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
FIRE_S = 3600.0
_Row = tuple[
    str,
    str,
    float,
    tuple[str, ...],
    tuple[str, ...],
    float | None,
    dict[str, float | int | str | bool],
]
"""Job, instrument, how long, after which jobs, at which places, how long at most it stands."""


class PlannedBench:
    """Appends to a log what happened on the rig.

    Args:
        log: Where it goes.
    """

    def __init__(self, log: SqliteLog) -> None:
        self._log = log

    def open(
        self, campaign_id: str, *, priority: int = 0, is_driven: bool = True, limit: int = 8
    ) -> None:
        """Open a campaign four hours ago."""
        spec = small_campaign(in_flight=4, max_experiments=limit)
        header = spec.header.model_copy(update={"priority": priority})
        spec = spec.model_copy(update={"header": header})
        opened = CampaignOpened(
            campaign_id=campaign_id,
            name="small",
            campaign_text=spec.canonical_text(),
            rig_name="dice",
            rig_sha256="0" * 64,
            cost_usd_per_hour=0.0,
            seed=0,
            is_simulated=True,
            athanor_version="0",
            slots={"furnace": 2, "rack": 99},
            capacities={"furnace": 2},
            shelf="dice",
        )
        self.add(campaign_id, opened, EngineAttached(epoch=1), hours=-4)
        if is_driven:
            name, now = engine_name(campaign_id), SystemClock().now()
            self._log.beat(name, pid=os.getpid(), host=platform.node(), time=now)

    def start(
        self,
        campaign_id: str,
        number: int,
        *,
        max_wait_s: float | None = 600.0,
        dosed_hours: float | None = None,
        temperature_c: float = 450.0,
    ) -> str:
        """Begin a sample that is dosed, fired and read; tell its id.

        Args:
            campaign_id: Whose.
            number: From 1 on.
            max_wait_s: How long it may stand between furnace and meter.
            dosed_hours: When it was dosed, in hours from now, at most 0; None: not yet.
            temperature_c: Samples of another are not fired with it.
        """
        name = f"E{number:04d}"
        jobs = _jobs(name, max_wait_s, temperature_c)
        proposed = CandidatesProposed(
            proposal=number,
            planner="sobol",
            method="initial_design",
            reason="",
            n_observations=0,
            candidates=(CANDIDATE,),
        )
        begun = ExperimentStarted(
            experiment_id=name, number=number, candidate=CANDIDATE, jobs=jobs, cost_usd=0.0
        )
        self.add(campaign_id, proposed, begun, hours=-2)
        if dosed_hours is not None:
            dosed = f"{name}/dose"
            started = JobStarted(job_id=dosed, attempt=1, epoch=1)
            self.add(campaign_id, started, hours=dosed_hours - 1 / 60)
            self.add(campaign_id, JobFinished(job_id=dosed), hours=dosed_hours)
        return name

    def fire(self, campaign_id: str, *names: str, hours: float) -> None:
        """Begin to fire samples in one load.

        Args:
            campaign_id: Whose.
            *names: Of the experiments, the leader's in front.
            hours: When, from now, at most 0.
        """
        leader = f"{names[0]}/fire"
        events = [
            JobStarted(
                job_id=f"{name}/fire",
                attempt=1,
                epoch=1,
                led_by="" if name == names[0] else leader,
                slots={"furnace": slot},
            )
            for slot, name in enumerate(names, start=1)
        ]
        self.add(campaign_id, *events, hours=hours)

    def finish(self, *job_ids: str) -> tuple[JobFinished, ...]:
        """Return that jobs were done."""
        return tuple(JobFinished(job_id=job_id) for job_id in job_ids)

    def break_(self, instrument: str) -> None:
        """Take an instrument out of service."""
        out = InstrumentTakenOut(instrument=instrument, reason="it smokes")
        self._append(LAB_STREAM, out, hours=-1)

    def add(self, campaign_id: str, *events: Event, hours: float = 0.0) -> None:
        """Append facts of a campaign, so many hours from now."""
        self._append(campaign_stream(campaign_id), *events, hours=hours)

    def _append(self, stream: str, *events: Event, hours: float) -> None:
        time = NOW + timedelta(hours=hours)
        self._log.append(stream, events, time=time, actor="engine", is_simulated=True)


def record_furnace(log: EventLog, more: Callable[[PlannedBench], object] = lambda _: None) -> None:
    """Record two samples in one load of the furnace, and a third that waits for it."""
    assert isinstance(log, SqliteLog), "signs of life need tables beside the records"
    bench = PlannedBench(log)
    bench.open("small-1")
    bench.start("small-1", 1, dosed_hours=-1.5)
    bench.start("small-1", 2, dosed_hours=-1.0)
    bench.start("small-1", 3, dosed_hours=-0.5, max_wait_s=None)
    bench.fire("small-1", "E0001", "E0002", hours=-1 / 6)
    more(bench)


@contextmanager
def lab_at_furnace(
    folder: Path, more: Callable[[PlannedBench], object] = lambda _: None
) -> Iterator[Lab]:
    """Yield a laboratory that looks at the rig at noon.

    Args:
        folder: Where the log is kept, as ``athanor.db``.
        more: What happens besides.
    """
    log = open_sqlite_log(folder / "athanor.db")
    record_furnace(log, more)
    lab = Lab(log, actor="ada", clock=StandingClock(NOW), source="athanor.db")
    try:
        yield lab
    finally:
        lab.close()


def _jobs(name: str, max_wait_s: float | None, temperature_c: float) -> tuple[PlannedJob, ...]:
    heat: dict[str, float | int | str | bool] = {"temperature_c": temperature_c}
    rows: tuple[_Row, ...] = (
        ("dose", "doser", 60.0, (), ("rack",), None, {}),
        (
            "fire",
            "furnace",
            FIRE_S,
            ("dose",),
            ("furnace",),
            None,
            heat,
        ),
        ("read", "meter", 120.0, ("fire",), ("rack",), max_wait_s, {}),
    )
    return tuple(
        PlannedJob(
            job_id=f"{name}/{job}",
            name=job,
            instrument=instrument,
            action=job,
            after=after,
            positions=positions,
            recovery="blind",
            expected_s=expected_s,
            max_wait_s=wait_s,
            arguments=arguments,
        )
        for job, instrument, expected_s, after, positions, wait_s, arguments in rows
    )
