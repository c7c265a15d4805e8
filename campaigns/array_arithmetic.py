"""Values of expression trees at many points, in doubles, and how far rounding may carry them.

Nothing imports this module but where arrays are met, so that a file is read without numpy.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from campaigns.trees import Call, Chain, Name, Negation, Number, Power, Tree

__all__ = ["FloatArray", "array_value", "error_scale"]

FloatArray: TypeAlias = NDArray[np.float64]
_ROUNDING_SLACK: Final = 1e-9
_NEAREST_TO_ZERO: Final = 1e-8
"""Below it a root's slope is taken as if the root were this large."""


def array_value(
    tree: Tree, values: Mapping[str, FloatArray], *, is_lenient: bool = False
) -> FloatArray:
    """Return the values at many points, nan where undefined.

    Args:
        tree: The expression.
        values: An array for every name of the tree, all of one shape.
        is_lenient: Take what rounding pushed below zero by less than 1e-9 for zero under a root.

    Raises:
        KeyError: A name has no values.
    """
    with np.errstate(all="ignore"):
        return _array(tree, values, is_lenient)


def _array(tree: Tree, values: Mapping[str, FloatArray], is_lenient: bool) -> FloatArray:
    below = partial(_array, values=values, is_lenient=is_lenient)
    match tree:
        case Number(value):
            return np.asarray(float(value))
        case Name(name):
            return _finite_array(np.asarray(values[name], dtype=np.float64))
        case Negation(operand):
            return -below(operand)
        case Chain(operators, operands):
            total = below(operands[0])
            for sign, operand in zip(operators, operands[1:], strict=True):
                total = _finite_array(_ARRAY_SIGNS[sign](total, below(operand)))
            return total
        case Power(base, exponent):
            return _array_power(below(base), below(exponent), is_lenient)
        case Call(function, arguments):
            return _array_call(function, [below(argument) for argument in arguments], is_lenient)


_ARRAY_SIGNS: Final[dict[str, Callable[[FloatArray, FloatArray], FloatArray]]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
}


def _finite_array(array: FloatArray) -> FloatArray:
    return np.where(np.isfinite(array), array, np.nan)


def _not_below_zero(array: FloatArray) -> FloatArray:
    return np.where((array < 0) & (array > -_ROUNDING_SLACK), 0.0, array)


def _array_power(base: FloatArray, exponent: FloatArray, is_lenient: bool) -> FloatArray:
    if is_lenient:
        base = np.where(exponent == np.round(exponent), base, _not_below_zero(base))
    result = np.asarray(base**exponent, dtype=np.float64)
    return np.where(np.isnan(base) | np.isnan(exponent), np.nan, _finite_array(result))


def _array_call(function: str, arguments: list[FloatArray], is_lenient: bool) -> FloatArray:
    first = arguments[0]
    match function:
        case "min" | "max":
            pick = np.minimum if function == "min" else np.maximum
            for argument in arguments[1:]:
                first = pick(first, argument)
            return np.asarray(first, dtype=np.float64)
        case "sqrt":
            return _finite_array(np.sqrt(_not_below_zero(first) if is_lenient else first))
        case "exp":
            return _finite_array(np.exp(first))
        case "log":
            return _finite_array(np.log(first))
        case "log10":
            return _finite_array(np.log10(first))
        case _:
            return np.abs(first)


def error_scale(tree: Tree, values: Mapping[str, FloatArray]) -> FloatArray:
    """Return a size to which the rounding error of an expression is proportional, first order.

    Args:
        tree: The expression.
        values: An array for every name of the tree, all of one shape.

    Returns:
        In the expression's own unit, at least its absolute value; infinite where nothing is known.
    """
    with np.errstate(all="ignore"):
        scale = _scale(tree, values)
    return np.where(np.isnan(scale), np.inf, scale)


def _scale(tree: Tree, values: Mapping[str, FloatArray]) -> FloatArray:
    match tree:
        case Number() | Name():
            return abs(array_value(tree, values))
        case Negation(operand):
            return _scale(operand, values)
        case Chain():
            return _chain_scale(tree, values)
        case Power(base, exponent):
            size = abs(array_value(tree, values))
            slope = abs(array_value(exponent, values)) * _scale(base, values)
            bent = _scale(exponent, values) * abs(array_value(Call("log", (base,)), values))
            relative = slope / _away_from_zero(array_value(base, values))
            return size * (1 + relative + _known(bent)) + relative * _NEAREST_TO_ZERO
        case Call(function, arguments):
            return _call_scale(tree, function, [_scale(part, values) for part in arguments], values)


def _chain_scale(tree: Chain, values: Mapping[str, FloatArray]) -> FloatArray:
    total = _scale(tree.operands[0], values)
    for sign, operand in zip(tree.operators, tree.operands[1:], strict=True):
        other = _scale(operand, values)
        if sign in "+-":
            total = total + other
        elif sign == "*":
            total = total * other
        else:
            divisor = abs(array_value(operand, values))
            total = (total / divisor) * (1 + other / divisor)
    return total


def _call_scale(
    tree: Call, function: str, sizes: list[FloatArray], values: Mapping[str, FloatArray]
) -> FloatArray:
    value = abs(array_value(tree, values, is_lenient=True))
    match function:
        case "exp":
            return value * (1 + sizes[0])
        case "log" | "log10":
            return value + sizes[0] / abs(array_value(tree.arguments[0], values))
        case "sqrt":
            return value + sizes[0] / _away_from_zero(value)
        case _:
            return np.asarray(np.maximum.reduce(np.broadcast_arrays(*sizes)), dtype=np.float64)


def _away_from_zero(array: FloatArray) -> FloatArray:
    return np.maximum(abs(array), _NEAREST_TO_ZERO)


def _known(array: FloatArray) -> FloatArray:
    return np.where(np.isnan(array), 0.0, array)
