"""Values of expression trees at one point, exact on fractions, and their linear forms."""

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final, TypeAlias

from campaigns.errors import UndefinedValue
from campaigns.trees import Call, Chain, Name, Negation, Number, Power, Tree

__all__ = ["linear_coefficients", "scalar_value"]

Scalar: TypeAlias = Fraction | float
MAX_EXACT_EXPONENT: Final = 64
MAX_EXACT_BITS: Final = 4096


def scalar_value(tree: Tree, values: Mapping[str, object]) -> Scalar:
    """Return the value at one point.

    Args:
        tree: The expression.
        values: A Fraction, int or float for every name of the tree.

    Returns:
        A Fraction as long as every step is rational, else a finite float.

    Raises:
        UndefinedValue: Some step is not a finite real number.
        KeyError: A name has no value.
        TypeError: A value is not a number.
    """
    try:
        return _scalar(tree, values)
    except ZeroDivisionError:
        raise UndefinedValue("division by zero") from None
    except (OverflowError, ValueError) as error:
        raise UndefinedValue(str(error)) from None


def _scalar(tree: Tree, values: Mapping[str, object]) -> Scalar:
    match tree:
        case Number(value):
            return value
        case Name(name):
            return _number(name, values[name])
        case Negation(operand):
            return -_scalar(operand, values)
        case Chain(operators, operands):
            total = _scalar(operands[0], values)
            for sign, operand in zip(operators, operands[1:], strict=True):
                total = _finite(_joined(sign, total, _scalar(operand, values)))
            return total
        case Power(base, exponent):
            return _power(_scalar(base, values), _scalar(exponent, values))
        case Call(function, arguments):
            return _call(function, [_scalar(argument, values) for argument in arguments])


def _number(name: str, value: object) -> Scalar:
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction):
        raise TypeError(f"{name} is {value!r}, not a number")
    return _finite(value) if isinstance(value, float) else Fraction(value)


def _finite(value: Scalar) -> Scalar:
    if isinstance(value, float) and not math.isfinite(value):
        raise UndefinedValue("the value is not finite")
    return value


def _joined(sign: str, left: Scalar, right: Scalar) -> Scalar:
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case _:
            return left / right


def _power(base: Scalar, exponent: Scalar) -> Scalar:
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
        times = exponent.numerator
        bits = max(base.numerator.bit_length(), base.denominator.bit_length())
        if abs(times) <= MAX_EXACT_EXPONENT and abs(times) * bits <= MAX_EXACT_BITS:
            return Fraction(base**times)
    result = float(base) ** float(exponent)
    if isinstance(result, complex):
        raise UndefinedValue("a broken power of a negative number")
    return _finite(result)


def _absolute(value: Scalar) -> Scalar:
    return -value if value < 0 else value


def _square_root(value: Scalar) -> Scalar:
    if isinstance(value, Fraction) and value >= 0:
        above, below = math.isqrt(value.numerator), math.isqrt(value.denominator)
        if above**2 == value.numerator and below**2 == value.denominator:
            return Fraction(above, below)
    return math.sqrt(value)


_SCALAR_FUNCTIONS: Final[dict[str, Callable[[Scalar], Scalar]]] = {
    "abs": _absolute,
    "exp": math.exp,
    "log": math.log,
    "log10": math.log10,
    "sqrt": _square_root,
}


def _call(function: str, arguments: list[Scalar]) -> Scalar:
    if function == "min":
        return min(arguments)
    if function == "max":
        return max(arguments)
    return _finite(_SCALAR_FUNCTIONS[function](arguments[0]))


def linear_coefficients(tree: Tree) -> tuple[dict[str, Fraction], Fraction] | None:
    """Return the coefficients by name and the constant of a linear tree; None if it is not one.

    A product is linear if at most one factor has a name, a quotient if the divisor has none.
    """
    match tree:
        case Number(value):
            return {}, value
        case Name(name):
            return {name: Fraction(1)}, Fraction(0)
        case Negation(operand):
            return _scaled(linear_coefficients(operand), Fraction(-1))
        case Chain(operators, operands):
            total = linear_coefficients(operands[0])
            for sign, operand in zip(operators, operands[1:], strict=True):
                total = _linear_joined(sign, total, linear_coefficients(operand))
            return total
        case _:
            return _linear_constant(tree)


_Linear: TypeAlias = tuple[dict[str, Fraction], Fraction]


def _linear_constant(tree: Tree) -> _Linear | None:
    try:
        value = scalar_value(tree, {})
    except KeyError:
        return None
    return ({}, value) if isinstance(value, Fraction) else None


def _scaled(form: _Linear | None, factor: Fraction) -> _Linear | None:
    if form is None:
        return None
    coefficients, constant = form
    return {name: value * factor for name, value in coefficients.items()}, constant * factor


def _linear_joined(sign: str, left: _Linear | None, right: _Linear | None) -> _Linear | None:
    if left is None or right is None:
        return None
    if sign in "+-":
        added = _scaled(right, Fraction(1 if sign == "+" else -1))
        if added is None:
            return None
        sums = dict(left[0])
        for name, value in added[0].items():
            sums[name] = sums.get(name, Fraction(0)) + value
        return sums, left[1] + added[1]
    if not right[0]:
        if sign == "*":
            return _scaled(left, right[1])
        return _scaled(left, 1 / right[1]) if right[1] else None
    return _scaled(right, left[1]) if sign == "*" and not left[0] else None
