"""Whether one point belongs to a space and keeps its conditions, decided exactly, and why not."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction

from campaigns.errors import Problem
from campaigns.expression import Condition
from campaigns.space import CategoricalParameter, Composition, Parameter, Space

__all__ = ["problems_of_point"]


def problems_of_point(
    space: Space, conditions: Iterable[Condition], point: Mapping[str, Decimal | float | str]
) -> list[Problem]:
    """Return every reason why a point may not be made; nothing if it may.

    A double stands for the shortest decimal that reads back as it: 0.1 is a tenth.

    Args:
        space: What is searched.
        conditions: What every point must satisfy, over components and parameters alone.
        point: A value for every component and parameter.

    Example:
        >>> mixture = Composition(elements=["Al", "Cu"], step=0.1)
        >>> for one in problems_of_point(Space(composition=mixture), [], {"Al": 0.95, "Cu": 0.1}):
        ...     print(one)
        Al: got 0.95, expected a whole multiple of the step 0.1
        composition: got 'a sum of 1.05', expected 1
    """
    found = list(_name_problems(space, point))
    if found:
        return found
    if space.composition is not None:
        found += _composition_problems(space.composition, point)
    for parameter in space.parameters:
        found += _parameter_problems(parameter, point[parameter.name])
    if found:
        return found
    exact = {name: one if isinstance(one, str) else _exact(one) for name, one in point.items()}
    broken = [condition for condition in conditions if not condition.holds(exact)]
    found = [Problem("constraint", condition.text, "to hold at the point") for condition in broken]
    if space.points is not None and tuple(exact[n] for n in space.names) not in space.listed_points:
        found.append(
            Problem("point", point, f"one of the {len(space.listed_points)} listed points")
        )
    return found


def _exact(value: Decimal | float) -> Fraction:
    return Fraction(value) if isinstance(value, Decimal) else Fraction(repr(float(value)))


def _name_problems(space: Space, point: Mapping[str, Decimal | float | str]) -> Iterator[Problem]:
    for name in space.names:
        if name not in point:
            yield Problem(name, None, "a value")
        elif (name in space.categories) != isinstance(point[name], str):
            wanted = "a category in quotes" if name in space.categories else "a number"
            yield Problem(name, point[name], wanted)
    for name in point:
        if name not in space.names:
            yield Problem(name, name, f"one of {', '.join(space.names)}")


def _composition_problems(
    composition: Composition, point: Mapping[str, Decimal | float | str]
) -> Iterator[Problem]:
    n_steps, least = composition.n_steps, composition.min_active_count
    counts = {}
    for name, bounds in zip(composition.names, composition.count_bounds, strict=True):
        value = point[name]
        count = _exact(value) * n_steps if not isinstance(value, str) else Fraction(-1)
        counts[name] = count
        low, high = bounds
        if count.denominator != 1:
            yield Problem(name, value, f"a whole multiple of the step {composition.step}")
        elif not low <= count <= high:
            ends = f"{float(Fraction(low, n_steps))} to {float(Fraction(high, n_steps))}"
            yield Problem(name, value, f"a fraction from {ends}")
        elif 0 < count < least:
            fewest = float(Fraction(least, n_steps))
            yield Problem(name, value, f"0, or at least {fewest}: less cannot be present")
    total = sum(counts.values())
    if total != n_steps:
        yield Problem("composition", f"a sum of {float(total / n_steps):.10g}", "1")
    n_active = sum(count > 0 for count in counts.values())
    if n_active > composition.max_active:
        most = f"at most {composition.max_active} present at once"
        yield Problem("composition", f"{n_active} components", most)


def _parameter_problems(parameter: Parameter, value: Decimal | float | str) -> Iterator[Problem]:
    if isinstance(parameter, CategoricalParameter):
        if value not in parameter.levels:
            yield Problem(parameter.name, value, f"one of {', '.join(parameter.levels)}")
        return
    levels = parameter.levels
    if not isinstance(value, str) and _exact(value) not in {Fraction(one) for one in levels}:
        near = min(levels, key=lambda level: abs(Fraction(level) - _exact(value)))
        yield Problem(
            parameter.name,
            value,
            f"one of {len(levels)} levels from {levels[0]} to {levels[-1]}; the nearest is {near}",
        )
