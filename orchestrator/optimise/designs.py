"""Designs of experiments on the lattice: as far apart as can be, or best for a quadratic model.

Both are found by exchanging one point after the other for the best of many and of its neighbours,
beginning with a greedy design; points that are made or pending are part of the design.

References:
    Mixture models: [Scheffe1958]_; maximin distance: [Johnson1990]_; exchange: [Fedorov1972]_.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from campaigns.space import CategoricalParameter
from campaigns.spec import CampaignSpec
from orchestrator.core.point import Point
from orchestrator.optimise.lattice import FloatArray, IntArray, Lattice, row_keys

__all__ = ["Apart", "Criterion", "Informative", "QuadraticModel", "designed"]

_SWEEPS: Final = 6
_RIDGE: Final = 1e-6
"""What a design is worth before its first point, in parts of a well spread one."""
Columns: TypeAlias = Mapping[str, NDArray[np.generic]]
Reach: TypeAlias = Callable[[IntArray], IntArray]
"""From a row to the rows one move away that a design may hold."""


class Criterion(Protocol):
    """What a design is good for."""

    def seen(self, rows: IntArray) -> FloatArray:
        """Return rows as the criterion sees them, `n x f`."""
        ...

    def gains(self, design: FloatArray, pool: FloatArray) -> FloatArray:
        """Return what each row of a pool is worth beside a design; larger is better."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Apart:
    """The smallest distance of a point to all others is to be large (maximin)."""

    features: Callable[[IntArray], FloatArray]
    known: FloatArray
    """`k x f` features of points that are made or pending."""

    def seen(self, rows: IntArray) -> FloatArray:
        """Return the features of rows."""
        return self.features(rows)

    def gains(self, design: FloatArray, pool: FloatArray) -> FloatArray:
        """Return the distance of each row to the nearest point; to the middle for a first one."""
        others = np.vstack([self.known, design])
        if not len(others):
            return np.asarray(-((pool - pool.mean(axis=0)) ** 2).sum(axis=1), dtype=np.float64)
        nearest = np.full(len(pool), np.inf)
        for other in others:
            nearest = np.minimum(nearest, ((pool - other) ** 2).sum(axis=1))
        return nearest


@dataclass(frozen=True, slots=True, eq=False)
class QuadraticModel:
    """Terms of Scheffe's quadratic mixture model, and of a quadratic one in the parameters."""

    components: tuple[str, ...]
    lows: FloatArray
    """Lowest fraction of each component."""
    numbers: Mapping[str, tuple[float, float]]
    """Middle and half the range of each numeric parameter."""
    categories: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, campaign: CampaignSpec) -> "QuadraticModel":
        """Set up the model of a campaign's space."""
        composition = campaign.space.composition
        bounds = {} if composition is None else composition.bounds
        names = campaign.space.components
        numbers: dict[str, tuple[float, float]] = {}
        categories: dict[str, tuple[str, ...]] = {}
        for parameter in campaign.space.parameters:
            if isinstance(parameter, CategoricalParameter):
                categories[parameter.name] = parameter.levels
            else:
                low, high = float(min(parameter.levels)), float(max(parameter.levels))
                numbers[parameter.name] = ((low + high) / 2, max((high - low) / 2, 1e-12))
        lows = np.array([float(bounds[name][0]) if name in bounds else 0.0 for name in names])
        return cls(tuple(names), lows, numbers, categories)

    def terms(self, columns: Columns) -> FloatArray:
        """Return the model's terms, `n x p`.

        Args:
            columns: Natural values by name, `n` each.
        """
        n = len(next(iter(columns.values())))
        free = max(1.0 - float(self.lows.sum()), 1e-12)
        parts = [
            (np.asarray(columns[name], dtype=np.float64) - low) / free
            for name, low in zip(self.components, self.lows, strict=True)
        ]
        found = [*parts] if parts else [np.ones(n)]
        found += [4 * a * b for i, a in enumerate(parts) for b in parts[:i]]
        scaled = [
            (np.asarray(columns[name], dtype=np.float64) - middle) / half
            for name, (middle, half) in self.numbers.items()
        ]
        found += scaled
        found += [a * b for i, a in enumerate(scaled) for b in scaled[: i + 1]]
        for name, levels in self.categories.items():
            last = columns[name] == levels[-1]
            found += [(columns[name] == level) * 1.0 - last * 1.0 for level in levels[:-1]]
        return np.stack(found, axis=1)

    def of_points(self, points: Sequence[Point]) -> FloatArray:
        """Return the terms of points, as made."""
        names = (*self.components, *self.numbers, *self.categories)
        return self.terms({name: np.array([point[name] for point in points]) for name in names})

    def of_rows(self, lattice: Lattice, rows: IntArray) -> FloatArray:
        """Return the terms of lattice rows."""
        return self.terms(lattice.columns(rows))


@dataclass(frozen=True, slots=True, eq=False)
class Informative:
    """The determinant of a quadratic model's information is to be large (D-optimal)."""

    model: QuadraticModel
    lattice: Lattice
    known: FloatArray
    """`k x p` terms of points that are made or pending."""

    def seen(self, rows: IntArray) -> FloatArray:
        """Return the model's terms of rows."""
        return self.model.of_rows(self.lattice, rows)

    def gains(self, design: FloatArray, pool: FloatArray) -> FloatArray:
        """Return by what factor, less one, each row increases the determinant."""
        terms = np.vstack([self.known, design])
        information = terms.T @ terms + _RIDGE * np.eye(pool.shape[1])
        root = np.linalg.cholesky(information)
        return np.asarray((np.linalg.solve(root, pool.T) ** 2).sum(axis=0), dtype=np.float64)


def designed(criterion: Criterion, pool: IntArray, n: int, reach: Reach) -> IntArray:
    """Return a design of up to `n` distinct rows.

    Args:
        criterion: What it is good for.
        pool: `k x d` distinct rows that it may hold.
        n: Rows wanted.
        reach: Says where else a row may move to.
    """
    seen = criterion.seen(pool)
    places: list[int] = []
    free = np.ones(len(pool), dtype=np.bool_)
    for _ in range(min(n, len(pool))):
        gains = np.where(free, criterion.gains(seen[places], seen), -np.inf)
        places.append(int(gains.argmax()))
        free[places[-1]] = False
    rows = pool[places]
    for _ in range(_SWEEPS):
        improved = False
        for turn in range(len(rows)):
            others = np.delete(rows, turn, axis=0)
            better = _exchanged(criterion, rows[turn], others, pool, seen, reach)
            if better is not None:
                rows, improved = np.insert(others, turn, better, axis=0), True
        if not improved:
            break
    return rows


def _exchanged(
    criterion: Criterion,
    row: IntArray,
    others: IntArray,
    pool: IntArray,
    seen: FloatArray,
    reach: Reach,
) -> IntArray | None:
    """Return what one row of a design had better be, or None if it is best as it is."""
    near = reach(row)
    rows = np.vstack([pool, near])
    design = criterion.seen(others)
    gains = criterion.gains(design, np.vstack([seen, criterion.seen(near)]) if len(near) else seen)
    present = float(criterion.gains(design, criterion.seen(row[None, :]))[0])
    taken = set(row_keys(others))
    for place in np.argsort(-gains, kind="stable"):
        if gains[place] <= present * (1 + 1e-9) + 1e-12:
            return None
        if tuple(rows[place].tolist()) not in taken:
            best: IntArray = rows[place]
            return best
    return None
