"""The watchdog: a process that ends a silent station and makes the instruments safe in its place.

It reads the station's beats from a pipe and answers each. The pipe also says when the station is
dead, however it died: the system closes the other end. Silence is counted in small slices of the
monotonic clock, so that a machine that slept, or a watchdog that was itself held up, does not take
its own absence for the station's.
"""

import asyncio
import logging
import os
import select
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drivers.clock import Clock, SpedUpLoop, SystemClock, deadline
from drivers.errors import DriverError
from orchestrator.core.lab_events import WatchdogActed
from orchestrator.core.point import Fact
from orchestrator.execution.calming import made_safe
from orchestrator.execution.rig import lines_for, rig_from_text
from orchestrator.execution.rig_spec import RigSpec
from orchestrator.execution.seats import Seat, Wire, wires_for
from orchestrator.landmarks import DIES_AT, reach, watch_environment
from orchestrator.station.facts import FactWriter, KeptFact, append_to_file
from orchestrator.station.locks import FileLock, LockHeld
from orchestrator.station.places import StationFolder

__all__ = ["BEAT", "GOODBYE", "READY", "WatchdogOrders", "main"]

logger = logging.getLogger(__name__)

BEAT: Final = b"."
GOODBYE: Final = b"G"
READY: Final = b"R"

SILENT_BEATS: Final = 2.75
"""Beats without a sign of life after which the station is ended: by the third it is over."""
SLICES: Final = 8
"""Looks in one beat."""
DEATH_S: Final = 10.0
"""How long the system may take to end a killed process, in real seconds."""
LOCK_WAIT_S: Final = 60.0
OPEN_S: Final = 10.0
"""How long a line may take to open, in seconds."""
LOG_WAIT_S: Final = 5.0
"""How long the database is waited for, in real seconds, when the bench is safe."""
FOLLOW_BEATS: Final = 5
LEAST_FOLLOW_S: Final = 10.0
"""How long another station is waited for, in real seconds; a few beats if they are longer."""
TELL_S: Final = 60.0
"""How long telling people may take, in real seconds."""


class WatchdogOrders(Fact):
    """What a station tells its watchdog when it starts it."""

    folder: Path
    database: Path
    station_pid: int
    heartbeat_s: float
    speed: float
    beats: int
    """Descriptor that the beats come from."""
    answers: int
    """Descriptor that the answers go to."""
    alarm_command: tuple[str, ...] = ()
    """What has people told; run if no station follows the one that was ended."""


@dataclass(slots=True)
class _Watch:
    """Counts the station's silence."""

    orders: WatchdogOrders
    silent_s: float = 0.0

    def until_something_is_wrong(self) -> str:
        """Return why the station must be ended; empty if it said goodbye."""
        orders, clock = self.orders, SystemClock()
        slice_s = orders.heartbeat_s / SLICES
        last_s = clock.monotonic_s()
        while self.silent_s < SILENT_BEATS * orders.heartbeat_s:
            ready, _, _ = select.select([orders.beats], [], [], slice_s)
            now_s = clock.monotonic_s()
            self.silent_s += min(now_s - last_s, 2 * slice_s)
            last_s = now_s
            if not ready:
                continue
            data = os.read(orders.beats, 4096)
            if not data:
                return f"station {orders.station_pid} died"
            if GOODBYE in data:
                return ""
            self.silent_s = 0.0
            _say(self.orders.answers, BEAT)
        return f"station {orders.station_pid} was silent for {self.silent_s:.1f} s and was killed"


def _say(answers: int, word: bytes) -> None:
    """Write an answer; a station that is dead hears nothing."""
    try:
        os.write(answers, word)
    except OSError as error:
        logger.debug("the station does not hear: %s", error)


def _lock_of_dead_station(folder: StationFolder) -> FileLock | None:
    """Take the lock of a station that was dead before its watchdog could begin to watch.

    Another station may have found this one's lock free meanwhile, and work: it has made everything
    safe itself, and there is nothing to take. While the lock is held, none can begin.
    """
    lock = FileLock(folder.lock)
    try:
        lock.take()
    except LockHeld as error:
        logger.warning("station %d has begun meanwhile; it makes everything safe", error.pid)
        return None
    return lock


