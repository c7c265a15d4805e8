"""Sends messages by apprise, each channel in a thread of its own: nobody waits for a server.

This module alone knows apprise. Addresses are secrets: apprise's own log lines are kept from every
other log, and what is reported of a failure has every part of the address cut out.
"""

import logging
import re
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from typing_extensions import override

from drivers.clock import SystemClock
from orchestrator.alarms.channels import Channels
from orchestrator.alarms.escalation import Notice
from orchestrator.errors import SettingsError

if TYPE_CHECKING:
    from apprise import Apprise

__all__ = ["Notifier", "scrubbed"]

TIMEOUT_S: Final = 30.0
"""How long a message may be on its way, in real seconds; then it counts as not sent."""


def scrubbed(text: str, address: str) -> str:
    """Return a text without any part of an address.

    Args:
        text: What is said of a failure.
        address: The secret; each of its parts of three or more characters is cut out.

    Example:
        >>> scrubbed("no reply from hooks.lab at /T0ken", "json://hooks.lab/T0ken?x=1")
        'no reply from *** at /***'
    """
    rest = address.partition("://")[2]
    parts = {part for part in re.split(r"[/:@?&=,+#\s]+", rest) if len(part) >= 3}
    secrets = {address, rest, *parts, *(unquote(part) for part in parts)}
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = re.sub(re.escape(secret), "***", text, flags=re.IGNORECASE)
    return " ".join(text.split())


class _Ear(logging.Handler):
    """Keeps what apprise says in one thread."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread = threading.get_ident()
        self.said = ""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.said = record.getMessage()


@dataclass(slots=True)
class _Way:
    """What is on its way over one channel."""

    waiting: deque[Notice] = field(default_factory=deque)
    began_s: float = 0.0
    """When the message that is being sent was begun."""
    thread: threading.Thread | None = None


class Notifier:
    """Sends notices and says later what became of them.

    Args:
        channels: Whom to reach.
        timeout_s: How long a message may be on its way, in real seconds.

    Raises:
        SettingsError: apprise does not understand an address.
    """

    def __init__(self, channels: Channels, *, timeout_s: float = TIMEOUT_S) -> None:
        self.channels = channels
        self._timeout_s = timeout_s
        self._clock = SystemClock()
        self._lock = threading.Lock()
        self._results: list[tuple[Notice, str]] = []
        self._ways: dict[str, _Way] = {}
        self._services: Mapping[str, Apprise] = {
            name: _service_of(name, channel.url.get_secret_value())
            for name, channel in channels.channels.items()
        }

    def send(self, notice: Notice) -> None:
        """Put a notice on its way and return at once."""
        with self._lock:
            way = self._ways.setdefault(notice.channel, _Way())
            way.waiting.append(notice)
            if way.thread is None:
                way.began_s = self._clock.monotonic_s()
                way.thread = threading.Thread(
                    target=self._work, args=(notice.channel, way), daemon=True
                )
                way.thread.start()

    def busy(self) -> frozenset[str]:
        """Return the names of the channels over which something is on its way."""
        with self._lock:
            return frozenset(self._ways)

    def results(self) -> list[tuple[Notice, str]]:
        """Return what has ended since the last call, with why it did not go out, or nothing."""
        now_s = self._clock.monotonic_s()
        return self._ended(lambda way: now_s - way.began_s >= self._timeout_s)

    def _ended(self, is_given_up: Callable[[_Way], bool]) -> list[tuple[Notice, str]]:
        with self._lock:
            for name, way in list(self._ways.items()):
                if is_given_up(way):
                    error = f"no answer within {self._timeout_s:g} s"
                    self._results.extend((notice, error) for notice in way.waiting)
                    del self._ways[name]
            found, self._results = self._results, []
        return found

    def wait(self) -> list[tuple[Notice, str]]:
        """Wait until nothing is on its way, or for the timeout; then return the results."""
        with self._lock:
            threads = [way.thread for way in self._ways.values() if way.thread is not None]
        for thread in threads:
            thread.join(self._timeout_s)
        late = {thread for thread in threads if thread.is_alive()}
        return self._ended(lambda way: way.thread in late)

    def _work(self, channel: str, way: _Way) -> None:
        """Send what waits for one channel, one after the other, until nothing does."""
        while True:
            with self._lock:
                if self._ways.get(channel) is not way:
                    return
                if not way.waiting:
                    del self._ways[channel]
                    return
                notice = way.waiting[0]
                way.began_s = self._clock.monotonic_s()
            error = self._error_of(notice)
            with self._lock:
                if self._ways.get(channel) is way:
                    self._results.append((way.waiting.popleft(), error))

    def _error_of(self, notice: Notice) -> str:
        """Send one notice and return why it did not go out, or nothing."""
        address = self.channels.channels[notice.channel].url.get_secret_value()
        said, has_gone = _listening_to(self._services[notice.channel], notice)
        return "" if has_gone else scrubbed(said or "it did not go out", address)


def _listening_to(service: "Apprise", notice: Notice) -> tuple[str, bool]:
    """Send a notice; return what apprise said last, and whether it went out."""
    ear, log = _Ear(), logging.getLogger("apprise")
    log.addHandler(ear)
    try:
        has_gone = service.notify(title=notice.title, body=notice.body, body_format="text")
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        return type(error).__name__, False
    finally:
        log.removeHandler(ear)
    return ear.said, bool(has_gone)


def _service_of(name: str, address: str) -> "Apprise":
    """Return apprise for one address.

    Raises:
        SettingsError: It does not understand the address; the message does not show it.
    """
    from apprise import Apprise, AppriseAsset

    for noisy in ("apprise", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    log = logging.getLogger("apprise")
    log.propagate = False
    ear = _Ear()
    log.addHandler(ear)
    try:
        service = Apprise(asset=AppriseAsset(app_id="Athanor", async_mode=False))
        if service.add(address) and len(service) == 1:
            return service
    finally:
        log.removeHandler(ear)
    expected = "one address of a service that apprise knows, such as mailto:// or json://"
    raise SettingsError(f"channels.{name}.url", got="an address (not shown)", expected=expected)
