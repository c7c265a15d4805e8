"""Whether a process is there, by its heartbeat's age and by itself, and how full the disk is."""

import os
import platform
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import psutil

from drivers.clock import Clock
from orchestrator.core.alarm_conditions import SignsOfLife
from orchestrator.core.campaign import CampaignState
from orchestrator.core.events import StationAttached
from orchestrator.core.lab import LabState
from orchestrator.log.side_tables import Heartbeat, SideTables

__all__ = [
    "SILENT_AFTER_S",
    "drives",
    "engine_name",
    "free_mb",
    "is_alive",
    "is_station_alive",
    "signs_in",
]

SILENT_AFTER_S: Final = 15.0
"""An engine whose last heartbeat is older than this, in real seconds, counts as silent."""
DESK_NAME: Final = "alarm desk"
"""The name under which an alarm desk shows that it lives."""
DESK_BEAT: Final = timedelta(seconds=10)
"""How often it does."""
_CLOCKS_DIFFER_BY_S: Final = 2.0
"""A process that began later than this after a heartbeat did not send it."""


def engine_name(campaign_id: str) -> str:
    """Return the name under which a campaign's engine shows that it lives.

    Example:
        >>> engine_name("oer-plate-1")
        'engine/oer-plate-1'
    """
    return f"engine/{campaign_id}"


def drives(log: SideTables, clock: Clock) -> Callable[[CampaignState], bool]:
    """Return what tells whether a campaign's engine is there, by the log and its heartbeat.

    Args:
        log: With the heartbeats.
        clock: The wall clock.
    """

    def is_driven(state: CampaignState) -> bool:
        if not state.is_attached:
            return False
        beats = {beat.name: beat for beat in log.heartbeats()}
        beat = beats.get(engine_name(state.campaign_id))
        if beat is None:
            return False
        return is_alive(beat, real_now=clock.now(), is_simulated=state.is_simulated)

    return is_driven


def signs_in(
    log: SideTables, database: Path, clock: Clock
) -> Callable[[LabState, Mapping[str, CampaignState]], SignsOfLife]:
    """Return what an alarm desk asks for signs of life, where nobody knows more than the log.

    It shows in the log that the desk lives, too; so a log that cannot be written is noticed even
    while nothing happens.

    Args:
        log: With the heartbeats.
        database: The log's file, whose disk is looked at.
        clock: The wall clock.
    """

    def look_around(lab: LabState, campaigns: Mapping[str, CampaignState]) -> SignsOfLife:
        now = clock.now()
        beats = {beat.name: beat for beat in log.heartbeats()}
        known = beats.get(DESK_NAME)
        if known is None or abs(now - known.real_time) >= DESK_BEAT:
            log.beat(DESK_NAME, pid=os.getpid(), host=platform.node(), time=now)
        driven = {
            name
            for name, state in campaigns.items()
            if state.is_attached
            and (beat := beats.get(engine_name(name))) is not None
            and is_alive(beat, real_now=now, is_simulated=state.is_simulated)
        }
        return SignsOfLife(
            driven=frozenset(driven),
            is_station_alive=lab.station is None or is_station_alive(lab.station),
            free_mb={str(database): free_mb(database)},
        )

    return look_around


def free_mb(file: Path) -> float:
    """Return the room that is left on the disk of a file, in megabytes.

    Raises:
        OSError: Its folder is not there.
    """
    return shutil.disk_usage(file.absolute().parent).free / 1e6


def is_station_alive(station: StationAttached) -> bool:
    """Tell whether a station's process is there; of another machine's nobody can say, so it is."""
    return station.host != platform.node() or psutil.pid_exists(station.pid)


def is_alive(beat: Heartbeat, *, real_now: datetime, is_simulated: bool) -> bool:
    """Tell whether the engine that sent a heartbeat is still there.

    Of a process on this machine it is known whether it has ended. A dry-run stands still, heart
    and all, while the planner thinks; there the process is sign enough.

    Args:
        beat: The last heartbeat.
        real_now: The wall clock's time.
        is_simulated: Whether the engine drives a dry-run.
    """
    is_fresh = (real_now - beat.real_time).total_seconds() <= SILENT_AFTER_S
    if beat.host != platform.node():
        return is_fresh
    return _is_running(beat) and (is_fresh or is_simulated)


def _is_running(beat: Heartbeat) -> bool:
    """Tell whether a heartbeat's process runs, and not another one under the same number."""
    try:
        process = psutil.Process(beat.pid)
        began_s = float(process.create_time())
        has_ended = process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    return not has_ended and began_s <= beat.real_time.timestamp() + _CLOCKS_DIFFER_BY_S
