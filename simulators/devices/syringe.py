"""A syringe with two check valves in a pump's jaws: what a moving plunger does to liquids."""

import math
from typing import Final, Literal, Protocol

from simulators.device import Fittings
from simulators.plumbing import EMPTY_UL

__all__ = ["Direction", "Syringe"]

Direction = Literal["INF", "WDR"]

_BIAS_SD: Final = 0.003
"""From pump to pump, relative: what the bore and the valves take."""
_STROKE_SD: Final = 0.002
"""From stroke to stroke, relative."""


class _Begin(Protocol):
    """Takes note of the beginning of a stroke."""

    def __call__(self, act: str, volume_ul: float) -> None:
        """Take note.

        Args:
            act: ``infused`` or ``withdrew``.
            volume_ul: What the plunger is to displace; infinite if to the end of the barrel.
        """
        ...


class _Record(Protocol):
    """Takes note of the end of a stroke."""

    def __call__(
        self, act: str, liquid_ul: float, displaced_ul: float, at_s: float, *, has_stalled: bool
    ) -> None:
        """Take note.

        Args:
            act: ``infused`` or ``withdrew``.
            liquid_ul: Liquid that was moved.
            displaced_ul: What the plunger displaced, air included.
            at_s: When the stroke ended, on the bench's clock.
            has_stalled: Whether the motor could not go on.
        """
        ...


