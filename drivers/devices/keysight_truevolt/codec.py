"""What a Keysight Truevolt multimeter says and hears: SCPI, as it stands; no I/O happens here."""

from typing import Final

from drivers.errors import ProtocolError
from drivers.scpi import (
    OVERFLOW,
    REPLY_END,
    Failure,
    Reply,
    Request,
    decode,
    encode,
    failure_from,
    number_from,
    numbers_from,
)
from drivers.scpi import (
    READERS as SCPI_READERS,
)

__all__ = [
    "OVERFLOW",
    "READERS",
    "REPLY_END",
    "Failure",
    "Reply",
    "Request",
    "decode",
    "encode",
    "failure_from",
    "function_from",
    "number_from",
    "numbers_from",
]


def function_from(reply: Reply) -> str:
    """Return the function in an answer to ``:CONF?``, as ``VOLT``.

    Raises:
        ProtocolError: It is another answer.

    Example:
        >>> function_from(Reply(("VOLT +1.00000000E+01,+3.00000000E-06",)))
        'VOLT'
    """
    name, space, rest = reply.fields[0].partition(" ")
    if len(reply.fields) != 1 or not (name.isascii() and name.isupper() and space and rest):
        raise ProtocolError("not a configuration", ",".join(reply.fields).encode())
    return name


READERS: Final = (*SCPI_READERS, function_from)
"""Every function that reads the fields of a reply."""
