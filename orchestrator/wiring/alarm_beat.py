"""The alarm desk as a station calls it: at every beat, in a thread, whatever the log does.

An engine calls it too, while it has no station that would.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from typing import Final

from drivers.clock import Clock, SystemClock
from orchestrator.alarms.channels import load_channels
from orchestrator.alarms.desk import AlarmDesk
from orchestrator.alarms.notifying import Notifier
from orchestrator.alarms.signs_of_life import signs_in
from orchestrator.alarms.stock_watch import short_stock
from orchestrator.core.alarm_conditions import SignsOfLife
from orchestrator.core.campaign import CampaignState
from orchestrator.core.lab import LabState
from orchestrator.core.stock import shelf_of
from orchestrator.errors import LogError
from orchestrator.execution.rig_spec import RigSpec
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.settings import Settings

__all__ = ["AlarmBeat", "look_while_unwatched"]

logger = logging.getLogger(__name__)

LAST_LOOK_S: Final = 8.0
"""How long messages are waited for at the end, in real seconds."""
UNWATCHED_S: Final = 10.0
"""How long an engine is without a station before it looks itself, in real seconds."""
_LOOK_EVERY_S: Final = 2.0
_LOOK_AGAIN_S: Final = 0.1
_JOURNAL: Final = "the station's journal"


class AlarmBeat:
    """Looks at the log with an alarm desk, as soon as there is a log to look at.

    Args:
        rig: Says how long things may last, and when instruments have to be calibrated.
        settings: Where the log is, and whom to tell of alarms; without channels nobody is told.
        speed: Of the station's clock.

    Raises:
        SettingsError: The file of the channels is wrong, or others can read it.
    """

    def __init__(self, rig: RigSpec, settings: Settings, *, speed: float = 1.0) -> None:
        self._rig = rig
        self._database = settings.database
        self._clock = SystemClock(speed)
        channels = settings.alarm_channels
        self._notifier = None if channels is None else Notifier(load_channels(channels))
        self._desk: AlarmDesk | None = None
        self._is_in_trouble = False
        self._journal_error = ""
        self._turn = threading.Lock()

    def __call__(self, journal_error: str = "") -> None:
        """Look once; a log that cannot be opened is tried again at the next beat.

        Args:
            journal_error: Why the station's journal cannot be written; empty if it can.
        """
        with self._turn:
            self._journal_error = journal_error
            if self._is_open():
                self._look(is_last=False)

    def look_a_last_time(self) -> None:
        """Raise what needs a person without delay, and wait some seconds until people are told."""
        with self._turn:
            if not self._is_open():
                return
            clock = SystemClock()
            until_s = clock.monotonic_s() + LAST_LOOK_S
            for n in count(1):
                is_quiet = not self._is_busy()
                is_quiet = self._look(is_last=True) and is_quiet and not self._is_busy()
                if (n > 1 and is_quiet) or clock.monotonic_s() >= until_s:
                    return
                threading.Event().wait(_LOOK_AGAIN_S)

    def _look(self, *, is_last: bool) -> bool:
        return self._desk is not None and self._desk.look(is_last=is_last)

    def _is_busy(self) -> bool:
        return self._notifier is not None and bool(self._notifier.busy())

    def _is_open(self) -> bool:
        if self._desk is not None:
            return True
        try:
            self._desk = self._opened()
        except LogError as error:
            if not self._is_in_trouble:
                logger.warning("no alarms yet: %s", error)
            self._is_in_trouble = True
            return False
        return True

    def _opened(self) -> AlarmDesk:
        """Return a desk on the log.

        Raises:
            LogError: There is none, or it cannot be opened.
        """
        log = open_sqlite_log(self._database, must_exist=True)
        instruments, header = self._rig.instruments.items(), self._rig.header
        shelf = shelf_of(header.name, is_simulated=header.is_simulated)
        warn_hours = {name: one.warn_hours for name, one in self._rig.stock.items()}
        look_around = signs_in(log, self._database, SystemClock())

        def with_journal(lab: LabState, campaigns: Mapping[str, CampaignState]) -> SignsOfLife:
            signs, error = look_around(lab, campaigns), self._journal_error
            now = self._clock.now()
            short = short_stock(log, shelf, warn_hours, campaigns.values(), now)
            signs = replace(signs, short_stock=short)
            return replace(signs, failing={_JOURNAL: error}) if error else signs

        return AlarmDesk(
            log,
            self._clock,
            patience=self._rig.alarms,
            look_around=with_journal,
            messenger=self._notifier,
            is_simulated=header.is_simulated,
            calibrate_every_days={
                name: spec.calibrate_every_days
                for name, spec in instruments
                if spec.calibrate_every_days is not None
            },
        )


async def look_while_unwatched(
    beat: Callable[[], None], is_watched: Callable[[], bool], clock: Clock
) -> None:
    """Look for alarms while no station does, until cancelled.

    Args:
        beat: Looks once; blocks.
        is_watched: Tells whether a station lives, which has a desk of its own.
        clock: The engine's.
    """
    real, has_looked = SystemClock(), False
    watched_s = real.monotonic_s()
    while True:
        await clock.wait_for_outside(_LOOK_EVERY_S)
        is_due = real.monotonic_s() - watched_s >= UNWATCHED_S
        if is_watched():
            watched_s, is_due = real.monotonic_s(), has_looked  # once more: who was told is noted
        has_looked = is_due and not is_watched()
        if is_due:
            await clock.call_blocking(beat, None)
