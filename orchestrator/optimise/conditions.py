"""A campaign's conditions on lattice rows: linear ones as integer tables, the rest exactly.

A linear condition becomes one table per variable, in whole numbers, so that a row is judged by
adding table entries. Other conditions are screened in doubles; wherever doubles cannot decide,
the row is judged in rationals.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from campaigns.array_arithmetic import FloatArray, array_value, error_scale
from campaigns.expression import Condition, LinearInequality
from campaigns.trees import Comparison, Inversion, Text
from orchestrator.optimise.lattice import BoolArray, IntArray, Lattice, RowKey, row_keys

__all__ = ["Conditions", "LinearTable", "Whole"]

Whole: TypeAlias = NDArray[np.int64] | NDArray[np.object_]
"""Whole numbers: machine integers where the sums fit, else Python's."""

_FITS = 2**62
_SAFE_GROWTH: Final = 1e6
"""Rounding that a value may have suffered, in parts of itself, for it to be surely defined."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearTable:
    """One linear inequality: the entries of a row, summed over variables, reach at most a bound."""

    text: str
    """The condition that it belongs to."""
    entries: tuple[Whole, ...]
    """For each variable the contribution of each of its integers."""
    bound: int
    reach: float
    """The largest entry in size, at least 1."""

    @classmethod
    def of(cls, lattice: Lattice, inequality: LinearInequality, text: str) -> "LinearTable":
        """Scale an inequality to whole numbers over a lattice."""
        exact: list[list[Fraction]] = []
        for variable, name in enumerate(lattice.names):
            factor = inequality.coefficients.get(name, Fraction(0))
            levels = lattice.values[variable]
            exact.append([factor * level if factor else Fraction(0) for level in _numbers(levels)])
        scale = math.lcm(
            inequality.bound.denominator, *(part.denominator for row in exact for part in row)
        )
        bound = int(inequality.bound * scale) - int(inequality.is_strict)
        whole = [[int(part * scale) for part in row] for row in exact]
        reach = abs(bound) + sum(max(map(abs, row)) for row in whole)
        kind = np.int64 if reach < _FITS else object
        largest = float(max(1, *(max(map(abs, row)) for row in whole)))
        return cls(text, tuple(np.array(row, dtype=kind) for row in whole), bound, largest)

    def sums(self, rows: IntArray) -> Whole:
        """Return what each row's entries add up to."""
        total = self.entries[0][rows[:, 0]]
        for variable in range(1, rows.shape[1]):
            total = total + self.entries[variable][rows[:, variable]]
        return total


@dataclass(frozen=True, slots=True, eq=False)
class Conditions:
    """All conditions of a campaign over its lattice."""

    lattice: Lattice
    tables: tuple[LinearTable, ...]
    others: tuple[Condition, ...]
    """Conditions that are not linear."""
    only: frozenset[RowKey] | None = None
    """The only rows that exist, if the campaign lists them."""

    @classmethod
    def of(
        cls,
        lattice: Lattice,
        conditions: Sequence[Condition],
        only: frozenset[RowKey] | None = None,
    ) -> "Conditions":
        """Sort conditions into linear tables and others."""
        tables: list[LinearTable] = []
        others: list[Condition] = []
        for condition in conditions:
            inequalities = condition.linear_inequalities()
            if inequalities is None:
                others.append(condition)
            else:
                tables += [LinearTable.of(lattice, each, condition.text) for each in inequalities]
        return cls(lattice, tuple(tables), tuple(others), only)

    def hold(self, rows: IntArray) -> BoolArray:
        """Return which rows satisfy every condition, exactly.

        Args:
            rows: `n x d`, on the lattice.
        """
        good = self.hold_linearly(rows)
        if self.only is not None:
            good &= np.array([key in self.only for key in row_keys(rows)], dtype=np.bool_)
        for condition in self.others:
            left = np.flatnonzero(good)
            good[left] = self.one_holds(condition, rows[left])
        return good

    def hold_linearly(self, rows: IntArray) -> BoolArray:
        """Return which rows satisfy the linear conditions, exactly."""
        good = np.ones(len(rows), dtype=np.bool_)
        for table in self.tables:
            good &= np.asarray(table.sums(rows) <= table.bound, dtype=np.bool_)
        return good

    def one_holds(self, condition: Condition, rows: IntArray) -> BoolArray:
        """Return which rows satisfy one condition that is not linear, exactly."""
        may_hold, is_undecided = self._one_screened(condition, rows)
        for place in np.flatnonzero(is_undecided).tolist():
            may_hold[place] = condition.holds(self.lattice.exact(rows[place].tolist()))
        return may_hold

    def screened(self, rows: IntArray) -> tuple[BoolArray, BoolArray]:
        """Return which rows may satisfy every condition, and which of those doubles cannot judge.

        Args:
            rows: `n x d`, on the lattice.
        """
        may_hold = self.hold_linearly(rows)
        is_undecided = np.zeros(len(rows), dtype=np.bool_)
        for condition in self.others:
            left = np.flatnonzero(may_hold)
            may_hold[left], unsure = self._one_screened(condition, rows[left])
            is_undecided[left] |= unsure
        return may_hold, is_undecided & may_hold

    def _one_screened(self, condition: Condition, rows: IntArray) -> tuple[BoolArray, BoolArray]:
        if not len(rows):
            return np.zeros(0, dtype=np.bool_), np.zeros(0, dtype=np.bool_)
        columns: Mapping[str, NDArray[np.generic]] = self.lattice.columns(rows, condition.names)
        may_hold = np.broadcast_to(condition.holds_many(columns), len(rows)).copy()
        may_fail = _may_be_undefined(condition, columns)
        if may_fail is None:
            inverse = Condition(condition.text, Inversion(condition.clause))
            may_fail = np.asarray(inverse.holds_many(columns), dtype=np.bool_)
        return may_hold, may_hold & np.broadcast_to(may_fail, len(rows))


def _numbers(levels: Sequence[Fraction | str]) -> list[Fraction]:
    return [Fraction(0) if isinstance(level, str) else level for level in levels]


def _may_be_undefined(
    condition: Condition, columns: Mapping[str, NDArray[np.generic]]
) -> BoolArray | None:
    """Return where ``name == name`` may fail; None if a condition is not of that form."""
    clause = condition.clause
    if not isinstance(clause, Comparison) or clause.operators != ("==",):
        return None
    left, right = clause.operands
    if left != right or isinstance(left, Text):
        return None
    numbers = cast("Mapping[str, FloatArray]", columns)
    size = abs(array_value(left, numbers))
    return ~(error_scale(left, numbers) <= _SAFE_GROWTH * np.maximum(size, 1e-300))
