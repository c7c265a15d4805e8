"""The one clock through which everything waits; code here never touches a device.

Two clocks stand behind one protocol. `SystemClock` is the lab's. `VirtualClock` belongs to a
`VirtualLoop`: its time jumps to the next timer whenever the event loop has nothing ready to run,
and stands still while a blocking call is open, so that a simulated day passes in a second and
the same seed gives the same times and the same order.
"""

import asyncio
import contextlib
import selectors
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from typing_extensions import override

__all__ = ["Clock", "SystemClock", "VirtualClock", "VirtualLoop"]

T = TypeVar("T")

TIMER_RESOLUTION_S = 1e-6
"""Timers of the virtual loop closer than this fire together. A finer step would get lost in the
digits of a float after some months of virtual time, and with it the timer."""


class Clock(Protocol):
    """Tells the time and lets others wait."""

    def now(self) -> datetime:
        """Return the time of day, with zone UTC."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds on a scale that never goes back."""
        ...

    async def sleep(self, duration_s: float) -> None:
        """Wait.

        Args:
            duration_s: How long, in seconds, at least 0.
        """
        ...

    async def call_blocking(self, function: Callable[[], T], executor: Executor | None) -> T:
        """Run a blocking function in an executor and return what it returns.

        Args:
            function: Called without arguments; picklable if the executor is a process pool.
            executor: Where it runs; None is a thread.
        """
        ...

    async def wait_for_outside(self, duration_s: float) -> None:
        """Give the world outside this process a moment of real time.

        On the virtual clock no virtual time passes.

        Args:
            duration_s: How long, in real seconds.
        """
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Return the time of day, with zone UTC."""
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        """Return seconds on the machine's monotonic scale."""
        return time.monotonic()

    async def sleep(self, duration_s: float) -> None:
        """Wait in real time."""
        await asyncio.sleep(duration_s)

    async def call_blocking(self, function: Callable[[], T], executor: Executor | None) -> T:
        """Run a blocking function in an executor; the loop goes on meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(executor, function)

    async def wait_for_outside(self, duration_s: float) -> None:
        """Wait in real time."""
        await asyncio.sleep(duration_s)


class _JumpingSelector(selectors.DefaultSelector):
    """A selector that lets virtual time pass instead of waiting for it."""

    def __init__(self) -> None:
        super().__init__()
        self.loop: VirtualLoop | None = None

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        loop = self.loop
        events = super().select(0)
        if loop is None or events or timeout == 0:
            return events
        if loop.open_calls:
            if not loop.deliver_oldest_call():
                return super().select(None)
            return []
        if timeout is None:
            return super().select(None)
        loop.jump(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose timers run on virtual time.

    Results of blocking calls are delivered in the order in which the calls were opened and only
    when nothing else is ready, so that the order of everything is the same in every run.
    """

    def __init__(self) -> None:
        selector = _JumpingSelector()
        self._virtual_s = 0.0
        self.open_calls: deque[tuple[Future[Any], asyncio.Future[Any]]] = deque()
        self.threads = ThreadPoolExecutor(thread_name_prefix="virtual-loop")
        super().__init__(selector)
        self._clock_resolution = TIMER_RESOLUTION_S
        selector.loop = self

    @override
    def time(self) -> float:
        """Return virtual seconds since the loop was made."""
        return self._virtual_s

    @override
    def close(self) -> None:
        """Close the loop and its threads; calls that have not begun are dropped."""
        self.threads.shutdown(wait=False, cancel_futures=True)
        super().close()

    def jump(self, duration_s: float) -> None:
        """Let virtual time pass at once.

        Args:
            duration_s: How much, in seconds.
        """
        self._virtual_s += duration_s

    def deliver_oldest_call(self) -> bool:
        """Hand over the result of the call that was opened first.

        Returns:
            False if that call is still running.
        """
        work, waiter = self.open_calls[0]
        if not work.done():
            return False
        self.open_calls.popleft()
        if waiter.cancelled():
            return True
        error = None if work.cancelled() else work.exception()
        if work.cancelled():
            waiter.cancel()
        elif error is not None:
            waiter.set_exception(error)
        else:
            waiter.set_result(work.result())
        return True


class VirtualClock:
    """The clock of a dry-run; it works inside a running `VirtualLoop` only.

    Args:
        start: The time of day at virtual second 0, with zone UTC.
    """

    def __init__(self, start: datetime) -> None:
        self._start = start

    def now(self) -> datetime:
        """Return the virtual time of day."""
        return self._start + timedelta(microseconds=round(self.monotonic_s() * 1e6))

    def monotonic_s(self) -> float:
        """Return virtual seconds since the loop was made."""
        return self._loop().time()

    async def sleep(self, duration_s: float) -> None:
        """Wait in virtual time."""
        await asyncio.sleep(duration_s)

    async def call_blocking(self, function: Callable[[], T], executor: Executor | None) -> T:
        """Run a blocking function while virtual time stands still."""
        loop = self._loop()
        work = (executor or loop.threads).submit(function)
        waiter: asyncio.Future[T] = loop.create_future()
        loop.open_calls.append((work, waiter))

        def wake(_: Future[T]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(lambda: None)

        work.add_done_callback(wake)
        try:
            return await waiter
        except asyncio.CancelledError:
            work.cancel()
            raise

    async def wait_for_outside(self, duration_s: float) -> None:
        """Let real time pass while virtual time stands still."""
        await self.call_blocking(lambda: time.sleep(duration_s), None)

    @staticmethod
    def _loop() -> VirtualLoop:
        loop = asyncio.get_running_loop()
        if not isinstance(loop, VirtualLoop):
            raise RuntimeError("a VirtualClock works only inside a running VirtualLoop")  # noqa: TRY004 - the state is wrong, no argument
        return loop
