"""The supervisor of a run: it starts the engine as a process, and again when that is killed."""

import logging
import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from types import FrameType
from typing import Final

from campaigns.errors import CampaignFileError
from campaigns.loading import load_campaign
from drivers.clock import SystemClock
from orchestrator.errors import LogError, RigFileError
from orchestrator.execution.rig import load_rig
from orchestrator.landmarks import DIES_AT
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.station.places import station_folder
from orchestrator.station.starting import send_away
from orchestrator.wiring.opening import unfinished_campaigns
from orchestrator.wiring.preparation import RunOptions

__all__ = ["supervise"]

logger = logging.getLogger(__name__)

MAX_RESTARTS: Final = 5
RESTARTS_WITHIN_S: Final = 600.0
"""An engine that is killed more often within that time is not started again."""
EXIT_HELD: Final = 3
_WANTED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""An engine that dies of these was meant to."""


def supervise(
    options: RunOptions,
    command: Callable[[RunOptions], Sequence[str]],
    *,
    tell: Callable[[str], None],
) -> int:
    """Run an engine to its end, in the same terminal, and start it again when it is killed.

    Ctrl-C reaches the engine by itself, which asks for a pause; SIGTERM and SIGHUP are passed on.

    Args:
        options: What was asked.
        command: The command line of an engine with such options.
        tell: Says something to the person at the terminal.

    Returns:
        The engine's exit code; 3 when it was killed too often.
    """
    before = _unfinished(options)
    restarts: deque[float] = deque()
    clock = SystemClock()
    wanted, environment = options, dict(os.environ)
    try:
        while True:
            code = _engine_to_its_end(command(wanted), environment)
            if code >= 0 or -code in _WANTED:
                return code if code >= 0 else 128 - code
            now_s = clock.monotonic_s()
            restarts.append(now_s)
            while now_s - restarts[0] > RESTARTS_WITHIN_S:
                restarts.popleft()
            name = signal.Signals(-code).name
            if len(restarts) > MAX_RESTARTS:
                tell(f"the engine was killed {len(restarts)} times ({name}); it is left alone")
                return EXIT_HELD
            tell(f"the engine was killed ({name}); it goes on in another process")
            environment.pop(DIES_AT, None)
            wanted = _as_restarted(options, before)
    finally:
        _end_station(options)


def _engine_to_its_end(words: Sequence[str], environment: dict[str, str]) -> int:
    """Start an engine, wait for it, and return how it ended."""
    engine = subprocess.Popen(words, env=environment)

    def pass_on(number: int, frame: FrameType | None) -> None:
        del frame
        engine.send_signal(number)

    handlers = {
        signal.SIGINT: lambda _number, _frame: None,
        signal.SIGTERM: pass_on,
        signal.SIGHUP: pass_on,
    }
    kept = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        return engine.wait()
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _as_restarted(options: RunOptions, before: frozenset[str]) -> RunOptions:
    """Return the options that go on with what a killed engine drove."""
    found = _unfinished(options)
    if options.new:
        found -= before
    if not found:  # it was killed before it opened the campaign
        return options
    campaign_id = min(found) if len(found) == 1 else options.campaign_id
    return replace(options, resume=True, new=False, campaign_id=campaign_id)


def _unfinished(options: RunOptions) -> frozenset[str]:
    """Return the ids of the unfinished campaigns of this name; none if the files cannot be read."""
    try:
        name = load_campaign(options.campaign_file).header.name
        with closing(open_sqlite_log(options.database, must_exist=True)) as log:
            return frozenset(state.campaign_id for state in unfinished_campaigns(log, name))
    except (CampaignFileError, LogError):
        return frozenset()


def _end_station(options: RunOptions) -> None:
    """Send the station away that a killed engine could not send away itself."""
    try:
        name = load_rig(options.rig_file).header.name
    except RigFileError:
        return
    folder = station_folder(options.database, name)
    reason = "its supervisor has ended"
    stays = send_away(folder, options.database, name=options.actor, reason=reason, insists=False)
    if stays:
        logger.info("the station stays: %s", stays)
