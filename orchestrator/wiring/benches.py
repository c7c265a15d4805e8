"""What has the orders of a run done: the rig's station, or a pretended bench in this process."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from drivers.clock import Clock, SpedUpLoop, VirtualClock, VirtualLoop
from orchestrator.core.events import CampaignOpened, campaign_stream
from orchestrator.errors import LogError
from orchestrator.execution.executor import Executor
from orchestrator.execution.rig import bench_for
from orchestrator.execution.stock_amounts import with_shelf
from orchestrator.log.event_log import EventLog
from orchestrator.log.sql_log import SqliteLog
from orchestrator.log.stock_rows import shelf_in
from orchestrator.settings import Settings
from orchestrator.station.client import StationExecutor, StationToReach
from orchestrator.station.control import NoStation, status_of
from orchestrator.station.places import station_folder
from orchestrator.station.starting import send_away, starter
from orchestrator.wiring.alarm_beat import AlarmBeat, look_while_unwatched
from orchestrator.wiring.preparation import Prepared, RunOptions
from orchestrator.wiring.steady_clock import SteadyClock

if TYPE_CHECKING:
    from orchestrator.engine.habits import EngineHabits
    from orchestrator.engine.journal import Journal

__all__ = ["Place", "clock_for", "executors_for", "habits_for", "loop_factory", "send_station_away"]

logger = logging.getLogger(__name__)

REAL_POLL_S: Final = 0.5
"""How often an engine on the real clock looks for requests, in seconds."""
WAITS_FOR_INSTRUMENTS_S: Final = 300.0
"""Robots and controllers may take minutes longer than this computer after a power cut."""
SEARCH_EFFORT: Final = 5.0
"""How long an engine on the bench has a better order of its jobs searched for at a time, roughly in
seconds of one core; a dry-run follows the rule, for its time would stand still meanwhile."""
VIRTUAL_POLL_S: Final = 600.0
"""The same on virtual time, where a look costs as much as in real time."""


@dataclass(frozen=True, slots=True)
class Place:
    """One campaign of a run, with its stream in the log."""

    prepared: Prepared
    journal: "Journal"

    @property
    def campaign_id(self) -> str:
        """Which campaign."""
        return self.journal.state.campaign_id


def loop_factory(options: RunOptions) -> Callable[[], asyncio.AbstractEventLoop]:
    """Return what makes the event loop of a run.

    Args:
        options: Of the run.
    """
    if options.is_dry_run:
        return VirtualLoop
    if options.speed == 1.0:
        return asyncio.new_event_loop
    return lambda: SpedUpLoop(options.speed)


def clock_for(log: SqliteLog, campaign_ids: Sequence[str], options: RunOptions) -> Clock:
    """Return the clock of a run; it goes on from the last record of its campaigns.

    Args:
        log: With their openings.
        campaign_ids: At least one.
        options: Of the run.
    """
    last = max(_last_time(log, campaign_id) for campaign_id in campaign_ids)
    return VirtualClock(last) if options.is_dry_run else SteadyClock(last, options.speed)


def habits_for(log: SqliteLog, journal: "Journal", options: RunOptions) -> "EngineHabits":
    """Return how an engine behaves: on the bench the station remembers, and the log is waited for.

    A held campaign is waited with, too, so that its station stays and has people told. A dry-run's
    bench ends with its process, and nobody is called for it.

    Args:
        log: Of the laboratory.
        journal: The engine's.
        options: Of the run.
    """
    from orchestrator.engine.habits import EngineHabits

    if options.is_dry_run:
        same_bench = log.projection("campaign", where={"shelf": journal.state.shelf})
        has_neighbours = len(same_bench) > 1
        return EngineHabits(
            poll_s=VIRTUAL_POLL_S,
            asks_after_crash=False,
            has_neighbours=has_neighbours,
            leaves_when_alone=True,
        )
    return EngineHabits(
        poll_s=REAL_POLL_S * options.speed,
        leaves_when_held=options.leaves_when_held,
        keeps_lab=False,
        waits_for_log=True,
        waits_for_instruments_s=WAITS_FOR_INSTRUMENTS_S,
        search_effort=SEARCH_EFFORT,
    )


@asynccontextmanager
async def executors_for(
    log: SqliteLog, places: Sequence[Place], clock: Clock
) -> AsyncIterator[list[Executor]]:
    """Give what has the orders done, one for each campaign.

    Args:
        log: Of the laboratory.
        places: The campaigns; on the bench one, in a dry-run all share one pretended bench.
        clock: Of the run.
    """
    if places[0].prepared.options.is_dry_run:
        yield _pretended(log, places, clock)
        return
    (place,) = places
    prepared, journal = place.prepared, place.journal
    executor = StationExecutor(
        prepared.rig,
        _station(prepared),
        clock,
        campaign_id=place.campaign_id,
        epoch=lambda: journal.state.epoch,
    )
    beat = _alarm_beat(prepared)
    looking = asyncio.create_task(
        look_while_unwatched(beat, lambda: executor.is_in_touch, clock), name="alarms"
    )
    try:
        async with executor.in_touch():
            yield [executor]
    finally:
        looking.cancel()


def _pretended(log: SqliteLog, places: Sequence[Place], clock: Clock) -> list[Executor]:
    from orchestrator.execution.local_executor import LocalExecutor
    from orchestrator.execution.shared_executor import SharedExecutor

    first = places[0]
    rig = first.prepared.rig
    stocked = with_shelf(rig, shelf_in(log, first.journal.state.shelf))
    bench = bench_for(stocked, clock, _seed(log, first.campaign_id))
    lines = {name: bench.line(name) for name in rig.lines}
    shared = SharedExecutor(LocalExecutor(rig, lines, clock))
    return [shared.for_campaign(place.campaign_id) for place in places]


def send_station_away(prepared: Prepared) -> None:
    """Leave no process behind, unless another campaign needs the station.

    Where none lives, nobody else would have people told of what is left.

    Args:
        prepared: The run that has ended.
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
