"""Small steps from lattice point to lattice point."""

from typing import Final

import numpy as np

from orchestrator.optimise.lattice import BoolArray, FloatArray, IntArray, Lattice

__all__ = ["neighbours", "random_moves"]

_FEW_LEVELS: Final = 12
_EXCHANGES: Final = 0.45
_SWAPS: Final = 0.7
_TOGGLES: Final = 0.8
"""Ends of the parts in [0, 1) of steps that exchange, share a sum anew and swap; others toggle."""


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


def random_moves(
    lattice: Lattice, rows: IntArray, rng: np.random.Generator
) -> tuple[IntArray, FloatArray]:
    """Return one random step from each row; rows whose step leaves the lattice stay.

    A step lets up to four components exchange amounts (so that equalities among several can be
    followed), shares two components' sum anew, swaps two, or lets one vanish into another or
    appear out of it; and now and then a parameter changes.

    Args:
        lattice: The lattice.
        rows: `n x d` on the lattice.
        rng: Source of randomness.

    Returns:
        The rows, and for each the logarithm of how much likelier the step back is than the step:
        accepted by these ([Hastings1970]_), steps leave the even law over the lattice unchanged.
    """
    moved = rows.copy()
    log_ratios = np.zeros(len(rows), dtype=np.float64)
    n, parts = len(rows), lattice.n_components
    if parts > 1:
        kind = rng.random(n)
        exchanges, pairs = np.flatnonzero(kind < _EXCHANGES), np.flatnonzero(kind >= _EXCHANGES)
        moved[exchanges, :parts] += _exchanged(lattice, len(exchanges), rng)
        changed, log_ratios[pairs] = _paired(moved[pairs, :parts], kind[pairs], rng)
        moved[pairs, :parts] = changed
    for variable in range(parts, lattice.n_variables):
        levels = lattice.allowed[variable]
        changes = rng.random(n) < (0.3 if parts else 0.7)
        far = rng.random(n) < 0.3
        place = np.searchsorted(levels, moved[:, variable])
        near = np.clip(place + rng.choice([-1, 1], size=n), 0, len(levels) - 1)
        other = levels[np.where(far, rng.integers(0, len(levels), size=n), near)]
        moved[:, variable] = np.where(changes, other, moved[:, variable])
    stays = ~lattice.contains(moved)
    moved[stays], log_ratios[stays] = rows[stays], 0.0
    return moved, log_ratios


def _exchanged(lattice: Lattice, n: int, rng: np.random.Generator) -> IntArray:
    """Return changes of two to four components that sum to 0, each as likely as its opposite."""
    parts = lattice.n_components
    deltas = rng.integers(-3, 4, size=(n, parts)) * _scales(lattice, n, rng)[:, None]
    ranks = rng.random((n, parts)).argsort(axis=1).argsort(axis=1)
    size = rng.integers(2, min(parts, 4) + 1, size=n)[:, None]
    deltas[(ranks >= size) | (ranks == 0)] = 0
    deltas[np.arange(n), (ranks == 0).argmax(axis=1)] = -deltas.sum(axis=1)
    return deltas


def _paired(
    counts: IntArray, kind: FloatArray, rng: np.random.Generator
) -> tuple[IntArray, FloatArray]:
    """Return counts with two components' sum shared anew, and how much likelier the way back is."""
    n, parts = counts.shape
    here = np.arange(n)
    one = rng.integers(0, parts, size=n)
    other = (one + rng.integers(1, parts, size=n)) % parts
    amount, total = counts[here, one], counts[here, one] + counts[here, other]
    among = rng.integers(0, total + 1)
    present = 1 + (rng.random(n) * total).astype(np.int64)
    vanishes = amount > 0
    toggles, swaps = kind >= _TOGGLES, (kind >= _SWAPS) & (kind < _TOGGLES)
    after = np.where(toggles, np.where(vanishes, 0, np.minimum(present, total)), among)
    after = np.where(swaps, total - amount, after)
    log_total = np.log(np.maximum(total, 1))
    log_ratios = np.where(toggles, np.where(vanishes, -log_total, log_total), 0.0)
    changed = counts.copy()
    changed[here, one], changed[here, other] = after, total - after
    return changed, np.asarray(log_ratios, dtype=np.float64)


def _scales(lattice: Lattice, n: int, rng: np.random.Generator) -> IntArray:
    most = max(1, lattice.n_steps // 6)
    return np.asarray(np.exp(rng.random(n) * np.log(most)), dtype=np.int64)
