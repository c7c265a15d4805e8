"""Locks that the system lets go of when their holder dies, however it dies."""

import fcntl
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from orchestrator.errors import AthanorError

__all__ = ["FileLock", "LockHeld"]


class LockHeld(AthanorError):
    """Another process holds a lock.

    Args:
        path: Of the lock.
        pid: Of its holder, 0 if it has not said.
    """

    def __init__(self, path: Path, pid: int) -> None:
        super().__init__(
            f"{path}: got a lock held by process {pid or 'unknown'}, expected a free one"
        )
        self.path = path
        self.pid = pid


class FileLock:
    """One lock file, held from `take` to `release` or to the end of the process.

    Args:
        path: Of a file in a folder that exists.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take the lock and say in the file who holds it.

        Raises:
            LockHeld: Somebody else has it.
            OSError: The file cannot be opened.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = _pid_in(os.pread(descriptor, 200, 0))
            os.close(descriptor)
            raise LockHeld(self._path, pid) from None
        self._descriptor = descriptor
        self._say(descriptor)

    @staticmethod
    def _say(descriptor: int) -> None:
        """Write who holds it; a full disk keeps nobody from holding a lock."""
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps({"pid": os.getpid()}).encode(), 0)
        except OSError:
            return

    def release(self) -> None:
        """Let go; releasing a lock that is not held does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        """Hold it for a block; it must have been taken."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go."""
        self.release()


def _pid_in(data: bytes) -> int:
    try:
        said = json.loads(data)
    except ValueError:
        return 0
    pid = said.get("pid") if isinstance(said, dict) else None
    return pid if isinstance(pid, int) else 0
