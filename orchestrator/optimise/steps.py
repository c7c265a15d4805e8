"""From good rows to rows that may be better: moves of many rows at once, offspring, slopes.

What is returned lies on the lattice; conditions are not looked at here.
"""

from typing import Final

import numpy as np

from orchestrator.optimise.lattice import BoolArray, FloatArray, IntArray, Lattice

__all__ = ["distinct", "hashes", "moves_of", "offspring", "uphill"]

_AMOUNTS: Final = (1, 2, 4, 8, 16, 32, 64, 128)
_FEW_LEVELS: Final = 12
_LEVEL_STEPS: Final = (1, 2, 4, 8, 16, 32)
_MOST_MOVES: Final = 400
"""Moves of one row that are looked at, at most; of more a random part is."""
_LENGTHS: Final = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
"""Steps of the component that changes most, in moves uphill."""
_HASHING: Final = np.random.default_rng(0).integers(1, 2**62, size=4096, dtype=np.int64) | 1


def hashes(rows: IntArray) -> IntArray:
    """Return one number a row; different rows have the same one hardly ever (1 in 10^18)."""
    weights = np.resize(_HASHING, rows.shape[1])
    return np.asarray((rows * weights).sum(axis=1), dtype=np.int64)


def distinct(rows: IntArray) -> IntArray:
    """Return each row once, in the order in which they came first."""
    _, places = np.unique(hashes(rows), return_index=True)
    return rows[np.sort(places)]


def moves_of(lattice: Lattice, rows: IntArray, rng: np.random.Generator) -> IntArray:
    """Return lattice points one move away from rows.

    A move carries some steps from one component to another (1, 2, 4..., all, what makes it appear
    with its least amount), swaps two, or changes one parameter's level.

    Args:
        lattice: The lattice.
        rows: `k x d` on it.
        rng: Chooses among the moves of rows that have too many.

    Returns:
        `l x d` distinct rows.
    """
    moved: list[IntArray] = [rows[:0]]
    for row in rows:
        found = _moves(lattice, row)
        found = found[lattice.contains(found) & (found != row).any(axis=1)]
        if len(found) > _MOST_MOVES:
            found = found[np.sort(rng.choice(len(found), _MOST_MOVES, replace=False))]
        moved.append(found)
    return distinct(np.vstack(moved))


def _moves(lattice: Lattice, row: IntArray) -> IntArray:
    parts = lattice.n_components
    found: list[IntArray] = [np.zeros((0, lattice.n_variables), dtype=np.int64)]
    if parts > 1:
        giver, taker = np.nonzero((row[:parts, None] > 0) & ~np.eye(parts, dtype=np.bool_))
        given, taken = row[giver], row[taker]
        least = _least_present(lattice)
        fixed = [np.full(len(giver), amount) for amount in _AMOUNTS]
        special = [given, given - taken, given - least[giver], least[taker] - taken]
        amounts = np.stack([*fixed, *special])
        which, pair = np.nonzero((amounts > 0) & (amounts <= given))
        amount = amounts[which, pair]
        moved = np.repeat(row[None], len(pair), axis=0)
        here = np.arange(len(pair))
        moved[here, giver[pair]] -= amount
        moved[here, taker[pair]] += amount
        found.append(moved)
    for variable in range(parts, lattice.n_variables):
        levels = _levels(lattice.allowed[variable], int(row[variable]))
        moved = np.repeat(row[None], len(levels), axis=0)
        moved[:, variable] = levels
        found.append(moved)
    return np.vstack(found)


def _least_present(lattice: Lattice) -> IntArray:
    """Return for each component the least count with which it is present; 0 if it never is."""
    least = [allowed[allowed > 0][:1] for allowed in lattice.allowed[: lattice.n_components]]
    return np.array([int(each[0]) if len(each) else 0 for each in least], dtype=np.int64)


