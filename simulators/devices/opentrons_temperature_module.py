"""A pretend Opentrons Temperature Module: a plate on a Peltier element, 4 to 95 degrees.

Facts of the wire are those of its driver's ``transcript.txt``, with their sources there. Assumed:
the plate comes near its target with a lag of 40 s, at most 0.4 degrees a second up and 0.25 down;
left alone it takes 20 minutes to come near the room.
"""

import math
import re
from typing import Final

from typing_extensions import override

from simulators.device import Act, Fittings, FramedDevice, Reply

__all__ = ["OpentronsTemperatureModuleDevice"]

_ROOM_C: Final = 22.0
_LOWEST_C: Final = 4.0
_HIGHEST_C: Final = 95.0
_SAFE_C: Final = 55.0
_LAG_S: Final = 40.0
_LEFT_ALONE_S: Final = 1200.0
_FASTEST_UP_C_PER_S: Final = 0.4
_FASTEST_DOWN_C_PER_S: Final = 0.25
_STRIDE_S: Final = 1.0
_PROCESSING_S: Final = 0.02
_SETTING: Final = re.compile(rb"M104 S(-?\d{1,3}(?:\.\d{1,4})?)")
_ACKNOWLEDGEMENT: Final = b"ok\r\nok\r\n"


class OpentronsTemperatureModuleDevice(FramedDevice):
    """One module, disengaged at room temperature.

    Args:
        fittings: How it is fitted into the bench.
    """

    terminator = b"\r\n"

    def __init__(self, fittings: Fittings) -> None:
        super().__init__(fittings)
        self.plate_c = _ROOM_C
        self.is_element_broken = False
        self._target_c: float | None = None
        self._settled_s = self._now_s()
        if fittings.at is not None:
            fittings.plumbing.warmth.heated_by(fittings.at, self._plate_now_c)

    @override
    def in_motion(self) -> Act | None:
        self._advance()
        if self._target_c is None:
            return None
        return Act(self._fittings.clock.now(), "held", self.plate_c, "C")

    @override
    def _lose_power(self) -> None:
        """Forget the target; assumed: it comes back disengaged."""
        self._advance()
        self._disengage()

    @override
    def _is_mine(self, request: bytes) -> bool:
        return True

    @override
    def _answer(self, request: bytes) -> list[Reply]:
        self._advance()
        setting = _SETTING.fullmatch(request)
        if request == b"M105":
            target = "none" if self._target_c is None else f"{self._target_c:.3f}"
            return self._said(f"T:{target} C:{self.plate_c:.3f}")
        if request == b"M115":
            serial = self._named("TDV20P20200213A01")
            return self._said(f"serial:{serial} model:temp_deck_v20 version:v2.1.0")
        if request == b"M18":
            self._disengage()
        elif setting is not None:
            self._engage(float(setting[1]))
        return self._said("")

    @override
    def _refusal(self, request: bytes) -> list[Reply]:
        """Acknowledge and do nothing: it knows no other refusal."""
        return self._said("")

    def _said(self, text: str) -> list[Reply]:
        line = f"{text}\r\n".encode("ascii") if text else b""
        return [Reply(line + _ACKNOWLEDGEMENT, _PROCESSING_S)]

    def _engage(self, target_c: float) -> None:
        if not _LOWEST_C <= target_c <= _HIGHEST_C:
            return
        if self._target_c is None:
            self._begin("held", target_c, "C")
        self._target_c = target_c

    def _disengage(self) -> None:
        if self._target_c is not None:
            self._record("held", self.plate_c, "C")
            self._target_c = None

    def _plate_now_c(self) -> float:
        self._advance()
        return self.plate_c

    def _advance(self) -> None:
        """Let the plate go where it went up to now."""
        now_s = self._now_s()
        while self._settled_s < now_s:
            step_s = min(_STRIDE_S, now_s - self._settled_s)
            self._settled_s = min(now_s, self._settled_s + step_s)
            self.plate_c += step_s * self._rate_c_per_s()

    def _rate_c_per_s(self) -> float:
        passive = (_ROOM_C - self.plate_c) / _LEFT_ALONE_S
        towards_c = self._target_c
        if towards_c is None and self.plate_c > _SAFE_C:
            towards_c = _SAFE_C - 1.0
        if towards_c is None or self.is_element_broken:
            return passive
        rate = (towards_c - self.plate_c) / _LAG_S
        return math.copysign(
            min(abs(rate), _FASTEST_UP_C_PER_S if rate > 0 else _FASTEST_DOWN_C_PER_S), rate
        )
