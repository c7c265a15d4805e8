"""A pretend Keithley 2450 source-meter: the part of its SCPI that sources and measures d.c.

Facts are those of its driver's ``transcript.txt``, with their sources there. Assumed: a
reading with the output off is an overflow, and a reading takes two integrations and 5 ms.
"""

import math
import re
from collections.abc import Callable
from typing import Final

from typing_extensions import override

from simulators.cells import OVERFLOW, Cell, Resistor
from simulators.device import Fittings, FramedDevice, Reply
from simulators.devices.scpi import ErrorQueue, requests_of

__all__ = ["Keithley2450Device"]

_MAKE: Final = "KEITHLEY INSTRUMENTS,MODEL 2450"
_SERIAL: Final = "04412345"
_FIRMWARE: Final = "1.7.12b"
_PROCESSING_S: Final = 0.002
_CYCLE_S: Final = 0.02
_DUMMY_OHM: Final = 1000.0

_UNDEFINED: Final = (-113, "Undefined header")
_EXECUTION: Final = (-200, "Execution error")
_OUT_OF_RANGE: Final = (-222, "Parameter data out of range")
_ILLEGAL: Final = (-224, "Illegal parameter value")
_MISSING: Final = (-109, "Missing parameter")

_SWITCHES: Final[dict[str, bool]] = {
    "OUTP": False,
    "SENS:CURR:RANG:AUTO": True,
    "SENS:CURR:RSEN": False,
    "SENS:VOLT:RANG:AUTO": True,
    "SENS:VOLT:RSEN": False,
    "SOUR:CURR:RANG:AUTO": True,
    "SOUR:CURR:READ:BACK": True,
    "SOUR:VOLT:RANG:AUTO": True,
    "SOUR:VOLT:READ:BACK": True,
}
_NUMBERS: Final[dict[str, tuple[float, float, float]]] = {
    "SENS:CURR:NPLC": (1.0, 0.01, 10.0),
    "SENS:CURR:RANG": (1.0, 1e-8, 1.0),
    "SENS:VOLT:NPLC": (1.0, 0.01, 10.0),
    "SOUR:CURR": (0.0, -1.05, 1.05),
    "SOUR:CURR:VLIM": (21.0, 0.02, 210.0),
    "SOUR:VOLT": (0.0, -210.0, 210.0),
    "SOUR:VOLT:ILIM": (1.05e-4, 1e-9, 1.05),
}
"""Value after *RST, lowest and highest."""
_WORDS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "OUTP:VOLT:SMOD": ("NORM", {"NORM": "NORM", "HIMP": "HIMP", "ZERO": "ZERO", "GUAR": "GUAR"}),
    "SENS:FUNC": (
        "CURR",
        {"VOLT": '"VOLT:DC"', "VOLT:DC": '"VOLT:DC"', "CURR": '"CURR:DC"', "CURR:DC": '"CURR:DC"'},
    ),
    "SOUR:FUNC": (
        "VOLT",
        {"CURR": "CURR", "CURRENT": "CURR", "VOLT": "VOLT", "VOLTAGE": "VOLT"},
    ),
    "ROUT:TERM": ("FRON", {"FRON": "FRON", "FRONT": "FRON", "REAR": "REAR"}),
}
"""Value after *RST; what each word that is understood reads back as."""
_CURRENT_RANGES_A: Final = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_BUFFER: Final = '"DEFBUFFER1"'
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(E[+-]?\d{1,3})?\Z")


