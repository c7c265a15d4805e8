"""What a campaign is after: objectives to improve, outcomes to keep within a specification."""

from decimal import Decimal
from typing import Literal

from pydantic import model_validator

from campaigns.errors import Problem
from campaigns.fields import Mistakes, NameField, NumberField, Section

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


class Outcome(Section):
    """One quantity that must lie within a specification, measured or computed."""

    name: NameField
    at_least: NumberField | None = None
    at_most: NumberField | None = None

    @model_validator(mode="after")
    def _check(self) -> "Outcome":
        if self.at_least is None and self.at_most is None:
            raise Mistakes([Problem("", None, "at_least, at_most or both")])
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            expected = f"at least at_least, which is {self.at_least}"
            raise Mistakes([Problem("at_most", self.at_most, expected)])
        return self

    @property
    def limits(self) -> tuple[Decimal | None, Decimal | None]:
        """Lowest and highest value that meets the specification; None where there is none."""
        return self.at_least, self.at_most
