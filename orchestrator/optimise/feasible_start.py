"""First feasible points of a set too large to list, where splitting did not reach it."""

from typing import Final

import numpy as np

from campaigns.errors import NoFeasiblePoint
from orchestrator.optimise.conditions import Conditions
from orchestrator.optimise.lattice import IntArray
from orchestrator.optimise.linear_program import LinearProgram
from orchestrator.optimise.moves import random_moves
from orchestrator.optimise.violation import violations

__all__ = ["first_starts", "more_starts"]

_PROGRAMS: Final = 12
_SEARCHERS: Final = 256
_SEARCH_ROUNDS: Final = 400


def first_starts(
    conditions: Conditions, drawn: IntArray, known: IntArray, rng: np.random.Generator
) -> IntArray:
    """Return some feasible rows of a set in which random points are rarely feasible.

    Args:
        conditions: Conditions whose linear part can be satisfied.
        drawn: `n x d` lattice points, among which the search begins too.
        known: `m x d` feasible rows, perhaps none.
        rng: Source of randomness.

    Returns:
        `k x d` feasible rows; k at least 1 unless some are known.

    Raises:
        NoFeasiblePoint: None is known, and the search failed.
    """
    found = more_starts(conditions, drawn, rng)
    if len(found) or len(known):
        return found
    texts = ", ".join(repr(condition.text) for condition in conditions.others)
    n_tried = _SEARCHERS * (_SEARCH_ROUNDS + 1)
    raise NoFeasiblePoint(
        [
            f"none of {n_tried} points tried satisfies {texts or 'the constraints'}; the linear "
            "constraints alone can be satisfied, so this is a failed search, not a proof"
        ]
    )


def more_starts(conditions: Conditions, drawn: IntArray, rng: np.random.Generator) -> IntArray:
    """Return some feasible rows, none where the search fails.

    Args:
        conditions: Conditions whose linear part can be satisfied.
        drawn: `n x d` lattice points, among which the search begins too.
        rng: Source of randomness.
    """
    program = LinearProgram.of(conditions.lattice)
    weights = [np.zeros(program.n_columns)]
    weights += [rng.normal(size=program.n_columns) for _ in range(_PROGRAMS)]
    solved = [program.solve(conditions.tables, each) for each in weights]
    rows = np.array([row for row in solved if row is not None], dtype=np.int64)
    rows = np.unique(rows.reshape(-1, conditions.lattice.n_variables), axis=0)
    rows = rows[conditions.lattice.contains(rows)]
    good = rows[conditions.hold(rows)]
    return good if len(good) else _search(conditions, np.vstack([rows, drawn]), rng)


def _search(conditions: Conditions, rows: IntArray, rng: np.random.Generator) -> IntArray:
    """Move the least violating rows downhill, with some moves uphill, until some are feasible."""
    amounts = violations(conditions, rows)
    order = np.argsort(amounts, kind="stable")[:_SEARCHERS]
    rows, amounts = rows[order], amounts[order]
    least = amounts.copy()
    for turn in range(_SEARCH_ROUNDS):
        heat = 0.05 * (1 - turn / _SEARCH_ROUNDS)
        moved, _ = random_moves(conditions.lattice, rows, rng)
        after = violations(conditions, moved)
        near = after <= 1e-9
        good = moved[near][conditions.hold(moved[near])]
        if len(good):
            return good
        accept = after <= amounts + heat * rng.exponential(size=len(rows)) * (least + 1e-6)
        rows = np.where(accept[:, None], moved, rows)
        amounts = np.where(accept, after, amounts)
        least = np.minimum(least, amounts)
    return rows[:0]
