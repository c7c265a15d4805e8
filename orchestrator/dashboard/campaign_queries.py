"""What the query of a campaign's page asks for: bounds, slices, axes; wrong ones are named."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import urlencode

from starlette.exceptions import HTTPException

from orchestrator.errors import RequestRefused
from orchestrator.service.live import LiveLab
from orchestrator.service.live_views import Bound, SpecFilter
from orchestrator.service.views import ObjectiveView

__all__ = [
    "Slice",
    "axes_from",
    "bounds_of",
    "chosen_objective",
    "filter_from",
    "known_campaign",
    "query_text",
    "slice_from",
]

_MIN: Final = "min."
_MAX: Final = "max."
_HOLD: Final = "hold."
_MOST_BOUNDS: Final = 40
_USUAL_TOLERANCE: Final = 0.05

Query = Mapping[str, str]


def known_campaign(live: LiveLab, campaign_id: str) -> str:
    """Return a campaign's id if there is such a campaign.

    Raises:
        HTTPException: There is none: 404.
    """
    try:
        with live.using() as lab:
            return lab.meant(campaign_id)
    except RequestRefused as error:
        raise HTTPException(404, str(error)) from error


class Slice(NamedTuple):
    """What a ternary plot shows."""

    corners: tuple[str, ...]
    """Three components: top, left, right; nothing for the most used ones."""
    held: dict[str, float]
    """Components that have about these values."""
    tolerance: float
    """How far off they may be."""


def filter_from(query: Query) -> SpecFilter:
    """Return which observations a front is to be made of.

    Args:
        query: ``min.<name>`` and ``max.<name>``, and ``must_meet`` with ``no`` for all.

    Raises:
        RequestRefused: A bound is no number, or there are too many.
    """
    named: dict[str, dict[str, float]] = {}
    for key, text in query.items():
        for prefix, end in ((_MIN, "at_least"), (_MAX, "at_most")):
            if key.startswith(prefix) and text.strip():
                named.setdefault(key.removeprefix(prefix), {})[end] = _number(key, text)
    if len(named) > _MOST_BOUNDS:
        raise RequestRefused(f"bounds: got {len(named)}, expected at most {_MOST_BOUNDS}")
    bounds = tuple(
        Bound(name=name, at_least=ends.get("at_least"), at_most=ends.get("at_most"))
        for name, ends in sorted(named.items())
    )
    return SpecFilter(must_meet=query.get("must_meet", "yes") != "no", bounds=bounds)


def bounds_of(spec_filter: SpecFilter) -> dict[str, Bound]:
    """Return the bounds of a filter by name."""
    return {bound.name: bound for bound in spec_filter.bounds}


def slice_from(query: Query, components: Sequence[str]) -> Slice:
    """Return which slice of the composition is to be shown.

    Args:
        query: ``a``, ``b``, ``c``: components; ``hold.<name>`` and ``tolerance``: fractions.
        components: Of the campaign.

    Raises:
        RequestRefused: The corners are not three different components, or a number is none.
    """
    corners = tuple(query[letter] for letter in "abc" if query.get(letter))
    if corners and (len(set(corners)) != 3 or not set(corners) <= set(components)):
        expected = f"three different ones of {', '.join(components)}"
        raise RequestRefused(f"corners: got {', '.join(corners)}, expected {expected}")
    held = {
        key.removeprefix(_HOLD): _number(key, text)
        for key, text in query.items()
        if key.startswith(_HOLD) and text.strip()
    }
    unknown = sorted(set(held) - set(components))
    if unknown:
        expected = ", ".join(components)
        raise RequestRefused(f"hold: got {', '.join(unknown)}, expected one of {expected}")
    text = query.get("tolerance", "").strip()
    tolerance = _number("tolerance", text) if text else _USUAL_TOLERANCE
    if tolerance < 0:
        raise RequestRefused(f"tolerance: got {tolerance:g}, expected at least 0")
    return Slice(corners, held, tolerance)


def axes_from(
    query: Query, objectives: Sequence[ObjectiveView]
) -> tuple[ObjectiveView, ObjectiveView]:
    """Return the objectives of the front's two axes: ``x`` and ``y``.

    Args:
        query: May name them.
        objectives: Of the campaign.

    Raises:
        RequestRefused: There is no such objective, both are the same, or there are not two.
    """
    if len(objectives) < 2:
        raise RequestRefused("front: got one objective, expected at least two")
    y = chosen_objective(query.get("y", ""), objectives)
    others = [one for one in objectives if one is not y]
    x = chosen_objective(query.get("x", ""), objectives) if query.get("x") else others[0]
    if x.name == y.name:
        raise RequestRefused(f"x: got {x.name} for both axes, expected two objectives")
    return x, y


def chosen_objective(name: str, objectives: Sequence[ObjectiveView]) -> ObjectiveView:
    """Return the objective of a name; the first one where none is given.

    Raises:
        RequestRefused: There is no such objective.
    """
    found = [one for one in objectives if one.name == name or not name]
    if not found:
        expected = ", ".join(one.name for one in objectives)
        raise RequestRefused(f"objective: got {name!r}, expected one of {expected}")
    return found[0]


def query_text(query: Query, names: Iterable[str] = (), **changed: str) -> str:
    """Return a query again, without what is empty.

    Args:
        query: As it came.
        names: Only keys that are one of these or begin with one that ends in a dot; none: all.
        **changed: Keys that get another value; an empty one leaves the key out.
    """
    wanted = tuple(names)
    kept = {
        key: text
        for key, text in query.items()
        if not wanted or key in wanted or key.startswith(tuple(n for n in wanted if n[-1] == "."))
    }
    return urlencode({key: text for key, text in {**kept, **changed}.items() if text.strip()})


def _number(key: str, text: str) -> float:
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise RequestRefused(f"{key}: got {text.strip()[:40]!r}, expected a number")
    return value
