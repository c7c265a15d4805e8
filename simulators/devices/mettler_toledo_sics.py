"""A pretend Mettler Toledo analytical balance: MT-SICS levels 0 and 1.

Facts are those of its driver's ``transcript.txt``, with their sources there. The
noise, the settling time and the time after which the balance gives up are assumed, at values
usual for a balance that reads 0.1 mg.
"""

import math
from collections.abc import Callable
from typing import Final

from typing_extensions import override

from simulators.device import Fittings, FramedDevice, Reply

__all__ = ["MettlerToledoSicsDevice"]

_TYPE: Final = "XPE205 Excellence 220.0090 g"
_SERIAL: Final = "B123456789"
_SOFTWARE: Final = "2.10 10.28.0.493.142"
_CAPACITY_G: Final = 220.009
_LEAST_G: Final = -2.2
_READ_S: Final = 0.05
_SETTLING_S: Final = 2.5
_GIVES_UP_S: Final = 5.0
_DRIFT_TIME_S: Final = 900.0
_UNSTABLE_NOISE_FACTOR: Final = 20.0


class MettlerToledoSicsDevice(FramedDevice):
    """A balance with the vessel of its position on the pan, zeroed without it.

    Args:
        fittings: How it is fitted into the bench.
        vessel_g: What stands on the pan besides the position's contents, in grams.
        noise_g: Standard deviation of a stable reading, in grams.
        drift_g: Standard deviation of the zero's slow wandering, in grams.
    """

    terminator = b"\r\n"

    def __init__(
        self,
        fittings: Fittings,
        *,
        vessel_g: float = 25.0,
        noise_g: float = 0.15e-3,
        drift_g: float = 0.1e-3,
    ) -> None:
        super().__init__(fittings)
        self.vessel_g = vessel_g
        self._noise_g = noise_g
        self._drift_sd_g = drift_g
        self._drift_g = 0.0
        self._drifted_s: float | None = None
        self._zero_g = 0.0
        self._tare_g = 0.0

    @override
    def _is_mine(self, request: bytes) -> bool:
        return True

    @override
    def _answer(self, request: bytes) -> list[Reply]:
        self._fittings.plumbing.settle(self._now_s())
        handlers: dict[bytes, Callable[[], list[Reply]]] = {
            b"@": self._cancel,
            b"I2": lambda: [_line(f'I2 A "{_TYPE}"')],
            b"I3": lambda: [_line(f'I3 A "{_SOFTWARE}"')],
            b"I4": lambda: [_line(f'I4 A "{self._named(_SERIAL)}"')],
            b"S": self._send_stable,
            b"SI": self._send_at_once,
            b"T": self._tare,
            b"TA": lambda: [_line(f"TA A {_weight(self._tare_g)}")],
            b"Z": self._zero,
        }
        handler = handlers.get(request)
        return [_line("ES")] if handler is None else handler()

    @override
    def _lose_power(self) -> None:
        """Forget the tare; assumed: the zero of the last switching on without a load is kept."""
        self._tare_g = 0.0

    @override
    def _refusal(self, request: bytes) -> list[Reply]:
        command = request.decode("ascii", errors="replace")
        return [_line("S I" if command == "SI" else f"{command} I")]

    def _cancel(self) -> list[Reply]:
        """Return to the state after switching on, without a new zero."""
        self._tare_g = 0.0
        return [_line(f'I4 A "{self._named(_SERIAL)}"')]

    def _send_stable(self) -> list[Reply]:
        wait_s = self._unstable_s()
        if wait_s > _GIVES_UP_S:
            return [_line("S I", _GIVES_UP_S)]
        gross_g = self._gross_g(is_stable=True)
        text = _overload(gross_g) or f"S {_weight(gross_g - self._tare_g)}"
        return [_line(f"S {text}", _READ_S + wait_s)]

    def _send_at_once(self) -> list[Reply]:
        is_stable = self._unstable_s() == 0.0
        gross_g = self._gross_g(is_stable=is_stable)
        letter = "S" if is_stable else "D"
        text = _overload(gross_g) or f"{letter} {_weight(gross_g - self._tare_g)}"
        return [_line(f"S {text}")]

    def _tare(self) -> list[Reply]:
        wait_s = self._unstable_s()
        if wait_s > _GIVES_UP_S:
            return [_line("T I", _GIVES_UP_S)]
        gross_g = self._gross_g(is_stable=True)
        if overload := _overload(gross_g):
            return [_line(f"T {overload}")]
        self._tare_g = gross_g
        self._record("tared", gross_g, "g")
        return [_line(f"T S {_weight(gross_g)}", _READ_S + wait_s)]

    def _zero(self) -> list[Reply]:
        wait_s = self._unstable_s()
        if wait_s > _GIVES_UP_S:
            return [_line("Z I", _GIVES_UP_S)]
        gross_g = self._gross_g(is_stable=True)
        if overload := _overload(gross_g):
            return [_line(f"Z {overload}")]
        self._zero_g += gross_g
        self._tare_g = 0.0
        self._record("zeroed", gross_g, "g")
        return [_line("Z A", _READ_S + wait_s)]

    def _unstable_s(self) -> float:
        """Return how long it takes to be stable, in seconds; infinite while a pump is at work."""
        position = self._fittings.at
        if position is None:
            return 0.0
        plumbing = self._fittings.plumbing
        if plumbing.is_disturbed(position):
            return math.inf
        rested_s = self._now_s() - plumbing.vessel(position).changed_at_s
        return max(0.0, _SETTLING_S - rested_s)

    def _gross_g(self, *, is_stable: bool) -> float:
        """Return what the balance sees above its zero, rounded as it rounds."""
        position = self._fittings.at
        contents_g = 0.0 if position is None else self._fittings.plumbing.mass_g(position)
        noise_g = self._noise_g * (1.0 if is_stable else _UNSTABLE_NOISE_FACTOR)
        chance_g = self._drift_now_g() + float(self._fittings.rng.normal(0.0, noise_g))
        return round(self.vessel_g + contents_g + chance_g - self._zero_g, 4)

    def _drift_now_g(self) -> float:
        """Let the zero wander since it was last looked at, and return where it is."""
        now_s = self._now_s()
        if self._drifted_s is not None and now_s > self._drifted_s:
            kept = math.exp(-(now_s - self._drifted_s) / _DRIFT_TIME_S)
            step_g = self._drift_sd_g * math.sqrt(1.0 - kept * kept)
            self._drift_g = self._drift_g * kept + float(self._fittings.rng.normal(0.0, step_g))
        self._drifted_s = now_s
        return self._drift_g


def _line(text: str, delay_s: float = _READ_S) -> Reply:
    return Reply(f"{text}\r\n".encode("ascii"), delay_s)


def _weight(mass_g: float) -> str:
    return f"{mass_g + 0.0:10.4f} g"


def _overload(gross_g: float) -> str:
    """Return the sign of an overload or underload, or nothing."""
    if gross_g > _CAPACITY_G:
        return "+"
    return "-" if gross_g < _LEAST_G else ""
