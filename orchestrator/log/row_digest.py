"""A checksum for rows that no chain covers; it finds damage, not malice."""

import zlib
from collections.abc import Iterable

__all__ = ["row_digest"]


def row_digest(row: Iterable[str | int | float | bytes | None]) -> int:
    """Return the CRC-32 of a row's values.

    Example:
        >>> row_digest(["balance", 1.25]) == row_digest(["balance", 1.5])
        False
    """
    digest = 0
    for value in row:
        text = value if isinstance(value, bytes) else repr(value).encode()
        digest = zlib.crc32(b"%d:%b" % (len(text), text), digest)
    return digest
