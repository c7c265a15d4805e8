"""The station process: from the lock to the goodbye."""

import asyncio
import logging
import os
import platform
import select
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from drivers.clock import SpedUpLoop, SystemClock
from orchestrator.core.lab_events import (
    LabEvent,
    LatchCleared,
    LatchSet,
    StationAttached,
    StationDetached,
)
from orchestrator.errors import LogError, RequestRefused
from orchestrator.execution.local_executor import LocalExecutor
from orchestrator.execution.rig import lines_for, load_rig
from orchestrator.execution.rig_spec import RigSpec
from orchestrator.landmarks import watch_environment
from orchestrator.log.sqlite_station_journal import SqliteStationJournal
from orchestrator.log.station_journal import StationJournal
from orchestrator.station.control_desk import acting
from orchestrator.station.facts import FactWriter
from orchestrator.station.journal_of_log import put_foreign_journal_aside
from orchestrator.station.locks import FileLock, LockHeld
from orchestrator.station.messages import StationStatus
from orchestrator.station.places import StationFolder, station_folder
from orchestrator.station.recalled import recall
from orchestrator.station.server import Identity, StationServer
from orchestrator.station.watchdog_keeper import WatchdogKeeper

__all__ = ["OnBeat", "StationOptions", "run_station"]

logger = logging.getLogger(__name__)

WATCHDOG_WAIT_S: Final = 60.0
"""How long an earlier station's watchdog may be at work, in real seconds; then it is killed."""
LOCK_WAIT_S: Final = 0.5
"""How long a lock is tried for that somebody may only be looking at, in real seconds."""
RECALL_S: Final = 2.0
"""How long what people decided is waited for, in real seconds; then the log has trouble."""
SAFE_AFTER_S: Final = 2.0
"""How long devices may take to answer before they are made safe, in real seconds."""
FACTS_WAIT_S: Final = 5.0
"""How long the database is waited for at the end, in real seconds."""
JOURNAL_EVERY_S: Final = 10.0
"""How often it is tried whether the journal can be written, in real seconds."""
_ENDS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class StationOptions:
    """What `athanor station` was asked."""

    rig_file: Path
    database: Path
    speed: float = 1.0
    """Of everything; other than 1 only for a rig whose lines lead to simulators."""
    stays: bool = False
    """Whether it stays although no engine has been attached for long."""
    idle_s: float = 600.0
    """How long it waits for an engine before it leaves, in real seconds."""
    alarm_command: tuple[str, ...] = ()
    """What its watchdog runs, to have people told, if no station follows one that was killed."""


class OnBeat(Protocol):
    """Looks for whatever needs a person; it may block and is called in a thread."""

    def __call__(self, journal_error: str) -> None:
        """Look at a beat.

        Args:
            journal_error: Why the station's journal cannot be written; empty if it can.
        """
        ...

    def look_a_last_time(self) -> None:
        """Look at the end of the station, and wait some seconds until people are told."""
        ...


def run_station(options: StationOptions, *, make_on_beat: Callable[[RigSpec], OnBeat]) -> str:
    """Hold the rig's lines and serve engines and people until told to leave.

    The station's lock is held until the process ends: who sees it free sees no station.

    Args:
        options: See there.
        make_on_beat: Makes what is called at every beat and at the end.

    Returns:
        Why it left.

    Raises:
        RigFileError: The rig file is wrong.
        RequestRefused: Another station has the rig, or the speed does not fit it.
        LogError: The journal cannot be opened.
    """
    watch_environment(os.environ)
    rig = load_rig(options.rig_file)
    if options.speed != 1.0 and not rig.header.is_simulated:
        raise RequestRefused(
            f"speed: got {options.speed:g}, expected 1: the lines of {options.rig_file} lead to "
            "real devices (a rig of simulators says is_simulated = true under [rig])"
        )
    folder = station_folder(options.database, rig.header.name)
    folder.make()
    _take_lock(folder, options)
    _log_to(folder.log)
    _wait_for_watchdog(folder)
    folder.rig.write_bytes(options.rig_file.read_bytes())
    was_killed = folder.unclean.exists()
    folder.unclean.touch()
    put_foreign_journal_aside(folder, options.database)
    with closing(SqliteStationJournal(folder.journal)) as journal:
        station = _Station(options, rig, folder, journal, make_on_beat(rig))
        factory = asyncio.new_event_loop
        if options.speed != 1.0:
            factory = lambda: SpedUpLoop(options.speed)  # noqa: E731 - a factory is a value
        with asyncio.Runner(loop_factory=factory) as runner:
            why_left = runner.run(station.work(was_killed=was_killed))
    if station.say_goodbye():
        folder.unclean.unlink(missing_ok=True)
    return why_left


