"""A pretend Tecan Cavro pump: DT protocol, a plunger counted in steps, a valve, no mercy.

Facts are those of its driver's ``transcript.txt``, with their sources there. Assumed: a valve turns
at once but keeps the pump busy for 0.3 s, homing takes at least 3 s, and a pump that loses its
power forgets where its plunger is. Speeds are in pulses: 6000 are a whole stroke.
"""

import math
import re
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import override

from simulators.device import Act, Fittings, FramedDevice, Reply
from simulators.devices.syringe import Syringe

__all__ = ["TecanCavroDevice"]

_PROCESSING_S: Final = 0.01
_VALVE_S: Final = 0.3
_HOMING_S: Final = 3.0
_HOMING_STEPS_PER_S: Final = 1400
_INVALID_COMMAND: Final = 2
_INVALID_OPERAND: Final = 3
_NOT_INITIALIZED: Final = 7
_OVERLOAD: Final = 9
_NOT_ALLOWED: Final = 11
_OVERFLOW: Final = 15
_PULSES: Final = 6000
_QUICKEST: Final = 6000
_TOKEN: Final = re.compile(r"([AINOVZ])(\d*)")


class _Settings(BaseModel):
    """What the bench must know of the pump's table in the rig file."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    address: int = Field(ge=1, le=15)
    syringe_volume_ul: float = Field(gt=0)
    n_steps: int = 3000
    source_port: str = "I"
    target_port: str = "O"


class TecanCavroDevice(FramedDevice):
    """One pump with an empty syringe, just switched on and not initialized.

    Args:
        fittings: How it is fitted into the bench.
    """

    terminator = b"\r"

    def __init__(self, fittings: Fittings) -> None:
        super().__init__(fittings)
        self._settings = _Settings.model_validate(fittings.settings)
        self.syringe = Syringe(
            fittings,
            diameter_mm=1.0,
            capacity_ul=self._settings.syringe_volume_ul,
            begin=self._take_note_of_beginning,
            record=self._take_note_of_end,
        )
        self.is_stuck = False
        """Whether the plunger meets more than the motor can push."""
        self.is_valve_stuck = False
        """Whether the valve stays where it is, and does not notice."""
        self._is_initialized = False
        self._position = 0.0
        self._valve = ""
        self._speed = 1400
        self._error = 0
        self._busy_until_s = -math.inf
        self._direction: Literal["INF", "WDR"] = "INF"

    @override
    def in_motion(self) -> Act | None:
        if not self.syringe.is_moving and self._now_s() >= self._busy_until_s:
            return None
        now = self._fittings.clock.now()
        return Act(now, self.syringe.act, self.syringe.liquid_moved_ul, "ul")

    @override
    def _lose_power(self) -> None:
        """Stop where it is, and forget where that is."""
        self.syringe.stop(self._now_s())
        self._is_initialized, self._error, self._valve = False, 0, ""
        self._busy_until_s = -math.inf

    @override
    def _is_mine(self, request: bytes) -> bool:
        return request[:2] == b"/" + bytes([0x30 + self._settings.address])

    @override
    def _refusal(self, request: bytes) -> list[Reply]:
        return self._said(_OVERFLOW)

    @override
    def _answer(self, request: bytes) -> list[Reply]:
        self.syringe.settle(self._now_s())
        commands = request[2:].decode("ascii", errors="replace")
        if commands == "Q":
            return self._said(self._state())
        if commands.startswith("?"):
            return self._report(commands[1:])
        if commands == "TR":
            self.syringe.stop(self._now_s())
            self._busy_until_s = -math.inf
            return self._said(0)
        if not commands.endswith("R") or not re.fullmatch(r"(?:[AINOVZ]\d*)+", commands[:-1]):
            return self._said(_INVALID_COMMAND)
        if self._is_busy:
            return self._said(_OVERFLOW)
        self._error = self._run(_TOKEN.findall(commands[:-1]))
        return self._said(self._error)

    @property
    def _is_busy(self) -> bool:
        return self.syringe.is_moving or self._now_s() < self._busy_until_s

    def _state(self) -> int:
        return self._error if self._error or self._is_initialized else _NOT_INITIALIZED

    def _said(self, error: int, data: str = "") -> list[Reply]:
        status = 0x40 | (0 if self._is_busy else 0x20) | error
        return [Reply(b"/0" + bytes([status]) + data.encode("ascii") + b"\x03\r\n", _PROCESSING_S)]

    def _report(self, what: str) -> list[Reply]:
        reports = {
            "": str(round(self._position)),
            "2": str(self._speed),
            "6": self._valve[1:] or self._valve.lower(),
            "23": f"Cavro XCalibur {self._named('30026461')}-C",
        }
        if what not in reports:
            return self._said(_INVALID_OPERAND)
        return self._said(0 if what in {"2", "23"} else self._state(), reports[what])

    def _run(self, tokens: list[tuple[str, str]]) -> int:
        """Do commands in turn and return the error that ends them, 0 for none."""
        for command, operand in tokens:
            if error := self._do(command, operand):
                return error
        return 0

    def _do(self, command: str, operand: str) -> int:
        if command == "Z":
            self._home()
            return 0
        if command == "N":
            return 0 if operand == "0" else _INVALID_OPERAND
        if command == "V":
            if not 5 <= int(operand or 0) <= _QUICKEST:
                return _INVALID_OPERAND
            self._speed = int(operand)
            return 0
        if not self._is_initialized:
            return _NOT_INITIALIZED
        if command in "IO":
            if not self.is_valve_stuck:
                self._valve = command + operand
            self._busy_until_s = self._now_s() + _VALVE_S
            return 0
        return self._go_to(operand)

    def _home(self) -> None:
        self._is_initialized, self._valve = True, self._settings.target_port
        self._busy_until_s = self._now_s() + _HOMING_S
        if self._position > 0.0:
            self._stroke("INF", self._position, _HOMING_STEPS_PER_S)

    def _go_to(self, operand: str) -> int:
        if not operand or int(operand) > self._settings.n_steps:
            return _INVALID_OPERAND
        way = int(operand) - self._position
        if not way:
            return 0
        wanted = self._settings.source_port if way > 0 else self._settings.target_port
        if self._valve != wanted and not self.is_valve_stuck:
            return _NOT_ALLOWED
        if self.is_stuck:
            self._is_initialized = False
            return _OVERLOAD
        per_s = self._speed * self._settings.n_steps / _PULSES
        self._stroke("WDR" if way > 0 else "INF", abs(way), per_s)
        return 0

    def _stroke(self, direction: Literal["INF", "WDR"], steps: float, steps_per_s: float) -> None:
        self._direction = direction
        per_step_ul = self._settings.syringe_volume_ul / self._settings.n_steps
        self.syringe.start(
            direction,
            volume_ul=steps * per_step_ul,
            rate_ul_per_s=steps_per_s * per_step_ul,
            now_s=self._now_s(),
        )

    def _take_note_of_beginning(self, act: str, volume_ul: float) -> None:
        self._begin(act, volume_ul, "ul")

    def _take_note_of_end(
        self, act: str, liquid_ul: float, displaced_ul: float, at_s: float, *, has_stalled: bool
    ) -> None:
        steps = displaced_ul * self._settings.n_steps / self._settings.syringe_volume_ul
        self._position += steps if self._direction == "WDR" else -steps
        self._position = max(0.0, self._position)
        if has_stalled:
            self._error = _OVERLOAD
        self._record(act, liquid_ul, "ul", at_s=at_s)
