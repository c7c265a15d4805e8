"""A pretend New Era NE-1000 syringe pump: basic mode on a shared serial line.

Facts are those of its driver's ``transcript.txt``, with their sources there. The speed
limits (plunger at most 5.1 cm a minute) are the maker's data sheet. The volumes dispensed add
up from run to run until they are cleared. Assumed here: while a program runs, only queries and
STP are taken.
"""

import math
import re
from collections.abc import Callable
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import override

from simulators.device import Act, Fittings, FramedDevice, Reply
from simulators.devices.syringe import Direction, Syringe

__all__ = ["NewEraNe1000Device"]

_MODEL: Final = "NE1000V"
_FIRMWARE: Final = "3.928"
_PROCESSING_S: Final = 0.005
_LARGEST_UL_DIAMETER_MM: Final = 14.0
_FASTEST_CM_PER_MIN: Final = 5.1
_UL_PER_MIN: Final = {"UM": 1.0, "MM": 1000.0, "UH": 1.0 / 60.0, "MH": 1000.0 / 60.0}
_UL: Final = {"UL": 1.0, "ML": 1000.0}
_NUMBER: Final = re.compile(r"(?=.*\d)\d*\.?\d*\Z")
_REQUEST: Final = re.compile(r"(\d{0,2})([A-Z]{0,3})(.*)\Z", re.DOTALL)
_N_PHASES: Final = 41

_OK: Final = ""
_UNKNOWN: Final = "?"
_NOT_APPLICABLE: Final = "?NA"
_OUT_OF_RANGE: Final = "?OOR"


