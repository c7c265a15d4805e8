"""Instruments of a rig of which one may be used instead of another."""

from collections.abc import Iterator, Mapping

from campaigns.errors import Problem
from orchestrator.execution.mistakes import one_of
from orchestrator.execution.rig_spec import InstrumentSpec

__all__ = ["equal_instruments", "equal_mistakes"]

_MUST_AGREE = ("driver", "at", "draws_from", "delivers_to", "limits")
"""Keys in which equal instruments say the same."""


def equal_instruments(instruments: Mapping[str, InstrumentSpec]) -> dict[str, tuple[str, ...]]:
    """Return by instrument the others that may be used instead, in the order of the file.

    Args:
        instruments: Of a rig that was judged.

    Example:
        >>> pump = InstrumentSpec(driver="pump", line="a")
        >>> spare = pump.model_copy(update={"equal_to": "one"})
        >>> equal_instruments({"one": pump, "two": spare, "scale": pump})
        {'one': ('two',), 'two': ('one',)}
    """
    groups: dict[str, list[str]] = {}
    for name in instruments:
        groups.setdefault(_root(instruments, name), []).append(name)
    return {
        name: tuple(other for other in group if other != name)
        for group in groups.values()
        if len(group) > 1
        for name in group
    }


def _root(instruments: Mapping[str, InstrumentSpec], name: str) -> str:
    other = instruments[name].equal_to
    return name if other is None else other


def equal_mistakes(instruments: Mapping[str, InstrumentSpec], names: set[str]) -> Iterator[Problem]:
    """Yield what is wrong with the keys ``equal_to`` of a rig.

    Args:
        instruments: Those that could be read.
        names: Of all instruments of the file.
    """
    for name, spec in instruments.items():
        key = f"instruments.{name}.equal_to"
        if spec.equal_to is None:
            continue
        if spec.equal_to == name:
            yield Problem(key, name, "another instrument than itself")
        elif spec.equal_to not in names:
            yield Problem(key, spec.equal_to, one_of(names - {name}, spec.equal_to))
        elif spec.equal_to in instruments:
            yield from _differences(key, spec, instruments[spec.equal_to])


def _differences(key: str, spec: InstrumentSpec, other: InstrumentSpec) -> Iterator[Problem]:
    if other.equal_to is not None:
        expected = f"one that is equal to no other itself: {other.equal_to}"
        yield Problem(key, spec.equal_to, expected)
        return
    differing = [name for name in _MUST_AGREE if getattr(spec, name) != getattr(other, name)]
    if differing:
        expected = f"an instrument with the same {', '.join(differing)}"
        yield Problem(key, spec.equal_to, expected)
