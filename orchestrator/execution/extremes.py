"""How small and how large a linear binding can become at any point of a space.

The interval over all bounds comes first and is exact; only where that is too wide to please are
the linear constraints asked too, by linear programming over the space without its grid. What is
returned contains every value that a feasible point can give.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from campaigns.expression import Condition, LinearForm, LinearInequality
from campaigns.space import CategoricalParameter, Composition, Space
from campaigns.spec import CampaignSpec

__all__ = ["Extremes", "extremes_of", "value_bounds"]

Bounds = tuple[Fraction, Fraction]


@dataclass(frozen=True, slots=True)
class Extremes:
    """The least and the largest value that a binding can take."""

    low: float
    high: float


def value_bounds(space: Space, when: Condition | None = None) -> dict[str, Bounds] | None:
    """Return the bounds of every numeric input where a condition holds.

    Args:
        space: The campaign's.
        when: Its parts that compare a single input with a number tighten the bounds.

    Returns:
        By component and numeric parameter; None if the condition can never hold.
    """
    bounds: dict[str, Bounds] = {}
    composition = space.composition
    if composition is not None:
        step = Fraction(composition.step)
        for name, (low, high) in zip(composition.names, composition.count_bounds, strict=True):
            bounds[name] = (low * step, high * step)
    for parameter in space.parameters:
        if not isinstance(parameter, CategoricalParameter):
            levels = parameter.levels
            bounds[parameter.name] = (Fraction(levels[0]), Fraction(levels[-1]))
    for inequality in _inequalities([when] if when is not None else []):
        _tighten(bounds, inequality)
    if composition is not None:
        _raise_to_what_is_present(bounds, composition)
    return bounds if all(low <= high for low, high in bounds.values()) else None


def extremes_of(
    form: LinearForm, campaign: CampaignSpec, when: Condition | None, within: Extremes
) -> Extremes | None:
    """Return the extremes of a linear form over the points where a condition holds.

    Args:
        form: Over components and numeric parameters.
        campaign: With its space and conditions.
        when: The job's own condition.
        within: Limits that please; an interval inside them is not refined.

    Returns:
        None if no point satisfies everything.
    """
    bounds = value_bounds(campaign.space, when)
    if bounds is None:
        return None
    used = {name: c for name, c in form.coefficients.items() if c}
    ends = [sorted((c * bounds[name][0], c * bounds[name][1])) for name, c in used.items()]
    low = float(form.constant + sum((pair[0] for pair in ends), Fraction(0)))
    high = float(form.constant + sum((pair[1] for pair in ends), Fraction(0)))
    if within.low <= low and high <= within.high:
        return Extremes(low, high)
    conditions = [*campaign.conditions, *([when] if when is not None else [])]
    return _refined(form, campaign.space, bounds, conditions)


def _refined(
    form: LinearForm, space: Space, bounds: Mapping[str, Bounds], conditions: Sequence[Condition]
) -> Extremes | None:
    from scipy.optimize import linprog

    names = list(bounds)
    inequalities = [
        inequality
        for inequality in _inequalities(conditions)
        if set(inequality.coefficients) <= set(names)
    ]
    rows = [[float(one.coefficients.get(name, 0)) for name in names] for one in inequalities]
    ends = []
    for sign in (1.0, -1.0):
        found = linprog(
            [sign * float(form.coefficients.get(name, 0)) for name in names],
            A_ub=rows or None,
            b_ub=[float(one.bound) for one in inequalities] or None,
            A_eq=[[float(name in space.components) for name in names]]
            if space.components
            else None,
            b_eq=[1.0] if space.components else None,
            bounds=[(float(low), float(high)) for low, high in bounds.values()],
            method="highs",
        )
        if found.status == 2:
            return None
        if not found.success or found.fun is None:
            raise ArithmeticError(f"linear programming gave up: {found.message}")
        ends.append(_rounded(sign * found.fun + float(form.constant)))
    return Extremes(*ends)


def _rounded(value: float) -> float:
    """Return a value without the last digits, which linear programming does not know."""
    return float(f"{value:.9g}")


def _inequalities(conditions: Iterable[Condition]) -> list[LinearInequality]:
    found: list[LinearInequality] = []
    for condition in conditions:
        found.extend(condition.linear_inequalities() or ())
    return found


def _tighten(bounds: dict[str, Bounds], inequality: LinearInequality) -> None:
    used = {name: c for name, c in inequality.coefficients.items() if c}
    if len(used) != 1:
        return
    ((name, coefficient),) = used.items()
    if name not in bounds:
        return
    low, high = bounds[name]
    limit = inequality.bound / coefficient
    if coefficient > 0:
        bounds[name] = (low, min(high, limit))
    elif inequality.is_strict and limit == low == 0:
        bounds[name] = (_JUST_ABOVE_ZERO, high)
    else:
        bounds[name] = (max(low, limit), high)


_JUST_ABOVE_ZERO: Final = Fraction(1, 10**12)
"""Stands for *present*, until it is raised to the least that a present component may have."""


def _raise_to_what_is_present(bounds: dict[str, Bounds], composition: Composition) -> None:
    step = Fraction(composition.step)
    least = composition.min_active_count * step
    for name in composition.names:
        low, high = bounds[name]
        if low > 0:
            on_grid = -(-low // step) * step
            bounds[name] = (max(on_grid, least), high)
