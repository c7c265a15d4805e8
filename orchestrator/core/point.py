"""Points of a space and what is known of them, in the form in which they cross every boundary."""

from collections.abc import Mapping
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Candidate", "Fact", "Observation", "Point", "Prediction"]

Point: TypeAlias = Mapping[str, float | str]
"""Values for all components (fractions in 0..1) and parameters (text for categories)."""


class Fact(BaseModel):
    """What every record that crosses a boundary is: frozen, with unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Prediction(Fact):
    """What a model expects of one objective or outcome at one point."""

    mean: float
    """Expected value, in the campaign file's unit and direction."""
    sd: float = Field(ge=0)
    """Standard deviation of the noise-free value."""


class Candidate(Fact):
    """A point that a planner proposed."""

    point: dict[str, float | str]
    """Values for all components and parameters."""
    predictions: dict[str, Prediction] = Field(default_factory=dict)
    """By measured objective or outcome; empty before there is a model. Computed ones have sd 0."""
    is_out_of_distribution: bool | None = None
    """Whether the model had to guess there; None before there is a model, or if it cannot say."""


class Observation(Fact):
    """What is known of one experiment, under the composition that was really made."""

    point: dict[str, float | str]
    """As made, not as asked: fractions sum to 1 but need not lie on the grid."""
    values: dict[str, float] = Field(default_factory=dict)
    """Measured objectives and outcomes, in the file's units; absent means not measured."""
    sds: dict[str, float] = Field(default_factory=dict)
    """Standard errors of the values, where known."""
    is_failed: bool = False
    """The sample could not be made: data about feasibility."""
