"""Bringing a station to life from another process, and waiting until it answers."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from drivers.clock import SystemClock
from orchestrator.errors import AthanorError, RequestRefused
from orchestrator.landmarks import DIES_AT
from orchestrator.station.control import NoStation, control, status_of
from orchestrator.station.locks import FileLock, LockHeld
from orchestrator.station.messages import Leave, StationStatus
from orchestrator.station.places import StationFolder

__all__ = ["StationFailed", "ensure_station", "send_away", "starter"]

START_S: Final = 60.0
"""How long a station may take until it answers, in real seconds."""
_LOOK_S: Final = 0.05
_LONGEST_REASON: Final = 200
_EXIT_BAD_INPUT: Final = 2


class StationFailed(AthanorError):
    """No station could be started."""


def starter(
    rig_file: Path, database: Path, folder: StationFolder, *, speed: float
) -> Callable[[], None]:
    """Return what starts the station of a rig if none lives.

    A station that it started and that has ended is reaped when it is called again.
    """
    started: list[subprocess.Popen[bytes]] = []
    environment = dict(os.environ)

    def start() -> None:
        started[:] = [process for process in started if process.poll() is None]
        given = dict(environment)
        environment.pop(DIES_AT, None)
        try:
            begun = ensure_station(rig_file, database, folder, speed=speed, environment=given)
        except OSError as error:
            raise StationFailed(f"no station can be started: {error}") from error
        if begun is not None:
            started.append(begun)

    return start


def ensure_station(
    rig_file: Path,
    database: Path,
    folder: StationFolder,
    *,
    speed: float,
    environment: Mapping[str, str] | None = None,
) -> "subprocess.Popen[bytes] | None":
    """Make sure that a station of this rig and database lives and is watched over.

    Args:
        rig_file: What a station that is started reads.
        database: The laboratory's log.
        folder: The station's.
        speed: Of a station that is started.
        environment: Of a station that is started; this process's unless given.

    Returns:
        Its process if one was started here.

    Raises:
        StationFailed: It ended, or did not answer in time; with the reason and where its log is.
        RequestRefused: One lives that serves something else.
    """
    if _is_ready(folder, database):
        return None
    folder.make()
    clock = SystemClock()
    until_s = clock.monotonic_s() + START_S
    begun: subprocess.Popen[bytes] | None = None
    while clock.monotonic_s() < until_s:
        if begun is None and not _is_locked(folder):
            begun = _spawned(rig_file, database, folder, speed, environment)
        select.select([], [], [], _LOOK_S)
        if _is_ready(folder, database):
            return begun if begun is not None and begun.poll() is None else None
        code = None if begun is None else begun.poll()
        if code is not None and (code != _EXIT_BAD_INPUT or not _is_locked(folder)):
            raise StationFailed(f"{_how_it_ended(code, folder)}; see {folder.log}")
        if code is not None:  # another station, or a watchdog at work, was first
            begun = None
    raise StationFailed(f"the station did not answer within {START_S:g} s; see {folder.log}")


def _spawned(
    rig_file: Path,
    database: Path,
    folder: StationFolder,
    speed: float,
    environment: Mapping[str, str] | None,
) -> "subprocess.Popen[bytes]":
    words = [sys.executable, "-m", "orchestrator", "station", str(rig_file.resolve())]
    words += ["--database", str(database.resolve()), "--speed", f"{speed:g}"]
    with folder.log.open("ab") as log:
        return subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )


def _is_ready(folder: StationFolder, database: Path) -> bool:
    status = _status(folder, database)
    return status is not None and status.watchdog_pid > 0


def _status(folder: StationFolder, database: Path) -> StationStatus | None:
    try:
        return status_of(folder, database).status
    except NoStation:
        return None


def _is_locked(folder: StationFolder) -> bool:
    """Tell whether a station lives, perhaps one that was started beside this one."""
    lock = FileLock(folder.lock)
    try:
        lock.take()
    except LockHeld:
        return True
    lock.release()
    return False


def _how_it_ended(code: int, folder: StationFolder) -> str:
    """Return in one short line how a station ended.

    Args:
        code: Its exit code; less than 0 if it was killed.
        folder: The station's, with what it said last.
    """
    if code < 0:
        return f"the station was killed ({signal.Signals(-code).name})"
    said = "".join(folder.last_words(1)).strip()[:_LONGEST_REASON]
    return f"the station ended with {code}: {said or 'it said nothing'}"


def send_away(
    folder: StationFolder, database: Path, *, name: str, reason: str, insists: bool = True
) -> str:
    """Tell a station to leave, unless an engine is attached, and wait until it is gone.

    Args:
        folder: The station's.
        database: The laboratory's log.
        name: Who says so.
        reason: Why, for its log.
        insists: Whether a station that was asked to stay leaves, too.

    Returns:
        Why it stays; empty when none lives any more.
    """
    try:
        control(folder, database, Leave(reason=reason, insists=insists), name=name)
    except NoStation:
        return ""
    except RequestRefused as error:
        return str(error)
    return "" if _is_gone(folder) else "it has not ended yet"


def _is_gone(folder: StationFolder) -> bool:
    """Wait until the station has let go of its lock."""
    clock = SystemClock()
    until_s = clock.monotonic_s() + START_S
    while clock.monotonic_s() < until_s:
        if not _is_locked(folder):
            return True
        select.select([], [], [], _LOOK_S)
    return False
