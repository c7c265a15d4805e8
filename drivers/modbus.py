"""Modbus frames, on a serial line (RTU) and in a socket (TCP); no I/O happens here.

pymodbus knows the bytes: its framers and its PDUs are used, never its client. It reads leniently
what comes, so that a frame counts here only if pymodbus would write the very same bytes again.

References:
    Modbus application protocol V1.1b3, sections 6 and 7; Modbus over serial line V1.02, 2.5.1;
    Modbus messaging on TCP/IP V1.0b, 3.1.3. https://modbus.org
"""

import logging
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.bit_message import (
    ReadCoilsRequest,
    ReadDiscreteInputsRequest,
    WriteSingleCoilRequest,
    WriteSingleCoilResponse,
)
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteMultipleRegistersResponse,
    WriteSingleRegisterRequest,
    WriteSingleRegisterResponse,
)

from drivers.errors import ProtocolError

__all__ = [
    "REFUSALS",
    "Answer",
    "Command",
    "Framing",
    "Question",
    "decode",
    "encode",
    "is_answer_to",
    "n_bytes_missing",
]

logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # what it cannot read, we tell

Framing = Literal["rtu", "tcp"]
Command = Literal[
    "read_coils",
    "read_discrete_inputs",
    "read_holding_registers",
    "read_input_registers",
    "write_coil",
    "write_register",
    "write_registers",
]

REFUSALS: Final = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "slave device failure",
    6: "slave device busy",
}
"""Exception codes of Modbus, section 7 of its application protocol."""

_FUNCTIONS: Final[dict[str, int]] = {
    "read_coils": 1,
    "read_discrete_inputs": 2,
    "read_holding_registers": 3,
    "read_input_registers": 4,
    "write_coil": 5,
    "write_register": 6,
    "write_registers": 16,
}
_READS_BITS: Final = (1, 2)
_READS_WORDS: Final = (3, 4)
_WRITES: Final = (5, 6, 16)
_REFUSED: Final = 0x80
_MOST_WORDS: Final = 123
_MOST_BITS: Final = 2000
_HEADER_BYTES: Final = 6
_LONGEST_TCP: Final = 254


@dataclass(frozen=True, slots=True)
class Question:
    """One request to a device."""

    unit: int
    """Its address on the line, or behind the gateway: 0 to 254."""
    command: Command
    address: int
    """Of the first coil or register, counted from 0."""
    values: tuple[int, ...] = ()
    """What is written, words of 0 to 65535 or 0 and 1."""
    n: int = 0
    """How many are read."""
    transaction: int = 0
    """Names the question on a socket, 1 to 65535; 0 on a serial line, which has no names."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a device."""

    unit: int
    function: int
    """Of the question; 128 more if it is refused."""
    values: tuple[int, ...]
    """Words or bits that were read; address and value as written, address and number of several;
    or the code of the refusal."""
    transaction: int = 0

    @property
    def refusal(self) -> int | None:
        """The code of a refusal, or nothing if it is none."""
        return self.values[0] if self.function & _REFUSED else None


def encode(question: Question, framing: Framing) -> bytes:
    r"""Return the frame that carries a question.

    Raises:
        ValueError: There is no such command, or a number does not fit into the frame.

    Example:
        >>> encode(Question(1, "read_holding_registers", 1, n=1), "rtu")
        b'\x01\x03\x00\x01\x00\x01\xd5\xca'
    """
    _refuse_what_does_not_fit(question, framing)
    makers: dict[str, Callable[[], ModbusPDU]] = {
        "read_coils": lambda: ReadCoilsRequest(count=question.n),
        "read_discrete_inputs": lambda: ReadDiscreteInputsRequest(count=question.n),
        "read_holding_registers": lambda: ReadHoldingRegistersRequest(count=question.n),
        "read_input_registers": lambda: ReadInputRegistersRequest(count=question.n),
        "write_coil": lambda: WriteSingleCoilRequest(bits=[bool(question.values[0])]),
        "write_register": lambda: WriteSingleRegisterRequest(registers=list(question.values)),
        "write_registers": lambda: WriteMultipleRegistersRequest(registers=list(question.values)),
    }
    pdu = makers[question.command]()
    pdu.dev_id, pdu.transaction_id, pdu.address = (
        question.unit,
        question.transaction,
        question.address,
    )
    return _framer(framing).buildFrame(pdu)


def _refuse_what_does_not_fit(question: Question, framing: Framing) -> None:
    is_write = question.command in {"write_coil", "write_register", "write_registers"}
    is_single = question.command in {"write_coil", "write_register"}
    most = (
        _MOST_BITS if "coils" in question.command or "inputs" in question.command else _MOST_WORDS
    )
    numbers = (question.unit, question.address, question.n, question.transaction, *question.values)
    fits = (
        question.command in _FUNCTIONS
        and all(type(number) is int and 0 <= number <= 0xFFFF for number in numbers)
        and question.unit <= 254
        and (framing == "tcp") == bool(question.transaction)
        and (1 <= len(question.values) <= _MOST_WORDS if is_write else not question.values)
        and (not is_single or len(question.values) == 1)
        and (question.command != "write_coil" or question.values[0] <= 1)
        and (question.n == 0 if is_write else 1 <= question.n <= most)
    )
    if not fits:
        raise ValueError(
            f"question: got {question}, expected numbers that fit into a {framing} frame"
        )