def _take_lock(folder: StationFolder, options: StationOptions) -> None:
    """Take the station's lock for good; who only looks at it holds it for a moment, too.

    Raises:
        RequestRefused: Another station has it.
    """
    lock, clock = FileLock(folder.lock), SystemClock()
    until_s = clock.monotonic_s() + LOCK_WAIT_S
    while True:
        try:
            lock.take()
        except LockHeld as error:
            if clock.monotonic_s() < until_s:
                select.select([], [], [], 0.05)
                continue
            raise RequestRefused(
                f"{options.rig_file} at {options.database}: got a station that lives already, "
                f"process {error.pid}, expected none"
            ) from error
        return


def _log_to(path: Path) -> None:
    form = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handlers: list[logging.Handler] = [logging.FileHandler(path)]
    if sys.stderr.isatty():
        handlers.append(logging.StreamHandler())
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    for handler in handlers:
        handler.setFormatter(form)
        root.addHandler(handler)


def _wait_for_watchdog(folder: StationFolder) -> None:
    """Wait until the watchdog of an earlier station has done its work.

    Raises:
        LockHeld: It does not end, and cannot be ended.
    """
    lock, clock = FileLock(folder.watchdog_lock), SystemClock()
    began_s, is_killed = clock.monotonic_s(), False
    while True:
        try:
            lock.take()
        except LockHeld as error:
            waited_s = clock.monotonic_s() - began_s
            if is_killed and waited_s > WATCHDOG_WAIT_S + 10:
                raise
            if waited_s > WATCHDOG_WAIT_S and not is_killed and error.pid:
                logger.warning("watchdog %d does not end; it is killed", error.pid)
                os.kill(error.pid, signal.SIGKILL)
                is_killed = True
            select.select([], [], [], 0.05)
        else:
            lock.release()
            return


