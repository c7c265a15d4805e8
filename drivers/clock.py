"""The one clock through which everything waits; code here never touches a device.

Two clocks stand behind one protocol. `SystemClock` is the lab's. `VirtualClock` belongs to a
`VirtualLoop`: its time jumps to the next timer whenever the event loop has nothing ready to run,
and stands still while a blocking call is open, so that a simulated day passes in a second and
the same seed gives the same times and the same order.

With simulators behind real wires, the system's clock may run faster than the world's: a
`SystemClock(speed)` inside a `SpedUpLoop(speed)` lets the seconds of the lab, in which everything
here is counted, pass `speed` times as fast. Processes of one machine with one speed agree.
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

__all__ = ["Clock", "SpedUpLoop", "SystemClock", "VirtualClock", "VirtualLoop", "deadline"]

T = TypeVar("T")

TIMER_RESOLUTION_S = 1e-6
"""Timers of the virtual loop closer than this fire together. A finer step would get lost in the
digits of a float after some months of virtual time, and with it the timer."""

SPED_UP_ORIGIN = datetime(2026, 1, 1, tzinfo=UTC)
"""The time of day of a sped-up clock when the machine's monotonic scale was at 0."""

SHORTEST_REAL_WAIT_S = 0.5
"""Between processes, less real time than this says more about the machine than about a device."""

HIGHEST_SPEED = 10_000.0


class Clock(Protocol):
    """Tells the time and lets others wait."""

    @property
    def shortest_wait_s(self) -> float:
        """The least deadline to set for a reply from another process, in this clock's seconds.

        It is 0 but on a sped-up clock, where a device's usual deadline would be too little real
        time for the processes of the machine to take turns.
        """
        ...

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

    def real_s(self, duration_s: float) -> float:
        """Return the real seconds in which so much of this clock's time passes.

        For deadlines of blocking calls, which know nothing of the clock.

        Args:
            duration_s: Seconds of this clock.
        """
        ...


def deadline(clock: Clock, duration_s: float, *, n_replies: int = 1) -> asyncio.Timeout:
    """Return a deadline for work that waits for replies of other processes.

    Args:
        clock: Of the work.
        duration_s: Seconds of the clock.
        n_replies: For how many replies the deadline must suffice on a sped-up clock at least.
    """
    return asyncio.timeout(max(duration_s, n_replies * clock.shortest_wait_s))


class SystemClock:
    """The clock of the machine, or one that runs faster by a factor.

    With a speed other than 1 it waits inside a `SpedUpLoop` of that speed only. Its time of day
    then is `SPED_UP_ORIGIN` plus the sped-up monotonic scale: the same in all processes of the
    machine, and never going back until the machine itself is started again.

    Args:
        speed: Seconds of the lab in one real second, from 1 to `HIGHEST_SPEED`.

    Raises:
        ValueError: The speed is out of its range.
    """

    def __init__(self, speed: float = 1.0) -> None:
        if not 1.0 <= speed <= HIGHEST_SPEED:
            raise ValueError(f"speed: got {speed!r}, expected 1 to {HIGHEST_SPEED:g}")
        self._speed = float(speed)

    @property
    def shortest_wait_s(self) -> float:
        """0 at speed 1, else half a real second in seconds of the lab."""
        return 0.0 if self._speed == 1.0 else SHORTEST_REAL_WAIT_S * self._speed

    def now(self) -> datetime:
        """Return the time of day, with zone UTC."""
        if self._speed == 1.0:
            return datetime.now(UTC)
        return SPED_UP_ORIGIN + timedelta(seconds=self.monotonic_s())

    def monotonic_s(self) -> float:
        """Return seconds on the machine's monotonic scale, times the speed."""
        return time.monotonic() * self._speed

    async def sleep(self, duration_s: float) -> None:
        """Wait in real time, divided by the speed."""
        if self._speed != 1.0:
            self._refuse_other_loops()
        await asyncio.sleep(duration_s)

    async def call_blocking(self, function: Callable[[], T], executor: Executor | None) -> T:
        """Run a blocking function in an executor; the loop goes on meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(executor, function)

    async def wait_for_outside(self, duration_s: float) -> None:
        """Wait in real time."""
        await self.sleep(duration_s * self._speed)

    def real_s(self, duration_s: float) -> float:
        """Return the duration divided by the speed."""
        return duration_s / self._speed

    def _refuse_other_loops(self) -> None:
        loop = asyncio.get_running_loop()
        if not isinstance(loop, SpedUpLoop) or loop.speed != self._speed:
            raise RuntimeError("a sped-up clock waits only inside a SpedUpLoop of its speed")


class _ScaledSelector(selectors.SelectSelector):
    """A selector whose timeouts are seconds of the lab.

    It waits by microseconds where epoll waits by milliseconds, which is a fifth of a second of the
    lab at a speed of 200; in return no file descriptor may be above 1023.
    """

    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(None if timeout is None else timeout / self._speed)


class SpedUpLoop(asyncio.SelectorEventLoop):
    """An event loop whose timers run faster than real time, for a `SystemClock` of that speed.

    Its time is the machine's monotonic scale times the speed, so that times of two processes with
    one speed can be compared. Timers are late by what the machine takes to wake up, some tenth of
    a real millisecond: at a speed of 200 that is 0.02 s of the lab.

    Args:
        speed: Seconds of the lab in one real second; the clock judges it.
    """

    def __init__(self, speed: float) -> None:
        self.speed = speed
        super().__init__(_ScaledSelector(speed))
        self._clock_resolution = time.get_clock_info("monotonic").resolution * speed

    @override
    def time(self) -> float:
        """Return the seconds of `SystemClock.monotonic_s` at this speed."""
        return time.monotonic() * self.speed


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

    @property
    def shortest_wait_s(self) -> float:
        """0: nothing here depends on the machine."""
        return 0.0

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

    def real_s(self, duration_s: float) -> float:
        """Return the duration: whoever blocks on virtual time blocks in real seconds."""
        return duration_s

    @staticmethod
    def _loop() -> VirtualLoop:
        loop = asyncio.get_running_loop()
        if not isinstance(loop, VirtualLoop):
            raise RuntimeError("a VirtualClock works only inside a running VirtualLoop")  # noqa: TRY004 - the state is wrong, no argument
        return loop
