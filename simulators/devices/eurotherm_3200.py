"""A pretend Eurotherm 3200 controller with a furnace that lags, overshoots, and can break.

Facts of the wire are those of its driver's ``transcript.txt``, with their sources there.
The furnace is assumed: a heater of 1 degree a second, losses that cool it to 1/e in 30 minutes, and
a thermocouple that follows it in 10 seconds, under a proportional and integral controller.
"""

import math
import struct
from typing import Final

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import override

from simulators.device import Act, Fittings, FramedDevice, Reply

__all__ = ["Eurotherm3200Device"]

_ROOM_C: Final = 22.0
_HEATING_C_PER_S: Final = 1.0
_LOSS_S: Final = 1800.0
_SENSOR_S: Final = 10.0
_STRIDE_S: Final = 2.0
_GAIN_PER_C: Final = 0.02
_RESET_S: Final = 300.0
_PROCESSING_S: Final = 0.01
_FRAME_BYTES: Final = 8
_READ: Final = 3
_WRITE: Final = 6
_AUTO: Final = 0
_MANUAL: Final = 1
_SENSOR_BREAK: Final = 0x0020
_WRITABLE: Final = frozenset({3, 24, 35, 273})


class _Settings(BaseModel):
    """What the bench must know of the furnace's table in the rig file."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    address: int = Field(ge=1, le=254)
    n_decimals: int = 0
    series: str = "3200"
    heater_dies_after_min: float | None = None


class Eurotherm3200Device(FramedDevice):
    """One controller and its furnace, cold at first and in manual with no output.

    Args:
        fittings: How it is fitted into the bench.
    """

    terminator = b""

    def __init__(self, fittings: Fittings) -> None:
        super().__init__(fittings)
        settings = _Settings.model_validate(fittings.settings)
        self.furnace_c = self._sensed_c = _ROOM_C
        self.is_sensor_broken = False
        self.is_heater_broken = False
        self._address = settings.address
        self._scale = 10**settings.n_decimals
        self._has_loops = settings.series == "3500"
        self._dies_after_s = 60.0 * (settings.heater_dies_after_min or math.inf)
        self._heated_s = 0.0
        self._mode = _MANUAL
        self._manual_fraction = self._output_fraction = self._integral = 0.0
        self._set_point_c, self._rate_c_per_min = _ROOM_C, 0.0
        self._working_c = _ROOM_C
        self._peak_c = -math.inf
        self._settled_s = self._now_s()
        if fittings.at is not None:
            fittings.plumbing.warmth.heated_by(fittings.at, self._furnace_now_c)

    @property
    def is_on(self) -> bool:
        """Whether the heater is given power."""
        return self._output_fraction > 0.0

    @override
    def receive(self, data: bytes) -> list[Reply]:
        """Take bytes off the wire; noise is forgotten at the next silence, here at once."""
        self._buffer += data
        replies: list[Reply] = []
        while len(self._buffer) >= _FRAME_BYTES:
            request, self._buffer = self._buffer[:_FRAME_BYTES], self._buffer[_FRAME_BYTES:]
            if struct.pack("<H", _checksum(request[:-2])) != request[-2:]:
                self._buffer = b""
            elif self._is_mine(request):
                replies += self._answer_with_faults(request)
        return replies

    @override
    def in_motion(self) -> Act | None:
        self._advance()
        if not self.is_on:
            return None
        return Act(self._fittings.clock.now(), "heated", self.furnace_c, "C")

    @override
    def _lose_power(self) -> None:
        """Cool for the moment; assumed: it comes back in the mode that it had, from where it is."""
        self._advance()
        self._working_c, self._integral = self._sensed_c, 0.0

    @override
    def _is_mine(self, request: bytes) -> bool:
        return request[0] == self._address

    @override
    def _answer(self, request: bytes) -> list[Reply]:
        self._advance()
        _, function, register, number = struct.unpack(">BBHH", request[:-2])
        if function == _READ:
            found = [self._word_at(register + place) for place in range(min(number, 32))]
            words = [word for word in found if word is not None]
            if not words or len(words) < len(found):
                return self._said(bytes([function | 0x80, 2]))
            data = b"".join(struct.pack(">H", word & 0xFFFF) for word in words)
            return self._said(bytes([function, len(data)]) + data)
        if function != _WRITE:
            return self._said(bytes([function | 0x80, 1]))
        if register not in _WRITABLE:
            return self._said(bytes([function | 0x80, 2]))
        self._take(register, number - 0x10000 if number & 0x8000 else number)
        return self._said(request[1:-2])

    @override
    def _refusal(self, request: bytes) -> list[Reply]:
        return self._said(bytes([request[1] | 0x80, 4]))

    def _said(self, data: bytes) -> list[Reply]:
        frame = bytes([self._address]) + data
        return [Reply(frame + struct.pack("<H", _checksum(frame)), _PROCESSING_S)]

    def _word_at(self, register: int) -> int | None:
        words = {
            1: round(self._sensed_c * self._scale),
            2: round(self._set_point_c * self._scale),
            3: round(1000 * self._manual_fraction),
            4: round(1000 * self._output_fraction),
            5: round(self._working_c * self._scale),
            24: round(self._set_point_c * self._scale),
            35: round(self._rate_c_per_min * 10),
            75: _SENSOR_BREAK if self.is_sensor_broken else 0,
            111: 1200 * self._scale if self._scale < 100 else 0x7FFF,
            112: 0,
            122: (0x3504 if self._has_loops else 0x3216) - 0x100 * self.is_another,
            273: self._mode,
            289: round(self._sensed_c * self._scale) if self._has_loops else None,
            531: 0,
        }
        return words.get(register)

    def _take(self, register: int, number: int) -> None:
        match register:
            case 3:
                self._manual_fraction = min(1.0, max(0.0, number / 1000))
            case 24:
                self._set_point_c = number / self._scale
            case 35:
                self._rate_c_per_min = number / 10
            case _:
                self._switch(_AUTO if number == _AUTO else _MANUAL)
        self._control(0.0)

    def _switch(self, mode: int) -> None:
        if mode == self._mode:
            return
        if mode == _AUTO:
            self._working_c, self._integral, self._peak_c = self._sensed_c, 0.0, -math.inf
            self._begin("heated", self._set_point_c, "C")
        elif self._peak_c > -math.inf:
            self._record("heated", self._peak_c, "C")
        self._manual_fraction = self._output_fraction
        self._mode = mode

    def _furnace_now_c(self) -> float:
        self._advance()
        return self.furnace_c

    def _advance(self) -> None:
        """Let furnace and controller do what they did up to now."""
        now_s = self._now_s()
        while self._settled_s < now_s:
            step_s = min(_STRIDE_S, now_s - self._settled_s)
            self._settled_s = min(now_s, self._settled_s + step_s)
            self._control(step_s)
            if self.is_on:
                self._heated_s += step_s
            if self._heated_s > self._dies_after_s:
                self.is_heater_broken = True
            power = 0.0 if self.is_heater_broken else self._output_fraction
            loss_c_per_s = (self.furnace_c - _ROOM_C) / _LOSS_S
            self.furnace_c += step_s * (_HEATING_C_PER_S * power - loss_c_per_s)
            lag = 1.0 - math.exp(-step_s / _SENSOR_S)
            self._sensed_c += lag * (self.furnace_c - self._sensed_c)
            if self._mode == _AUTO and self.is_on:
                self._peak_c = max(self._peak_c, self.furnace_c)

    def _control(self, step_s: float) -> None:
        """Move the working set-point along its ramp and set the output."""
        if self._mode != _AUTO:
            self._output_fraction = self._manual_fraction
            return
        if self.is_sensor_broken:
            self._output_fraction = 0.0
            return
        way_c = self._set_point_c - self._working_c
        if self._rate_c_per_min > 0.0:
            most_c = self._rate_c_per_min * step_s / 60.0
            way_c = math.copysign(min(abs(way_c), most_c), way_c)
        self._working_c += way_c
        error_c = self._working_c - self._sensed_c
        wanted = _GAIN_PER_C * error_c + self._integral
        if 0.0 < wanted < 1.0:
            self._integral += _GAIN_PER_C * error_c * step_s / _RESET_S
        self._output_fraction = min(1.0, max(0.0, wanted))


def _checksum(data: bytes) -> int:
    """Return the CRC-16 of Modbus, by long division of the reflected polynomial."""
    remainder = 0xFFFF
    for byte in data:
        remainder ^= byte
        for _ in range(8):
            is_odd = remainder % 2 == 1
            remainder //= 2
            if is_odd:
                remainder ^= 0xA001
    return remainder
