"""What becomes of a point that a peer asks for: judged exactly, then moved to what can be made.

The same for all: on a table problem the asked point becomes the nearest row of the table that was
not measured yet; on any other the nearest feasible lattice point.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

from campaigns.membership import problems_of_point
from campaigns.space import CategoricalParameter
from orchestrator.optimise.lattice import FloatArray, IntArray
from tests.benchmarks.peers.problems import Problem
from tests.benchmarks.peers.tables import Point

__all__ = ["makeable", "violations"]

_FORGIVEN: Final = 1e-6
"""How far an asked fraction may lie from the grid, and a sum from 1, before it counts."""
_POOL: Final = 4096


def violations(problem: Problem, point: Point) -> list[str]:
    """Return what an asked point breaks, by key: sum, step, bounds, presence, constraint.

    A point off a table's list breaks nothing: not every peer can be told the list.
    """
    space = problem.campaign.space
    exact: dict[str, Decimal | float | str] = dict(point)
    mixture = space.composition
    if mixture is not None:
        for name in mixture.names:
            exact[name] = _forgiven(float(point[name]), mixture.step)
        total = sum(Decimal(str(exact[name])) for name in mixture.names)
        largest = max(mixture.names, key=lambda name: Decimal(str(exact[name])))
        if abs(float(total) - 1) <= _FORGIVEN:
            exact[largest] = Decimal(str(exact[largest])) + 1 - total
    found = problems_of_point(space, problem.campaign.conditions, exact)
    return sorted({f"{each.key}: {each.expected}" for each in found})


def _forgiven(value: float, step: Decimal) -> Decimal:
    """Return the multiple of the step if it is as near as a computer's sums go, else the value."""
    nearest = step * round(value / float(step))
    return nearest if abs(float(nearest) - value) <= _FORGIVEN else Decimal(str(round(value, 9)))


def _coordinates(
    problem: Problem, points: Mapping[str, Sequence[float | str] | NDArray[np.generic]]
) -> FloatArray:
    """Return fractions as they are, numbers scaled to their range, one column a category.

    Args:
        problem: Whose space the points are of.
        points: One sequence of values a component or parameter.
    """
    space = problem.campaign.space
    columns = [np.asarray(points[name], dtype=float) for name in space.components]
    for parameter in space.parameters:
        values = np.asarray(points[parameter.name])
        if isinstance(parameter, CategoricalParameter):
            columns += [(values == category).astype(float) for category in parameter.values]
            continue
        place = problem.feasible.lattice.names.index(parameter.name)
        levels = [float(level) for level in problem.feasible.lattice.values[place]]
        span = max(levels) - min(levels) or 1.0
        columns.append((values.astype(float) - min(levels)) / span)
    return np.stack(columns, axis=1)


def _columns(points: Sequence[Point]) -> dict[str, list[float | str]]:
    return {name: [point[name] for point in points] for name in points[0]}


def makeable(problem: Problem, asked: Sequence[Point], made: Sequence[Point]) -> list[Point]:
    """Return the point that is made for each asked one.

    Args:
        problem: What may be made.
        asked: In the order in which they were asked; earlier ones choose first.
        made: What was measured before.
    """
    if problem.table is not None:
        return _nearest_rows(problem, asked, made)
    return [_nearest_lattice_point(problem, point) for point in asked]


def _nearest_rows(problem: Problem, asked: Sequence[Point], made: Sequence[Point]) -> list[Point]:
    assert problem.table is not None
    points = problem.table.points
    here = _coordinates(problem, _columns(points))
    free = np.array([point not in made for point in points])
    chosen: list[Point] = []
    for wanted in _coordinates(problem, _columns(asked)):
        distances = np.where(free, ((here - wanted) ** 2).sum(axis=1), np.inf)
        nearest = int(distances.argmin())
        free[nearest] = False
        chosen.append(points[nearest])
    return chosen


def _nearest_lattice_point(problem: Problem, asked: Point) -> Point:
    feasible, lattice = problem.feasible, problem.feasible.lattice
    row = lattice.row_at(asked)
    if row is not None and feasible.contains(np.array([row]))[0]:
        return lattice.point(row)
    wanted = _coordinates(problem, _columns([asked]))[0]

    def distances(rows: IntArray) -> FloatArray:
        here = _coordinates(problem, lattice.columns(rows))
        return np.asarray(((here - wanted) ** 2).sum(axis=1))

    pool = feasible.sample(_POOL, np.random.default_rng(0))
    best = pool[int(distances(pool).argmin())]
    least = distances(best[None])[0]
    while True:
        near = feasible.neighbours(best)
        reached = distances(near) if len(near) else np.array([np.inf])
        if reached.min() >= least - 1e-15:
            return lattice.point(best.tolist())
        best, least = near[int(reached.argmin())], reached.min()
