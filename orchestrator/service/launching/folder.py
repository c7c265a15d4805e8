"""The laboratory's folder of campaign files beside its database, closed to everybody else."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestrator.errors import LogUnavailable, RequestRefused

__all__ = ["FilesFolder", "errors_of_disk", "write_new"]

_MODE: Final = 0o700


@dataclass(frozen=True, slots=True)
class FilesFolder:
    """Where everything is that belongs to starting campaigns; nothing is made before `make`."""

    path: Path

    @classmethod
    def of_database(cls, database: Path) -> "FilesFolder":
        """Return the folder of a laboratory.

        Example:
            >>> FilesFolder.of_database(Path("/lab/athanor.db")).path
            PosixPath('/lab/athanor.db.campaigns')
        """
        whole = database.resolve()
        return cls(whole.with_name(f"{whole.name}.campaigns"))

    @property
    def files(self) -> Path:
        """Campaign files, one folder each, with one folder for each version."""
        return self.path / "files"

    @property
    def incoming(self) -> Path:
        """What is being written or looked at; of no use to anybody else."""
        return self.path / "incoming"

    @property
    def dry_runs(self) -> Path:
        """One folder for each dry-run."""
        return self.path / "dry-runs"

    @property
    def starts(self) -> Path:
        """One folder for each act that starts an engine."""
        return self.path / "starts"

    def make(self) -> None:
        """Make the folders.

        Raises:
            RequestRefused: The folder belongs to somebody else or is open to others.
            LogUnavailable: The disk does not take them.
        """
        with errors_of_disk(self.path):
            self.path.mkdir(mode=_MODE, exist_ok=True)
            found = self.path.lstat()
            is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
            if not is_ours or stat.S_IMODE(found.st_mode) & 0o077:
                raise RequestRefused(
                    f"{self.path}: got {stat.filemode(found.st_mode)} of user {found.st_uid}, "
                    f"expected a folder of user {os.getuid()} that is closed to all others "
                    "(mode 0700)"
                )
            for inner in (self.files, self.incoming, self.dry_runs, self.starts):
                inner.mkdir(mode=_MODE, exist_ok=True)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give a folder that is removed at the end of the block."""
        with (
            errors_of_disk(self.path),
            tempfile.TemporaryDirectory(dir=self.incoming, ignore_cleanup_errors=True) as name,
        ):
            yield Path(name)


@contextmanager
def errors_of_disk(path: Path) -> Iterator[None]:
    """Name what the disk refuses.

    Args:
        path: What it is about.

    Raises:
        LogUnavailable: A file cannot be written or read now.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise LogUnavailable(f"{error.filename or path}: {reason}") from error


def write_new(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Write a file, durable on return, in one piece: nobody ever reads half of it.

    Args:
        path: Where; what is there is replaced.
        data: All of it.
        mode: Who may read it.

    Raises:
        OSError: It cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with beside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.chmod(mode)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