class Keithley2450Device(FramedDevice):
    """A source-meter with a cell at its terminals, or a 1 kilohm resistor if it has no position.

    Args:
        fittings: How it is fitted into the bench.
    """

    terminator = b"\n"

    def __init__(self, fittings: Fittings) -> None:
        super().__init__(fittings)
        self._cell: Cell = Resistor(_DUMMY_OHM) if fittings.cell is None else fittings.cell
        self._errors = ErrorQueue(fittings.clock)
        self._reset()

    def _reset(self) -> None:
        self._switches = dict(_SWITCHES)
        self._numbers = {name: default for name, (default, _, _) in _NUMBERS.items()}
        self._words = {name: default for name, (default, _) in _WORDS.items()}
        self._first_reading_s: float | None = None
        self._is_limited = False

    @override
    def _is_mine(self, request: bytes) -> bool:
        return True

    @override
    def _answer(self, request: bytes) -> list[Reply]:
        self._fittings.plumbing.settle(self._now_s())
        answers: list[str] = []
        delay_s = _PROCESSING_S
        for header, arguments in requests_of(request):
            if header == "READ?":
                cycles = self._numbers[f"SENS:{self._words['SENS:FUNC'][:4]}:NPLC"]
                delay_s += 0.005 + 2.0 * _CYCLE_S * cycles
            answer = self._answer_one(header, arguments)
            if answer is not None:
                answers.append(answer)
        if not answers:
            return []
        return [Reply((";".join(answers) + "\n").encode("ascii"), delay_s)]

    @property
    @override
    def is_busy(self) -> bool:
        return self._switches["OUTP"]

    @override
    def _lose_power(self) -> None:
        """Switch the output off and return to the settings after *RST; the error queue is lost."""
        self._reset_outputs()
        self._errors.clear()

    @override
    def _refusal(self, request: bytes) -> list[Reply]:
        self._errors.add(*_EXECUTION)
        return []

    def _answer_one(self, header: str, arguments: list[str]) -> str | None:
        """Do one request; return its answer if it is a query that is understood."""
        fixed: dict[str, Callable[[], str | None]] = {
            "*CLS": self._errors.clear,
            "*IDN?": lambda: f"{_MAKE},{self._named(_SERIAL)},{_FIRMWARE}",
            "*LANG?": lambda: "SCPI",
            "*OPC?": lambda: "1",
            "*RST": self._reset_outputs,
            "SYST:CLE": self._errors.clear,
            "SYST:ERR:COUN?": lambda: str(len(self._errors)),
            "SYST:ERR:NEXT?": self._errors.oldest,
            "SYST:ERR?": self._errors.oldest,
            "SOUR:CURR:VLIM:TRIP?": self._limit_state,
            "SOUR:VOLT:ILIM:TRIP?": self._limit_state,
        }
        if header in fixed:
            return fixed[header]()
        if header == "READ?":
            return self._read(arguments)
        if header.endswith("?"):
            return self._setting(header[:-1])
        if header == "TRAC:CLE":
            self._clear_buffer(arguments)
        elif not arguments:
            known = header in self._switches or header in self._numbers or header in self._words
            self._errors.add(*(_MISSING if known else _UNDEFINED))
        else:
            self._set(header, arguments[0].upper())
        return None

    def _limit_state(self) -> str:
        return str(int(self._switches["OUTP"] and self._is_limited))

    def _reset_outputs(self) -> None:
        if self._switches["OUTP"]:
            self._record("output off", 0.0, "A")
        self._reset()

    def _setting(self, name: str) -> str | None:
        if name in self._switches:
            return str(int(self._switches[name]))
        if name in self._numbers:
            return f"{self._numbers[name]:.6E}"
        if name in self._words:
            return _WORDS[name][1][self._words[name]]
        self._errors.add(*_UNDEFINED)
        return None

    def _set(self, name: str, text: str) -> None:
        if name in self._switches:
            self._set_switch(name, text)
        elif name in self._numbers:
            self._set_number(name, text)
        elif name in self._words:
            word = text.strip("\"'")
            if word in _WORDS[name][1]:
                self._words[name] = word
            else:
                self._errors.add(*_ILLEGAL)
        else:
            self._errors.add(*_UNDEFINED)

    def _set_switch(self, name: str, text: str) -> None:
        if text not in {"ON", "OFF", "1", "0"}:
            self._errors.add(*_ILLEGAL)
            return
        is_on = text in {"ON", "1"}
        if name == "OUTP" and is_on != self._switches[name]:
            self._is_limited = False
            source = self._words["SOUR:FUNC"][:4]
            unit = "A" if source == "CURR" else "V"
            act = "output on" if is_on else "output off"
            self._record(act, self._numbers[f"SOUR:{source}"], unit)
        self._switches[name] = is_on
        self._apply()

    def _set_number(self, name: str, text: str) -> None:
        _, low, high = _NUMBERS[name]
        if not _NUMBER.match(text):
            self._errors.add(*_ILLEGAL)
        elif not low <= float(text) <= high:
            self._errors.add(*_OUT_OF_RANGE)
        elif name == "SENS:CURR:RANG":
            self._numbers[name] = next(end for end in _CURRENT_RANGES_A if end >= float(text))
            self._switches["SENS:CURR:RANG:AUTO"] = False
        else:
            self._numbers[name] = float(text)
            self._apply()

    def _apply(self) -> None:
        """Let the cell feel a voltage from now on, not only when somebody reads."""
        if self._switches["OUTP"] and self._words["SOUR:FUNC"].startswith("VOLT"):
            self._cell.current_a(self._numbers["SOUR:VOLT"], self._now_s())

    def _clear_buffer(self, arguments: list[str]) -> None:
        if arguments and arguments[0].upper() != _BUFFER:
            self._errors.add(*_ILLEGAL)
        else:
            self._first_reading_s = None

    def _read(self, arguments: list[str]) -> str | None:
        """Take one reading and return the elements that were asked for."""
        buffer, *elements = [argument.upper() for argument in arguments] or [_BUFFER]
        wanted = elements or ["READ"]
        if buffer != _BUFFER or not set(wanted) <= {"READ", "REL", "SOUR"}:
            self._errors.add(*_ILLEGAL)
            return None
        now_s = self._now_s()
        if self._first_reading_s is None:
            self._first_reading_s = now_s
        sourced, measured = self._reading(now_s)
        values: dict[str, float] = {
            "READ": measured,
            "REL": now_s - self._first_reading_s,
            "SOUR": sourced,
        }
        return ",".join(f"{values[element]:.6E}" for element in wanted)

    def _reading(self, now_s: float) -> tuple[float, float]:
        """Return what is sourced and what is measured; overflow where there is no telling."""
        if not self._switches["OUTP"]:
            return OVERFLOW, OVERFLOW
        source, sense = self._words["SOUR:FUNC"][:4], self._words["SENS:FUNC"][:4]
        is_voltage = source == "VOLT"
        found = self._at_voltage(now_s) if is_voltage else self._at_current(now_s)
        current_a, voltage_v = found
        if sense == "CURR" and abs(current_a) > 1.05 * self._current_range_a():
            current_a = OVERFLOW
        sourced = voltage_v if is_voltage else current_a
        if not self._switches[f"SOUR:{source}:READ:BACK"]:
            sourced = self._numbers[f"SOUR:{source}"]
        return sourced, voltage_v if sense == "VOLT" else current_a

    def _current_range_a(self) -> float:
        is_auto = self._switches["SENS:CURR:RANG:AUTO"]
        return _CURRENT_RANGES_A[-1] if is_auto else self._numbers["SENS:CURR:RANG"]

    def _at_voltage(self, now_s: float) -> tuple[float, float]:
        """Return current and voltage of a voltage source with its current limit."""
        asked_v, limit_a = self._numbers["SOUR:VOLT"], self._numbers["SOUR:VOLT:ILIM"]
        current_a = self._cell.current_a(asked_v, now_s)
        self._is_limited = abs(current_a) > limit_a
        if not self._is_limited:
            return current_a, asked_v
        return math.copysign(limit_a, current_a), asked_v * limit_a / abs(current_a)

    def _at_current(self, now_s: float) -> tuple[float, float]:
        """Return current and voltage of a current source with its voltage limit."""
        asked_a = self._numbers["SOUR:CURR"]
        limit_v = self._numbers["SOUR:CURR:VLIM"]
        voltage_v = self._cell.voltage_v(asked_a, now_s)
        if voltage_v == OVERFLOW:
            return OVERFLOW, OVERFLOW
        self._is_limited = abs(voltage_v) > limit_v
        if not self._is_limited:
            return asked_a, voltage_v
        limited_a = self._limited_current_a(asked_a, limit_v, now_s)
        return limited_a, math.copysign(limit_v, voltage_v)

    def _limited_current_a(self, asked_a: float, limit_v: float, now_s: float) -> float:
        """Return the current, between 0 and what was asked, at which the voltage is the limit."""
        low, high = 0.0, 1.0
        for _ in range(40):
            middle = (low + high) / 2.0
            if abs(self._cell.voltage_v(asked_a * middle, now_s)) > limit_v:
                high = middle
            else:
                low = middle
        return asked_a * low
