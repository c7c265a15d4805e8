"""Tells webhooks what happens: in order, signed, at least once, whatever dies in between.

One process of those that serve a log does the telling, as long as it holds a lease; each webhook
has a thread of its own while something is on its way to it, so that a slow one delays no other.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import version
from random import random
from secrets import token_hex
from threading import Event as Flag
from threading import Lock, Thread
from types import TracebackType
from typing import Final, Self

from pydantic import BaseModel, ConfigDict

from drivers.clock import Clock
from orchestrator.access.records import Webhook
from orchestrator.access.webhooks import WebhookBook, signature_of
from orchestrator.dashboard.posting import post
from orchestrator.errors import LogError, RequestRefused
from orchestrator.service.following import Follower, StreamEvent

__all__ = ["Deliverer", "Delivery", "Post", "wait_after"]

logger = logging.getLogger(__name__)

MOST_EVENTS: Final = 100
"""How many events one delivery holds at most."""
GATHERED_S: Final = 1.0
"""How long the first event of a delivery waits for others, in seconds."""
LONGEST_WAIT_S: Final = 3600.0
_LEASE: Final = "webhooks"
LEASE_S: Final = 30.0
_ASKED_AGAIN_S: Final = 5.0
"""How often a process that does not hold the lease asks for it, in seconds."""
_LOOK_S: Final = 0.5
_OTHER_LOG_S: Final = 60.0
"""How soon it is looked again whether a log has what was delivered from it, in seconds."""
_PAGE: Final = 500
_TOLD_EVERY: Final = 1000
"""So many records that concern a webhook nothing are passed over before that is written down."""

Post = Callable[[str, bytes, Mapping[str, str]], str]
"""Sends a body with headers to an address, and says why it was not taken."""


class Delivery(BaseModel):
    """What a webhook is sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    delivery_id: str
    """The same whenever the same events are sent again."""
    hook_id: str
    after_seq: int
    """All records of the webhook's topics up to this one were delivered before."""
    until_seq: int
    """The last record that this delivery stands for."""
    events: tuple[StreamEvent, ...]
    """In order of seq."""


@dataclass(slots=True)
class _Gathered:
    """What has been read for a webhook and not been sent."""

    told_seq: int
    seq: int
    """The last record that was looked at."""
    since_s: float = 0.0
    """When the first event was found."""
    events: list[StreamEvent] = field(default_factory=list)


def wait_after(n_failed: int, drawn: float) -> float:
    """Return how long to wait before the next attempt, 1 s to an hour.

    Args:
        n_failed: How many attempts in a row failed, at least 1.
        drawn: At random from 0 to 1, so that many webhooks do not come back at once.

    Example:
        >>> [wait_after(n, 0.0) for n in (1, 2, 5, 40)]
        [1.0, 2.0, 16.0, 3600.0]
    """
    doubled = 2.0 ** min(n_failed - 1, 20)
    return min(LONGEST_WAIT_S, doubled * (1.0 + 0.5 * drawn))


