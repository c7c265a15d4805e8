"""What an analysis is: readings of one experiment in, values with their errors and a verdict out.

Analyses are found through the entry points `athanor.analyses`. They are pure: the same sample
gives the same result, on any machine, for ever; `version` grows whenever a result changes.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Protocol, Self, TypeAlias

__all__ = [
    "Analysis",
    "AnalysisResult",
    "Estimate",
    "Quality",
    "ReadingValue",
    "SampleRecord",
    "StockFacts",
    "bad",
]

ReadingValue: TypeAlias = float | tuple[float, ...] | str
"""What an instrument's reading holds: a number, a series or text, in the unit of its name."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its standard error, both in the unit of the value's name."""

    value: float
    sd: float
    """At least 0."""

    def __post_init__(self) -> None:
        if not math.isfinite(self.value) or not math.isfinite(self.sd) or self.sd < 0.0:
            raise ValueError(f"got {self.value} with error {self.sd}, expected finite, error >= 0")


class Quality(StrEnum):
    """Whether the readings bear a value out."""

    GOOD = "good"
    BAD = "bad"
    """A failed measurement: there is no value."""


@dataclass(frozen=True, slots=True)
class AnalysisResult:
    """What one analysis found in one sample."""

    quality: Quality
    values: Mapping[str, Estimate]
    """By the names that `Analysis.values_given` promises; empty if the quality is bad."""
    fractions: Mapping[str, float] | None
    """The composition that was really made, sum 1; None if the analysis says nothing of it."""
    reason: str
    """Why it is bad, or how it was found, in words an operator can use."""


@dataclass(frozen=True, slots=True)
class StockFacts:
    """What the rig file says of one stock."""

    concentration_mol_per_l: float
    density_g_per_ml: float


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """Everything that was asked and read about one sample."""

    point: Mapping[str, float | str]
    """As asked: fractions by component and parameters by name."""
    components: tuple[str, ...]
    """In the campaign file's order, which is the order of dosing."""
    readings: Mapping[str, Mapping[str, ReadingValue]]
    """By job name, then by reading name; of a job that was done again, the latest."""
    stock: Mapping[str, StockFacts]
    """By component."""


class Analysis(Protocol):
    """A named, versioned way from readings to values."""

    name: ClassVar[str]
    """As the campaign file calls it."""
    version: ClassVar[int]
    """Grows whenever the same readings give another result."""
    needs_liquid_stock: ClassVar[bool]
    """Whether each component must be drawn from a stock with concentration and density."""

    @classmethod
    def from_settings(cls, settings: Mapping[str, object]) -> Self:
        """Build the analysis from its table in the campaign file.

        Args:
            settings: The table ``[recipe.analysis.settings]``.

        Raises:
            ValueError: A setting is missing, unknown or wrong (a `pydantic.ValidationError`).
        """
        ...

    def values_given(self) -> tuple[str, ...]:
        """Return the names of the values that it gives, units in the names."""
        ...

    def analyse(self, sample: SampleRecord) -> AnalysisResult:
        """Find the values in one sample; readings that do not bear them out are bad quality."""
        ...


def bad(reason: str) -> AnalysisResult:
    """Return the result of a failed measurement.

    Args:
        reason: Why, in words an operator can use.
    """
    return AnalysisResult(Quality.BAD, {}, None, reason)
