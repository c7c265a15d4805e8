"""Named places in the code where a process may die; tests make it die exactly there.

`reach` does nothing unless somebody watches. A crash test watches in a process of its own, through
the environment variable ``LANDMARK_DIES_AT``; the deterministic simulation watches with a function
that raises. Every label stands in `LANDMARKS`, so that a test can visit all of them.
"""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

__all__ = ["DIES_AT", "LANDMARKS", "reach", "watch_environment", "watched_by"]

DIES_AT: Final = "LANDMARK_DIES_AT"
"""Environment variable: ``label`` or ``label*n``, the how-manieth time, from 1."""

LANDMARKS: Final[tuple[str, ...]] = (
    "engine: before the intent is written",
    "engine: after the intent is written",
    "engine: before the order is handed over",
    "engine: after the order is handed over",
    "engine: after the order was answered",
    "engine: before the outcome is written",
    "engine: after the outcome is written",
    "engine: before the conclusion is written",
    "engine: after the conclusion is written",
    "engine: before it attaches",
    "engine: after it attached",
    "engine: before a doubt is settled",
    "engine: after a doubt was settled",
    "station: before the order is accepted",
    "station: after the order was accepted",
    "station: before the act is noted",
    "station: after the act was noted",
    "station: before bytes are sent",
    "station: after bytes were sent",
    "station: before the outcome is kept",
    "station: after the outcome was kept",
    "station: before a device is asked what it did",
    "station: after a device was asked what it did",
    "station: before it makes safe",
    "station: after it made safe",
    "watchdog: before it makes safe",
    "watchdog: after it made safe",
)
"""Every label that the code reaches."""

_watch: ContextVar[Callable[[str], None] | None] = ContextVar("landmarks", default=None)


def reach(label: str) -> None:
    """Say that a landmark is reached.

    Args:
        label: One of `LANDMARKS`.
    """
    watch = _watch.get()
    if watch is not None:
        watch(label)


@contextmanager
def watched_by(watch: Callable[[str], None]) -> Iterator[None]:
    """Have every landmark reported that the block, and what it starts, reaches.

    Args:
        watch: Called with the label; what it raises goes through the code at that place.
    """
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)


def watch_environment(environment: Mapping[str, str]) -> None:
    """Make this process kill itself at the landmark that the environment names, if it names one.

    Args:
        environment: Variables by name.
    """
    wanted = environment.get(DIES_AT)
    if not wanted:
        return
    label, _, number = wanted.partition("*")
    left = int(number or 1)

    def die(reached: str) -> None:
        nonlocal left
        if reached == label:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    _watch.set(die)
