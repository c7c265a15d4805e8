"""Connections that ask nothing are closed: whoever opens many takes the dashboard from nobody.

The server that we use waits for a first request for ever, and lets one address open as many
connections as there are; each takes one of the few files that a process may have open.
"""

import ipaddress
from asyncio import BaseTransport, TimerHandle
from collections import Counter
from collections.abc import Collection
from typing import ClassVar, Final

from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

__all__ = ["MOST_OF_ONE", "SILENT_S", "ImpatientProtocol", "impatient_protocol"]

SILENT_S: Final = 15.0
"""A connection without a whole request for so long, in seconds, is closed within twice that."""
MOST_OF_ONE: Final = 200
"""So many connections may one other machine have."""


class ImpatientProtocol(H11Protocol):
    """HTTP/1.1 for clients that have something to ask."""

    silent_s: ClassVar[float] = SILENT_S
    most_of_one: ClassVar[int] = MOST_OF_ONE
    uncounted: ClassVar[frozenset[str]] = frozenset()
    """Addresses that speak for many people: the proxy."""
    n_of: ClassVar[Counter[str]]
    """Open connections of each other machine."""

    _host: str = ""
    _cycle_before: RequestResponseCycle | None = None
    _look: TimerHandle | None = None

    @override
    def connection_made(self, transport: BaseTransport) -> None:
        """Count the connection, and close it if its machine has too many."""
        super().connection_made(transport)  # type: ignore[arg-type]  # as in uvicorn
        host = "" if self.client is None else self.client[0]
        if host and not _is_of_this_machine(host) and host not in self.uncounted:
            self._host = host
            self.n_of[host] += 1
            if self.n_of[host] > self.most_of_one:
                transport.close()
                return
        self._look = self.loop.call_later(self.silent_s, self._close_if_silent)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._look is not None:
            self._look.cancel()
        if self._host:
            self.n_of[self._host] -= 1
            if not self.n_of[self._host]:
                del self.n_of[self._host]
            self._host = ""
        super().connection_lost(exc)

    def _close_if_silent(self) -> None:
        """Close the connection if it asked nothing since the last look and waits for nothing."""
        is_waiting = self.cycle is None or self.cycle.response_complete
        if is_waiting and self.cycle is self._cycle_before:
            self.transport.close()
            return
        self._cycle_before = self.cycle
        self._look = self.loop.call_later(self.silent_s, self._close_if_silent)


def impatient_protocol(
    *,
    uncounted: Collection[str] = (),
    silent_s: float = SILENT_S,
    most_of_one: int = MOST_OF_ONE,
) -> type[ImpatientProtocol]:
    """Return the protocol of one server.

    Args:
        uncounted: Addresses that speak for many people.
        silent_s: How long a connection may ask nothing, in seconds, above 0.
        most_of_one: How many connections another machine may have, at least 1.
    """
    own = {
        "silent_s": silent_s,
        "most_of_one": most_of_one,
        "uncounted": frozenset(uncounted),
        "n_of": Counter(),
    }
    return type("OneServersProtocol", (ImpatientProtocol,), own)


def _is_of_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
