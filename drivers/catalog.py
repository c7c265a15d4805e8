"""Finds drivers and kinds of lines by name among the installed entry points; nothing is guessed."""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Protocol, cast

from drivers.clock import Clock
from drivers.errors import RigError
from drivers.instrument import Instrument
from drivers.line import Line

__all__ = ["LineFactory", "driver_named", "line_kind_named", "names"]

DRIVERS = "athanor.drivers"
LINES = "athanor.lines"
_BROKEN = (AttributeError, ImportError, NameError, SyntaxError, TypeError, ValueError)
"""What importing somebody's unfinished module may raise."""


class LineFactory(Protocol):
    """A kind of line: what builds one from its table in the rig file."""

    def from_settings(self, name: str, settings: Mapping[str, object], clock: Clock) -> Line:
        """Build the line; nothing is opened.

        Args:
            name: Its name in the rig file.
            settings: The table ``[lines.<name>]`` without ``kind``.
            clock: Its clock.

        Raises:
            RigError: A setting is missing, unknown or wrong.
        """
        ...


def names(group: str) -> tuple[str, ...]:
    """Return the names that an entry-point group has, sorted.

    Args:
        group: For example ``athanor.drivers``.
    """
    return tuple(sorted({entry.name for entry in entry_points(group=group)}))


def driver_named(name: str) -> type[Instrument]:
    """Return the driver of that name.

    Args:
        name: As in the rig file, ``driver = "new_era_ne1000"``.

    Raises:
        RigError: No driver has it, or it cannot be imported.
    """
    driver = _load(DRIVERS, "driver", name)
    if not isinstance(driver, type) or not issubclass(driver, Instrument):
        raise RigError("driver", got=name, expected="the name of an Instrument class")
    return driver


def line_kind_named(kind: str) -> LineFactory:
    """Return the kind of line of that name.

    Args:
        kind: As in the rig file, ``kind = "serial"``.

    Raises:
        RigError: No kind has it, or it cannot be imported.
    """
    factory = _load(LINES, "kind", kind)
    if not hasattr(factory, "from_settings"):
        raise RigError("kind", got=kind, expected="the name of a line class with from_settings")
    return cast("LineFactory", factory)


@cache
def _load(group: str, key: str, name: str) -> object:
    for entry in entry_points(group=group):
        if entry.name == name:
            try:
                return entry.load()
            except _BROKEN as error:
                expected = f"an import that works: {type(error).__name__}: {error}"
                raise RigError(key, got=name, expected=expected) from error
    raise RigError(key, got=name, expected=f"one of {', '.join(names(group))}")
