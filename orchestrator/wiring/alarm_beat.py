"""The alarm desk as a station calls it: at every beat, in a thread, whatever the log does."""

import logging

from drivers.clock import SystemClock
from orchestrator.alarms.channels import load_channels
from orchestrator.alarms.desk import AlarmDesk
from orchestrator.alarms.notifying import Notifier
from orchestrator.alarms.signs_of_life import signs_in
from orchestrator.errors import LogError
from orchestrator.execution.rig_spec import RigSpec
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.settings import Settings

__all__ = ["AlarmBeat"]

logger = logging.getLogger(__name__)


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

    def __call__(self) -> None:
        """Look once; a log that cannot be opened is tried again at the next beat."""
        if self._desk is None:
            try:
                self._desk = self._opened()
            except LogError as error:
                if not self._is_in_trouble:
                    logger.warning("no alarms yet: %s", error)
                self._is_in_trouble = True
                return
        self._desk.look()

    def _opened(self) -> AlarmDesk:
        """Return a desk on the log.

        Raises:
            LogError: There is none, or it cannot be opened.
        """
        log = open_sqlite_log(self._database, must_exist=True)
        instruments = self._rig.instruments.items()
        return AlarmDesk(
            log,
            self._clock,
            patience=self._rig.alarms,
            look_around=signs_in(log, self._database, SystemClock()),
            messenger=self._notifier,
            is_simulated=self._rig.header.is_simulated,
            calibrate_every_days={
                name: spec.calibrate_every_days
                for name, spec in instruments
                if spec.calibrate_every_days is not None
            },
        )
