"""Output that outlives its reader: a run is not ended by a terminal that is closed."""

import errno
import io
import sys
from typing import IO, Final, TextIO

from typing_extensions import Buffer, override

__all__ = ["outlive_terminal"]

_NOBODY_READS: Final = (errno.EIO, errno.ENXIO, errno.EPIPE, errno.ENOSPC)
"""The terminal was closed, the reader of a pipe has gone, the file's disk is full."""


def outlive_terminal() -> None:
    """Let this process write to stdout and stderr whether or not somebody still reads them.

    What is lost stands in the log. Streams that somebody else put in place are left alone.
    """
    if sys.__stdout__ is not None and sys.stdout is sys.__stdout__:
        sys.stdout = _lasting(sys.__stdout__)
    if sys.__stderr__ is not None and sys.stderr is sys.__stderr__:
        sys.stderr = _lasting(sys.__stderr__)


def _lasting(stream: TextIO) -> TextIO:
    stream.flush()
    raw: IO[bytes] = io.BufferedWriter(_LastingFile(stream.fileno(), "wb", closefd=False))
    return io.TextIOWrapper(
        raw, encoding=stream.encoding, errors=stream.errors, line_buffering=True
    )


class _LastingFile(io.FileIO):
    """A file that takes everything."""

    @override
    def write(self, data: Buffer) -> int:
        """Write, and count what nobody can read any more as written."""
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in _NOBODY_READS:
                raise
            return memoryview(data).nbytes
