"""Processes of their own session: what becomes of whoever began them never touches them."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from orchestrator.settings import Settings

__all__ = [
    "DetachedProcess",
    "PassedLock",
    "command_words",
    "is_held",
    "last_words",
    "let_go_first",
    "spawn",
]

_TAIL_BYTES: Final = 8192
_FIRST_TO_GO: Final = 900
"""Of 1000 (proc_pid_oom_score_adj(5))."""


class DetachedProcess(subprocess.Popen[bytes]):
    """A process that may well outlive this one: nobody is warned of it when it is forgotten."""

    def __del__(self) -> None:
        """Leave it alone; the system reaps it when whoever began it has ended."""


class PassedLock:
    """A lock that is passed to a process and held until that has ended, however it ends.

    The system lets go of it when nobody has its file open any more: neither who took it, until
    `close`, nor the process that it was passed to.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> Self | None:
        """Take a lock, or return None if somebody holds it.

        Args:
            path: Of the lock; its folder exists.

        Raises:
            OSError: The file cannot be opened.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(descriptor)

    def close(self) -> None:
        """Hold it no more here; a process that it was passed to holds it still."""
        os.close(self.descriptor)


def is_held(path: Path) -> bool:
    """Tell whether anybody holds a lock; those who look do not hinder each other."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def command_words(words: Sequence[object]) -> list[str]:
    """Return the command line of ``athanor`` with such words, in this very environment."""
    return [sys.executable, "-m", "orchestrator", *(str(word) for word in words)]


def spawn(
    words: Sequence[object],
    settings: Settings,
    *,
    output: Path,
    locks: Sequence[PassedLock] = (),
) -> DetachedProcess:
    """Begin a process in a session of its own, without a terminal.

    Args:
        words: Behind ``athanor``.
        settings: Who asks, and whom to tell of alarms.
        output: The file for what it says; what was there is replaced.
        locks: That it holds until it ends.

    Raises:
        OSError: It cannot be begun.
    """
    environment = {**os.environ, "ATHANOR_ACTOR": settings.actor, "PYTHONUNBUFFERED": "1"}
    if settings.alarm_channels is not None:
        environment["ATHANOR_ALARM_CHANNELS"] = str(settings.alarm_channels.absolute())
    with output.open("wb") as said:
        return DetachedProcess(
            command_words(words),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env=environment,
            start_new_session=True,
            pass_fds=[lock.descriptor for lock in locks],
        )


def let_go_first(pid: int) -> None:
    """Have the system end a process before others where memory runs out.

    A check or a dry-run must never cost the laboratory its station. Systems other than Linux are
    not asked.

    Args:
        pid: Of a process that nothing in the laboratory depends on.
    """
    with suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text(str(_FIRST_TO_GO), encoding="ascii")


def last_words(output: Path, n_lines: int = 8) -> tuple[str, ...]:
    """Return the last lines of what a process said that hold anything; none without a file.

    Args:
        output: The file.
        n_lines: At most so many.
    """
    try:
        with output.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ()
    return tuple(line.strip() for line in text.splitlines() if line.strip())[-n_lines:]
