"""The supervisor of a run: it starts the engine as a process, and again when that is killed."""

import logging
import os
import select
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
BEATS_OF_PATIENCE: Final = 5
"""How long a station may take to give up a killed engine."""
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
    return _Supervisor(options, command, tell).work()


class _Supervisor:
    """One run, from its first engine to its last."""

    def __init__(
        self,
        options: RunOptions,
        command: Callable[[RunOptions], Sequence[str]],
        tell: Callable[[str], None],
    ) -> None:
        self._options = options
        self._command = command
        self._tell = tell
        self._clock = SystemClock()
        self._engine: subprocess.Popen[bytes] | None = None
        self._is_told_to_go = False
        self._restarts: deque[float] = deque()

    def work(self) -> int:
        """Run engines until one ends by itself; return the exit code."""
        handlers = {
            signal.SIGINT: lambda _number, _frame: None,
            signal.SIGTERM: self._pass_on,
            signal.SIGHUP: self._pass_on,
        }
        if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # by nohup: whoever wants it to go on
            del handlers[signal.SIGHUP]
        kept = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        code = 0
        try:
            code = self._run_engines()
        finally:
            _end_station(self._options, is_engine_dead=code < 0)
            for number, handler in kept.items():
                signal.signal(number, handler)
        if code >= 0:
            return code
        return 128 - code if -code in _WANTED else EXIT_HELD

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        """Tell the engine to go; between two engines, start no other."""
        del frame
        self._is_told_to_go = True
        if self._engine is not None:
            self._engine.send_signal(number)

    def _run_engines(self) -> int:
        """Return how the last engine ended: its exit code, or less than 0 if it was killed."""
        options, environment = self._options, dict(os.environ)
        before = _unfinished(options)
        while True:
            self._engine = subprocess.Popen(self._command(options), env=environment)
            code = self._engine.wait()
            self._engine = None
            if code >= 0 or -code in _WANTED or self._is_told_to_go:
                return code
            name = signal.Signals(-code).name
            if not self._may_restart():
                n = len(self._restarts)
                self._tell(f"the engine was killed {n} times ({name}); it is left alone")
                return code
            self._tell(f"the engine was killed ({name}); it goes on in another process")
            environment.pop(DIES_AT, None)
            options = _as_restarted(self._options, before)

    def _may_restart(self) -> bool:
        now_s = self._clock.monotonic_s()
        self._restarts.append(now_s)
        while now_s - self._restarts[0] > RESTARTS_WITHIN_S:
            self._restarts.popleft()
        return len(self._restarts) <= MAX_RESTARTS


def _as_restarted(options: RunOptions, before: frozenset[str]) -> RunOptions:
    """Return the options that go on with what a killed engine drove."""
    options = _without_done_act(options)
    found = _unfinished(options)
    if options.new:
        found -= before
    if not found:  # it was killed before it opened the campaign
        return options
    campaign_id = min(found) if len(found) == 1 else options.campaign_id
    return replace(options, resume=True, new=False, campaign_id=campaign_id)


def _without_done_act(options: RunOptions) -> RunOptions:
    """Return the options without their act, if the log says that it was done.

    A log that cannot be read leaves it: the next engine is refused by it rather than twice at work.
    """
    if options.act is None:
        return options
    try:
        with closing(open_sqlite_log(options.database, must_exist=True)) as log:
            is_done = log.kept_act(options.act.key) is not None
    except LogError:
        return options
    return replace(options, act_key="", act_request="") if is_done else options


def _unfinished(options: RunOptions) -> frozenset[str]:
    """Return the ids of the unfinished campaigns of this name; none if the files cannot be read."""
    try:
        name = load_campaign(options.campaign_file).header.name
        with closing(open_sqlite_log(options.database, must_exist=True)) as log:
            return frozenset(state.campaign_id for state in unfinished_campaigns(log, name))
    except (CampaignFileError, LogError):
        return frozenset()


def _end_station(options: RunOptions, *, is_engine_dead: bool) -> None:
    """Send the station away, which a killed engine could not do itself.

    Until a killed engine has been silent for three beats, its station waits for it.
    """
    try:
        rig = load_rig(options.rig_file)
    except RigFileError:
        return
    folder, database = station_folder(options.database, rig.header.name), options.database
    clock = SystemClock()
    wait_s = BEATS_OF_PATIENCE * rig.safety.heartbeat_s if is_engine_dead else 0.0
    until_s = clock.monotonic_s() + wait_s
    reason = "its supervisor has ended"
    while True:
        stays = send_away(folder, database, name=options.actor, reason=reason, insists=False)
        if not stays or clock.monotonic_s() >= until_s:
            break
        select.select([], [], [], rig.safety.heartbeat_s / 4)
    if stays:
        logger.info("the station stays: %s", stays)
