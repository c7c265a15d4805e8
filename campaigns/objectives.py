"""What a campaign is after: objectives to improve, outcomes to keep within a specification.

References:
    Desirability functions: [DerringerSuich1980]_.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import ClassVar, Final, Literal, TypeAlias

from campaigns.errors import Problem
from campaigns.fields import Check, NameField, NumberField, Positive, Section

__all__ = ["MOST_OBJECTIVES", "Desirability", "Direction", "Objective", "Outcome", "TradeOff"]

Direction: TypeAlias = Literal["maximise", "minimise", "match"]
TradeOff: TypeAlias = Literal["front", "weighted", "desirability"]
"""How several objectives are traded: not at all, by a weighted sum, by a geometric mean."""
MOST_OBJECTIVES: Final = 15


class Desirability(Section):
    """How desirable a value is, from 0 to 1 [DerringerSuich1980]_.

    Example:
        >>> Desirability(worst=100, best=300, exponent=2).of(200.0)
        0.25
    """

    worst: NumberField
    """From here on a value is worth nothing."""
    best: NumberField
    """From here on nothing better is wanted."""
    exponent: Positive = Decimal(1)
    """Above 1: only what is near the best is worth much; below 1: little is enough."""

    def share(self, judged: float) -> float:
        """Return how far a judged value lies on the way from worst to best; beyond is allowed."""
        worst, best = float(self.worst), float(self.best)
        return (judged - worst) / (best - worst)

    def of(self, judged: float) -> float:
        """Return the desirability of a judged value, see `Objective.judged`."""
        return float(min(1.0, max(0.0, self.share(judged))) ** float(self.exponent))


def _matching(
    direction: Direction, target: Decimal | None, tolerance: Decimal | None
) -> Iterator[Problem]:
    for key, value in (("target", target), ("tolerance", tolerance)):
        if direction == "match" and value is None:
            meaning = "the value to match" if key == "target" else "what counts as equally good"
            yield Problem(key, None, f"{meaning}, for direction match")
        elif direction != "match" and value is not None:
            yield Problem(key, value, f"no {key} but with direction match")


def _acceptable(
    direction: Direction, tolerance: Decimal | None, threshold: Decimal | None
) -> Iterator[Problem]:
    if direction != "match" or tolerance is None or threshold is None:
        return
    if threshold <= tolerance:
        yield Problem(
            "threshold", threshold, f"a deviation above the tolerance, which is {tolerance}"
        )


def _desired(
    direction: Direction, tolerance: Decimal | None, desirability: Desirability | None
) -> Iterator[Problem]:
    if desirability is None:
        return
    worst, best = desirability.worst, desirability.best
    if direction == "maximise" and best <= worst:
        yield Problem("desirability.best", best, f"above worst, which is {worst}")
    if direction != "maximise" and best >= worst:
        yield Problem("desirability.best", best, f"below worst, which is {worst}")
    if direction == "match" and tolerance is not None and best < tolerance:
        expected = f"a deviation of at least the tolerance, which is {tolerance}"
        yield Problem("desirability.best", best, expected)


class Objective(Section):
    """One quantity to improve, measured or computed.

    Example:
        >>> gap = Objective(name="gap_ev", direction="match", target=3.2, tolerance=0.05)
        >>> gap.sign, gap.judged(3.25), gap.judged(3.21), gap.judged(2.2)
        (-1, 0.05, 0.05, 1.0)
    """

    checks: ClassVar[tuple[Check, ...]] = (
        Check(("direction", "target", "tolerance"), _matching),
        Check(("direction", "tolerance", "threshold"), _acceptable),
        Check(("direction", "tolerance", "desirability"), _desired),
    )
    name: NameField
    direction: Direction
    target: NumberField | None = None
    """The value to match, in the objective's own unit."""
    tolerance: Positive | None = None
    """Deviations from the target up to this one are equally good."""
    threshold: NumberField | None = None
    """The worst value of interest, in the objective's own unit: its reference point. The largest
    acceptable deviation where a target is to be matched."""
    weight: Positive | None = None
    """How much it counts where objectives are traded; 1 if none is given."""
    desirability: Desirability | None = None
    """Over values; over deviations where a target is to be matched."""

    @property
    def sign(self) -> int:
        """1 if more of what is judged is better, -1 if less is; see `judged`."""
        return 1 if self.direction == "maximise" else -1

    @property
    def share(self) -> float:
        """How much it counts where objectives are traded."""
        return 1.0 if self.weight is None else float(self.weight)

    @property
    def matched(self) -> tuple[float, float] | None:
        """Target and tolerance; None where nothing is to be matched."""
        if self.target is None or self.tolerance is None:
            return None
        return float(self.target), float(self.tolerance)

    @property
    def limits(self) -> tuple[Decimal | None, Decimal | None]:
        """Lowest and highest value of interest; None where there is none."""
        match self.direction, self.threshold, self.target:
            case "maximise", threshold, _:
                return threshold, None
            case "match", Decimal() as deviation, Decimal() as target:
                return target - deviation, target + deviation
            case _, threshold, _:
                return None, threshold

    def deviation(self, value: float) -> float | None:
        """Return how far a value is from the target; None where nothing is to be matched."""
        return None if self.target is None else abs(value - float(self.target))

    def judged(self, value: float) -> float:
        """Return what a value is judged by: itself, or its deviation from the target.

        A deviation within the tolerance counts as the tolerance.
        """
        if self.matched is None:
            return value
        target, tolerance = self.matched
        deviation = abs(value - target)
        return deviation if deviation > tolerance * (1 + 1e-9) else tolerance


def _limits(at_least: Decimal | None, at_most: Decimal | None) -> Iterator[Problem]:
    if at_least is None and at_most is None:
        yield Problem("", None, "at_least, at_most or both")
    elif at_least is not None and at_most is not None and at_least > at_most:
        yield Problem("at_most", at_most, f"at least at_least, which is {at_least}")


class Outcome(Section):
    """One quantity that must lie within a specification, measured or computed."""

    checks: ClassVar[tuple[Check, ...]] = (Check(("at_least", "at_most"), _limits),)
    name: NameField
    at_least: NumberField | None = None
    at_most: NumberField | None = None

    @property
    def limits(self) -> tuple[Decimal | None, Decimal | None]:
        """Lowest and highest value that meets the specification; None where there is none."""
        return self.at_least, self.at_most
