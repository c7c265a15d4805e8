"""Modbus TCP and numbers in registers: bytes to messages and back; no I/O happens here."""

import math
import struct
from typing import Final, Literal

from drivers import modbus
from drivers.errors import ProtocolError
from drivers.modbus import REFUSALS, Answer, Question

__all__ = [
    "N_WORDS",
    "READERS",
    "REFUSALS",
    "REPLY_END",
    "Kind",
    "Reply",
    "Request",
    "decode",
    "encode",
    "n_bytes_missing",
    "number_from",
    "words_from",
    "words_in",
]

Request = Question
Reply = Answer
Kind = Literal["int16", "uint16", "int32", "uint32", "float32"]
"""How a number lies in its registers."""
REPLY_END: Final = b""
"""Nothing marks the end of a reply; its head tells its length."""
N_WORDS: Final[dict[Kind, int]] = {
    "int16": 1,
    "uint16": 1,
    "int32": 2,
    "uint32": 2,
    "float32": 2,
}
"""Registers that a number takes."""
_FORMS: Final[dict[Kind, str]] = {
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "float32": ">f",
}


def encode(request: Request) -> bytes:
    r"""Return the frame that carries a request.

    Raises:
        ValueError: A number does not fit into it.

    Example:
        >>> encode(Request(1, "read_input_registers", 0, n=2, transaction=7))
        b'\x00\x07\x00\x00\x00\x06\x01\x04\x00\x00\x00\x02'
    """
    return modbus.encode(request, "tcp")


def decode(frame: bytes) -> Reply:
    """Read one whole answer.

    Raises:
        ProtocolError: It is none.
    """
    return modbus.decode(frame, "tcp")


def n_bytes_missing(frame: bytes) -> int:
    """Return how many bytes an answer still needs, as far as its head tells.

    Raises:
        ProtocolError: No answer begins so.
    """
    return modbus.n_bytes_missing(frame, "tcp")


def words_in(reply: Reply) -> tuple[int, ...]:
    """Return the registers in an answer to reading registers.

    Raises:
        ProtocolError: It is another answer.
    """
    if reply.function not in (3, 4):
        raise ProtocolError("not an answer to reading registers", repr(reply).encode())
    return reply.values


def number_from(words: tuple[int, ...], kind: Kind, *, is_low_word_first: bool) -> float:
    """Return the number that lies in registers.

    Args:
        words: As many as the kind takes.
        kind: How it lies there.
        is_low_word_first: Whether the lower half comes first.

    Raises:
        ProtocolError: It is not finite, or they are too few or too many.

    Example:
        >>> number_from((0x41C8, 0x0000), "float32", is_low_word_first=False)
        25.0
    """
    if len(words) != N_WORDS[kind]:
        raise ProtocolError(f"{len(words)} registers for one {kind}", repr(words).encode())
    ordered = tuple(reversed(words)) if is_low_word_first else words
    (number,) = struct.unpack(_FORMS[kind], struct.pack(f">{len(ordered)}H", *ordered))
    if not math.isfinite(number):
        raise ProtocolError("a number that is not finite", repr(words).encode())
    return float(number)


def words_from(number: float, kind: Kind, *, is_low_word_first: bool) -> tuple[int, ...]:
    """Return the registers that hold a number; whole kinds round to the nearest.

    Raises:
        ValueError: It is not finite or does not fit.

    Example:
        >>> words_from(-1.0, "int32", is_low_word_first=True)
        (65535, 65535)
    """
    if not math.isfinite(number):
        raise ValueError(f"got {number}, expected a finite number")
    value = number if kind == "float32" else round(number)
    try:
        raw = struct.pack(_FORMS[kind], value)
    except (struct.error, OverflowError) as error:
        raise ValueError(f"got {number:g}, expected what fits into a {kind}") from error
    words = struct.unpack(f">{N_WORDS[kind]}H", raw)
    return tuple(reversed(words)) if is_low_word_first else words


READERS: Final = (words_in,)
"""Every function that reads the fields of a reply."""
