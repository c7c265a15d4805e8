"""Expressions and conditions: parsed from text, evaluated exactly or on arrays of doubles."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final, TypeAlias, cast, overload

from campaigns.arithmetic import linear_coefficients, scalar_value
from campaigns.clauses import LinearInequality, linear_inequalities, truth
from campaigns.errors import ExpressionError, UndefinedValue
from campaigns.grammar import parse
from campaigns.trees import (
    Clause,
    Comparison,
    Inversion,
    Junction,
    Name,
    Node,
    Power,
    Text,
    Tree,
    categories_in,
    depth_of,
    n_nodes,
    names_in,
    numeric_names_in,
    parts_of,
    replaced,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    FloatArray: TypeAlias = NDArray[np.float64]
    BoolArray: TypeAlias = NDArray[np.bool_]

__all__ = [
    "Condition",
    "Expression",
    "LinearForm",
    "LinearInequality",
    "parse_condition",
    "parse_expression",
]

MAX_EXPONENT: Final = 64
MAX_NODES: Final = 20_000
MAX_SUBSTITUTED_DEPTH: Final = 150


@dataclass(frozen=True, slots=True)
class LinearForm:
    """A constant plus a sum of coefficients times names, in rationals."""

    coefficients: Mapping[str, Fraction]
    """By name; a name whose terms cancel keeps its coefficient 0."""
    constant: Fraction


@dataclass(frozen=True, slots=True)
class Expression:
    """An arithmetic expression over names."""

    text: str
    """As its author wrote it; substitution keeps it."""
    tree: Tree
    """What is evaluated."""

    @property
    def names(self) -> frozenset[str]:
        """Names that need a value."""
        return names_in(self.tree)

    @property
    def numeric_names(self) -> frozenset[str]:
        """Names that need a number: all of them."""
        return self.names

    @property
    def lone_name(self) -> str | None:
        """The name, if the whole expression is one bare name."""
        return self.tree.name if isinstance(self.tree, Name) else None

    @overload
    def evaluate(self, values: "Mapping[str, FloatArray]") -> "FloatArray": ...

    @overload
    def evaluate(self, values: Mapping[str, Fraction | float | str]) -> Fraction | float: ...

    def evaluate(self, values: Mapping[str, object]) -> "Fraction | float | FloatArray":
        """Return the value at a point, or the values at many.

        Args:
            values: By name, at least those of `names`: Fractions, floats or numpy arrays.

        Returns:
            On Fractions a Fraction where every step is rational, else a float; on floats a float
            (a Fraction if no name occurs); on arrays an array, with nan where undefined.

        Raises:
            UndefinedValue: The value at a single point is not a finite real number.
            KeyError: A name has no value.

        Example:
            >>> parse_expression("1 / (Al/2 + Cu/4)").evaluate(
            ...     {"Al": Fraction(1, 2), "Cu": Fraction(1, 2)}
            ... )
            Fraction(8, 3)
        """
        if any(getattr(values[name], "ndim", 0) for name in self.names):
            from campaigns.array_arithmetic import array_value  # noqa: PLC0415 - numpy only for arrays

            return array_value(self.tree, cast("Mapping[str, FloatArray]", values))
        return scalar_value(self.tree, values)

    def substitute(self, definitions: "Mapping[str, Expression]") -> "Expression":
        """Return the expression with some names replaced by what they stand for, once.

        Raises:
            ExpressionError: The outcome is too large to be worked with.
        """
        tree = cast("Tree", _substituted(self.text, self.tree, definitions))
        return replace(self, tree=tree)

    def linear_form(self) -> LinearForm | None:
        """Return the expression as a linear form in rationals; None if it is not linear.

        Example:
            >>> parse_expression("2*(Cu + Mg) - Cu/4").linear_form().coefficients["Cu"]
            Fraction(7, 4)
        """
        found = linear_coefficients(self.tree)
        return None if found is None else LinearForm(*found)


@dataclass(frozen=True, slots=True)
class Condition:
    """Comparisons joined by ``and``, ``or``, ``not``.

    A comparison of something undefined is neither true nor false; a condition that is then
    neither true nor false does not hold.
    """

    text: str
    """As its author wrote it; substitution keeps it."""
    clause: Clause
    """What is evaluated."""

    @property
    def names(self) -> frozenset[str]:
        """Names that need a value."""
        return names_in(self.clause)

    @property
    def numeric_names(self) -> frozenset[str]:
        """Names that need a number: all that are not compared with texts only."""
        return numeric_names_in(self.clause)

    @property
    def categories(self) -> Mapping[str, frozenset[str]]:
        """Texts that each name is compared with."""
        return categories_in(self.clause)

    def substitute(self, definitions: Mapping[str, Expression]) -> "Condition":
        """Return the condition with some names replaced by what they stand for, once.

        Raises:
            ExpressionError: The outcome is too large to be worked with.
        """
        clause = cast("Clause", _substituted(self.text, self.clause, definitions))
        return replace(self, clause=clause)

    def holds(self, values: Mapping[str, Fraction | str]) -> bool:
        """Say whether a point satisfies the condition, exactly where it is rational.

        Raises:
            KeyError: A name has no value.

        Example:
            >>> parse_condition("0.1 + x <= 0.3 or kind == 'dry'").holds(
            ...     {"x": Fraction(1, 5), "kind": "wet"}
            ... )
            True
        """
        return truth(self.clause, values) is True

    def holds_many(self, values: "Mapping[str, NDArray[np.generic]]") -> "BoolArray":
        """Say which of many points may satisfy the condition: a quick screening in doubles.

        Comparisons are loosened by 1e-9 of their operands' size, so that rounding drops no point
        that `holds` accepts; check what passes with `holds`.

        Args:
            values: By name, arrays of one shape; categories as arrays of text.
        """
        from campaigns.screening import screened  # noqa: PLC0415 - numpy only for arrays

        return screened(self.clause, values)

    def linear_inequalities(self) -> tuple[LinearInequality, ...] | None:
        """Return inequalities that together are the condition; None if it is not linear.

        Example:
            >>> parse_condition("0.01 <= Cu + Mg < 0.07").linear_inequalities()[1].bound
            Fraction(7, 100)
        """
        return linear_inequalities(self.clause)


def parse_expression(text: str) -> Expression:
    """Read an arithmetic expression.

    Raises:
        ExpressionError: The text is not an expression of the grammar, or a part without names has
            no finite value, or a constant exponent lies outside -64 to 64.
    """
    node = parse(text)
    if isinstance(node, Text):
        raise ExpressionError(text, "a quoted text is not a number")
    if isinstance(node, Comparison | Junction | Inversion):
        raise ExpressionError(text, "a condition stands where a number is meant")
    _refuse_bad_constants(text, node)
    return Expression(text, node)


def parse_condition(text: str) -> Condition:
    """Read a condition.

    Raises:
        ExpressionError: As for `parse_expression`, or nothing is compared.
    """
    node = parse(text)
    if not isinstance(node, Comparison | Junction | Inversion):
        raise ExpressionError(text, "it compares nothing; expected <=, <, >=, >, == or !=")
    _refuse_bad_constants(text, node)
    return Condition(text, node)


def _refuse_bad_constants(text: str, node: Node) -> None:
    if isinstance(node, Text):
        return
    for part in parts_of(node):
        _refuse_bad_constants(text, part)
    exponent = node.exponent if isinstance(node, Power) else None
    if (
        exponent is not None
        and not names_in(exponent)
        and not -MAX_EXPONENT <= scalar_value(exponent, {}) <= MAX_EXPONENT
    ):
        raise ExpressionError(text, f"an exponent beyond {MAX_EXPONENT}")
    if isinstance(node, Comparison | Junction | Inversion) or names_in(node):
        return
    try:
        scalar_value(node, {})
    except UndefinedValue as error:
        raise ExpressionError(text, f"a constant part has no value: {error}") from error


def _substituted(text: str, node: Node, definitions: Mapping[str, Expression]) -> Node:
    outcome = replaced(node, {name: given.tree for name, given in definitions.items()})
    if n_nodes(outcome) > MAX_NODES or depth_of(outcome) > MAX_SUBSTITUTED_DEPTH:
        raise ExpressionError(text, "too large once computed names are filled in")
    return outcome
