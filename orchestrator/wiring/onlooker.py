"""What a person is shown while a campaign runs, and the sign of life beside it."""

import logging
import os
import platform
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from drivers.clock import SystemClock
from orchestrator.alarms.signs_of_life import engine_name
from orchestrator.errors import LogUnavailable
from orchestrator.log.event_log import last_hash
from orchestrator.log.sql_log import SqliteLog
from orchestrator.service.campaign_view import campaign_view
from orchestrator.service.engine_views import engine_view
from orchestrator.service.laboratory_view import LaboratoryView, laboratory_view
from orchestrator.service.views import CampaignView

if TYPE_CHECKING:
    from orchestrator.engine.habits import EngineHabits, Watch

__all__ = ["Onlooker", "Progress"]

logger = logging.getLogger(__name__)

PROGRESS_EVERY_S: Final = 0.25
"""Onlookers are told at most this often, in real seconds."""
N_SHOWN_AGAIN: Final = 20
"""How many of the experiments whose end was shown are shown again; older ones only once."""
BEAT_EVERY_S: Final = 1.0
"""How often an engine shows that it lives, in real seconds."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What an onlooker is shown while a campaign runs."""

    view: CampaignView
    instruments: dict[str, str]
    """What each instrument does."""
    now: datetime
    """On the campaign's clock."""
    laboratory: LaboratoryView | None = None
    """None if nobody looked."""
    is_waited_for: bool = False
    """Whether the engine stays although the campaign waits for a person."""


class Onlooker:
    """Shows the engine's changes to a person, seldom enough, and beats the engine's heart.

    Args:
        log: The campaign's.
        campaign_id: Which.
        habits: Of its engine.
        on_progress: Told what there is to see.
        beside: Whether what is shown is put together in a thread: after thousands of experiments
            that takes longer than an engine on the bench may stand still.
    """

    def __init__(
        self,
        log: SqliteLog,
        campaign_id: str,
        habits: "EngineHabits",
        on_progress: Callable[[Progress], None],
        *,
        beside: bool = False,
    ) -> None:
        self._thread = ThreadPoolExecutor(1, "onlooker") if beside else None
        self._work: Future[None] | None = None
        self._log = log
        self._habits = habits
        self._campaign_id = campaign_id
        self._on_progress = on_progress
        self._clock = SystemClock()
        self._shown_s = self._beaten_s = float("-inf")
        self._last: Watch | None = None
        self._n_ended = 0
        self._failure = ""

    def __call__(self, watch: "Watch") -> None:
        """Take note of a change; a log that is full or locked is the engine's to wait for."""
        self._last = watch
        now_s = self._clock.monotonic_s()
        if now_s - self._beaten_s >= BEAT_EVERY_S:
            self._beaten_s = now_s
            with suppress(LogUnavailable):
                self._log.beat(
                    engine_name(self._campaign_id),
                    pid=os.getpid(),
                    host=platform.node(),
                    time=self._clock.now(),
                )
        if now_s - self._shown_s >= PROGRESS_EVERY_S:
            self._shown_s = now_s
            with suppress(LogUnavailable):
                self._show()

    def _show(self) -> None:
        if self._thread is None:
            self._show_now()
        elif self._work is None or self._work.done():
            self._tell_of_failure()
            self._work = self._thread.submit(self._show_now)

    def _tell_of_failure(self) -> None:
        """Write down why nothing could be shown: samples matter more than a screen."""
        error = self._work.exception() if self._work is not None else None
        if isinstance(error, LogUnavailable):
            return
        if error is not None and repr(error) != self._failure:
            self._failure = repr(error)
            logger.error("%s: cannot be shown: %r", self._campaign_id, error, exc_info=error)

    def show_last(self) -> None:
        """Show the last change, however recent the one before, and end the thread."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)
        self._show_now()

    def _show_now(self) -> None:
        watch = self._last
        if watch is None:
            return
        heartbeats = {beat.name: beat for beat in self._log.heartbeats()}
        engine = engine_view(
            epoch=watch.state.epoch,
            is_attached=watch.state.is_attached,
            heartbeat=heartbeats.get(engine_name(self._campaign_id)),
            real_now=self._clock.now(),
            is_alive=True,
        )
        view = campaign_view(
            watch.state,
            engine=engine,
            now=watch.now,
            last_hash=last_hash(self._log),
            n_left_out=max(0, self._n_ended - N_SHOWN_AGAIN),
        )
        self._n_ended = len(watch.state.closed_experiments)
        progress = Progress(
            view,
            dict(watch.instruments),
            watch.now,
            laboratory_view(watch.lab, None, {}),
            is_waited_for=self._habits.stays(watch.state),
        )
        try:
            self._on_progress(progress)
        except OSError as error:
            logger.warning("%s: progress cannot be shown: %s", self._campaign_id, error)