def n_bytes_missing(frame: bytes, framing: Framing) -> int:
    r"""Return how many bytes an answer still needs, as far as its head tells.

    Raises:
        ProtocolError: No answer begins so.

    Example:
        >>> n_bytes_missing(b"", "rtu"), n_bytes_missing(b"\x01\x03\x02", "rtu")
        (3, 4)
    """
    n_head = 3 if framing == "rtu" else _HEADER_BYTES
    if len(frame) < n_head:
        return n_head - len(frame)
    return max(0, _size_of(frame, framing) - len(frame))


def _size_of(frame: bytes, framing: Framing) -> int:
    if framing == "tcp":
        (protocol, n_bytes) = struct.unpack(">HH", frame[2:_HEADER_BYTES])
        if protocol != 0 or not 3 <= n_bytes <= _LONGEST_TCP:
            raise ProtocolError("not the beginning of an answer", frame)
        return _HEADER_BYTES + int(n_bytes)
    function, count = frame[1], frame[2]
    if function in (*_READS_BITS, *_READS_WORDS):
        if not count or (function in _READS_WORDS and count % 2):
            raise ProtocolError("not the beginning of an answer", frame)
        return 5 + count
    if function in _WRITES:
        return 8
    if function & _REFUSED and function & ~_REFUSED in (*_READS_BITS, *_READS_WORDS, *_WRITES):
        return 5
    raise ProtocolError("not the beginning of an answer", frame)


def decode(frame: bytes, framing: Framing) -> Answer:
    r"""Read one whole answer.

    Raises:
        ProtocolError: It is cut short, too long, or damaged.

    Example:
        >>> decode(b"\x01\x83\x02\xc0\xf1", "rtu").refusal
        2
    """
    n_head = 3 if framing == "rtu" else _HEADER_BYTES
    if len(frame) < n_head or _size_of(frame, framing) != len(frame):
        raise ProtocolError("not one whole answer", frame)
    framer = _framer(framing)
    used, unit, transaction, body = framer.decode(frame)
    if used != len(frame) or not body:
        raise ProtocolError("its checksum or its head is wrong", frame)
    pdu = _pdu_in(body, frame)
    pdu.dev_id, pdu.transaction_id = unit, transaction
    if _written_again(framer, pdu) != frame:
        raise ProtocolError("not an answer that anybody would write", frame)
    return Answer(unit, pdu.function_code, _values_in(pdu, body), transaction)


def _pdu_in(body: bytes, frame: bytes) -> ModbusPDU:
    pdu = DecodePDU(is_server=False).decode(body)
    known = {*_FUNCTIONS.values()}
    if pdu is None or pdu.function_code & ~_REFUSED not in known:
        raise ProtocolError("not an answer to any of our questions", frame)
    return pdu


def _written_again(framer: FramerRTU | FramerSocket, pdu: ModbusPDU) -> bytes:
    try:
        return framer.buildFrame(pdu)
    except (ModbusException, ValueError, IndexError, struct.error, OverflowError):
        return b""


def _values_in(pdu: ModbusPDU, body: bytes) -> tuple[int, ...]:
    if isinstance(pdu, ExceptionResponse):
        return (pdu.exception_code,)
    if isinstance(pdu, WriteSingleCoilResponse):
        return (pdu.address, int(pdu.bits[0]))
    if isinstance(pdu, WriteSingleRegisterResponse):
        return (pdu.address, pdu.registers[0])
    if isinstance(pdu, WriteMultipleRegistersResponse):
        return (pdu.address, pdu.count)
    if pdu.function_code in _READS_BITS:
        return tuple(int(bit) for bit in pdu.bits[: 8 * body[1]])
    return tuple(pdu.registers)


def _framer(framing: Framing) -> FramerRTU | FramerSocket:
    decoder = DecodePDU(is_server=False)
    return FramerRTU(decoder) if framing == "rtu" else FramerSocket(decoder)


def is_answer_to(answer: Answer, question: Question) -> bool:
    """Say whether an answer can be the one to a question: its owner, its kind, its length.

    Example:
        >>> is_answer_to(Answer(1, 3, (20,)), Question(1, "read_holding_registers", 1, n=2))
        False
    """
    function = _FUNCTIONS[question.command]
    if (answer.unit, answer.transaction) != (question.unit, question.transaction):
        return False
    if answer.function & ~_REFUSED != function:
        return False
    if answer.refusal is not None:
        return True
    if function in _READS_BITS:
        return len(answer.values) == 8 * ((question.n + 7) // 8)
    if function in _READS_WORDS:
        return len(answer.values) == question.n
    written = (len(question.values),) if function == 16 else question.values
    return answer.values == (question.address, *written)
