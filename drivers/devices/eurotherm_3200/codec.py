"""Bytes to messages and back for Eurotherm controllers (Modbus RTU); no I/O happens here.

`drivers.modbus` knows the frames. Nothing marks their end: `n_bytes_missing` tells from the head of
a reply how long it is. Temperatures carry as many decimals as the controller is set to show.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final

from drivers import modbus
from drivers.errors import ProtocolError
from drivers.modbus import REFUSALS, Answer, Question

__all__ = [
    "READERS",
    "REFUSALS",
    "REPLY_END",
    "Mode",
    "Register",
    "Reply",
    "Request",
    "Status",
    "decode",
    "encode",
    "is_answer",
    "n_bytes_missing",
    "numbers_from",
    "refusal_in",
    "status_from",
    "temperature_from",
    "word_from_temperature",
]

REPLY_END: Final = b""
"""Nothing marks the end of a reply; its length does."""
_READ: Final = 3
_WRITE: Final = 6
_REFUSED: Final = 0x80
_MOST_NUMBERS: Final = 32
_LONGEST_BYTES: Final = 5 + 2 * _MOST_NUMBERS


class Register(IntEnum):
    """The parameters that the driver uses, by their Modbus address."""

    PROCESS_VALUE = 1
    TARGET_SET_POINT = 2
    MANUAL_OUTPUT = 3
    OUTPUT = 4
    WORKING_SET_POINT = 5
    SET_POINT_1 = 24
    SET_POINT_RATE = 35
    STATUS = 75
    SET_POINT_HIGH = 111
    SET_POINT_LOW = 112
    INSTRUMENT_TYPE = 122
    MODE = 273
    LOOP_1_PROCESS_VALUE = 289
    RATE_UNIT = 531


class Mode(IntEnum):
    """What the loop does: controls, or gives the output that it is told."""

    AUTO = 0
    MANUAL = 1


class Status(IntFlag):
    """The bits of the status word that the driver knows."""

    ALARM_1 = 0x0001
    ALARM_2 = 0x0002
    ALARM_3 = 0x0004
    ALARM_4 = 0x0008
    SENSOR_BREAK = 0x0020
    LOOP_BREAK = 0x0040
    HEATER_FAIL = 0x0080
    LOAD_FAIL = 0x0100
    PV_OUT_OF_RANGE = 0x0400


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a controller."""

    address: int
    """1 to 254."""
    command: str
    """``read`` or ``write``."""
    arguments: tuple[int, int]
    """The register, and how many to read or the word to write."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of a controller."""

    address: int
    function: int
    """3 after reading, 6 after writing; 128 more if it refuses."""
    words: tuple[int, ...]
    """What was read; register and word as written; or the code of the refusal."""


def encode(request: Request) -> bytes:
    r"""Return the frame that carries a request.

    Raises:
        ValueError: There is no such command, or it does not take these arguments.

    Example:
        >>> encode(Request(1, "read", (1, 1)))
        b'\x01\x03\x00\x01\x00\x01\xd5\xca'
    """
    if request.address == 0 or (request.command == "read" and request.arguments[1] > _MOST_NUMBERS):
        raise ValueError(f"request: got {request}, expected one address and few numbers")
    return modbus.encode(_question(request), "rtu")


def _question(request: Request) -> Question:
    register, number = request.arguments
    if request.command == "read":
        return Question(request.address, "read_holding_registers", register, n=number)
    if request.command == "write":
        return Question(request.address, "write_register", register, (number,))
    raise ValueError(f"request: got {request}, expected read or write")


def n_bytes_missing(frame: bytes) -> int:
    r"""Return how many bytes a reply still needs, as far as its head tells.

    Raises:
        ProtocolError: No reply begins so.

    Example:
        >>> n_bytes_missing(b""), n_bytes_missing(b"\x01\x03\x02")
        (3, 4)
    """
    n_bytes = modbus.n_bytes_missing(frame, "rtu")
    if len(frame) + n_bytes > _LONGEST_BYTES:
        raise ProtocolError("longer than any answer that is asked for", frame)
    return n_bytes


def decode(frame: bytes) -> Reply:
    r"""Read one whole frame of a controller.

    Raises:
        ProtocolError: It is cut short, too long, its CRC is wrong, or it answers what is not asked.

    Example:
        >>> decode(b"\x01\x83\x02\xc0\xf1")
        Reply(address=1, function=131, words=(2,))
    """
    answer = modbus.decode(frame, "rtu")
    if answer.function & ~_REFUSED not in {_READ, _WRITE}:
        raise ProtocolError("an answer to what is not asked", frame)
    return Reply(answer.unit, answer.function, answer.values)


def is_answer(reply: Reply, request: Request) -> bool:
    """Say whether a reply can be the answer to a request: its owner, its kind, its length.

    Example:
        >>> is_answer(Reply(1, 3, (20,)), Request(1, "read", (1, 2)))
        False
    """
    answer = Answer(reply.address, reply.function, reply.words)
    return modbus.is_answer_to(answer, _question(request))


def refusal_in(reply: Reply) -> int | None:
    """Return the code of a refusal, or nothing if it is none."""
    return reply.words[0] if reply.function & _REFUSED else None


def numbers_from(reply: Reply) -> tuple[int, ...]:
    """Return the words of an answer to reading, with their signs.

    Raises:
        ProtocolError: It is another answer.
    """
    if reply.function != _READ:
        raise ProtocolError("not an answer to reading", repr(reply).encode())
    return tuple(word - 0x10000 if word & 0x8000 else word for word in reply.words)


def status_from(reply: Reply) -> Status:
    """Return the known bits of an answer to reading the status alone.

    Raises:
        ProtocolError: It is another answer.
    """
    numbers = numbers_from(reply)
    if len(numbers) != 1:
        raise ProtocolError("not a status word", repr(reply).encode())
    known = 0
    for bit in Status:
        known |= bit.value
    return Status(numbers[0] & known)


def temperature_from(number: int, *, n_decimals: int) -> float:
    """Return a temperature in degrees Celsius.

    Args:
        number: As the controller says it, with its sign.
        n_decimals: How many decimals the controller shows, 0 to 2.

    Example:
        >>> temperature_from(2345, n_decimals=1)
        234.5
    """
    return number / 10.0**n_decimals


def word_from_temperature(value: float, *, n_decimals: int) -> int:
    """Return the word that carries a temperature or a rate.

    Args:
        value: In degrees Celsius, or degrees a minute.
        n_decimals: How many decimals the controller shows, 0 to 2.

    Raises:
        ValueError: It does not fit into 16 bits.

    Example:
        >>> word_from_temperature(-1.5, n_decimals=1)
        65521
    """
    number = round(value * 10.0**n_decimals)
    if not -0x8000 <= number <= 0x7FFF:
        raise ValueError(f"got {value:g}, expected what fits with {n_decimals} decimals")
    return number & 0xFFFF


READERS: Final = (numbers_from, status_from)
"""Every function that reads the words of a reply."""
