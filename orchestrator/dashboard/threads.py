"""Threads that are kept free, so that a stop gets through however busy the pages are.

Pages share one pool of threads; whoever loads sixty slow ones fills it. Finding out who asks, and
the acts that make the bench safer, have threads that nothing else may use. Passwords have two of
their own: comparing one takes 64 MiB and a core for a moment.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, TypeVar, TypeVarTuple

from starlette.requests import Request

from orchestrator.dashboard.rate import TooOften

__all__ = ["KeptThreads", "ThreadPools", "pools_of"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_N_IDENTIFYING: Final = 8
_N_SAFER: Final = 16
"""An act waits for stations that may be silent: so many stops at once are not delayed."""
_N_PASSWORDS: Final = 2
_MOST_PASSWORDS_WAITING: Final = 40
_AGAIN_S: Final = 5.0


class KeptThreads:
    """A few threads for one kind of work.

    Args:
        name: Of the work.
        n: How many; they are made as they are needed.
        most: So many pieces of work may be under way or wait; None is without limit.
    """

    def __init__(self, name: str, n: int, most: int | None = None) -> None:
        self._threads = ThreadPoolExecutor(n, thread_name_prefix=name)
        self._most = most
        self._n = 0

    async def run(self, work: Callable[[*Ts], T], *args: *Ts) -> T:
        """Do a piece of work in one of the threads.

        Args:
            work: What is done.
            *args: For it.

        Raises:
            TooOften: Too many wait already.
        """
        if self._most is not None and self._n >= self._most:
            raise TooOften(_AGAIN_S)
        self._n += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, work, *args)
        finally:
            self._n -= 1

    def close(self) -> None:
        """Let the threads end; what is under way is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class ThreadPools:
    """The threads of one web process that its pages do not use."""

    identifying: KeptThreads = field(default_factory=lambda: KeptThreads("who", _N_IDENTIFYING))
    """For finding out who asks."""
    safer: KeptThreads = field(default_factory=lambda: KeptThreads("safer", _N_SAFER))
    """For acts that make the bench safer."""
    passwords: KeptThreads = field(
        default_factory=lambda: KeptThreads("passwords", _N_PASSWORDS, _MOST_PASSWORDS_WAITING)
    )
    """For comparing passwords."""

    def close(self) -> None:
        """Let all of them end."""
        for threads in (self.identifying, self.safer, self.passwords):
            threads.close()


def pools_of(request: Request) -> ThreadPools:
    """Return the threads of the app that a request came to."""
    found: ThreadPools = request.app.state.pools
    return found
