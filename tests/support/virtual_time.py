"""Runs async tests: in virtual time with pretended devices, in real time with real wires."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

from drivers.clock import VirtualClock, VirtualLoop
from drivers.errors import DriverError

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


async def error_or_none(work: Awaitable[object]) -> DriverError | None:
    """Wait for something and return the driver's error that it raises, if it does."""
    try:
        await work
    except DriverError as error:
        return error
    return None


async def error_of(work: Awaitable[object]) -> BaseException:
    """Wait for something and return the error that it raises."""
    try:
        await work
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")
