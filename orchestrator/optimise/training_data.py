"""What models learn from: observations as arrays, each outcome with the rows that have it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from campaigns.errors import UndefinedValue
from campaigns.spec import CampaignSpec
from orchestrator.core.point import Observation, Point
from orchestrator.core.worth import Range, initial_ranges
from orchestrator.optimise.encoding import Encoding
from orchestrator.optimise.lattice import BoolArray, FloatArray, Lattice
from orchestrator.optimise.replication import Noise, noise_from, repeats_among

__all__ = ["LEAST_ROWS", "Column", "Scale", "TrainingData", "computed_columns", "reference_point"]

LEAST_ROWS: Final = 2
"""Observations of an objective or outcome before a model of it is asked."""
_MARGIN: Final = 0.1
"""How far beyond the worst of the initial design the reference point lies, in parts of its span."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A shift and a scale that bring values to mean 0 and standard deviation 1."""

    shift: float
    width: float
    """Above 0."""

    @classmethod
    def of(cls, values: FloatArray) -> "Scale":
        """Return the scale of some values; equal values are scaled by their size."""
        if not len(values):
            return cls(0.0, 1.0)
        largest = float(np.abs(values).max()) or 1.0
        parts = values / largest
        shift, width = float(parts.mean()), float(parts.std())
        return cls(shift * largest, (width if width > 1e-9 else 1.0) * largest)

    def scaled(self, values: FloatArray) -> FloatArray:
        """Return values on the scale."""
        return np.asarray((values - self.shift) / self.width, dtype=np.float64)

    def number(self, value: float) -> float:
        """Return one value on the scale."""
        return (value - self.shift) / self.width


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One measured objective or outcome."""

    name: str
    X: FloatArray
    """`n x d` features of the rows that have it."""
    Y: FloatArray
    """`n` values on its scale."""
    noise: Noise
    """Of the rows, on its scale."""
    scale: Scale

    @property
    def noise_remark(self) -> str:
        """What repeats say of the noise, in words; empty without repeats."""
        pooled = self.noise.pooled
        if pooled is None:
            return ""
        sd = pooled.variance**0.5 * self.scale.width
        repeats = "repeat" if pooled.n_repeats == 1 else "repeats"
        return f"{self.name} scatters by {sd:.3g} in {pooled.n_repeats} {repeats}"


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """Everything that was told, as arrays."""

    columns: tuple[Column, ...]
    """Measured objectives, then measured outcomes."""
    X_made: FloatArray
    """`n x d` features of the samples that could be made."""
    is_new: BoolArray
    """Which of them repeats none before it."""
    X_failed: FloatArray
    """`k x d` features of those that could not."""
    computed_made: FloatArray
    """`n x c` computed objectives of the samples that could be made, in the campaign's units."""
    ranges: Mapping[str, Range] | None = None
    """Worst and best of the initial design, as judged, by objective; see `initial_ranges`."""

    @classmethod
    def of(
        cls, campaign: CampaignSpec, observations: Sequence[Observation], encoding: Encoding
    ) -> "TrainingData":
        """Collect what models learn from.

        Samples at which a computed objective has no value are left out of `X_made`; they still
        teach the measured columns.
        """
        lattice = Lattice.of(campaign.space)
        columns = [
            _column(name, [o for o in observations if name in o.values], encoding, lattice)
            for name in campaign.measured_names
        ]
        failed = [o.point for o in observations if o.is_failed]
        samples = [o for o in observations if not o.is_failed]
        computed = computed_columns(campaign, [o.point for o in samples])
        valued = np.asarray(np.isfinite(computed).all(axis=1), dtype=np.bool_)
        made = [samples[place] for place in np.flatnonzero(valued)]
        is_new = np.ones(len(made), dtype=np.bool_)
        for repeats in repeats_among(lattice, made):
            is_new[repeats[1:]] = False
        return cls(
            columns=tuple(columns),
            X_made=encoding.points([o.point for o in made]),
            is_new=is_new,
            X_failed=encoding.points(failed),
            computed_made=computed[valued],
            ranges=_ranges(campaign, samples),
        )


def _column(name: str, rows: Sequence[Observation], encoding: Encoding, lattice: Lattice) -> Column:
    values = np.array([row.values[name] for row in rows], dtype=np.float64)
    scale = Scale.of(values)
    Y = scale.scaled(values)
    reported = np.array([row.sds.get(name, np.nan) for row in rows], dtype=np.float64)
    noise = noise_from(Y, reported / scale.width, repeats_among(lattice, rows))
    return Column(name, encoding.points([row.point for row in rows]), Y, noise, scale)


def _ranges(campaign: CampaignSpec, samples: Sequence[Observation]) -> Mapping[str, Range] | None:
    values = {
        one.name: _first_values(campaign, one.name, samples).tolist() for one in campaign.objectives
    }
    return initial_ranges(campaign, values)


def computed_columns(campaign: CampaignSpec, points: Sequence[Point]) -> FloatArray:
    """Return the computed objectives of points, `n x c`; nan where one has no value."""
    names = [each.name for each in campaign.objectives if each.name in campaign.computed]
    found = np.full((len(points), len(names)), np.nan)
    for place, point in enumerate(points):
        if not names:
            break
        try:
            values = campaign.computed_values(point)
        except UndefinedValue:
            continue
        found[place] = [values[name] for name in names]
    return found


def reference_point(
    campaign: CampaignSpec, observations: Sequence[Observation]
) -> Mapping[str, float]:
    """Return the worst values of interest, by objective, in the campaign's units.

    An objective's own threshold, else the worst of the first `n_initial` observations that have
    the objective, and a tenth of their span beyond it: later observations do not move it. Where a
    target is to be matched, deviations from it stand for values.
    """
    found: dict[str, float] = {}
    for objective in campaign.objectives:
        if objective.threshold is not None:
            found[objective.name] = float(objective.threshold)
            continue
        values = _first_values(campaign, objective.name, observations)
        values = np.array([objective.judged(value) for value in values.tolist()])
        span = float(np.ptp(values)) or max(1e-9, abs(float(values[0])))
        worst = float((objective.sign * values).min())
        found[objective.name] = objective.sign * (worst - _MARGIN * span)
    return found


def _first_values(
    campaign: CampaignSpec, name: str, observations: Sequence[Observation]
) -> FloatArray:
    values: list[float] = []
    for observation in observations:
        value = observation.values.get(name)
        if name in campaign.computed:
            try:
                value = campaign.computed_values(observation.point)[name]
            except UndefinedValue:
                continue
        if value is not None:
            values.append(value)
        if len(values) == max(2, campaign.planner.n_initial):
            break
    return np.array(values, dtype=np.float64)
