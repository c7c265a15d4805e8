"""Follows the log in one thread and tells all pages of a web process what happened.

Each record is read and put into words once, whoever listens. The log is only read, and nobody is
waited for: not the engine by the follower, not the follower by a page.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from itertools import islice
from threading import Event as Flag
from threading import Lock, Thread
from types import TracebackType
from typing import Final, Self

from drivers.clock import Clock, SystemClock
from orchestrator.errors import LogError, LogUnavailable, RequestRefused
from orchestrator.log.event_log import EventLog
from orchestrator.service.log_file import open_log_file
from orchestrator.service.stream_events import StreamEvent, Topic, stream_event
from orchestrator.service.subscription import Subscription
from orchestrator.settings import Settings

__all__ = ["Follower", "StreamEvent", "Subscription", "Topic"]

logger = logging.getLogger(__name__)

POLL_S: Final = 0.05
"""How often the log is looked at, in seconds."""
N_KEPT: Final = 1000
"""How many of the newest events are kept; a reader further back than that may be lost."""
PATIENCE_S: Final = 5.0
"""How long a reader that is too far back may go without reading, in seconds."""
_PAGE: Final = 500
"""Records that are taken from the log at once."""


class Follower:
    """Follows one log for the subscribers of one process.

    Args:
        log: It is only read; the follower closes it.
        clock: The wall clock.
        source: What the log is called in messages.
        poll_s: How often it is looked at, in seconds.
        n_kept: How many of the newest events are kept.
        patience_s: How long a subscriber that is further back may go without reading, in seconds.
    """

    def __init__(
        self,
        log: EventLog,
        *,
        clock: Clock,
        source: str,
        poll_s: float = POLL_S,
        n_kept: int = N_KEPT,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._log = log
        self._clock = clock
        self._source = source
        self._poll_s = poll_s
        self._patience_s = patience_s
        self._n_kept = n_kept
        self._lock = Lock()
        self._newest: deque[StreamEvent] = deque(maxlen=n_kept)
        self._seq = log.last_seq()
        self._subscriptions: dict[asyncio.AbstractEventLoop, set[Subscription]] = {}
        self._trouble = ""
        self._trouble_since: datetime | None = None
        self._stopped = Flag()
        self._thread: Thread | None = None

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        poll_s: float = POLL_S,
        n_kept: int = N_KEPT,
        patience_s: float = PATIENCE_S,
    ) -> Self:
        """Open the log that the settings name, to follow it from its end.

        Args:
            settings: Where it is.
            poll_s: How often it is looked at, in seconds.
            n_kept: How many of the newest events are kept.
            patience_s: How long a subscriber further back may go without reading, in seconds.

        Raises:
            LogError: There is no such log, or it cannot be read.
        """
        return cls(
            open_log_file(settings),
            clock=SystemClock(),
            source=str(settings.database),
            poll_s=poll_s,
            n_kept=n_kept,
            patience_s=patience_s,
        )

    def __enter__(self) -> Self:
        """Start, and return the follower itself."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def start(self) -> None:
        """Follow the log in a thread from now on."""
        self._thread = Thread(target=self._follow, name="follower", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and all subscriptions, and let go of the log; twice does nothing."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            for subscriptions in self._subscriptions.values():
                for one in subscriptions:
                    one.end()
        self._wake()
        self._log.close()

    @property
    def seq(self) -> int:
        """The last record that was told."""
        return self._seq

    @property
    def trouble(self) -> str:
        """Why the log cannot be read now; empty if it can."""
        return self._trouble

    @property
    def trouble_since(self) -> datetime | None:
        """Since when it cannot be read; None if it can."""
        return self._trouble_since

    @property
    def n_subscriptions(self) -> int:
        """How many listen."""
        with self._lock:
            return sum(len(some) for some in self._subscriptions.values())

    def subscribe(self, after_seq: int | None = None) -> Subscription:
        """Return a subscription for the event loop that this is called in.

        Args:
            after_seq: The record after which it begins; what came since is given first. None is
                the present.

        Raises:
            RequestRefused: The log has no such record: it is not the log that the reader knows.
            LogError: The log cannot be asked whether it has.
        """
        if after_seq is not None and after_seq > self._seq and after_seq > self._log.last_seq():
            raise RequestRefused(
                f"after_seq: got {after_seq}, {self._source} ends with {self._seq}: load the page "
                "again, it shows another log"
            )
        loop = asyncio.get_running_loop()
        with self._lock:
            begin = self._seq if after_seq is None else after_seq
            made = Subscription(self, begin, loop)
            self._subscriptions.setdefault(loop, set()).add(made)
            if self._stopped.is_set():
                made.end()
        return made

    def leave(self, subscription: Subscription) -> None:
        """Forget a subscription."""
        with self._lock:
            others = self._subscriptions.get(subscription.loop, set())
            others.discard(subscription)
            if not others:
                self._subscriptions.pop(subscription.loop, None)

    def newest_for(self, reader: Subscription, limit: int) -> tuple[StreamEvent, ...] | None:
        """Return what a reader has not got, from memory; None if not all of that is there."""
        with self._lock:
            reader.unread_since_s = None
            n_missed = self._seq - reader.seq
            if n_missed > len(self._newest):
                return None
            skipped = len(self._newest) - max(0, n_missed)
            return tuple(islice(self._newest, skipped, skipped + limit))

    def logged_after(self, seq: int, limit: int) -> tuple[StreamEvent, ...]:
        """Return what came after a record, from the log; nothing while that is not there.

        Raises:
            LogError: A record cannot be read.
        """
        try:
            return tuple(map(stream_event, self._log.read(after_seq=seq, limit=limit)))
        except LogUnavailable:
            return ()

    def look(self) -> int:
        """Look at the log once, tell what came, and return the seq of the last record told."""
        try:
            while not self._stopped.is_set() and self._log.last_seq() > self._seq:
                records = self._log.read(after_seq=self._seq, limit=_PAGE)
                self._tell([stream_event(record) for record in records])
        except LogError as error:
            self._say(str(error))
        else:
            self._say("")
        return self._seq

    def _follow(self) -> None:
        while not self._stopped.wait(self._poll_s):
            self.look()

    def _tell(self, events: list[StreamEvent]) -> None:
        with self._lock:
            self._newest.extend(events)
            self._seq = events[-1].seq
            now_s = self._clock.monotonic_s()
            readers = [one for some in self._subscriptions.values() for one in some]
            lost = [one for one in readers if self._is_too_slow(one, now_s)]
        self._wake()
        for one in lost:
            one.lose()
            self.leave(one)
            _call_in(one.loop, one.wake)

    def _is_too_slow(self, reader: Subscription, now_s: float) -> bool:
        """Note that there is something to read, and tell whether it waited for too long."""
        if reader.unread_since_s is None:
            reader.unread_since_s = now_s
        is_behind = self._seq - reader.seq > self._n_kept
        return is_behind and now_s - reader.unread_since_s > self._patience_s

    def _wake(self) -> None:
        with self._lock:
            loops = list(self._subscriptions)
        for loop in loops:
            _call_in(loop, partial(self._wake_in, loop))

    def _wake_in(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            listening = list(self._subscriptions.get(loop, ()))
        for one in listening:
            one.wake()

    def _say(self, trouble: str) -> None:
        """Note whether the log can be read; each change is logged once, and all are woken."""
        if trouble == self._trouble:
            return
        if trouble:
            logger.warning("%s: cannot be followed now: %s", self._source, trouble)
            self._trouble_since = self._trouble_since or self._clock.now()
        else:
            logger.info("%s: is followed again", self._source)
            self._trouble_since = None
        self._trouble = trouble
        self._wake()


def _call_in(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # in a loop that was closed nobody listens
        loop.call_soon_threadsafe(call)
