"""The truth of conditions: exactly at one point, and as linear inequalities."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, cast

from campaigns.arithmetic import linear_coefficients, scalar_value
from campaigns.errors import UndefinedValue
from campaigns.trees import (
    Chain,
    Clause,
    Comparison,
    Inversion,
    Junction,
    Tree,
    categories_in,
)

__all__ = ["LinearInequality", "linear_inequalities", "truth"]


@dataclass(frozen=True, slots=True)
class LinearInequality:
    """A sum of coefficients times names that must not exceed a bound."""

    coefficients: Mapping[str, Fraction]
    bound: Fraction
    is_strict: bool = False
    """Whether the sum must stay below the bound."""

    def holds(self, values: Mapping[str, Fraction]) -> bool:
        """Say whether a point satisfies it, exactly."""
        total = sum((c * values[name] for name, c in self.coefficients.items()), Fraction(0))
        return total < self.bound if self.is_strict else total <= self.bound


_COMPARE: Final[dict[str, Callable[[Fraction | float, Fraction | float], bool]]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
}


def truth(clause: Clause, values: Mapping[str, Fraction | str]) -> bool | None:
    """Return true, false, or None where a condition is neither because something is undefined.

    Raises:
        KeyError: A name has no value.
    """
    match clause:
        case Inversion(part):
            found = truth(part, values)
            return None if found is None else not found
        case Junction(word, parts):
            truths = [truth(part, values) for part in parts]
            decisive = word == "or"
            if decisive in truths:
                return decisive
            return None if None in truths else not decisive
        case Comparison():
            return _comparison_truth(clause, values)


def _comparison_truth(clause: Comparison, values: Mapping[str, Fraction | str]) -> bool | None:
    for name, texts in categories_in(clause).items():
        return (values[name] in texts) == (clause.operators[0] == "==")
    try:
        numbers = [scalar_value(cast("Tree", part), values) for part in clause.operands]
    except UndefinedValue:
        return None
    pairs = zip(clause.operators, numbers, numbers[1:], strict=False)
    return all(_COMPARE[sign](left, right) for sign, left, right in pairs)


def linear_inequalities(clause: Clause) -> tuple[LinearInequality, ...] | None:
    """Return inequalities that together are the condition; None if it is not linear."""
    if isinstance(clause, Junction) and clause.word == "and":
        found: list[LinearInequality] = []
        for part in clause.parts:
            inequalities = linear_inequalities(part)
            if inequalities is None:
                return None
            found += inequalities
        return tuple(found)
    if not isinstance(clause, Comparison) or categories_in(clause):
        return None
    return _linear_comparison(clause)


def _linear_comparison(clause: Comparison) -> tuple[LinearInequality, ...] | None:
    found: list[LinearInequality] = []
    operands = cast("tuple[Tree, ...]", clause.operands)
    for sign, left, right in zip(clause.operators, operands, operands[1:], strict=False):
        form = linear_coefficients(Chain(("-",), (left, right)))
        if form is None or sign == "!=":
            return None
        coefficients, constant = form
        if sign in ("<", "<=", "=="):
            found.append(LinearInequality(coefficients, -constant, sign == "<"))
        if sign in (">", ">=", "=="):
            flipped = {name: -value for name, value in coefficients.items()}
            found.append(LinearInequality(flipped, constant, sign == ">"))
    return tuple(found)
