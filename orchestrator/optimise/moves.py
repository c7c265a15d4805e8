"""Small steps from lattice point to lattice point."""

from typing import Final

import numpy as np

from orchestrator.optimise.lattice import BoolArray, IntArray, Lattice

__all__ = ["neighbours", "random_moves"]

_FEW_LEVELS: Final = 12


def neighbours(lattice: Lattice, row: IntArray) -> IntArray:
    """Return the lattice points one move away from a row.

    A move carries some steps from one component to another (so that either may vanish or appear),
    swaps two components, or changes one parameter's level.

    Args:
        lattice: The lattice.
        row: `d` integers on the lattice.

    Returns:
        `k x d` distinct rows on the lattice, without the row itself; no condition is looked at.
    """
    found: list[IntArray] = []
    for giver in range(lattice.n_components):
        for taker in range(lattice.n_components):
            if giver == taker or row[giver] == 0:
                continue
            for amount in _amounts(lattice, row, giver, taker):
                moved = row.copy()
                moved[giver] -= amount
                moved[taker] += amount
                found.append(moved)
    for variable in range(lattice.n_components, lattice.n_variables):
        for level in _levels(len(lattice.allowed[variable]), int(row[variable])):
            moved = row.copy()
            moved[variable] = level
            found.append(moved)
    if not found:
        return np.zeros((0, lattice.n_variables), dtype=np.int64)
    rows: IntArray = np.unique(np.array(found), axis=0)
    keep: BoolArray = lattice.contains(rows) & (rows != row).any(axis=1)
    return np.asarray(rows[keep], dtype=np.int64)


def _amounts(lattice: Lattice, row: IntArray, giver: int, taker: int) -> list[int]:
    given, taken = int(row[giver]), int(row[taker])
    amounts = {1, 2, 4, 8, 16, 32, given, given - taken}
    for variable, base, sign in ((giver, given, -1), (taker, taken, 1)):
        present = lattice.allowed[variable][lattice.allowed[variable] > 0]
        if len(present):
            amounts.add(sign * (int(present[0]) - base))
    return sorted(amount for amount in amounts if 0 < amount <= given)


def _levels(n: int, level: int) -> list[int]:
    if n <= _FEW_LEVELS:
        return [other for other in range(n) if other != level]
    steps = [1, 2, 4, 8, 16, 32]
    near = [level + sign * step for step in steps for sign in (-1, 1)]
    return [other for other in near if 0 <= other < n]


def random_moves(lattice: Lattice, rows: IntArray, rng: np.random.Generator) -> IntArray:
    """Return one random step from each row; rows whose step leaves the lattice stay.

    Up to four components exchange a few steps at once (so that equalities among several can be
    followed), and now and then a parameter changes.

    Args:
        lattice: The lattice.
        rows: `n x d` on the lattice.
        rng: Source of randomness.
    """
    moved = rows.copy()
    n, parts = len(rows), lattice.n_components
    if parts > 1:
        deltas = rng.integers(-3, 4, size=(n, parts)) * _scales(lattice, n, rng)[:, None]
        ranks = rng.random((n, parts)).argsort(axis=1).argsort(axis=1)
        size = rng.integers(2, min(parts, 4) + 1, size=n)[:, None]
        deltas[ranks >= size] = 0
        rest = deltas.sum(axis=1)
        moved[:, :parts] += deltas
        moved[np.arange(n), (ranks == 0).argmax(axis=1)] -= rest
        moved[:, :parts] = _settled(lattice, moved[:, :parts], rng)
    for variable in range(parts, lattice.n_variables):
        changes = rng.random(n) < (0.3 if parts else 0.7)
        levels = len(lattice.allowed[variable])
        far = rng.random(n) < 0.3
        near = np.clip(moved[:, variable] + rng.choice([-1, 1], size=n), 0, levels - 1)
        moved[:, variable] = np.where(
            changes, np.where(far, rng.integers(0, levels, size=n), near), moved[:, variable]
        )
    return np.where(lattice.contains(moved)[:, None], moved, rows)


def _scales(lattice: Lattice, n: int, rng: np.random.Generator) -> IntArray:
    most = max(1, lattice.n_steps // 6)
    return np.asarray(np.exp(rng.random(n) * np.log(most)), dtype=np.int64)


def _settled(lattice: Lattice, counts: IntArray, rng: np.random.Generator) -> IntArray:
    """Clear for some rows the least present component into the greatest, so that some vanish."""
    clears = np.flatnonzero(rng.random(len(counts)) < 0.2)
    chosen = counts[clears]
    masked = np.where(chosen > 0, chosen, lattice.n_steps + 1)
    least, greatest = masked.argmin(axis=1), chosen.argmax(axis=1)
    here = np.arange(len(clears))
    amount = np.where(least == greatest, 0, chosen[here, least])
    chosen[here, least] -= amount
    chosen[here, greatest] += amount
    settled = counts.copy()
    settled[clears] = chosen
    return settled
