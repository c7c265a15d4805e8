"""Whether fractions in whole steps, within their bounds, can sum to 1; in integers throughout."""

import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from campaigns.errors import Problem

__all__ = [
    "bound_problems",
    "bounds_in_steps",
    "max_active_problems",
    "one_list_problems",
    "present_count",
    "reach_problems",
    "unknown_bound_problems",
]

Names: TypeAlias = tuple[str, ...] | None
Bounds: TypeAlias = Mapping[str, tuple[Decimal, Decimal]]


def bounds_in_steps(
    names: Sequence[str], bounds: Bounds, n_steps: int, least: int
) -> Iterator[tuple[int, int]]:
    """Yield lowest and highest count of steps by component, rounded inwards.

    A component that may be absent and cannot be as much as a present one is always absent.

    Args:
        names: The components.
        bounds: Lowest and highest fraction; [0, 1] where there are none.
        n_steps: How many steps make up 1.
        least: The fewest steps of a component that is present, at least 1.

    Example:
        >>> bounds = {"Al": (Decimal("0.31"), Decimal("0.39")), "Cu": (Decimal(0), Decimal("0.3"))}
        >>> list(bounds_in_steps(["Al", "Cu"], bounds, 10, 5))
        [(4, 3), (0, 0)]
    """
    whole = (Decimal(0), Decimal(1))
    for name in names:
        ends = bounds.get(name, whole)
        low, high = math.ceil(Fraction(ends[0]) * n_steps), math.floor(Fraction(ends[1]) * n_steps)
        yield (0, 0) if low == 0 and high < least else (low, high)


def present_count(min_active_fraction: Decimal, n_steps: int) -> int:
    """Return the fewest steps of a component that is present, at least 1."""
    return max(1, math.ceil(Fraction(min_active_fraction) * n_steps))


def one_list_problems(elements: Names, components: Names) -> Iterator[Problem]:
    """Yield a mistake unless exactly one of the two lists is given."""
    if (elements is None) == (components is None):
        got = None if elements is None else "both"
        yield Problem("", got, "one of elements and components")


def unknown_bound_problems(elements: Names, components: Names, bounds: Bounds) -> Iterator[Problem]:
    """Yield bounds of what is no component."""
    names = (elements or ()) + (components or ())
    for name in bounds:
        if names and name not in names:
            expected = f"one of {', '.join(dict.fromkeys(names))}"
            yield Problem(f"bounds.{name}", name, expected)


def max_active_problems(elements: Names, components: Names, max_active: int) -> Iterator[Problem]:
    """Yield a mistake if so many components cannot be present at once."""
    n_names = len((elements or ()) + (components or ()))
    if max_active < 1 or 0 < n_names < max_active:
        yield Problem("max_active", max_active, f"1 to {n_names}" if n_names else "at least 1")


def bound_problems(
    bounds: Bounds, min_active_fraction: Decimal, step: Decimal
) -> Iterator[Problem]:
    """Yield bounds between which no fraction on the grid lies."""
    n_steps = int(1 / Fraction(step))
    least = present_count(min_active_fraction, n_steps)
    counts = bounds_in_steps(list(bounds), bounds, n_steps, least)
    for (name, ends), (low, high) in zip(bounds.items(), counts, strict=True):
        if low > high:
            expected = f"bounds with a multiple of {step} between them"
            yield Problem(f"bounds.{name}", ends, expected)
        elif low > 0 and high < least:
            expected = f"a low of 0, or a high of at least {least * step}, the least if present"
            yield Problem(f"bounds.{name}", ends, expected)


def reach_problems(
    elements: Names,
    components: Names,
    bounds: Bounds,
    max_active: int,
    min_active_fraction: Decimal,
    step: Decimal,
) -> Iterator[Problem]:
    """Yield why no composition on the grid sums to 1, if nothing else is wrong."""
    names = elements or components or ()
    if (elements is None) == (components is None) or not 1 <= max_active <= len(names):
        return
    if any(True for _ in bound_problems(bounds, min_active_fraction, step)):
        return
    n_steps = int(1 / Fraction(step))
    least = present_count(min_active_fraction, n_steps)
    counts = list(bounds_in_steps(names, bounds, n_steps, least))
    yield from _sum_problems(counts, max_active, least, step)


def _sum_problems(
    counts: Sequence[tuple[int, int]], max_active: int, least: int, step: Decimal
) -> Iterator[Problem]:
    n_steps = int(1 / Fraction(step))
    required = [(max(low, least), high) for low, high in counts if low > 0]
    optional = sorted((high for low, high in counts if low == 0 < high), reverse=True)
    if len(required) > max_active:
        expected = f"at least {len(required)}: so many have a low bound above 0"
        yield Problem("max_active", max_active, expected)
        return
    fewest = sum(low for low, _ in required)
    room = min(len(optional), max_active - len(required))
    most = [sum(high for _, high in required) + sum(optional[:k]) for k in range(room + 1)]
    # With k optional components present, every sum between these two ends can be reached.
    if any(fewest + k * least <= n_steps <= most[k] for k in range(room + 1)):
        return
    if fewest > n_steps:
        got = f"low bounds that sum to at least {fewest * step}"
    elif most[-1] < n_steps:
        got = f"high bounds of {len(required) + room} components that sum to {most[-1] * step}"
    else:
        got = f"bounds between which sums of whole steps of {step} miss 1"
    yield Problem("bounds", got, "bounds within which the fractions can sum to 1")
