"""Pareto fronts and hypervolumes that grow with a campaign: an observation costs one comparison.

What was observed before is compared again only where it was corrected.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from orchestrator.core.front import (
    Direction,
    hypervolume,
    hypervolume_series,
    pareto_indices,
)

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

__all__ = ["RunningFront", "RunningVolume", "evenly"]

_MOST_POINTS: Final = {1: 2000, 2: 2000, 3: 2000}
"""Points of a series, by number of objectives."""
_MOST_POINTS_OF_MANY: Final = 250
"""With more objectives, of which one volume takes a tenth of a second."""
_AT_ONCE: Final = 64
"""From so many rows on, a front is made anew instead of row by row."""


def evenly(n: int, most: int) -> list[int]:
    """Return at most so many of n places, evenly chosen, the last one among them.

    Example:
        >>> evenly(10, 4), evenly(3, 4)
        ([0, 3, 6, 9], [0, 1, 2])
    """
    if n <= most:
        return list(range(n))
    if most < 2:
        return [n - 1][:most]
    return [round(i * (n - 1) / (most - 1)) for i in range(most)]


class RunningFront:
    """The rows that no other row dominates; duplicates are all kept.

    Args:
        ways: Direction of each column.
    """

    def __init__(self, ways: Sequence[Direction]) -> None:
        self._ways = list(ways)
        self._signs = [-1.0 if way == "maximise" else 1.0 for way in ways]
        self._names: list[str] = []
        self._values: list[tuple[float, ...]] = []
        self._costs: NDArray[float64] | None = None

    def __len__(self) -> int:
        """Return how many rows are on the front."""
        return len(self._names)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the rows on the front, in order of the first column, then as they came."""
        order = sorted(range(len(self._names)), key=lambda i: self._values[i][0])
        return tuple(self._names[i] for i in order)

    @property
    def values(self) -> list[tuple[float, ...]]:
        """The rows on the front as they came."""
        return list(self._values)

    def extend(self, rows: Sequence[tuple[str, tuple[float, ...]]]) -> None:
        """Compare more rows with the front.

        Args:
            rows: Name and values of each.
        """
        if len(rows) < _AT_ONCE:
            for name, values in rows:
                self.add(name, values)
            return
        everyone = [*zip(self._names, self._values, strict=True), *rows]
        kept = pareto_indices([values for _, values in everyone], self._ways)
        self._keep([everyone[i] for i in kept])

    def add(self, name: str, values: tuple[float, ...]) -> bool:
        """Compare one more row with the front, and tell whether it is on it."""
        import numpy as np

        cost = np.asarray(values, dtype=float) * np.asarray(self._signs)
        if self._costs is None or not len(self._costs):
            self._keep([(name, values)])
            return True
        better, worse = self._costs <= cost, self._costs >= cost
        if bool((better.all(axis=1) & ~worse.all(axis=1)).any()):
            return False
        stays = ~(worse.all(axis=1) & ~better.all(axis=1))
        if stays.all():
            self._names.append(name)
            self._values.append(values)
            self._costs = np.vstack([self._costs, cost])
            return True
        known = list(zip(self._names, self._values, strict=True))
        self._keep([*(known[int(i)] for i in np.flatnonzero(stays)), (name, values)])
        return True

    def _keep(self, rows: Sequence[tuple[str, tuple[float, ...]]]) -> None:
        import numpy as np

        self._names = [name for name, _ in rows]
        self._values = [values for _, values in rows]
        self._costs = np.asarray(self._values, dtype=float) * np.asarray(self._signs)


class RunningVolume:
    """The hypervolume after some of the observations, evenly chosen so that a plot stays light.

    Args:
        ways: Direction of each objective.
        reference: Bound of the volume, by objective.
        is_approximated: Whether volumes are approximated, which takes a second each time and is
            therefore done anew after each hundredth part more of observations only.
    """

    def __init__(
        self, ways: Sequence[Direction], reference: Sequence[float], *, is_approximated: bool
    ) -> None:
        self._ways = list(ways)
        self._reference = list(reference)
        self._most = _MOST_POINTS.get(len(ways), _MOST_POINTS_OF_MANY)
        self._front = RunningFront(ways)
        self._stride = 1
        self._volume = 0.0
        self._is_fresh = True
        self._risen: list[tuple[int, tuple[float, ...]]] | None = [] if is_approximated else None
        self._approximated: tuple[int, list[float]] = (0, [])
        self._points: list[tuple[int, float]] = []
        self.n_seen = 0

    def extend(self, rows: Sequence[tuple[float, ...] | None]) -> None:
        """Take more observations, in order.

        Args:
            rows: Values of the objectives of each; None for one that does not count.
        """
        while (self.n_seen + len(rows)) // self._stride > self._most:
            self._stride *= 2
        self._points = [one for one in self._points if one[0] % self._stride == 0]
        for row in rows:
            self.n_seen += 1
            if row is not None and self._front.add(str(self.n_seen), row):
                self._is_fresh = False
                if self._risen is not None:
                    self._risen.append((self.n_seen, row))
            if self._risen is None and self.n_seen % self._stride == 0:
                self._points.append((self.n_seen, self._now()))

    def points(self) -> list[tuple[int, float]]:
        """Return how many observations there were and the volume then, the last one included."""
        if self._risen is not None:
            return self._approximate_points(self._risen)
        if self.n_seen and (not self._points or self._points[-1][0] != self.n_seen):
            return [*self._points, (self.n_seen, self._now())]
        return list(self._points)

    def _now(self) -> float:
        if not self._is_fresh:
            self._volume = hypervolume(self._front.values, self._ways, self._reference, exact=True)
            self._is_fresh = True
        return self._volume

    def _approximate_points(
        self, risen: Sequence[tuple[int, tuple[float, ...]]]
    ) -> list[tuple[int, float]]:
        n_then, volumes = self._approximated
        if self.n_seen > 1.01 * n_then or self.n_seen < n_then:
            rows = [row for _, row in risen]
            volumes = hypervolume_series(rows, self._ways, self._reference, exact=False)
            self._approximated = (self.n_seen, volumes)
        places = [*range(self._stride, self.n_seen + 1, self._stride)]
        if self.n_seen % self._stride:
            places.append(self.n_seen)
        found, n_risen = [], 0
        for place in places:
            while n_risen < len(volumes) and risen[n_risen][0] <= place:
                n_risen += 1
            found.append((place, volumes[n_risen - 1] if n_risen else 0.0))
        return found
