"""A pretend Mettler Toledo Quantos: a balance with a dosing head above its pan.

Facts are those of its driver's ``transcript.txt``, with their sources there. Assumed: how the
powder flows (most of it soon, the last of it slowly, the slower the narrower the tolerance), that
the last grains overshoot a little, that one dose in a hundred clogs, how long door and pin take,
and that the weight counts from the last tare. A dose that ends outside its tolerance is reported as
done.
"""

import math
from collections.abc import Callable
from typing import Final

from typing_extensions import override

from simulators.device import Act, Fittings, Reply
from simulators.devices.mettler_toledo_sics import MettlerToledoSicsDevice
from simulators.plumbing import Plumbing

__all__ = ["MettlerToledoQuantosDevice"]

_READ_S: Final = 0.05
_DOOR_S: Final = 3.0
_PIN_S: Final = 2.0
_BEGINNING_S: Final = 15.0
_PER_NARROWING_S: Final = 12.0
_STEEPNESS: Final = 4.0
_OVERSHOOT: Final = (0.15, 0.3)
"""Mean and standard deviation of what falls too much, in parts of the tolerance."""
_MOST_DOSAGES: Final = 250
_CLOSED: Final = "2"
_DOOR_PLACES: Final = ("2", "3")
_PIN_PLACES: Final = ("3", "4")
_LOCKED: Final = "4"


class _Flow:
    """Powder that falls from the head into a vessel."""

    def __init__(
        self,
        plumbing: Plumbing,
        source: str,
        target: str,
        *,
        volume_ul: float,
        begun_s: float,
        takes_s: float,
        finish: Callable[[float], None],
    ) -> None:
        self._plumbing = plumbing
        self._source = source
        self._target = target
        self._volume_ul = volume_ul
        self._begun_s = begun_s
        self._ends_s = begun_s + takes_s
        self._finish = finish
        self.fallen_ul = 0.0
        self.is_cut_off = False

    def settle(self, now_s: float) -> None:
        """Let fall what has fallen by now."""
        share = min(1.0, (now_s - self._begun_s) / (self._ends_s - self._begun_s))
        wanted = -math.expm1(-_STEEPNESS * share) / -math.expm1(-_STEEPNESS)
        step_ul = self._volume_ul * wanted - self.fallen_ul
        if step_ul > 0.0:
            at_s = min(now_s, self._ends_s)
            drawn = self._plumbing.draw(self._source, step_ul, at_s)
            self._plumbing.pour(self._target, drawn, at_s)
            self.fallen_ul += math.fsum(drawn.values())
        if now_s >= self._ends_s:
            self._finish(self._ends_s)

    def touches(self, vessel: str) -> bool:
        """Say whether it falls from or into a vessel."""
        return vessel in {self._source, self._target}

    def ends_at_s(self) -> float:
        """Return when the last grain falls, on the bench's clock."""
        return self._ends_s