class Deliverer:
    """Delivers what a follower sees to the webhooks of a book.

    Args:
        book: Who is told, and how far.
        follower: Sees what happens.
        clock: The wall clock.
        send: Sends one delivery.
        draw: Draws from 0 to 1.
        on_given_up: Told when a webhook was switched off because nothing was taken for long.
    """

    def __init__(
        self,
        book: WebhookBook,
        follower: Follower,
        *,
        clock: Clock,
        send: Post = post,
        draw: Callable[[], float] = random,
        on_given_up: Callable[[], None] = lambda: None,
    ) -> None:
        self._book = book
        self._follower = follower
        self._clock = clock
        self._send = send
        self._draw = draw
        self._on_given_up = on_given_up
        self._holder = token_hex(8)
        self._lease_ends_s = self._lease_asked_s = float("-inf")
        self._gathered: dict[str, _Gathered] = {}
        self._lock = Lock()
        self._sending: dict[str, Thread] = {}
        self._trouble = ""
        self._stopped = Flag()
        self._thread: Thread | None = None

    def __enter__(self) -> Self:
        """Start, and return the deliverer itself."""
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
        """Deliver in a thread from now on."""
        self._thread = Thread(target=self._run, name="webhooks", daemon=True)
        self._thread.start()

    def stop(self, *, wait_s: float = 2.0) -> None:
        """Begin no other delivery; one that is not over in time is sent again by the next process.

        Args:
            wait_s: For how long deliveries that are on their way are waited for, in real seconds.
        """
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        if self.wait(wait_s):
            self._guarded(lambda: self._book.give_lease_up(_LEASE, self._holder))

    def wait(self, wait_s: float) -> bool:
        """Wait for the deliveries that are on their way; False if one is still.

        Args:
            wait_s: For how long each is waited for at most, in real seconds.
        """
        with self._lock:
            threads = list(self._sending.values())
        for thread in threads:
            thread.join(wait_s)
        return not any(thread.is_alive() for thread in threads)

    def look(self) -> None:
        """Begin every delivery that is due."""
        self._guarded(self._look)

    def _run(self) -> None:
        while not self._stopped.wait(_LOOK_S):
            self.look()

    def _guarded(self, work: Callable[[], object]) -> None:
        """Do something; a file that cannot be used now is waited for, and said once."""
        try:
            work()
        except LogError as error:
            if str(error) != self._trouble:
                logger.warning("webhooks wait: %s", error)
            self._trouble = str(error)
        else:
            self._trouble = ""

    def _look(self) -> None:
        with self._lock:
            busy = set(self._sending)  # before the book is read: what ends meanwhile waits
        hooks = [hook for hook in self._book.webhooks() if not hook.is_off]
        if not hooks or not self._leads():
            self._gathered.clear()
            return
        for hook in hooks:
            if hook.hook_id not in busy and self._is_due(hook):
                self._begin(hook)

    def _leads(self) -> bool:
        """Tell whether this process does the telling, and stays it for a while."""
        now_s = self._clock.monotonic_s()
        if self._lease_ends_s - now_s > LEASE_S / 2:
            return True
        holds = self._lease_ends_s > now_s
        if not holds and now_s - self._lease_asked_s < _ASKED_AGAIN_S:
            return False
        self._lease_asked_s = now_s
        has_it = self._book.take_lease(_LEASE, self._holder, lasts_s=LEASE_S)
        self._lease_ends_s = now_s + LEASE_S if has_it else float("-inf")
        return has_it

    def _is_due(self, hook: Webhook) -> bool:
        if hook.next_time is None:
            return True
        left = hook.next_time - self._clock.now()
        is_of_another_clock = left > timedelta(seconds=LONGEST_WAIT_S)
        return left <= timedelta() or is_of_another_clock

    def _begin(self, hook: Webhook) -> None:
        last = self._follower.seq
        if hook.told_seq > last:
            error = f"the log ends with {last}, before what was delivered: is it another log?"
            self._book.note_failure(hook, error, wait_s=_OTHER_LOG_S)
            return
        delivery = self._again(hook) if hook.sending_seq is not None else self._next(hook)
        if delivery is None:
            return
        thread = Thread(target=self._deliver, args=(hook, delivery), daemon=True)
        with self._lock:
            self._sending[hook.hook_id] = thread
        thread.start()

    def _again(self, hook: Webhook) -> Delivery | None:
        """Return the delivery that was begun; None while the log cannot be read."""
        until = hook.sending_seq or 0
        seq, events = hook.told_seq, list[StreamEvent]()
        while seq < until:
            page = self._follower.logged_after(seq, _PAGE)
            if not page:
                return None
            events += [one for one in page if one.seq <= until and _concerns(hook, one)]
            seq = page[-1].seq
        return _delivery(hook, until, events)

    def _next(self, hook: Webhook) -> Delivery | None:
        """Return what is to be delivered next; None if nothing is, or more may come soon."""
        gathered = self._gathered.get(hook.hook_id)
        if gathered is None or gathered.told_seq != hook.told_seq:
            gathered = _Gathered(hook.told_seq, hook.told_seq)
            self._gathered[hook.hook_id] = gathered
        self._gather(hook, gathered)
        n_events = len(gathered.events)
        waited_s = self._clock.monotonic_s() - gathered.since_s
        if not n_events:
            if gathered.seq - hook.told_seq >= _TOLD_EVERY:
                self._book.note_told(hook, gathered.seq)
            return None
        if n_events < MOST_EVENTS and waited_s < GATHERED_S:
            return None
        del self._gathered[hook.hook_id]
        if not self._book.note_sending(hook, gathered.seq):
            return None
        return _delivery(hook, gathered.seq, gathered.events)

    def _gather(self, hook: Webhook, gathered: _Gathered) -> None:
        while gathered.seq < self._follower.seq:
            page = self._follower.logged_after(gathered.seq, _PAGE)
            if not page:
                return
            for event in page:
                gathered.seq = event.seq
                if _concerns(hook, event):
                    if not gathered.events:
                        gathered.since_s = self._clock.monotonic_s()
                    gathered.events.append(event)
                if len(gathered.events) >= MOST_EVENTS:
                    return
            if not gathered.events and gathered.seq - gathered.told_seq >= _TOLD_EVERY:
                return

    def _deliver(self, hook: Webhook, delivery: Delivery) -> None:
        try:
            self._guarded(lambda: self._sent(hook, delivery))
        finally:
            with self._lock:
                self._sending.pop(hook.hook_id, None)

    def _sent(self, hook: Webhook, delivery: Delivery) -> None:
        """Send a delivery, and write down what became of it."""
        try:
            secret = self._book.secret_of(hook.hook_id)
        except RequestRefused:
            return  # it was removed meanwhile
        body = delivery.model_dump_json().encode()
        headers = {
            "content-type": "application/json",
            "user-agent": f"athanor/{version('athanor')}",
            "athanor-delivery": delivery.delivery_id,
            "athanor-signature": signature_of(secret, int(self._clock.now().timestamp()), body),
        }
        error = self._send(hook.url, body, headers)
        if not error:
            self._book.note_told(hook, delivery.until_seq)
            return
        wait_s = wait_after(hook.n_failed + 1, self._draw())
        after = self._book.note_failure(hook, error, wait_s=wait_s)
        if after is not None and after.is_off:
            logger.error("webhook %s of %s %s", hook.hook_id, hook.made_by, after.last_error)
            self._on_given_up()


def _concerns(hook: Webhook, event: StreamEvent) -> bool:
    return not hook.topics or not {*hook.topics}.isdisjoint(event.topics)


def _delivery(hook: Webhook, until_seq: int, events: Sequence[StreamEvent]) -> Delivery:
    return Delivery(
        delivery_id=f"{hook.hook_id}-{until_seq}",
        hook_id=hook.hook_id,
        after_seq=hook.told_seq,
        until_seq=until_seq,
        events=tuple(events),
    )
