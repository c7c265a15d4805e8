"""From points to the numbers that models see: the one gate for shapes in this room."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from campaigns.space import CategoricalParameter
from campaigns.spec import CampaignSpec
from orchestrator.core.point import Point
from orchestrator.optimise.lattice import FloatArray, IntArray, Lattice

__all__ = ["Encoding"]

_TRACE: Final = 0.01
"""Share of a component's range below which fractions count as traces on the logarithmic scale."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """Features of points, each between 0 and 1 within the bounds.

    Fractions are taken on a logarithmic scale, so that the first traces of a component weigh more
    than the same amount of a component that is there already, and, behind all others, once more on
    a plain scale; numbers are scaled to their range; categories become one column each.
    """

    fractions: Mapping[str, tuple[float, float]]
    """Lowest and highest fraction by component."""
    ranges: Mapping[str, tuple[float, float]]
    """Lowest and highest level by numeric parameter."""
    categories: Mapping[str, tuple[str, ...]]
    """Categories by categorical parameter."""

    @classmethod
    def of(cls, campaign: CampaignSpec) -> "Encoding":
        """Build the encoding of a campaign's space."""
        space = campaign.space
        fractions: dict[str, tuple[float, float]] = {}
        if space.composition is not None:
            n = space.composition.n_steps
            bounds = space.composition.count_bounds
            fractions = {
                name: (low / n, high / n)
                for name, (low, high) in zip(space.composition.names, bounds, strict=True)
            }
        numeric = [p for p in space.parameters if not isinstance(p, CategoricalParameter)]
        return cls(
            fractions=fractions,
            ranges={p.name: (float(p.levels[0]), float(p.levels[-1])) for p in numeric},
            categories={
                p.name: p.levels for p in space.parameters if isinstance(p, CategoricalParameter)
            },
        )

    @property
    def n_features(self) -> int:
        """Number of columns of an encoded point."""
        n_categories = sum(map(len, self.categories.values()))
        return 2 * len(self.fractions) + len(self.ranges) + n_categories

    def points(self, points: Sequence[Point], *, is_logarithmic: bool = True) -> FloatArray:
        """Encode points, as made or as asked.

        Args:
            points: `n` points; numbers may lie outside their bounds.
            is_logarithmic: Whether fractions are taken on the logarithmic scale too, not on the
                plain one alone.

        Returns:
            `n x d` features.
        """
        columns: dict[str, FloatArray | list[str]] = {}
        for name in (*self.fractions, *self.ranges):
            columns[name] = np.array([float(point[name]) for point in points], dtype=np.float64)
        for name in self.categories:
            columns[name] = [str(point[name]) for point in points]
        return self._encoded(columns, len(points), is_logarithmic=is_logarithmic)

    def rows(self, lattice: Lattice, rows: IntArray, *, is_logarithmic: bool = True) -> FloatArray:
        """Encode lattice rows, `n x d` integers, to `n x d` features."""
        columns = lattice.columns(rows)
        return self._encoded(columns, len(rows), is_logarithmic=is_logarithmic)

    def plain(self, features: FloatArray) -> FloatArray:
        """Return `n x d` features with fractions on a plain scale instead of the logarithmic."""
        n = len(self.fractions)
        return np.hstack([features[:, self.n_features - n :], features[:, n : self.n_features - n]])

    def _encoded(
        self, columns: Mapping[str, object], n: int, *, is_logarithmic: bool
    ) -> FloatArray:
        shares = [
            (np.asarray(columns[name], dtype=np.float64) - low) / _width(low, high)
            for name, (low, high) in self.fractions.items()
        ]
        features = [_logarithmic(share) if is_logarithmic else share for share in shares]
        for name, (low, high) in self.ranges.items():
            number = np.asarray(columns[name], dtype=np.float64)
            features.append((number - low) / _width(low, high))
        for name, texts in self.categories.items():
            column = np.asarray(columns[name])
            features += [(column == text).astype(np.float64) for text in texts]
        if is_logarithmic:
            features += shares
        if not n:
            return np.zeros((0, self.n_features - (not is_logarithmic) * len(self.fractions)))
        return np.stack(features, axis=1)


def _width(low: float, high: float) -> float:
    return high - low if high > low else 1.0


def _logarithmic(share: FloatArray) -> FloatArray:
    """Map 0 to 0 and 1 to 1, steeply at first; what lies below 0 goes on as a straight line."""
    scaled = np.log1p(np.maximum(share, 0.0) / _TRACE) / np.log1p(1 / _TRACE)
    return np.asarray(np.where(share < 0, share, scaled), dtype=np.float64)
