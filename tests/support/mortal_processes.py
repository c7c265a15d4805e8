"""Pretend processes in one event loop: each may be killed at any await and at any landmark.

A killed process gets nowhere any more: its tasks are cancelled, and the log, the journal, the wires
and the clock that it was given refuse it, so that no clean-up of its own reaches the world.
"""

import asyncio
import contextvars
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Executor as ThreadsOrProcesses
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TypeVar

from drivers.clock import Clock, VirtualLoop
from drivers.line import MAX_FRAME_BYTES, Line

__all__ = [
    "Mortal",
    "MortalClock",
    "MortalLine",
    "MortalLoop",
    "MortalProcess",
    "SimulatedCrash",
    "present_process",
]

T = TypeVar("T")

N_CANCELS = 50
"""A killed process whose tasks survive more cancellations than this cannot be ended."""


class SimulatedCrash(BaseException):
    """The process is dead; no code of it goes on. Not an `Exception`, so that none handles it."""


_present: ContextVar["MortalProcess | None"] = ContextVar("mortal_process", default=None)


def present_process() -> "MortalProcess | None":
    """Return the pretend process that runs this code, or None outside of all."""
    return _present.get()


class MortalProcess:
    """What belongs to one process from its start to its death.

    Args:
        name: ``engine`` or ``station``.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_dead = False
        self.died = asyncio.Event()
        self.tasks: list[asyncio.Task[Any]] = []
        self._context = contextvars.copy_context()
        self._context.run(_present.set, self)

    def check(self) -> None:
        """Let only the living pass.

        Raises:
            SimulatedCrash: The process is dead.
        """
        if self.is_dead:
            raise SimulatedCrash(self.name)

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something inside this process."""
        return asyncio.create_task(work, context=self._context)

    def kill(self) -> None:
        """Die now; what runs of it gets nowhere. `bury` ends its tasks."""
        self.is_dead = True
        self.died.set()

    async def bury(self) -> None:
        """End every task of a dead process.

        Raises:
            RuntimeError: One cannot be ended.
        """
        self.kill()
        for _ in range(N_CANCELS):
            left = [task for task in self.tasks if not task.done()]
            if not left:
                break
            for task in left:
                task.cancel()
            await asyncio.sleep(0)
        else:
            raise RuntimeError(f"a task of the dead {self.name} does not end: {left[0]}")
        for task in self.tasks:
            if not task.cancelled():
                task.exception()


class MortalLoop(VirtualLoop):
    """A virtual loop that knows to which pretend process each task belongs."""

    def __init__(self) -> None:
        super().__init__()
        self.set_task_factory(_task_of_process)


def _task_of_process(
    loop: asyncio.AbstractEventLoop, work: Any, **options: Any
) -> "asyncio.Task[Any]":
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **options)
    context = options.get("context")
    process = _present.get() if context is None else context.get(_present)
    if process is not None:
        process.tasks = [known for known in process.tasks if not known.done()]
        process.tasks.append(task)
    return task


class MortalClock:
    """A clock for one process."""

    def __init__(self, clock: Clock, process: MortalProcess) -> None:
        self._clock = clock
        self._process = process

    @property
    def shortest_wait_s(self) -> float:
        """The least deadline for a reply from another process."""
        return self._clock.shortest_wait_s

    def now(self) -> datetime:
        """Return the time of day."""
        self._process.check()
        return self._clock.now()

    def monotonic_s(self) -> float:
        """Return seconds on a scale that never goes back."""
        self._process.check()
        return self._clock.monotonic_s()

    async def sleep(self, duration_s: float) -> None:
        """Wait."""
        self._process.check()
        await self._clock.sleep(duration_s)
        self._process.check()

    async def call_blocking(
        self, function: Callable[[], T], executor: ThreadsOrProcesses | None
    ) -> T:
        """Run a blocking function."""
        self._process.check()
        found = await self._clock.call_blocking(function, executor)
        self._process.check()
        return found

    async def wait_for_outside(self, duration_s: float) -> None:
        """Give the world outside a moment."""
        self._process.check()
        await self._clock.wait_for_outside(duration_s)

    def real_s(self, duration_s: float) -> float:
        """Return the real seconds in which so much time passes."""
        return self._clock.real_s(duration_s)


class MortalLine:
    """A wire as one process has opened it; its death closes it."""

    def __init__(self, line: Line, process: MortalProcess) -> None:
        self._line = line
        self._process = process

    @property
    def name(self) -> str:
        """The line's name."""
        return self._line.name

    async def open(self) -> None:
        """Open the wire."""
        self._process.check()
        await self._line.open()

    async def close(self) -> None:
        """Close the wire."""
        self._process.check()
        await self._line.close()

    @asynccontextmanager
    async def exchange(self) -> AsyncIterator[None]:
        """Hold the wire."""
        self._process.check()
        async with self._line.exchange():
            yield

    async def write(self, data: bytes, *, timeout_s: float) -> None:
        """Send bytes."""
        self._process.check()
        await self._line.write(data, timeout_s=timeout_s)
        self._process.check()

    async def read_until(
        self, terminator: bytes, *, timeout_s: float, max_bytes: int = MAX_FRAME_BYTES
    ) -> bytes:
        """Return the bytes up to and including a terminator."""
        self._process.check()
        frame = await self._line.read_until(terminator, timeout_s=timeout_s, max_bytes=max_bytes)
        self._process.check()
        return frame


class Mortal:
    """A log or a journal as one process has opened it; the thing itself outlives the process.

    Args:
        target: Whose methods are called, while the process lives.
        process: Which.
    """

    def __init__(self, target: object, process: MortalProcess) -> None:
        self._target = target
        self._process = process

    def __getattr__(self, name: str) -> Any:  # the methods of the target, whatever they are
        method = getattr(self._target, name)

        def guarded(*arguments: object, **options: object) -> object:
            self._process.check()
            return None if name == "close" else method(*arguments, **options)

        return guarded
