"""The station's side of its watchdog: starts it, beats, and starts it again when it is gone."""

import contextlib
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from drivers.clock import Clock, SystemClock
from orchestrator.landmarks import DIES_AT
from orchestrator.station.places import StationFolder
from orchestrator.station.watchdog import BEAT, GOODBYE, READY, WatchdogOrders

__all__ = ["WatchdogKeeper"]

logger = logging.getLogger(__name__)

BEATS_IN_HEARTBEAT: Final = 2
"""The station beats more often than it promises: one late beat is no silence."""
START_S: Final = 30.0
"""How long a watchdog may take until it watches, in real seconds."""
LEAST_GRACE_S: Final = 5.0
"""How long orders are taken without a watchdog, in real seconds; a few beats if they are longer."""
GRACE_BEATS: Final = 5
SILENT_BEATS: Final = 10
"""A watchdog that answers no beat for so long is replaced."""
GOODBYE_S: Final = 5.0


class _Watchdog:
    """One watchdog process with the pipes to and from it."""

    def __init__(
        self,
        folder: StationFolder,
        database: Path,
        heartbeat_s: float,
        speed: float,
        environment: Mapping[str, str],
        alarm_command: tuple[str, ...],
    ) -> None:
        beats_out, beats_in = os.pipe()
        answers_out, answers_in = os.pipe()
        orders = WatchdogOrders(
            folder=folder.path,
            database=database,
            station_pid=os.getpid(),
            heartbeat_s=heartbeat_s,
            speed=speed,
            beats=beats_out,
            answers=answers_in,
            alarm_command=alarm_command,
        )
        with folder.watchdog_log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "orchestrator.station.watchdog", orders.model_dump_json()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                pass_fds=(beats_out, answers_in),
            )
        os.close(beats_out)
        os.close(answers_in)
        os.set_blocking(beats_in, False)
        os.set_blocking(answers_out, False)
        self._beats, self._answers = beats_in, answers_out
        self.is_ready = False

    def say(self, word: bytes) -> None:
        """Write a beat or a goodbye; a watchdog that is gone hears nothing."""
        with contextlib.suppress(BrokenPipeError, BlockingIOError):
            os.write(self._beats, word)

    def has_answered(self) -> bool:
        """Tell whether it said something since the last call."""
        try:
            data = os.read(self._answers, 4096)
        except BlockingIOError:
            return False
        self.is_ready = self.is_ready or READY in data
        return bool(data)

    def close(self) -> None:
        """Let go of the pipes."""
        os.close(self._beats)
        os.close(self._answers)


class WatchdogKeeper:
    """Keeps one watchdog alive.

    Args:
        folder: The station's.
        database: The laboratory's log.
        heartbeat_s: The rig's, in real seconds.
        speed: The station's.
        clock: The station's.
        alarm_command: Run by a watchdog that acted if no station follows.
    """

    def __init__(
        self,
        folder: StationFolder,
        database: Path,
        *,
        heartbeat_s: float,
        speed: float,
        clock: Clock,
        alarm_command: tuple[str, ...] = (),
    ) -> None:
        self._folder = folder
        self._database = database
        self._heartbeat_s = heartbeat_s
        self._speed = speed
        self._environment = dict(os.environ)
        self._alarm_command = alarm_command
        self._clock = clock
        self._real = SystemClock()
        self._watchdog: _Watchdog | None = None
        self._heard_s = self._real.monotonic_s()
        self._began_s = self._heard_s

    @property
    def pid(self) -> int:
        """Of the watchdog that watches, 0 if none does."""
        found = self._watchdog
        is_there = found is not None and found.is_ready and found.process.poll() is None
        return found.process.pid if found is not None and is_there else 0

    def why_not(self) -> str:
        """Return why no order may be sent; empty if one may."""
        silent_s = self._real.monotonic_s() - self._heard_s
        if silent_s <= max(LEAST_GRACE_S, GRACE_BEATS * self._heartbeat_s):
            return ""
        return f"the station has had no watchdog for {silent_s:.0f} s"

    async def keep(self) -> None:
        """Beat and look after the watchdog until cancelled."""
        while True:
            self._look()
            await self._clock.wait_for_outside(self._heartbeat_s / BEATS_IN_HEARTBEAT)

    def _look(self) -> None:
        now_s = self._real.monotonic_s()
        watchdog = self._watchdog
        if watchdog is not None and watchdog.process.poll() is not None:
            logger.error("the watchdog ended with %s; another is started", watchdog.process.poll())
            watchdog.close()
            watchdog = None
        if watchdog is None:
            watchdog = _Watchdog(
                self._folder,
                self._database,
                self._heartbeat_s,
                self._speed,
                self._environment,
                self._alarm_command,
            )
            self._environment.pop(DIES_AT, None)
            self._watchdog, self._began_s = watchdog, now_s
        watchdog.say(BEAT)
        if watchdog.has_answered():
            self._heard_s = now_s
        elif self._is_overdue(watchdog, now_s):
            logger.error("the watchdog does not answer; it is killed")
            watchdog.process.kill()
            watchdog.process.wait()

    def _is_overdue(self, watchdog: _Watchdog, now_s: float) -> bool:
        if not watchdog.is_ready:
            return now_s - self._began_s > START_S
        return now_s - self._heard_s > SILENT_BEATS * self._heartbeat_s

    def say_goodbye(self) -> None:
        """Send the watchdog home and wait for it."""
        watchdog, self._watchdog = self._watchdog, None
        if watchdog is None:
            return
        watchdog.say(GOODBYE)
        try:
            watchdog.process.wait(GOODBYE_S)
        except subprocess.TimeoutExpired:
            watchdog.process.kill()
            watchdog.process.wait()
        watchdog.close()
