"""What a person decided while no station lived, or before it: a station that starts applies it.

Only the latch and the instruments out of service are recalled. Whether a campaign is held, stopped
or aborted need not be: its engine appends that a job starts, on the version of the campaign that it
read, before it sends the job, and cannot do so then.
"""

import logging
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

from drivers.clock import Clock
from orchestrator.core.lab import InstrumentStatus, LabState
from orchestrator.core.lab_events import LatchSet
from orchestrator.errors import AthanorError, LogError
from orchestrator.log.recovered import recovered_lab
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.station.facts import FactWriter
from orchestrator.station.station_core import StationCore

__all__ = ["recall"]

logger = logging.getLogger(__name__)

_LOOK_AGAIN_S: Final = 0.05
_TRY_AGAIN_S: Final = 2.0


async def recall(core: StationCore, database: Path, facts: FactWriter, clock: Clock) -> None:
    """Apply the latch and the instruments out of service that the log knows, once it can be read.

    A latch that only the journal knows is said to the log, where a person can then clear it.

    Args:
        core: Of a station that has just started.
        database: The laboratory's log.
        facts: What an earlier station left unsaid is written first.
        clock: The station's.
    """
    told = ""
    while True:
        while facts.n_waiting:
            await clock.wait_for_outside(_LOOK_AGAIN_S)
        try:
            lab = await clock.call_blocking(partial(_lab_in, database), None)
            latch = core.latch()
        except AthanorError as error:
            if str(error) != told:
                logger.warning("what people decided is not known yet: %s", error)
                told = str(error)
            await clock.wait_for_outside(_TRY_AGAIN_S)
            continue
        break
    if lab.latch and not latch:
        logger.warning("the log says that the stop latch is set: %s", lab.latch)
        core.keep_latched(lab.latch)
    elif latch and not lab.latch:
        facts.put(LatchSet(source="station", reason=latch))
    known = core.snapshot()
    for name, instrument in lab.instruments.items():
        if instrument.status is InstrumentStatus.OUT and name in known:
            logger.warning("%s is out of service: %s", name, instrument.reason)
            core.take_out(name, instrument.reason)


def _lab_in(database: Path) -> LabState:
    """Return the laboratory as the log says.

    Raises:
        AthanorError: It cannot be read or folded.
    """
    if not database.exists():
        raise LogError(f"{database}: no such file yet")
    with closing(open_sqlite_log(database, must_exist=True)) as log:
        return recovered_lab(log).state
