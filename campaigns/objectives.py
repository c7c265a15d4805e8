"""What a campaign is after: objectives to improve, outcomes to keep within a specification."""

from collections.abc import Iterator
from decimal import Decimal
from typing import ClassVar, Literal

from campaigns.errors import Problem
from campaigns.fields import Check, NameField, NumberField, Section

__all__ = ["Objective", "Outcome"]


class Objective(Section):
    """One quantity to improve, measured or computed."""

    name: NameField
    direction: Literal["maximise", "minimise"]
    threshold: NumberField | None = None
    """The worst value of interest, in the objective's own unit: its reference point."""

    @property
    def sign(self) -> int:
        """1 if more is better, -1 if less is."""
        return 1 if self.direction == "maximise" else -1


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