class MettlerToledoQuantosDevice(MettlerToledoSicsDevice):
    """A dosing module whose head is filled from the stock that it draws from.

    Args:
        fittings: How it is fitted into the bench.
        vessel_g: What stands on the pan besides the position's contents, in grams.
        noise_g: Standard deviation of a stable reading, in grams.
        drift_g: Standard deviation of the zero's slow wandering, in grams.
    """

    def __init__(
        self,
        fittings: Fittings,
        *,
        vessel_g: float = 12.0,
        noise_g: float = 0.05e-3,
        drift_g: float = 0.05e-3,
    ) -> None:
        super().__init__(fittings, vessel_g=vessel_g, noise_g=noise_g, drift_g=drift_g)
        self.clog_chance = 0.01
        self.is_head_mounted = True
        self.is_door_blocked = False
        self.n_dosages = 0
        self.substance = str(fittings.settings.get("substance", fittings.draws_from))
        self._door = _CLOSED
        self._pin = _LOCKED
        self._target_mg = 0.0
        self._tolerance_percent = 5.0
        self._flow: _Flow | None = None

    @property
    @override
    def is_busy(self) -> bool:
        return self._flow is not None

    @override
    def in_motion(self) -> Act | None:
        if self._flow is None:
            return None
        fallen_mg = self._flow.fallen_ul * self._mg_per_ul()
        return Act(self._fittings.clock.now(), "dosed", fallen_mg, "mg")

    @override
    def _answer(self, request: bytes) -> list[Reply]:
        self._fittings.plumbing.settle(self._now_s())
        text = request.decode("ascii", errors="replace")
        if not text.startswith("QR"):
            return super()._answer(request)
        works: dict[str, Callable[[str], list[Reply]]] = {
            "QRA 60 2": self._move_pin,
            "QRA 60 7": self._move_door,
            "QRA 61": self._start_or_stop,
            "QRD 1 1 5": self._set_target,
            "QRD 1 1 6": self._set_tolerance,
            "QRD 1 1 7": lambda value: self._said(f"QRD 1 1 7 {'A' if value in '01' else 'L'}"),
            "QRD 2 3": lambda what: self._tell_door() if what == "7" else self._said("ES"),
            "QRD 2 4": lambda what: self._tell_head() if what == "11" else self._said("ES"),
        }
        command, _, value = text.rpartition(" ")
        work = works.get(command)
        return self._said("ES") if work is None else work(value)

    @override
    def _refusal(self, request: bytes) -> list[Reply]:
        text = request.decode("ascii", errors="replace")
        if not text.startswith("QR"):
            return super()._refusal(request)
        is_order = text.startswith(("QRA 60", "QRD 1"))
        return self._said(f"{text.rpartition(' ')[0] if is_order else text} I 5")

    @override
    def _lose_power(self) -> None:
        self._cut_off()
        super()._lose_power()

    def _finish(self, at_s: float) -> None:
        flow, self._flow = self._flow, None
        if flow is not None:
            self._fittings.plumbing.finish(flow)
            self._record("dosed", flow.fallen_ul * self._mg_per_ul(), "mg", at_s=at_s)

    def _cut_off(self) -> None:
        self._fittings.plumbing.settle(self._now_s())
        if self._flow is not None:
            self._flow.is_cut_off = True
            self._finish(self._now_s())

    def _start_or_stop(self, value: str) -> list[Reply]:
        if value == "4":
            if self._flow is None:
                return self._said("QRA 61 4 I 5")
            self._cut_off()
            return [_line("QRA 61 1 I 8"), _line("QRA 61 4 A")]
        if value != "1":
            return self._said(f"QRA 61 {value} L")
        if self._flow is not None:
            return self._said("QRA 61 1 I 2")
        refusal = self._why_not()
        return self._dose() if refusal is None else self._said(f"QRA 61 1 I {refusal}")

    def _why_not(self) -> int | None:
        if not self.is_head_mounted or self._fittings.draws_from is None:
            return 1
        if self._door != _CLOSED or self._pin != _LOCKED or self._fittings.delivers_to is None:
            return 5
        if self.n_dosages >= _MOST_DOSAGES:
            return 11
        return None

    def _dose(self) -> list[Reply]:
        source, target = self._fittings.draws_from, self._fittings.delivers_to
        if source is None or target is None:
            return self._said("QRA 61 1 I 1")
        rng, (mean, sd) = self._fittings.rng, _OVERSHOOT
        too_much = float(rng.normal(mean, sd)) * self._tolerance_percent / 100.0
        wanted_mg = self._target_mg * (1.0 + too_much)
        takes_s = _BEGINNING_S + _PER_NARROWING_S * math.log1p(100.0 / self._tolerance_percent)
        end = "QRA 61 1 A"
        if float(rng.random()) < self.clog_chance:
            wanted_mg *= float(rng.uniform(0.1, 0.8))
            end = "QRA 61 1 I 7"
        self.n_dosages += 1
        self._flow = flow = _Flow(
            self._fittings.plumbing,
            source,
            target,
            volume_ul=wanted_mg / self._mg_per_ul(),
            begun_s=self._now_s(),
            takes_s=takes_s,
            finish=self._finish,
        )
        self._fittings.plumbing.start(flow)
        self._begin("dosed", self._target_mg, "mg")
        return [
            _line("QRA 61 1 B"),
            Reply(f"{end}\r\n".encode("ascii"), takes_s + _READ_S, lambda: flow.is_cut_off),
        ]

    def _move_door(self, place: str) -> list[Reply]:
        if place not in _DOOR_PLACES:
            return self._said("QRA 60 7 L")
        if self._flow is not None:
            return self._said("QRA 60 7 I 2")
        if self.is_door_blocked:
            return [_line("QRA 60 7 B"), _line("QRA 60 7 I 3", _DOOR_S)]
        moves_s = _READ_S if place == self._door else _DOOR_S
        self._door = place
        return [_line("QRA 60 7 B"), _line("QRA 60 7 A", moves_s)]

    def _move_pin(self, place: str) -> list[Reply]:
        if place not in _PIN_PLACES:
            return self._said("QRA 60 2 L")
        if not self.is_head_mounted:
            return self._said("QRA 60 2 I 1")
        if self._flow is not None:
            return self._said("QRA 60 2 I 2")
        moves_s = _READ_S if place == self._pin else _PIN_S
        self._pin = place
        return [_line("QRA 60 2 B"), _line("QRA 60 2 A", moves_s)]

    def _set_target(self, value: str) -> list[Reply]:
        target_mg = _number(value)
        if target_mg is None or not 0.1 <= target_mg <= 250_000.0:
            return self._said("QRD 1 1 5 L")
        self._target_mg = target_mg
        return self._said("QRD 1 1 5 A")

    def _set_tolerance(self, value: str) -> list[Reply]:
        percent = _number(value)
        if percent is None or not 0.1 <= percent <= 40.0:
            return self._said("QRD 1 1 6 L")
        self._tolerance_percent = percent
        return self._said("QRD 1 1 6 A")

    def _tell_door(self) -> list[Reply]:
        return self._said(f"QRD 2 3 7 {self._door} A")

    def _tell_head(self) -> list[Reply]:
        source = self._fittings.draws_from
        if not self.is_head_mounted or source is None:
            return self._said("QRD 2 4 11 I 1")
        left_mg = 1000.0 * self._fittings.plumbing.mass_g(source)
        return self._said(
            "QRD 2 4 11 B",
            "<Dosing_head>",
            f"<Substance>{self.substance}</Substance>",
            f"<Dosing_counter>{self.n_dosages}</Dosing_counter>",
            f"<Rem._dosages>{_MOST_DOSAGES - self.n_dosages}</Rem._dosages>",
            f'<Rem._quantity Unit="mg">{left_mg:.2f}</Rem._quantity>',
            "</Dosing_head>",
            "QRD 2 4 11 A",
        )

    def _mg_per_ul(self) -> float:
        """Return how much a microlitre of what the head holds weighs, in milligrams."""
        source, plumbing = self._fittings.draws_from, self._fittings.plumbing
        if source is None or not plumbing.vessel(source).volume_ul:
            return 1.0
        return 1e3 * plumbing.mass_g(source) / plumbing.vessel(source).volume_ul

    def _said(self, *lines: str) -> list[Reply]:
        return [_line(line, _READ_S * (1 + place)) for place, line in enumerate(lines)]


def _line(text: str, delay_s: float = _READ_S) -> Reply:
    return Reply(f"{text}\r\n".encode("ascii"), delay_s)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
