"""Finds commits in a write-ahead log that SQLite cannot read and would pass over in silence.

After a crash SQLite reads a write-ahead log up to the first frame that does not fit its checksum.
One commit behind that place is what a power cut leaves of an append that nobody was told of; two
are damage, for the second was written only after the first was on the disk.

References:
    SQLite, WAL-mode file format, sqlite.org/walformat.html: header, frames, and mxFrame in the
    wal-index.
"""

import struct
from pathlib import Path
from typing import BinaryIO, Final

import apsw

__all__ = ["unreadable_commits"]

_HEADER: Final = struct.Struct(">8I")
_FRAME: Final = struct.Struct(">6I")
_LITTLE_ENDIAN: Final = 0x377F0682
"""The first word of a file whose checksums read words from their low end."""
_LOOKS: Final = 3


def unreadable_commits(database: Path, connection: apsw.Connection) -> int:
    """Return how many commits stand behind those that SQLite reads; others may be appending.

    Only the write-ahead log itself is opened here: SQLite holds its locks on the database and on
    its index, and closing any other handle on one of these would drop the locks of every
    connection in this process (sqlite.org/howtocorrupt.html, section 2.2).

    Args:
        database: Where the database is.
        connection: To it.

    Raises:
        OSError: The file beside the database cannot be read.
    """
    wal = Path(f"{database}-wal")
    found = 0
    for _ in range(_LOOKS):
        found = _unreadable(wal, connection)
        if not found:
            break
    return found


def _unreadable(wal: Path, connection: apsw.Connection) -> int:
    """Look once; a log that somebody begins anew meanwhile says nothing."""
    try:
        with wal.open("rb") as frames:
            header = frames.read(_HEADER.size)
            if len(header) < _HEADER.size:
                return 0
            page_size = int(connection.pragma("page_size"))
            commits = _commits_after(frames, header, _last_frame(connection), page_size)
            last = _last_frame(connection)
            frames.seek(0)
            if frames.read(_HEADER.size) != header:
                return 0
    except FileNotFoundError:
        return 0
    return sum(number > last for number in commits)


def _last_frame(connection: apsw.Connection) -> int:
    """Return the number of the last frame that SQLite reads, 0 for none."""
    list(connection.execute("SELECT count(*) FROM sqlite_schema"))  # now it has gone through it
    n_frames, _ = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)
    return max(0, n_frames)


def _commits_after(frames: BinaryIO, header: bytes, last: int, page_size: int) -> list[int]:
    """Return the numbers of the frames behind one that end a commit which cannot be read.

    Commits that fit are left out: an append that failed late may stand there. Under a header that
    is damaged itself SQLite reads nothing, and every commit counts.
    """
    words = _HEADER.unpack(header)
    order = "<" if words[0] == _LITTLE_ENDIAN else ">"
    is_sound = _summed(order, header[:24], (0, 0)) == words[6:8]
    if is_sound:
        page_size = words[2]
    running = words[6:8]
    if last:
        frames.seek(_HEADER.size + (last - 1) * (_FRAME.size + page_size))
        head = frames.read(_FRAME.size)
        if len(head) < _FRAME.size:
            return []
        running = _FRAME.unpack(head)[4:6]
    frames.seek(_HEADER.size + last * (_FRAME.size + page_size))
    found: list[int] = []
    number, fits = last, is_sound
    while len(frame := frames.read(_FRAME.size + page_size)) == _FRAME.size + page_size:
        number += 1
        _, size_after_commit, *others = _FRAME.unpack(frame[: _FRAME.size])
        is_own = tuple(others[:2]) == words[4:6]
        if fits:
            running = _summed(order, frame[:8] + frame[_FRAME.size :], running)
            fits = is_own and running == tuple(others[2:])
        if size_after_commit and not fits and (is_own or not is_sound):
            found.append(number)
    return found


def _summed(order: str, data: bytes, start: tuple[int, ...]) -> tuple[int, int]:
    """Return the checksum of some bytes, going on from that of those before them."""
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    first, second = start
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