class _Settings(BaseModel):
    """What the bench must know of the pump's table in the rig file."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    address: int = Field(default=0, ge=0, le=99)
    syringe_diameter_mm: float = Field(gt=0)
    syringe_volume_ml: float = Field(gt=0)


class NewEraNe1000Device(FramedDevice):
    """One pump, just switched on: it reports its reset alarm first, its syringe is empty.

    Args:
        fittings: How it is fitted into the bench; its settings say which syringe is in it.
        diameter_mm: The diameter in its memory.
    """

    terminator = b"\r"

    def __init__(self, fittings: Fittings, *, diameter_mm: float = 10.0) -> None:
        super().__init__(fittings)
        settings = _Settings.model_validate(fittings.settings)
        self.alarm: Literal["", "R", "S"] = "R"
        self.address = settings.address
        self.syringe = Syringe(
            fittings,
            diameter_mm=settings.syringe_diameter_mm,
            capacity_ul=settings.syringe_volume_ml * 1000.0,
            begin=self._begin_stroke,
            record=self._record_stroke,
        )
        self._diameter_mm = diameter_mm
        self._units = "UL" if diameter_mm <= _LARGEST_UL_DIAMETER_MM else "ML"
        self._volume_ul = 0.0
        self._rate = (0.0, "UM")
        self._direction: Direction = "INF"
        self._phase = 1
        self._functions = {1: "RAT"}
        self._dispensed_ul = {"INF": 0.0, "WDR": 0.0}
        self._program_ul = 0.0
        self._is_paused = False

    @override
    def _is_mine(self, request: bytes) -> bool:
        address, _, _ = _parts(request)
        return (int(address) if address else 0) == self.address

    @override
    def _answer(self, request: bytes) -> list[Reply]:
        self._settle()
        if self.alarm:
            alarm, self.alarm = self.alarm, ""
            return self._reply(f"A?{alarm}")
        _, command, argument = _parts(request)
        handlers: dict[str, Callable[[str], str]] = {
            "": lambda argument: _UNKNOWN if argument else _OK,
            "CLD": self._clear_dispensed,
            "DIA": self._set_diameter,
            "DIR": self._set_direction,
            "DIS": lambda argument: _UNKNOWN if argument else self._dispensed_text(),
            "FUN": self._set_function,
            "PHN": self._set_phase,
            "RAT": self._set_rate,
            "RUN": self._run,
            "STP": self._stop,
            "VER": lambda argument: _UNKNOWN if argument else _MODEL + self._named(_FIRMWARE),
            "VOL": self._set_volume,
        }
        handler = handlers.get(command)
        if handler is None:
            text = _UNKNOWN
        elif argument and self.syringe.is_moving and command != "STP":
            text = _NOT_APPLICABLE
        else:
            text = handler(argument)
        return self._reply(self._status() + text)

    @override
    def _refusal(self, request: bytes) -> list[Reply]:
        self._settle()
        return self._reply(self._status() + _NOT_APPLICABLE)

    @override
    def in_motion(self) -> Act | None:
        if not self.syringe.is_moving:
            return None
        now = self._fittings.clock.now()
        return Act(now, self.syringe.act, self.syringe.liquid_moved_ul, "ul")

    @override
    def _lose_power(self) -> None:
        """Stop and forget the volumes counted; diameter and program stay in its memory."""
        if self.syringe.is_moving:
            self.syringe.stop(self._now_s())
        self._dispensed_ul = {"INF": 0.0, "WDR": 0.0}
        self._program_ul = 0.0
        self._is_paused = False
        self._phase = 1
        self.alarm = "R"

    def _reply(self, text: str) -> list[Reply]:
        frame = f"\x02{self.address:02d}{text}\x03".encode("ascii")
        return [Reply(frame, _PROCESSING_S)]

    def _status(self) -> str:
        if self.syringe.is_moving:
            return "I" if self._direction == "INF" else "W"
        return "P" if self._is_paused else "S"

    def _settle(self) -> None:
        self._fittings.plumbing.settle(self._now_s())

    def _begin_stroke(self, act: str, volume_ul: float) -> None:
        """Take note of the beginning of a stroke; called by the syringe."""
        self._begin(act, volume_ul, "ul")

    def _record_stroke(
        self, act: str, liquid_ul: float, displaced_ul: float, at_s: float, *, has_stalled: bool
    ) -> None:
        """Take note of the end of a stroke; called by the syringe."""
        believed_ul = displaced_ul / self._displacement_ratio()
        self._dispensed_ul[self._direction] += believed_ul
        self._program_ul += believed_ul
        self._record(act, liquid_ul, "ul", at_s=at_s)
        if self.syringe.spilled_ul > 0.0:
            self._record("spilled", self.syringe.spilled_ul, "ul", at_s=at_s)
        if has_stalled:
            self.alarm = "S"
            self._record("stalled", displaced_ul, "ul", at_s=at_s)

    def _displacement_ratio(self) -> float:
        """Return what the syringe displaces for one microlitre that the pump believes in."""
        return float((self.syringe.diameter_mm / self._diameter_mm) ** 2)

    def _set_diameter(self, argument: str) -> str:
        if not argument:
            return _float_text(self._diameter_mm)
        diameter_mm = _number(argument)
        if diameter_mm is None:
            return _UNKNOWN
        if not 0.1 <= diameter_mm <= 50.0:
            return _OUT_OF_RANGE
        self._diameter_mm = diameter_mm
        self._units = "UL" if diameter_mm <= _LARGEST_UL_DIAMETER_MM else "ML"
        self._dispensed_ul = {"INF": 0.0, "WDR": 0.0}
        return _OK

    def _set_volume(self, argument: str) -> str:
        if not argument:
            return _float_text(self._volume_ul / _UL[self._units]) + self._units
        if argument in _UL:
            self._units = argument
            return _OK
        volume = _number(argument)
        if volume is None:
            return _UNKNOWN
        self._volume_ul = volume * _UL[self._units]
        return _OK

    def _set_rate(self, argument: str) -> str:
        if not argument:
            return _float_text(self._rate[0]) + self._rate[1]
        units = argument[-2:] if argument[-2:] in _UL_PER_MIN else self._rate[1]
        rate = _number(argument.removesuffix(units))
        if rate is None:
            return _UNKNOWN
        area_cm2 = math.pi / 4.0 * (self._diameter_mm / 10.0) ** 2
        if rate * _UL_PER_MIN[units] > area_cm2 * _FASTEST_CM_PER_MIN * 1000.0:
            return _OUT_OF_RANGE
        self._rate = (rate, units)
        return _OK

    def _set_direction(self, argument: str) -> str:
        match argument:
            case "":
                return self._direction
            case "INF" | "WDR":
                self._direction = argument
            case "REV":
                self._direction = "WDR" if self._direction == "INF" else "INF"
            case _:
                return _UNKNOWN
        return _OK

    def _set_phase(self, argument: str) -> str:
        if not argument:
            return f"{self._phase:02d}"
        if not argument.isdigit():
            return _UNKNOWN
        if not 1 <= int(argument) <= _N_PHASES:
            return _OUT_OF_RANGE
        self._phase = int(argument)
        return _OK

    def _set_function(self, argument: str) -> str:
        if not argument:
            return self._functions.get(self._phase, "STP")
        if argument not in {"RAT", "STP"}:
            return _UNKNOWN
        self._functions[self._phase] = argument
        return _OK

    def _clear_dispensed(self, argument: str) -> str:
        if argument not in self._dispensed_ul:
            return _UNKNOWN
        self._dispensed_ul[argument] = 0.0
        return _OK

    def _dispensed_text(self) -> str:
        believed_ul = dict(self._dispensed_ul)
        believed_ul[self._direction] += self.syringe.displaced_ul / self._displacement_ratio()
        texts = {way: _float_text(ul / _UL[self._units]) for way, ul in believed_ul.items()}
        return f"I{texts['INF']}W{texts['WDR']}{self._units}"

    def _run(self, argument: str) -> str:
        if argument or self.syringe.is_moving:
            return _NOT_APPLICABLE
        rate_ul_per_min = self._rate[0] * _UL_PER_MIN[self._rate[1]]
        if self._functions.get(1, "STP") != "RAT" or rate_ul_per_min <= 0.0:
            return _NOT_APPLICABLE
        if not self._is_paused:
            self._program_ul = 0.0
        self._is_paused = False
        left_ul = max(0.0, self._volume_ul - self._program_ul)
        ratio = self._displacement_ratio()
        self.syringe.start(
            self._direction,
            volume_ul=left_ul * ratio if self._volume_ul > 0.0 else math.inf,
            rate_ul_per_s=rate_ul_per_min / 60.0 * ratio,
            now_s=self._now_s(),
        )
        return _OK

    def _stop(self, argument: str) -> str:
        if argument:
            return _UNKNOWN
        if self.syringe.is_moving:
            self.syringe.stop(self._now_s())
            self._is_paused = True
        elif self._is_paused:
            self._is_paused = False
        else:
            return _NOT_APPLICABLE
        return _OK


def _parts(request: bytes) -> tuple[str, str, str]:
    """Return address, command and argument of a request, spaces and control characters gone."""
    text = "".join(chr(byte) for byte in request if 0x20 < byte < 0x7F).upper()
    match = _REQUEST.match(text)
    return ("", "", text) if match is None else (match[1], match[2], match[3])


def _number(text: str) -> float | None:
    """Return a number of at most four digits, three of them behind the point, or None."""
    if not _NUMBER.match(text) or sum(letter.isdigit() for letter in text) > 4:
        return None
    if len(text.partition(".")[2]) > 3:
        return None
    return float(text)


def _float_text(value: float) -> str:
    """Write a number with four digits, at most three of them behind the point."""
    for n_decimals, limit in ((3, 9.9995), (2, 99.995), (1, 999.95)):
        if value < limit:
            return f"{value:.{n_decimals}f}"
    return f"{value:.0f}."