def _have_told(orders: WatchdogOrders, folder: StationFolder) -> None:
    """Have people told what happened, unless a station follows whose alarm desk does that."""
    if not orders.alarm_command or _is_followed(orders, folder):
        return
    logger.error("no station follows; people are told")
    environment = {name: value for name, value in os.environ.items() if name != DIES_AT}
    try:
        done = subprocess.run(orders.alarm_command, env=environment, timeout=TELL_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        logger.exception("people could not be told")
        return
    logger.info("%s ended with %d", " ".join(orders.alarm_command), done.returncode)


def _is_followed(orders: WatchdogOrders, folder: StationFolder) -> bool:
    """Wait some beats for another station; tell whether one has begun."""
    clock = SystemClock()
    until_s = clock.monotonic_s() + max(LEAST_FOLLOW_S, FOLLOW_BEATS * orders.heartbeat_s)
    while clock.monotonic_s() < until_s:
        lock = FileLock(folder.lock)
        try:
            lock.take()
        except LockHeld:
            return True
        lock.release()
        select.select([], [], [], 0.2)
    return False


def main(arguments: list[str]) -> int:
    """Watch one station until it says goodbye or must be ended.

    Args:
        arguments: `WatchdogOrders` as JSON.

    Returns:
        The exit code: 0 after a goodbye, 1 after it acted.
    """
    watch_environment(os.environ)
    orders = WatchdogOrders.model_validate_json(arguments[0])
    folder = StationFolder(orders.folder)
    _log_to(folder.watchdog_log)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    lock = FileLock(folder.watchdog_lock)
    _take(lock)
    with lock:
        text = folder.rig.read_text(encoding="utf-8")
        rig = rig_from_text(text, file=str(folder.rig))
        clock = SystemClock(orders.speed)
        was_in_time = os.getppid() == orders.station_pid
        _say(orders.answers, READY)
        reason = _Watch(orders).until_something_is_wrong()
        if not reason:
            return 0
        logger.error("%s", reason)
        late = None if was_in_time else _lock_of_dead_station(folder)
        if late is None and not was_in_time:
            return 0
        _end_station(orders)
        unsafe = _made_safe(rig, clock, orders.speed)
        logger.error("the bench was made safe%s", f", but for {unsafe}" if unsafe else "")
        _write_down(WatchdogActed(reason=reason, unsafe=unsafe), rig, orders, folder)
    if late is not None:
        late.release()
    _have_told(orders, folder)
    return 1


def _log_to(path: Path) -> None:
    logging.basicConfig(
        filename=path, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )


def _take(lock: FileLock) -> None:
    """Take the lock, as soon as an earlier watchdog has let go.

    Raises:
        LockHeld: It never does.
    """
    waited_s = 0.0
    while True:
        try:
            lock.take()
        except LockHeld:
            if waited_s >= LOCK_WAIT_S:
                raise
            select.select([], [], [], 0.1)
            waited_s += 0.1
        else:
            return


def _end_station(orders: WatchdogOrders) -> None:
    """Kill the station and wait until the system has closed what it held.

    Only our own parent is killed: a number alone may belong to somebody else by now.
    """
    if os.getppid() == orders.station_pid:
        os.kill(orders.station_pid, signal.SIGKILL)
    clock = SystemClock()
    until_s = clock.monotonic_s() + DEATH_S
    while clock.monotonic_s() < until_s:
        ready, _, _ = select.select([orders.beats], [], [], 0.1)
        if ready and not os.read(orders.beats, 4096):
            return
    logger.error("station %d does not die", orders.station_pid)


def _made_safe(rig: RigSpec, clock: Clock, speed: float) -> dict[str, str]:
    """Bring every instrument to its safe state; return those that could not be, with the reason."""
    reach("watchdog: before it makes safe")
    factory = asyncio.new_event_loop if speed == 1.0 else lambda: SpedUpLoop(speed)
    with asyncio.Runner(loop_factory=factory) as runner:
        unsafe = runner.run(_make_all_safe(rig, clock))
    reach("watchdog: after it made safe")
    return unsafe


async def _make_all_safe(rig: RigSpec, clock: Clock) -> dict[str, str]:
    wires = wires_for(rig, lines_for(rig, clock), clock, lambda _name, _reason: None)
    async with asyncio.TaskGroup() as tasks:
        works = [tasks.create_task(_make_wire_safe(wire, clock)) for wire in wires.values()]
    return {name: error for work in works for name, error in work.result().items() if error}


async def _make_wire_safe(wire: Wire, clock: Clock) -> dict[str, str]:
    try:
        async with deadline(clock, OPEN_S):
            await wire.line.open()
    except (DriverError, TimeoutError) as error:
        reason = f"{type(error).__name__}: {error or 'the line did not open in time'}"
        return {seat.name: reason for seat in wire.seats}
    try:
        return {seat.name: await _make_seat_safe(seat) for seat in wire.seats}
    finally:
        await wire.line.close()


async def _make_seat_safe(seat: Seat) -> str:
    """Make an instrument safe at once, and if that fails once more after greeting it."""
    error = await made_safe(seat)
    if not error:
        return ""
    try:
        async with deadline(seat.instrument.clock, OPEN_S, n_replies=4):
            await seat.instrument.connect()
    except (DriverError, TimeoutError):
        return error
    return await made_safe(seat)


def _write_down(
    acted: WatchdogActed, rig: RigSpec, orders: WatchdogOrders, folder: StationFolder
) -> None:
    """Keep the fact beside the journal, and bring it into the log if that works soon."""
    fact = KeptFact(time=SystemClock(orders.speed).now(), actor="watchdog", event=acted)
    try:
        append_to_file(folder.facts, [fact])
    except OSError:
        logger.exception("not kept: %s", fact.model_dump_json())
    writer = FactWriter(
        orders.database,
        folder.facts,
        is_simulated=rig.header.is_simulated,
        speed=orders.speed,
    )
    if not writer.n_waiting:
        writer.put(acted, "watchdog")
    writer.start()
    writer.close(LOG_WAIT_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
