"""How far rows are from satisfying conditions, in doubles: a guide, never a verdict."""

from collections.abc import Mapping
from typing import Final, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from campaigns.expression import Condition, Expression
from campaigns.trees import Clause, Comparison, Inversion, Junction, Tree, categories_in
from orchestrator.optimise.conditions import Conditions
from orchestrator.optimise.lattice import FloatArray, IntArray

__all__ = ["violations"]

_UNDEFINED: Final = 10.0
"""Violation of a comparison that has no value."""
_Columns: TypeAlias = Mapping[str, NDArray[np.generic]]


def violations(conditions: Conditions, rows: IntArray) -> FloatArray:
    """Return for each row the sum over conditions of how far it is from satisfying them.

    Args:
        conditions: The conditions.
        rows: `n x d`, on the lattice.

    Returns:
        `n` numbers of at least 0; 0 where everything holds or just fails to.
    """
    total = np.zeros(len(rows), dtype=np.float64)
    for table in conditions.tables:
        excess = np.asarray(table.sums(rows) - table.bound, dtype=np.float64) / table.reach
        total += np.where(excess > 0, np.minimum(excess, _UNDEFINED), 0.0)
    columns = conditions.lattice.columns(rows)
    for condition in conditions.others:
        total += np.maximum(0.0, -_margin(condition, condition.clause, columns))
    return total


def _margin(condition: Condition, clause: Clause, columns: _Columns) -> FloatArray:
    """Return how far a condition is inside (positive) or outside (negative) of holding."""
    match clause:
        case Inversion(part):
            return -_margin(condition, part, columns)
        case Junction(word, parts):
            margins = [_margin(condition, part, columns) for part in parts]
            pick = np.minimum if word == "and" else np.maximum
            return np.asarray(pick.reduce(margins), dtype=np.float64)
        case Comparison():
            return _comparison_margin(condition, clause, columns)


def _comparison_margin(condition: Condition, clause: Comparison, columns: _Columns) -> FloatArray:
    for name, texts in categories_in(clause).items():
        is_one = np.isin(columns[name], sorted(texts)) == (clause.operators[0] == "==")
        return np.where(is_one, 1.0, -1.0)
    n = len(next(iter(columns.values())))
    numbers = {name: column for name, column in columns.items() if column.dtype.kind == "f"}
    values: list[FloatArray] = []
    for part in clause.operands:
        expression = Expression(condition.text, cast("Tree", part))
        arrays = cast("Mapping[str, FloatArray]", numbers)
        value = expression.evaluate(arrays) if expression.names else expression.evaluate({})
        values.append(np.broadcast_to(np.asarray(value, dtype=np.float64), n))
    margin = np.full(n, np.inf)
    for sign, left, right in zip(clause.operators, values, values[1:], strict=False):
        margin = np.minimum(margin, _gap(sign, left, right))
    return np.where(np.isfinite(margin), margin, -_UNDEFINED)


def _gap(sign: str, left: FloatArray, right: FloatArray) -> FloatArray:
    size = np.maximum(np.maximum(np.abs(left), np.abs(right)), 1e-12)
    gap = (right - left) / size
    match sign:
        case "<" | "<=":
            return gap
        case ">" | ">=":
            return -gap
        case "==":
            return -np.abs(gap)
        case _:
            return np.where(gap == 0, -1e-9, np.abs(gap))
