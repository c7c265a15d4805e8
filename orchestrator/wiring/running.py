"""One run from the opening of the log to the end, on the bench or on the pretended one."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from drivers.clock import Clock, SpedUpLoop, VirtualClock, VirtualLoop
from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.events import LAB_STREAM, CampaignOpened, campaign_stream
from orchestrator.core.lab import fold_lab
from orchestrator.errors import LogError
from orchestrator.execution.executor import Executor
from orchestrator.execution.rig import bench_for
from orchestrator.landmarks import watch_environment
from orchestrator.log.event_log import EventLog, last_hash
from orchestrator.log.sql_log import SqliteLog, open_sqlite_log
from orchestrator.log.sql_store import BUSY_S
from orchestrator.settings import Settings
from orchestrator.station.client import StationExecutor, StationToReach
from orchestrator.station.control import NoStation, status_of
from orchestrator.station.places import station_folder
from orchestrator.station.starting import send_away, starter
from orchestrator.wiring.alarm_beat import AlarmBeat, look_while_unwatched
from orchestrator.wiring.onlooker import Onlooker, Progress
from orchestrator.wiring.opening import open_campaign
from orchestrator.wiring.preparation import Prepared, RunOptions
from orchestrator.wiring.steady_clock import SteadyClock

if TYPE_CHECKING:
    from orchestrator.engine.habits import EngineHabits
    from orchestrator.engine.journal import Journal
    from orchestrator.engine.loop import Engine

__all__ = ["RunEnd", "RunHandle", "run"]

logger = logging.getLogger(__name__)

_ENDS: Final = (signal.SIGTERM, signal.SIGHUP)
"""What the system sends to a process that shall go: at a shutdown, or when its terminal closes."""
REAL_POLL_S: Final = 0.5
"""How often an engine on the real clock looks for requests, in seconds."""
BENCH_BUSY_S: Final = 3.0
"""How long an engine on the bench stands still for a locked log; its station counts its beats."""
VIRTUAL_POLL_S: Final = 600.0
"""The same on virtual time, where a look costs as much as in real time."""


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended."""

    campaign_id: str
    status: str
    reason: str
    in_doubt: tuple[str, ...]
    """Jobs whose outcome nobody knows."""
    unclean: tuple[str, ...]
    """Places that no sample may use, with who left them so: ``vessel (oer-plate-1/E0007)``."""
    exit_code: int
    """0 done, 3 held or in doubt, 4 aborted."""
    last_hash: str
    """Of the log."""


@dataclass(slots=True)
class RunHandle:
    """Lets whoever started a run tell it that nobody will wait for a resume."""

    campaign_id: str
    _engine: "Engine" = field(repr=False)

    @property
    def is_waiting(self) -> bool:
        """Whether the campaign is paused or held."""
        return self._engine.state.status.is_waiting

    def leave_when_paused(self) -> None:
        """Let a pause or a hold end the run, also one that is there already."""
        self._engine.habits.leaves_when_paused = True
        self._engine.habits.leaves_when_held = True


def run(
    prepared: Prepared,
    *,
    on_progress: Callable[[Progress], None],
    on_start: Callable[[RunHandle], None],
) -> RunEnd:
    """Drive the campaign until it ends, or nobody waits for it any more.

    Args:
        prepared: From `prepare`.
        on_progress: Told at most four times a second, and at the end.
        on_start: Told once, before anything moves.

    Raises:
        AthanorError: The campaign cannot be opened, resumed or recorded.
    """
    watch_environment(os.environ)
    busy_s = BUSY_S if prepared.options.is_dry_run else BENCH_BUSY_S
    with closing(open_sqlite_log(prepared.options.database, busy_s=busy_s)) as log:
        campaign_id = open_campaign(log, prepared)
        try:
            with asyncio.Runner(loop_factory=_loop_factory(prepared.options)) as runner:
                state = runner.run(_drive(log, campaign_id, prepared, on_progress, on_start))
        finally:
            if not prepared.options.is_dry_run:
                _send_station_away(prepared)
        return _end(log, state)


def _loop_factory(options: RunOptions) -> Callable[[], asyncio.AbstractEventLoop]:
    if options.is_dry_run:
        return VirtualLoop
    if options.speed == 1.0:
        return asyncio.new_event_loop
    return lambda: SpedUpLoop(options.speed)


def _end(log: SqliteLog, state: CampaignState) -> RunEnd:
    in_doubt = tuple(
        job_id for experiment in state.experiments for job_id in experiment.jobs_in_doubt()
    )
    exit_code = 3 if in_doubt or not state.status.has_ended else 0
    if state.status is CampaignStatus.ABORTED:
        exit_code = 4
    return RunEnd(
        campaign_id=state.campaign_id,
        status=str(state.status),
        reason=state.status_reason,
        in_doubt=in_doubt,
        unclean=tuple(f"{place} ({who})" for place, who in _unclean(log).items()),
        exit_code=exit_code,
        last_hash=last_hash(log),
    )


def _unclean(log: SqliteLog) -> Mapping[str, str]:
    records = log.read(stream=LAB_STREAM)
    return fold_lab((record.event, record.time) for record in records).unclean


