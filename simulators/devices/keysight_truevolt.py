"""A pretend Keysight 34461A multimeter: the part of its SCPI that reads dc and resistance.

Facts are those of its driver's ``transcript.txt``, with their sources there. Assumed: it zeroes
itself, so that a reading takes two integrations; leads and contacts add 0.3 ohm on two wires; it
tests resistances with 1 mA; noise of 30 parts in a million at one power line cycle, less the
longer it integrates.
"""

import math
import re
from collections.abc import Callable
from typing import Final

from typing_extensions import override

from simulators.cells import OVERFLOW, Cell, Resistor
from simulators.device import Fittings, FramedDevice, Reply
from simulators.devices.scpi import ErrorQueue, requests_of

__all__ = ["KeysightTruevoltDevice"]

_MAKE: Final = "Keysight Technologies,34461A"
_SERIAL: Final = "MY53220123"
_FIRMWARE: Final = "A.02.17-02.40-02.17-00.52-04-01"
_PROCESSING_S: Final = 0.003
_CYCLE_S: Final = 0.02
_DUMMY_OHM: Final = 1000.0
_TEST_CURRENT_A: Final = 1e-3
_LEADS_OHM: Final = 0.3
_NOISE: Final = 3e-5
_LARGEST_OHM: Final = 1e8
_UNDEFINED: Final = (-113, "Undefined header")
_EXECUTION: Final = (-200, "Execution error")
_OUT_OF_RANGE: Final = (-222, "Data out of range")
_ILLEGAL: Final = (-224, "Illegal parameter value")
_MISSING: Final = (-109, "Missing parameter")
_FUNCTIONS: Final = {"VOLT:DC": "VOLT", "CURR:DC": "CURR", "RES": "RES", "FRES": "FRES"}
_CYCLES: Final = (0.02, 0.2, 1.0, 10.0, 100.0)
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(E[+-]?\d{1,3})?\Z")


class KeysightTruevoltDevice(FramedDevice):
    """A multimeter at a cell, or at a 1 kilohm resistor if it has no position.

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
        self._function = "VOLT:DC"
        self._cycles = dict.fromkeys(_FUNCTIONS, 10.0)
        self._n_samples = 1

    @override
    def _is_mine(self, request: bytes) -> bool:
        return True

    @override
    def _lose_power(self) -> None:
        self._reset()
        self._errors.clear()

    @override
    def _refusal(self, request: bytes) -> list[Reply]:
        self._errors.add(*_EXECUTION)
        return []

    @override
    def _answer(self, request: bytes) -> list[Reply]:
        self._fittings.plumbing.settle(self._now_s())
        answers: list[str] = []
        delay_s = _PROCESSING_S
        for header, arguments in requests_of(request):
            if header == "READ?":
                delay_s += self._n_samples * 2.0 * _CYCLE_S * self._cycles[self._function]
            answer = self._answer_one(header, arguments)
            if answer is not None:
                answers.append(answer)
        if not answers:
            return []
        return [Reply((";".join(answers) + "\n").encode("ascii"), delay_s)]

    def _answer_one(self, header: str, arguments: list[str]) -> str | None:
        fixed: dict[str, Callable[[], str | None]] = {
            "*CLS": self._errors.clear,
            "*IDN?": lambda: f"{_MAKE},{self._named(_SERIAL)},{_FIRMWARE}",
            "*RST": self._reset,
            "ABOR": lambda: None,
            "CONF?": self._configuration,
            "READ?": self._readings,
            "SAMP:COUN?": lambda: f"{self._n_samples:+d}",
            "SYST:ERR?": self._oldest_error,
        }
        if header in fixed:
            return fixed[header]()
        subject, _, asked = header.removeprefix("SENS:").rpartition(":")
        if subject in _FUNCTIONS and asked == "NPLC?":
            return f"{self._cycles[subject]:+.8E}"
        if not arguments:
            self._errors.add(*(_MISSING if header == "SAMP:COUN" else _UNDEFINED))
        elif subject in _FUNCTIONS and asked == "NPLC":
            self._set_cycles(subject, arguments[0])
        elif header == "SAMP:COUN":
            self._set_samples(arguments[0])
        elif header.removeprefix("CONF:") in _FUNCTIONS and header.startswith("CONF:"):
            self._function = header.removeprefix("CONF:")
        else:
            self._errors.add(*_UNDEFINED)
        return None

    def _oldest_error(self) -> str:
        """Return the entry without the date that other makers add."""
        code, _, text = self._errors.oldest().partition(",")
        return f'{int(code):+d},"{text.strip(chr(34)).partition(";")[0]}"'

    def _configuration(self) -> str:
        return f'"{_FUNCTIONS[self._function]} +1.00000000E+01,+3.00000000E-06"'

    def _set_cycles(self, function: str, text: str) -> None:
        if not _NUMBER.match(text.upper()):
            self._errors.add(*_ILLEGAL)
        elif not _CYCLES[0] <= float(text) <= _CYCLES[-1]:
            self._errors.add(*_OUT_OF_RANGE)
        else:
            self._cycles[function] = next(one for one in _CYCLES if one >= float(text) * 0.999)

    def _set_samples(self, text: str) -> None:
        if not _NUMBER.match(text.upper()):
            self._errors.add(*_ILLEGAL)
        elif not 1 <= float(text) <= 1e6:
            self._errors.add(*_OUT_OF_RANGE)
        else:
            self._n_samples = int(float(text))

    def _readings(self) -> str:
        spread = _NOISE / math.sqrt(max(1.0, self._cycles[self._function]))
        values = []
        for _ in range(self._n_samples):
            true = self._true_value()
            noisy = true * (1.0 + float(self._fittings.rng.normal(0.0, spread)))
            values.append(OVERFLOW if abs(true) >= OVERFLOW else noisy)
        return ",".join(f"{value:+.8E}" for value in values)

    def _true_value(self) -> float:
        now_s = self._now_s()
        if self._function == "CURR:DC":
            return 0.0
        current_a = 0.0 if self._function == "VOLT:DC" else _TEST_CURRENT_A
        voltage_v = self._cell.voltage_v(current_a, now_s)
        if voltage_v == OVERFLOW or self._function == "VOLT:DC":
            return voltage_v
        leads_ohm = _LEADS_OHM if self._function == "RES" else 0.0
        resistance_ohm = voltage_v / current_a + leads_ohm
        return resistance_ohm if resistance_ohm < _LARGEST_OHM else OVERFLOW
