"""Samples that exist already: whether each row of a campaign's list is a point of its space."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from campaigns.errors import Finding, Problem
from campaigns.membership import problems_of_point
from campaigns.space import Space

__all__ = ["point_list_problems"]

_MOST_TOLD = 5
"""Wrong rows, at most, that are told one by one."""


def point_list_problems(space: Space) -> Iterator[Problem]:
    """Yield why rows of the list are no points of the space; rows are counted from 1.

    Args:
        space: With or without a list.
    """
    if space.points is None:
        return
    missing = [name for name in space.names if name not in space.points]
    for name in missing:
        yield Problem(f"space.points.{name}", None, "a column for every component and parameter")
    lengths = {name: len(space.points[name]) for name in space.names if name not in missing}
    if len(set(lengths.values())) > 1:
        got = Finding(", ".join(f"{n} values of {name}" for name, n in lengths.items()))
        yield Problem("space.points", got, "columns of one length")
    elif not missing:
        yield from _row_problems(space)


def _row_problems(space: Space) -> Iterator[Problem]:
    unlisted = space.model_copy(update={"points": None})
    wrong = [index for index, row in enumerate(space.listed_rows) if not _is_inside(space, row)]
    for index in wrong[:_MOST_TOLD]:
        point = dict(zip(space.names, space.listed_rows[index], strict=True))
        for problem in problems_of_point(unlisted, (), point):
            where = f"space.points row {index + 1}: {problem.key}"
            yield Problem(where, problem.got, problem.expected)
    if len(wrong) > _MOST_TOLD:
        yield Problem("space.points", Finding(f"{len(wrong)} such rows"), "rows of the space alone")


def _is_inside(space: Space, row: tuple[Decimal | str, ...]) -> bool:
    """Return whether a row is a point of the space, quickly."""
    n_active, total = 0, 0
    mixture = space.composition
    if mixture is not None:
        n_steps, least = mixture.n_steps, mixture.min_active_count
        for value, (low, high) in zip(row, mixture.count_bounds, strict=False):
            if isinstance(value, str):
                return False
            count, rest = divmod(Fraction(value) * n_steps, 1)
            if rest or not low <= count <= high or 0 < count < least:
                return False
            total += count
            n_active += count > 0
        if total != n_steps or n_active > mixture.max_active:
            return False
    values = row[len(space.components) :]
    return all(value in levels for value, levels in zip(values, space.level_sets, strict=True))
