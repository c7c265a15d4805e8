"""Dropping values that no point can have, by looking at one linear condition at a time."""

from dataclasses import replace

import numpy as np

from orchestrator.optimise.conditions import Conditions
from orchestrator.optimise.lattice import IntArray, Lattice

__all__ = ["narrowed"]

_ROUNDS = 20


def narrowed(conditions: Conditions) -> Lattice | None:
    """Return the lattice without values that contradict the sum or a linear condition.

    Args:
        conditions: The lattice and its conditions.

    Returns:
        A lattice with the same feasible points, or None if some variable has no value left.
    """
    lattice = conditions.lattice
    allowed = list(lattice.allowed)
    for _ in range(_ROUNDS):
        before = [len(values) for values in allowed]
        _narrow_by_sum(lattice, allowed)
        for table in conditions.tables:
            if all(len(values) for values in allowed):
                _narrow_by_table(allowed, table.entries, table.bound)
        if not all(len(values) for values in allowed):
            return None
        if before == [len(values) for values in allowed]:
            break
    return replace(lattice, allowed=tuple(allowed))


def _narrow_by_sum(lattice: Lattice, allowed: list[IntArray]) -> None:
    parts = allowed[: lattice.n_components]
    if not parts or not all(len(values) for values in parts):
        return
    least = sum(int(values[0]) for values in parts)
    most = sum(int(values[-1]) for values in parts)
    for variable, values in enumerate(parts):
        low = lattice.n_steps - (most - int(values[-1]))
        high = lattice.n_steps - (least - int(values[0]))
        allowed[variable] = values[(values >= low) & (values <= high)]


def _narrow_by_table(allowed: list[IntArray], entries: tuple[object, ...], bound: int) -> None:
    arrays = [np.asarray(each) for each in entries]
    least = [min(array[values].tolist()) for array, values in zip(arrays, allowed, strict=True)]
    total = sum(least)
    for variable, array in enumerate(arrays):
        values = allowed[variable]
        fits = array[values] <= bound - (total - least[variable])
        allowed[variable] = values[np.asarray(fits, dtype=np.bool_)]
