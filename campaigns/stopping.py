"""When a campaign ends of itself: experiments, hours, dollars, a target, a plateau."""

from collections.abc import Iterator
from decimal import Decimal
from typing import ClassVar

from pydantic import Field

from campaigns.errors import Problem
from campaigns.fields import Check, NameField, Natural, NotNegative, NumberField, Positive, Section

__all__ = ["Plateau", "Stopping", "Target"]


def _one_limit(
    at_least: Decimal | None, at_most: Decimal | None, within: Decimal | None
) -> Iterator[Problem]:
    limits = {"at_least": at_least, "at_most": at_most, "within": within}
    given = [name for name, limit in limits.items() if limit is not None]
    if len(given) != 1:
        got = " and ".join(given) if given else None
        yield Problem("", got, "one of at_least, at_most and within")


class Target(Section):
    """A value of one objective that ends the search; all targets must be met by one observation."""

    checks: ClassVar[tuple[Check, ...]] = (Check(("at_least", "at_most", "within"), _one_limit),)
    objective: NameField
    at_least: NumberField | None = None
    at_most: NumberField | None = None
    within: NotNegative | None = None
    """Largest deviation from what the objective is to match."""


class Plateau(Section):
    """No gain worth having for a while."""

    n_experiments: Natural
    """How many observations without a gain end the search."""
    min_gain: NotNegative
    """Relative gain of the front's hypervolume; of the best value, if there is one objective; of
    the best trade-off, if objectives are traded."""


class Stopping(Section):
    """The rules that end a campaign; the first that is met does."""

    max_experiments: Natural | None = None
    """Experiments started."""
    max_hours: Positive | None = None
    """Hours since the campaign was opened."""
    max_cost_usd: Positive | None = None
    """Dollars spent on experiments."""
    targets: tuple[Target, ...] = Field(default=(), alias="target")
    plateau: Plateau | None = None

    @property
    def can_end(self) -> bool:
        """Whether some rule is certain to end the campaign or names a target to reach."""
        limits = (self.max_experiments, self.max_hours, self.max_cost_usd)
        return any(limit is not None for limit in limits) or bool(self.targets)
