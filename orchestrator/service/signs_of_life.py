"""Whether the engine behind a heartbeat is there: by its age, and by its process."""

import platform
from datetime import datetime
from typing import Final

import psutil

from orchestrator.log.side_tables import Heartbeat

__all__ = ["SILENT_AFTER_S", "is_alive"]

SILENT_AFTER_S: Final = 15.0
"""An engine whose last heartbeat is older than this, in real seconds, counts as silent."""
_CLOCKS_DIFFER_BY_S: Final = 2.0
"""A process that began later than this after a heartbeat did not send it."""


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
