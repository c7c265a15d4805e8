"""A pretend device with Modbus TCP registers: what is set, the register beside it follows slowly.

The frames are those of the Modbus messaging guide, sections 3.1.3 and 4.2, taken apart by hand.
Assumed: a register that is named ``follows_<other>`` in the settings' names goes where the other
one is, with a lag of 20 s; any other holds what was written to it, at first its safe value or the
middle of its limits.
"""

import math
import struct
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from typing_extensions import override

from simulators.device import Act, Fittings, FramedDevice, Reply

__all__ = ["ModbusRegistersDevice"]

_LAG_S: Final = 20.0
_PROCESSING_S: Final = 0.005
_FORMS: Final = {"int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "float32": ">f"}
_FOLLOWS: Final = "follows_"
_HEADER: Final = 7


class _Settings(BaseModel):
    """What the bench must know of the table in the rig file."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    unit: int = 1
    registers: dict[str, dict[str, Any]]
    """Each as the driver's settings say it; of any type, as a TOML file is."""
    identity: str | None = None
    identity_value: float | None = None


class ModbusRegistersDevice(FramedDevice):
    """One device behind one socket.

    Args:
        fittings: How it is fitted into the bench.
    """

    terminator = b""

    def __init__(self, fittings: Fittings) -> None:
        super().__init__(fittings)
        settings = _Settings.model_validate(fittings.settings)
        self._unit = settings.unit
        self._registers = settings.registers
        self._identity = settings.identity
        self.values = {name: _at_first(table) for name, table in self._registers.items()}
        if settings.identity is not None and settings.identity_value is not None:
            self.values[settings.identity] = settings.identity_value
        self._settled_s = self._now_s()

    @override
    def receive(self, data: bytes) -> list[Reply]:
        """Take bytes off the wire; each frame says its own length."""
        self._buffer += data
        replies: list[Reply] = []
        while len(self._buffer) >= _HEADER:
            n_bytes = 6 + int.from_bytes(self._buffer[4:6], "big")
            if len(self._buffer) < n_bytes:
                break
            request, self._buffer = self._buffer[:n_bytes], self._buffer[n_bytes:]
            if self._is_mine(request):
                replies += self._answer_with_faults(request)
        return replies

    @override
    def _is_mine(self, request: bytes) -> bool:
        return len(request) > _HEADER and request[6] == self._unit

    @override
    def _refusal(self, request: bytes) -> list[Reply]:
        return self._said(request, bytes([request[7] | 0x80, 4]))

    @override
    def _answer(self, request: bytes) -> list[Reply]:
        self._advance()
        function, address, number = struct.unpack(">BHH", request[7:12])
        if function in (3, 4):
            words = self._words(address, number, "input" if function == 4 else "holding")
            if words is None:
                return self._said(request, bytes([function | 0x80, 2]))
            data = b"".join(word.to_bytes(2, "big") for word in words)
            return self._said(request, bytes([function, len(data)]) + data)
        if function == 6:
            words, echo = [number], request[7:12]
        elif function == 16:
            words = [int(word) for (word,) in struct.iter_unpack(">H", request[13:])]
            echo = request[7:12]
        else:
            return self._said(request, bytes([function | 0x80, 1]))
        return self._said(request, echo if self._take(address, words) else _illegal(function))

    def _said(self, request: bytes, body: bytes) -> list[Reply]:
        head = request[:4] + (len(body) + 1).to_bytes(2, "big") + request[6:7]
        return [Reply(head + body, _PROCESSING_S)]

    def _words(self, address: int, n_words: int, table: str) -> list[int] | None:
        for name, register in self._registers.items():
            is_here = register["address"] == address
            if is_here and register.get("table", "holding") == table:
                words = self._packed(name)
                return words if len(words) == n_words else None
        return None

    def _packed(self, name: str) -> list[int]:
        register = self._registers[name]
        kind = register.get("kind", "uint16")
        value = self.values[name] + (self.is_another and name == self._identity)
        number = value / register.get("scale", 1.0)
        raw = struct.pack(_FORMS[kind], number if kind == "float32" else round(number))
        words = [int(word) for (word,) in struct.iter_unpack(">H", raw)]
        return words[::-1] if register.get("is_low_word_first", False) else words

    def _take(self, address: int, words: list[int]) -> bool:
        for name, register in self._registers.items():
            is_here = register["address"] == address and register.get("is_writable", False)
            if not is_here or len(words) != len(self._packed(name)):
                continue
            ordered = words[::-1] if register.get("is_low_word_first", False) else words
            raw = b"".join(word.to_bytes(2, "big") for word in ordered)
            (number,) = struct.unpack(_FORMS[register.get("kind", "uint16")], raw)
            value = number * register.get("scale", 1.0)
            if not math.isclose(value, self.values[name]):
                self._record("set", value, name.rpartition("_")[2])
            self.values[name] = value
            return True
        return False

    def _advance(self) -> None:
        now_s = self._now_s()
        share = 1.0 - math.exp(-(now_s - self._settled_s) / _LAG_S)
        self._settled_s = now_s
        for name in self._registers:
            followed = name.removeprefix(_FOLLOWS)
            if followed != name and followed in self.values:
                self.values[name] += share * (self.values[followed] - self.values[name])

    @override
    def in_motion(self) -> Act | None:
        return None


def _illegal(function: int) -> bytes:
    return bytes([function | 0x80, 2])


def _at_first(register: dict[str, Any]) -> float:
    safe = register.get("safe_value")
    return float(safe) if safe is not None else (register["low"] + register["high"]) / 2.0
