"""The alarm desk as a station calls it: at every beat, in a thread, whatever the log does."""

import logging
from pathlib import Path

from drivers.clock import SystemClock
from orchestrator.alarms.channels import Channels, load_channels
from orchestrator.alarms.desk import AlarmDesk
from orchestrator.alarms.notifying import Notifier
from orchestrator.alarms.signs_of_life import signs_in
from orchestrator.core.patience import Patience
from orchestrator.errors import LogError
from orchestrator.log.sql_log import open_sqlite_log

__all__ = ["AlarmBeat"]

logger = logging.getLogger(__name__)


class AlarmBeat:
    """Looks at the log with an alarm desk, as soon as there is a log to look at.

    Args:
        database: The laboratory's log.
        channels: The file that says whom to tell; None tells nobody.
        patience: How long things may last.

    Raises:
        SettingsError: The file of the channels is wrong.
    """

    def __init__(self, database: Path, channels: Path | None, patience: Patience) -> None:
        self._database = database
        self._channels: Channels | None = None if channels is None else load_channels(channels)
        self._patience = patience
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
        log, clock = open_sqlite_log(self._database, must_exist=True), SystemClock()
        return AlarmDesk(
            log,
            clock,
            patience=self._patience,
            look_around=signs_in(log, self._database, clock),
            messenger=None if self._channels is None else Notifier(self._channels),
        )