def _levels(allowed: IntArray, level: int) -> IntArray:
    if len(allowed) <= _FEW_LEVELS:
        return np.asarray(allowed[allowed != level], dtype=np.int64)
    place = int(np.searchsorted(allowed, level))
    near = np.array([place + sign * step for step in _LEVEL_STEPS for sign in (-1, 1)])
    return np.asarray(allowed[near[(near >= 0) & (near < len(allowed))]], dtype=np.int64)


def offspring(lattice: Lattice, rows: IntArray, n: int, rng: np.random.Generator) -> IntArray:
    """Return crossings of rows: components of both parents, amounts between theirs.

    Args:
        lattice: The lattice.
        rows: `k x d` on it, the parents.
        n: How many crossings are tried.
        rng: Source of randomness.

    Returns:
        Up to `n` distinct rows.
    """
    if len(rows) < 2:
        return rows[:0]
    first = rng.integers(0, len(rows), size=n)
    second = (first + rng.integers(1, len(rows), size=n)) % len(rows)
    mothers, fathers = rows[first], rows[second]
    takes = rng.random(mothers.shape) < 0.5
    children = np.where(takes, mothers, fathers)
    parts = lattice.n_components
    if parts:
        share = rng.random((n, 1))
        blend = share * mothers[:, :parts] + (1 - share) * fathers[:, :parts]
        keeps = rng.random((n, parts)) < np.where(rng.random((n, 1)) < 0.5, 1.0, 0.7)
        children[:, :parts] = _nearest(lattice, np.where(keeps, blend, 0.0))
    children = distinct(children)
    return children[lattice.contains(children)]


def uphill(lattice: Lattice, row: IntArray, moved: IntArray, gains: FloatArray) -> IntArray:
    """Return rows that follow the slope of scores inside the polytope of the present components.

    Args:
        lattice: The lattice.
        row: `d` integers, where the slope is taken.
        moved: `k x d` rows, each one move away from it.
        gains: `k` differences of score.

    Returns:
        Rows on the lattice, which are rounded so that the sum is kept.
    """
    parts = lattice.n_components
    change = (moved - row).astype(np.float64)
    free = np.array([not lattice.is_category(each) for each in range(lattice.n_variables)])
    free[:parts] = row[:parts] > 0
    local = (change[:, ~free] == 0).all(axis=1) & np.isfinite(gains)
    local &= np.abs(change).max(axis=1) <= _AMOUNTS[2]
    if local.sum() < max(2, free.sum() - 1):
        return row[None][:0]
    slope, *_ = np.linalg.lstsq(change[local], gains[local], rcond=None)
    slope[:parts] -= np.where(free[:parts], slope[:parts][free[:parts]].mean(), 0.0) if parts else 0
    largest = np.abs(slope).max()
    if not largest > 0:
        return row[None][:0]
    targets = row + np.array(_LENGTHS)[:, None] * (slope / largest)
    rows = np.rint(targets).astype(np.int64)
    if parts:
        rows[:, :parts] = _nearest(lattice, np.maximum(targets[:, :parts], 0.0))
    for variable in range(parts, lattice.n_variables):
        allowed = lattice.allowed[variable]
        places = np.searchsorted(allowed, rows[:, variable]).clip(0, len(allowed) - 1)
        rows[:, variable] = allowed[places]
    return distinct(rows[lattice.contains(rows)])


def _nearest(lattice: Lattice, amounts: FloatArray) -> IntArray:
    """Return whole counts near amounts, with the right sum and no more components than may be."""
    parts = amounts.shape[1]
    if lattice.max_active < parts:
        ranks = (-amounts).argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
        amounts = np.where(ranks < lattice.max_active, amounts, 0.0)
    totals = amounts.sum(axis=1, keepdims=True)
    scaled = amounts * (lattice.n_steps / np.where(totals > 0, totals, 1.0))
    counts = np.floor(scaled).astype(np.int64)
    rest = np.where(scaled > 0, scaled - counts, -1.0)
    ranks = (-rest).argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    missing = lattice.n_steps - counts.sum(axis=1, keepdims=True)
    gains: BoolArray = ranks < missing
    return counts + gains
