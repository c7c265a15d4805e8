"""Feasible points of the linear conditions by mixed-integer programming (HiGHS).

The solver works in doubles: what it returns is only a suggestion, judged exactly by the caller;
its proof that there is none is trusted, for its tolerances are far below one whole number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from orchestrator.optimise.conditions import LinearTable
from orchestrator.optimise.lattice import FloatArray, IntArray, Lattice

if TYPE_CHECKING:
    from scipy.optimize import LinearConstraint, OptimizeResult

__all__ = ["LinearProgram"]

_INFEASIBLE: Final = 2
"""The solver's word for a proof that nothing satisfies the constraints."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearProgram:
    """The lattice as a mixed-integer program.

    Columns are, first for each component its count and its presence, then for each parameter one
    column a level, of which exactly one is 1.
    """

    lattice: Lattice
    offsets: tuple[int, ...]
    """First column of each variable."""
    n_columns: int

    @classmethod
    def of(cls, lattice: Lattice) -> "LinearProgram":
        """Lay out the columns for a lattice."""
        offsets: list[int] = []
        total = 0
        for variable, allowed in enumerate(lattice.allowed):
            offsets.append(total)
            total += 2 if variable < lattice.n_components else len(allowed)
        return cls(lattice, tuple(offsets), total)

    def solve(self, tables: Sequence[LinearTable], weights: FloatArray) -> IntArray | None:
        """Return a row that satisfies tables with the least weighted sum, or None.

        Args:
            tables: Linear conditions to honour.
            weights: One weight a column.

        Returns:
            One row of `d` integers, or None where there is none.
        """
        found = self._solved(tables, weights)
        if found.x is None:
            return None
        return self._row(np.asarray(found.x, dtype=np.float64))

    def is_impossible(self, tables: Sequence[LinearTable]) -> bool:
        """Return whether it is proved that no row satisfies tables.

        Args:
            tables: Linear conditions.
        """
        return int(self._solved(tables, np.zeros(self.n_columns)).status) == _INFEASIBLE

    def _solved(self, tables: Sequence[LinearTable], weights: FloatArray) -> "OptimizeResult":
        from scipy.optimize import Bounds, milp

        constraints = [self._structure()]
        if tables:
            constraints.append(self._table_rows(tables))
        low, high = self._bounds()
        return milp(
            weights,
            integrality=np.ones(self.n_columns, dtype=np.int64),
            bounds=Bounds(low, high),
            constraints=constraints,
            options={"time_limit": 10.0, "mip_rel_gap": 1.0},
        )

    def _row(self, solution: FloatArray) -> IntArray:
        lattice = self.lattice
        row = np.zeros(lattice.n_variables, dtype=np.int64)
        for variable, offset in enumerate(self.offsets):
            if variable < lattice.n_components:
                row[variable] = round(float(solution[offset]))
            else:
                levels = lattice.allowed[variable]
                row[variable] = int(solution[offset : offset + len(levels)].argmax())
        return row

    def _bounds(self) -> tuple[FloatArray, FloatArray]:
        low, high = np.zeros(self.n_columns), np.ones(self.n_columns)
        for variable in range(self.lattice.n_components):
            allowed = self.lattice.allowed[variable]
            high[self.offsets[variable]] = allowed[-1]
            low[self.offsets[variable]] = allowed[0]
            low[self.offsets[variable] + 1] = float(allowed[0] > 0)
        return low, high

    def _structure(self) -> "LinearConstraint":
        from scipy.optimize import LinearConstraint
        from scipy.sparse import csr_array

        lattice = self.lattice
        rows: list[FloatArray] = []
        low: list[float] = []
        high: list[float] = []

        def add(entries: dict[int, float], least: float, most: float) -> None:
            row = np.zeros(self.n_columns)
            for column, entry in entries.items():
                row[column] = entry
            rows.append(row)
            low.append(least)
            high.append(most)

        for variable, offset in enumerate(self.offsets):
            allowed = lattice.allowed[variable]
            if variable >= lattice.n_components:
                add({offset + level: 1.0 for level in range(len(allowed))}, 1.0, 1.0)
                continue
            present = allowed[allowed > 0]
            least, most = (float(present[0]), float(present[-1])) if len(present) else (1.0, 0.0)
            add({offset: 1.0, offset + 1: -most}, -np.inf, 0.0)
            add({offset: 1.0, offset + 1: -least}, 0.0, np.inf)
        if lattice.n_components:
            starts = self.offsets[: lattice.n_components]
            add(dict.fromkeys(starts, 1.0), lattice.n_steps, lattice.n_steps)
            add({start + 1: 1.0 for start in starts}, -np.inf, lattice.max_active)
        return LinearConstraint(csr_array(np.array(rows)), np.array(low), np.array(high))

    def _table_rows(self, tables: Sequence[LinearTable]) -> "LinearConstraint":
        from scipy.optimize import LinearConstraint
        from scipy.sparse import csr_array

        rows = np.zeros((len(tables), self.n_columns))
        bounds = np.zeros(len(tables))
        for place, table in enumerate(tables):
            for variable, offset in enumerate(self.offsets):
                entries = table.entries[variable]
                if variable < self.lattice.n_components:
                    rows[place, offset] = float(entries[1]) if len(entries) > 1 else 0.0
                else:
                    rows[place, offset : offset + len(entries)] = entries.astype(np.float64)
            size = max(1.0, float(np.abs(rows[place]).max()))
            rows[place] /= size
            bounds[place] = table.bound / size
        return LinearConstraint(csr_array(rows), np.full(len(tables), -np.inf), bounds)
