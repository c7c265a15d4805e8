"""Whether a refusal of a random definition is true, judged without the code that refused it."""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from tests.support.random_definitions import Definition, Rule

_LISTED = 200_000


def verdict(definition: Definition, reason: str) -> str:
    """Return ``true``, ``false``, ``open`` (only a failed search) or ``unjudged``.

    Args:
        definition: What was refused.
        reason: What was said.
    """
    if definition.has_witness:
        return "false"
    if "not a proof" in reason:
        return "open"
    named = [rule for rule in definition.rules if repr(rule.text) in reason]
    limit = f"space.composition.max_active = {definition.max_active}"
    most = definition.max_active if limit in reason else len(definition.components)
    if not named and limit not in reason:
        return "false"
    if all(rule.holds(definition.witness) for rule in named):
        return "false"
    if all(rule.factors is not None for rule in named) and _is_excluded(definition, named, most):
        return "true"
    if _n_points(definition) > _LISTED:
        return "unjudged"
    points = _points(definition, most)
    return "false" if any(all(r.holds(p) for r in named) for p in points) else "true"


def _ranges(definition: Definition) -> list[tuple[int, int, bool]]:
    """Return for each component its counts if present, and whether it may be absent."""
    n_steps = int(1 / definition.step)
    least = max(1, math.ceil(definition.min_active * n_steps))
    ends = [definition.bounds[name] for name in definition.components]
    return [
        (max(least, math.ceil(low * n_steps)), math.floor(high * n_steps), low == 0)
        for low, high in ends
    ]


def _n_points(definition: Definition) -> int:
    n_steps, n = int(1 / definition.step), len(definition.components)
    levels = math.prod(len(each) for each in definition.levels.values())
    levels *= math.prod(len(each) for each in definition.categories.values())
    return math.comb(n_steps + n - 1, n - 1) * levels


def _points(definition: Definition, most: int) -> Iterator[dict[str, Fraction | str]]:
    parameters: list[dict[str, Fraction | str]] = [{}]
    for name, levels in (*definition.levels.items(), *definition.categories.items()):
        parameters = [{**point, name: level} for point in parameters for level in levels]
    for counts in _compositions(_ranges(definition), int(1 / definition.step), most):
        fractions = [count * definition.step for count in counts]
        mixture = dict(zip(definition.components, fractions, strict=True))
        for point in parameters:
            yield {**mixture, **point}


def _compositions(
    ranges: Sequence[tuple[int, int, bool]], left: int, most: int
) -> Iterator[tuple[int, ...]]:
    if not ranges:
        if left == 0:
            yield ()
        return
    low, high, may_be_absent = ranges[0]
    if may_be_absent:
        for rest in _compositions(ranges[1:], left, most):
            yield (0, *rest)
    for count in range(low, min(high, left) + 1) if most > 0 else ():
        for rest in _compositions(ranges[1:], left - count, most - 1):
            yield (count, *rest)


def _is_excluded(definition: Definition, rules: Sequence[Rule], most: int) -> bool:
    """Return whether an integer program says that linear rules leave no composition.

    Columns are counts, presences, then one choice a level of each numeric parameter.
    """
    ranges, n_steps = _ranges(definition), int(1 / definition.step)
    n = len(ranges)
    chosen = [(name, level) for name, levels in definition.levels.items() for level in levels]
    width = 2 * n + len(chosen)
    rows: list[np.ndarray] = []
    lows: list[float] = []
    highs: list[float] = []

    def add(row: np.ndarray, low: float, high: float) -> None:
        rows.append(row)
        lows.append(low)
        highs.append(high)

    unit = np.eye(width)
    for i, (low, high, _) in enumerate(ranges):
        add(unit[i] - high * unit[n + i], -np.inf, 0)
        add(unit[i] - low * unit[n + i], 0, np.inf)
    add(unit[:n].sum(axis=0), n_steps, n_steps)
    add(unit[n : 2 * n].sum(axis=0), 0, most)
    for name in definition.levels:
        own = [2 * n + k for k, (other, _) in enumerate(chosen) if other == name]
        add(unit[own].sum(axis=0), 1, 1)
    for rule in rules:
        row = np.zeros(width)
        for name, factor in (rule.factors or {}).items():
            if name in definition.components:
                row[definition.components.index(name)] = float(factor * definition.step)
            for k, (other, level) in enumerate(chosen):
                row[2 * n + k] += float(factor * level) * (other == name)
        add(row, -np.inf, float(rule.bound))
    below = [0.0] * n + [float(not absent) for *_, absent in ranges] + [0.0] * len(chosen)
    above = [float(n_steps)] * n + [1.0] * (n + len(chosen))
    found = milp(
        np.zeros(width),
        integrality=np.ones(width),
        bounds=Bounds(below, above),
        constraints=LinearConstraint(np.array(rows), lows, highs),
        options={"time_limit": 30.0},
    )
    return int(found.status) == 2