class _Station:
    """What one station process is made of."""

    def __init__(
        self,
        options: StationOptions,
        rig: RigSpec,
        folder: StationFolder,
        journal: StationJournal,
        on_beat: OnBeat,
    ) -> None:
        self._options = options
        self._rig = rig
        self._folder = folder
        self._journal = journal
        self._on_beat = on_beat
        self._real = SystemClock()
        self._clock = SystemClock(options.speed)
        database = options.database.resolve()
        header = rig.header
        self._facts = FactWriter(
            database, folder.facts, is_simulated=header.is_simulated, speed=options.speed
        )
        self._core = LocalExecutor(
            rig, lines_for(rig, self._clock), self._clock, journal, on_fact=self._note
        )
        heartbeat_s = rig.safety.heartbeat_s
        self._keeper = WatchdogKeeper(
            folder,
            database,
            heartbeat_s=heartbeat_s,
            speed=options.speed,
            clock=self._clock,
            alarm_command=options.alarm_command,
        )
        identity = Identity(
            rig_name=header.name,
            rig_sha256=rig.fingerprint(),
            database=str(database),
            pid=os.getpid(),
            is_simulated=header.is_simulated,
            heartbeat_s=heartbeat_s,
            stays=options.stays,
        )
        self._heartbeat_s = heartbeat_s
        self._server = StationServer(
            self._core,
            journal,
            identity,
            self._clock,
            why_not=self._keeper.why_not,
            more_status=self._more_status,
        )

    async def work(self, *, was_killed: bool) -> str:
        """Serve until told to leave; return why."""
        self._facts.start()
        self._note(
            StationAttached(
                rig_name=self._rig.header.name,
                rig_sha256=self._rig.fingerprint(),
                host=platform.node(),
                pid=os.getpid(),
            )
        )
        if latch := self._core.latch():  # the fact may have died with the station that set it
            self._note(LatchSet(source="station", reason=latch))
        logger.info("station %d of rig %s begins", os.getpid(), self._rig.header.name)
        loop = asyncio.get_running_loop()
        for number in _ENDS:
            loop.add_signal_handler(number, self._server.leave, signal.Signals(number).name)
        async with asyncio.TaskGroup() as tasks:
            recalling = tasks.create_task(
                recall(self._core, self._options.database.resolve(), self._facts, self._clock)
            )
            beating = [recalling, tasks.create_task(self._keeper.keep())]
            await asyncio.wait({recalling}, timeout=RECALL_S * self._options.speed)
            beating += [
                tasks.create_task(self._connect(was_killed=was_killed)),
                tasks.create_task(self._look_after_alarms()),
                tasks.create_task(self._leave_when_idle()),
            ]
            await self._server.serve(self._folder.socket)
            await self._core.close()
            for task in beating:
                task.cancel()
        self._keeper.say_goodbye()
        await self._look_a_last_time()
        why_left = self._server.why_left
        logger.info("station %d leaves: %s", os.getpid(), why_left)
        self._note(StationDetached(rig_name=self._rig.header.name, reason=why_left))
        return why_left

    def say_goodbye(self) -> bool:
        """Write the last facts; return whether none was lost."""
        return self._facts.close(FACTS_WAIT_S)

    def _note(self, fact: LabEvent) -> None:
        is_persons = isinstance(fact, LatchSet | LatchCleared)
        self._facts.put(fact, acting.get() if is_persons else "station")

    def _more_status(self, status: StationStatus) -> StationStatus:
        more = {"watchdog_pid": self._keeper.pid, "n_facts_waiting": self._facts.n_waiting}
        return status.model_copy(update=more)

    async def _connect(self, *, was_killed: bool) -> None:
        """Connect, and bring to rest what a killed station left running.

        One dead device does not keep the others waiting for that.
        """
        async with asyncio.TaskGroup() as tasks:
            connecting = tasks.create_task(self._core.connect())
            if was_killed:
                await asyncio.wait({connecting}, timeout=SAFE_AFTER_S * self._options.speed)
                logger.warning("the last station was killed; everything is made safe")
                await self._core.make_safe()
        self._core.watch_interlocks()

    async def _look_after_alarms(self) -> None:
        looked_s, error = float("-inf"), ""
        while True:
            if error or self._real.monotonic_s() - looked_s >= JOURNAL_EVERY_S:
                looked_s, error = self._real.monotonic_s(), self._journal_error()
            await self._clock.call_blocking(partial(self._on_beat, error), None)
            await self._clock.wait_for_outside(self._heartbeat_s)

    def _journal_error(self) -> str:
        """Write something that stands in the journal already; return why that failed, if it did.

        Facts that neither the log nor their file takes count as such a failure.
        """
        try:
            self._journal.keep_latch(self._journal.latch())
        except LogError as error:
            return str(error)
        return self._facts.not_kept

    async def _look_a_last_time(self) -> None:
        """Have people told of what is left, once the log has what this station knew."""
        until_s = self._real.monotonic_s() + FACTS_WAIT_S
        while self._facts.n_waiting and self._real.monotonic_s() < until_s:
            await self._clock.wait_for_outside(0.05)
        await self._clock.call_blocking(self._on_beat.look_a_last_time, None)

    async def _leave_when_idle(self) -> None:
        last_s = self._real.monotonic_s()
        while not self._options.stays:
            await self._clock.wait_for_outside(self._heartbeat_s)
            now_s = self._real.monotonic_s()
            if self._server.has_engines:
                last_s = now_s
            elif now_s - last_s > self._options.idle_s:
                self._server.leave(f"no engine for {self._options.idle_s:g} s")
                return