async def _drive(
    log: SqliteLog,
    campaign_id: str,
    prepared: Prepared,
    on_progress: Callable[[Progress], None],
    on_start: Callable[[RunHandle], None],
) -> CampaignState:
    from orchestrator.engine.journal import Journal
    from orchestrator.engine.loop import Engine
    from orchestrator.engine.planning import planning_in_process, planning_in_worker

    is_light = prepared.campaign.planner.name == "sobol"
    habits = _habits(prepared.options)
    is_real = not prepared.options.is_dry_run
    onlooker = Onlooker(log, campaign_id, habits, on_progress, beside=is_real)
    clock = _clock(log, campaign_id, prepared.options)
    journal = Journal(log, campaign_id, clock)
    async with _executor(log, journal, prepared, clock) as executor:
        engine = Engine(
            journal=journal,
            clock=clock,
            executor=executor,
            planning=planning_in_process() if is_light else planning_in_worker(),
            recipe=prepared.recipe,
            rig=prepared.rig,
            habits=habits,
            on_change=onlooker,
        )
        handle = RunHandle(campaign_id, engine)
        if isinstance(executor, StationExecutor):
            executor.on_wake = engine.wake
            executor.on_given_up = handle.leave_when_paused
        on_start(handle)
        state = await _until_told_to_end(engine)
    onlooker.show_last()
    return state


def _clock(log: SqliteLog, campaign_id: str, options: RunOptions) -> Clock:
    if options.is_dry_run:
        return VirtualClock(_last_time(log, campaign_id))
    return SteadyClock(_last_time(log, campaign_id), options.speed)


def _habits(options: RunOptions) -> "EngineHabits":
    """Return how an engine behaves: on the bench the station remembers, and the log is waited for.

    A held campaign is waited with, too, so that its station stays and has people told. A dry-run's
    bench ends with its process, and nobody is called for it.
    """
    from orchestrator.engine.habits import EngineHabits

    if options.is_dry_run:
        return EngineHabits(poll_s=VIRTUAL_POLL_S, asks_after_crash=False)
    return EngineHabits(
        poll_s=REAL_POLL_S * options.speed,
        leaves_when_held=options.leaves_when_held,
        keeps_lab=False,
        waits_for_log=True,
    )


@asynccontextmanager
async def _executor(
    log: SqliteLog, journal: "Journal", prepared: Prepared, clock: Clock
) -> AsyncIterator[Executor]:
    """Give what has the orders done: the rig's station, or the bench in this process."""
    options, rig, campaign_id = prepared.options, prepared.rig, journal.state.campaign_id
    if options.is_dry_run:
        from orchestrator.execution.local_executor import LocalExecutor

        bench = bench_for(rig, clock, _seed(log, campaign_id))
        lines = {name: bench.line(name) for name in rig.lines}
        yield LocalExecutor(rig, lines, clock)
        return
    executor = StationExecutor(
        rig,
        _station(prepared),
        clock,
        campaign_id=campaign_id,
        epoch=lambda: journal.state.epoch,
    )
    beat = _alarm_beat(prepared)
    looking = asyncio.create_task(
        look_while_unwatched(beat, lambda: executor.is_in_touch, clock), name="alarms"
    )
    try:
        async with executor.in_touch():
            yield executor
    finally:
        looking.cancel()


def _alarm_beat(prepared: Prepared) -> AlarmBeat:
    options = prepared.options
    channels = options.alarm_channels
    settings = Settings(database=options.database, actor=options.actor, alarm_channels=channels)
    return AlarmBeat(prepared.rig, settings, speed=options.speed)


def _station(prepared: Prepared) -> StationToReach:
    options = prepared.options
    folder = station_folder(options.database, prepared.rig.header.name)
    start = starter(options.rig_file, options.database, folder, speed=options.speed)
    return StationToReach(folder, options.database, start)


def _send_station_away(prepared: Prepared) -> None:
    """Leave no process behind, unless another campaign needs the station.

    Where none lives, nobody else would have people told of what is left.
    """
    station = _station(prepared)
    try:
        status_of(station.folder, station.database)
    except NoStation:
        _alarm_beat(prepared).look_a_last_time()
        return
    name, reason = prepared.options.actor, "its last campaign let go"
    stays = send_away(station.folder, station.database, name=name, reason=reason, insists=False)
    if stays:
        logger.info("the station stays: %s", stays)


async def _until_told_to_end(engine: "Engine") -> CampaignState:
    """Drive until the end, or until the system wants this process gone.

    Then the engine is cut off like at a crash, but stops its instruments on the way out: what it
    had started is in doubt. Only the first signal counts, so that nothing cuts the stopping short.
    One that was ignored from the beginning (``nohup``) stays so.
    """
    loop, work = asyncio.get_running_loop(), asyncio.current_task()
    told: list[signal.Signals] = []

    def end(number: signal.Signals) -> None:
        if not told and work is not None:
            work.cancel()
            logger.warning("%s: stopping the instruments and letting go", number.name)
        told.append(number)

    heeded = [number for number in _ENDS if signal.getsignal(number) is not signal.SIG_IGN]
    for number in heeded:
        loop.add_signal_handler(number, end, number)
    try:
        return await engine.run()
    except asyncio.CancelledError:
        if not told:
            raise
        return engine.state
    finally:
        for number in heeded:
            loop.remove_signal_handler(number)


def _seed(log: EventLog, campaign_id: str) -> int:
    """Return the seed that the campaign was opened with; it goes on with the same bench."""
    (opening,) = log.read(stream=campaign_stream(campaign_id), limit=1)
    if not isinstance(opening.event, CampaignOpened):
        raise LogError(f"the first record of {campaign_id} is no opening")
    return opening.event.seed


def _last_time(log: EventLog, campaign_id: str) -> datetime:
    (row,) = log.projection("campaign", where={"campaign_id": campaign_id})
    last = row["last_time"]
    if not isinstance(last, datetime):
        raise LogError(f"campaign {campaign_id} has no time of its last record")
    return last
