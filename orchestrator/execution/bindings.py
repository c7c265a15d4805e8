"""What a job's arguments become at one point: exact arithmetic, then the nearest double."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from campaigns.expression import Expression
from orchestrator.core.point import Point

__all__ = ["Binding", "bound_value", "exact_point"]

Binding: TypeAlias = Decimal | str | Expression
"""What a recipe binds to an argument: a number, a text, or an expression over the point."""


def exact_point(point: Point) -> dict[str, Fraction | str]:
    """Return a point's numbers as the decimals that they stand for.

    A value of the grid is the double nearest to a short decimal; its shortest text is that
    decimal, so that bounds and zeros are met exactly.

    Example:
        >>> exact_point({"x1": 0.1, "gas": "argon"})
        {'x1': Fraction(1, 10), 'gas': 'argon'}
    """
    return {
        name: value if isinstance(value, str) else Fraction(repr(float(value)))
        for name, value in point.items()
    }


def bound_value(binding: Binding, exact: Mapping[str, Fraction | str]) -> float | str:
    """Return what an argument is at a point.

    Args:
        binding: From the recipe.
        exact: From `exact_point`.

    Raises:
        UndefinedValue: The expression has no value there.
    """
    match binding:
        case str():
            return binding
        case Decimal():
            return float(binding)
        case _:
            lone = exact.get(binding.lone_name or "")
            return lone if isinstance(lone, str) else float(binding.evaluate(exact))
