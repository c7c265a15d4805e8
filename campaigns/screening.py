"""Which of many points may satisfy a condition: quick, in doubles, and never too strict.

Nothing imports this module but where arrays are met, so that a file is read without numpy.
"""

import operator
from collections.abc import Mapping
from functools import reduce
from typing import Final, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from campaigns.array_arithmetic import FloatArray, array_value, error_scale
from campaigns.trees import Clause, Comparison, Inversion, Junction, Tree, categories_in

__all__ = ["screened"]

BoolArray: TypeAlias = NDArray[np.bool_]
SCREENING_SLACK: Final = 1e-9


def screened(clause: Clause, values: Mapping[str, NDArray[np.generic]]) -> BoolArray:
    """Say at which of many points a condition may be true, allowing for rounding.

    Args:
        clause: The condition.
        values: By name, arrays of one shape; categories as arrays of text.

    Raises:
        KeyError: A name has no values.
    """
    with np.errstate(all="ignore"):
        return np.asarray(_possible(clause, values)[0], dtype=np.bool_)


def _possible(
    clause: Clause, values: Mapping[str, NDArray[np.generic]]
) -> tuple[BoolArray, BoolArray]:
    """Return where the condition may be true, and where it may be false."""
    match clause:
        case Inversion(part):
            is_true, is_false = _possible(part, values)
            return is_false, is_true
        case Junction(word, parts):
            found = [_possible(part, values) for part in parts]
            every, some = np.logical_and.reduce, np.logical_or.reduce
            if word == "or":
                every, some = some, every
            truths = np.broadcast_arrays(*(true for true, _ in found))
            untruths = np.broadcast_arrays(*(false for _, false in found))
            return every(truths), some(untruths)
        case Comparison():
            return _possible_comparison(clause, values)


def _possible_comparison(
    clause: Comparison, values: Mapping[str, NDArray[np.generic]]
) -> tuple[BoolArray, BoolArray]:
    for name, texts in categories_in(clause).items():
        is_one = np.isin(values[name], sorted(texts))
        return (is_one, ~is_one) if clause.operators[0] == "==" else (~is_one, is_one)
    numbers = cast("Mapping[str, FloatArray]", values)
    operands = np.broadcast_arrays(
        *(array_value(cast("Tree", part), numbers, is_lenient=True) for part in clause.operands)
    )
    slacks = [
        SCREENING_SLACK * error_scale(cast("Tree", part), numbers) for part in clause.operands
    ]
    is_defined = reduce(operator.and_, (np.isfinite(operand) for operand in operands))
    is_true, is_false = is_defined, ~is_defined & is_defined
    for index, sign in enumerate(clause.operators):
        gap = operands[index] - operands[index + 1]
        slack = slacks[index] + slacks[index + 1]
        may_hold, may_fail = _loosely(sign, gap, slack)
        is_true, is_false = is_true & may_hold, is_false | may_fail
    return is_true & is_defined, is_false & is_defined


def _loosely(sign: str, gap: FloatArray, slack: FloatArray) -> tuple[BoolArray, BoolArray]:
    is_near = abs(gap) <= slack
    match sign:
        case "<" | "<=":
            return gap <= slack, gap >= -slack
        case ">" | ">=":
            return gap >= -slack, gap <= slack
        case "==":
            return is_near, np.asarray(True)
        case _:
            return np.asarray(True), is_near