class Syringe:
    """A syringe, empty at first, with its plunger pushed in.

    The plunger goes exactly as far as it is driven; the liquid that follows it differs by a
    bias of the pump (0.3 %) and a scatter of the stroke (0.2 %), the rest is air. An open
    vessel that is empty gives air; a sealed one holds the plunger and the motor stalls, and so
    do both ends of the barrel.

    Args:
        fittings: Where it draws from and delivers to, and its source of chance.
        diameter_mm: Inner diameter.
        capacity_ul: What the barrel holds.
        begin: Takes note of the beginning of each stroke.
        record: Takes note of the end of each stroke.
    """

    def __init__(
        self,
        fittings: Fittings,
        *,
        diameter_mm: float,
        capacity_ul: float,
        begin: _Begin,
        record: _Record,
    ) -> None:
        self.diameter_mm = diameter_mm
        self.spilled_ul = 0.0
        """Microlitres that the present or last stroke put on the floor."""
        self.displaced_ul = 0.0
        """What the stroke in motion has displaced so far; 0 at rest."""
        self.is_moving = False
        self._fittings = fittings
        self._capacity_ul = capacity_ul
        self._begin = begin
        self._record = record
        self._bias = float(fittings.rng.normal(0.0, _BIAS_SD))
        self._plunger_ul = 0.0
        self._liquid: dict[str, float] = {}
        self._direction: Direction = "INF"
        self._volume_ul = 0.0
        self._rate_ul_per_s = 0.0
        self._settled_s = 0.0
        self.liquid_moved_ul = 0.0
        """Liquid that the present or last stroke has moved so far."""
        self._yield = 1.0

    @property
    def volume_ul(self) -> float:
        """Return the liquid in it."""
        return math.fsum(self._liquid.values())

    @property
    def act(self) -> str:
        """What the present or last stroke does."""
        return "infused" if self._direction == "INF" else "withdrew"

    def ends_at_s(self) -> float:
        """Return when the stroke in motion will end if nobody interferes."""
        left_ul = min(self._volume_ul - self.displaced_ul, self._reach_ul())
        return self._settled_s + left_ul / self._rate_ul_per_s

    def touches(self, vessel: str) -> bool:
        """Say whether the stroke in motion draws on or delivers to a vessel."""
        fittings = self._fittings
        end = fittings.draws_from if self._direction == "WDR" else fittings.delivers_to
        return self.is_moving and end == vessel

    def start(
        self, direction: Direction, *, volume_ul: float, rate_ul_per_s: float, now_s: float
    ) -> None:
        """Begin a stroke.

        Args:
            direction: INF pushes out, WDR draws in.
            volume_ul: What the plunger is to displace; infinite goes on to the end.
            rate_ul_per_s: How fast, above 0.
            now_s: When, on the bench's clock.
        """
        self._direction = direction
        self._volume_ul = volume_ul
        self._rate_ul_per_s = rate_ul_per_s
        self._settled_s = now_s
        self.liquid_moved_ul = 0.0
        self._yield = 1.0 + self._bias + float(self._fittings.rng.normal(0.0, _STROKE_SD))
        self.displaced_ul = 0.0
        self.spilled_ul = 0.0
        self.is_moving = True
        self._begin(self.act, volume_ul)
        self._fittings.plumbing.start(self)

    def stop(self, now_s: float) -> None:
        """End the stroke in motion where it is, after what it has moved by now."""
        self.settle(now_s)
        if self.is_moving:
            self._finish(now_s, has_stalled=False)

    def settle(self, now_s: float) -> None:
        """Move what has been moved by now; the stroke ends when it is through or stalls."""
        if not self.is_moving:
            return
        reach_ul = self._reach_ul()
        left_ul = min(self._volume_ul - self.displaced_ul, reach_ul)
        driven_ul = max(0.0, now_s - self._settled_s) * self._rate_ul_per_s
        is_through = driven_ul >= left_ul - 1e-9
        moved_ul = left_ul if is_through else driven_ul
        at_s = self._settled_s + moved_ul / self._rate_ul_per_s
        if self._direction == "WDR":
            self._draw(moved_ul, at_s)
        else:
            self._push(moved_ul, at_s)
        self.displaced_ul += moved_ul
        self._settled_s = at_s
        if is_through:
            has_stalled = self.displaced_ul < self._volume_ul - 1e-6
            self._finish(at_s, has_stalled=has_stalled)

    def _reach_ul(self) -> float:
        """Return how far the plunger can go from where it is."""
        if self._direction == "INF":
            return self._plunger_ul
        room_ul = max(0.0, self._capacity_ul - self._plunger_ul)
        source = self._fittings.draws_from
        if source is not None:
            vessel = self._fittings.plumbing.vessel(source)
            if vessel.is_sealed:
                held_ul = vessel.volume_ul
                return min(room_ul, held_ul / self._yield if held_ul > EMPTY_UL else 0.0)
        return room_ul

    def _draw(self, moved_ul: float, at_s: float) -> None:
        self._plunger_ul += moved_ul
        source = self._fittings.draws_from
        if source is None:
            return
        drawn = self._fittings.plumbing.draw(source, moved_ul * self._yield, at_s)
        for stock, amount in drawn.items():
            self._liquid[stock] = self._liquid.get(stock, 0.0) + amount
        self.liquid_moved_ul += math.fsum(drawn.values())

    def _push(self, moved_ul: float, at_s: float) -> None:
        if self._plunger_ul <= 0.0:
            return
        share = min(1.0, moved_ul / self._plunger_ul)
        pushed = {stock: amount * share for stock, amount in self._liquid.items()}
        for stock, amount in pushed.items():
            self._liquid[stock] -= amount
        self._plunger_ul -= moved_ul
        if self._plunger_ul < 1e-6:
            self._plunger_ul = 0.0
            self._liquid.clear()
        pushed_ul = math.fsum(pushed.values())
        self.liquid_moved_ul += pushed_ul
        goal = self._fittings.delivers_to
        if goal is None:
            self.spilled_ul += pushed_ul
        else:
            self.spilled_ul += self._fittings.plumbing.pour(goal, pushed, at_s)

    def _finish(self, at_s: float, *, has_stalled: bool) -> None:
        self.is_moving = False
        self._fittings.plumbing.finish(self)
        displaced_ul, self.displaced_ul = self.displaced_ul, 0.0
        self._record(self.act, self.liquid_moved_ul, displaced_ul, at_s, has_stalled=has_stalled)
