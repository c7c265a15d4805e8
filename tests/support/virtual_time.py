"""Runs async tests: on virtual time where a device is pretended, on real time where a wire is real."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

from drivers.clock import VirtualClock, VirtualLoop

T = TypeVar("T")

START = datetime(2026, 1, 1, tzinfo=UTC)


def in_virtual_time(main: Callable[[VirtualClock], Coroutine[Any, Any, T]]) -> T:
    """Run a function to its end on a loop of its own whose time jumps."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main(VirtualClock(START)))


def in_real_time(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a function to its end on a usual loop."""
    with asyncio.Runner() as runner:
        return runner.run(main())


async def error_of(work: Awaitable[object]) -> BaseException:
    """Wait for something and return the error that it raises."""
    try:
        await work
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")
