"""When a campaign ends of itself: experiments, hours, dollars, a target, a plateau."""

from pydantic import Field, model_validator

from campaigns.errors import Problem
from campaigns.fields import Count, Mistakes, NameField, NumberField, Section

__all__ = ["Plateau", "Stopping", "Target"]


class Target(Section):
    """A value of one objective that ends the search; all targets must be met by one observation."""

    objective: NameField
    at_least: NumberField | None = None
    at_most: NumberField | None = None

    @model_validator(mode="after")
    def _check(self) -> "Target":
        if (self.at_least is None) == (self.at_most is None):
            got = None if self.at_least is None else "both at_least and at_most"
            raise Mistakes([Problem("", got, "one of at_least and at_most")])
        return self


class Plateau(Section):
    """No gain worth having for a while."""

    n_experiments: Count
    """How many observations without a gain end the search; at least 1."""
    min_gain: NumberField
    """Relative gain of the front's hypervolume (of the best value, if there is one objective)."""

    @model_validator(mode="after")
    def _check(self) -> "Plateau":
        if self.n_experiments < 1:
            raise Mistakes([Problem("n_experiments", self.n_experiments, "at least 1")])
        if self.min_gain < 0:
            raise Mistakes([Problem("min_gain", self.min_gain, "at least 0")])
        return self


class Stopping(Section):
    """The rules that end a campaign; the first that is met does."""

    max_experiments: Count | None = None
    """Experiments started."""
    max_hours: NumberField | None = None
    """Hours since the campaign was opened."""
    max_cost_usd: NumberField | None = None
    """Dollars spent on experiments."""
    targets: tuple[Target, ...] = Field(default=(), alias="target")
    plateau: Plateau | None = None

    @model_validator(mode="after")
    def _check(self) -> "Stopping":
        limits = {
            "max_experiments": self.max_experiments,
            "max_hours": self.max_hours,
            "max_cost_usd": self.max_cost_usd,
        }
        problems = [
            Problem(key, limit, "a number above 0")
            for key, limit in limits.items()
            if limit is not None and limit <= 0
        ]
        if problems:
            raise Mistakes(problems)
        return self

    @property
    def can_end(self) -> bool:
        """Whether some rule is certain to end the campaign or names a target to reach."""
        limits = (self.max_experiments, self.max_hours, self.max_cost_usd)
        return any(limit is not None for limit in limits) or bool(self.targets)
