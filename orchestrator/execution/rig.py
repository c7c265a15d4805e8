"""The rig file, read once at the door; its lines, real or pretended, are built but not opened."""

import tomllib
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol, cast

from campaigns.errors import Problem
from drivers.catalog import driver_named, line_kind_named
from drivers.clock import Clock
from drivers.errors import RigError
from drivers.instrument import Instrument
from drivers.line import Line
from orchestrator.errors import RigFileError
from orchestrator.execution.mistakes import one_of
from orchestrator.execution.rig_checks import problems_of
from orchestrator.execution.rig_spec import RigSpec

__all__ = [
    "Bench",
    "RigSpec",
    "bench_for",
    "drivers_for",
    "lines_for",
    "load_rig",
    "rig_from_text",
]


class Bench(Protocol):
    """A pretended rig, as the entry-point group ``athanor.benches`` provides it."""

    @classmethod
    def from_rig(cls, rig: Mapping[str, Any], clock: Clock, *, seed: int) -> "Bench":
        """Build the bench.

        Args:
            rig: `RigSpec.as_tables`; of any type, as a TOML file is.
            clock: The dry-run's.
            seed: Of the bench's imperfections.
        """
        ...

    def line(self, name: str) -> Line:
        """Return the pretended line of this name."""
        ...

    def served(self, folder: Path) -> AbstractAsyncContextManager[dict[str, dict[str, object]]]:
        """Put every line behind a real wire of this machine for as long as the block lasts.

        Args:
            folder: An absolute path, for everything that belongs to the wires; what was served
                from it before keeps its names and ports.

        Returns:
            Yields what the rig file must say of each line to get here, with its kind, by line.

        Raises:
            LineError: The folder is in use or damaged, or a port is taken.
            RigError: There is no real wire for a line's kind.
        """
        ...


def load_rig(path: str | Path) -> RigSpec:
    """Read a rig file and judge it whole; no line is opened.

    Raises:
        RigFileError: With every mistake in it.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise RigFileError(
            str(path), [Problem("", error.strerror or "no file", "a file that can be read")]
        ) from error
    except UnicodeDecodeError as error:
        got = f"byte {error.object[error.start]:#04x} at {error.start}"
        raise RigFileError(str(path), [Problem("", got, "UTF-8 text")]) from error
    return rig_from_text(text, file=str(path))


def rig_from_text(text: str, *, file: str) -> RigSpec:
    """Read a rig from the text of its file.

    Args:
        text: TOML.
        file: The name that error messages carry.

    Raises:
        RigFileError: With every mistake in it.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RigFileError(file, [Problem("", str(error), "a TOML file")]) from error
    problems = problems_of(tables)
    if problems:
        raise RigFileError(file, problems)
    return RigSpec.model_validate(tables)


def lines_for(rig: RigSpec, clock: Clock) -> dict[str, Line]:
    """Build the rig's real lines, by name; none is opened.

    Raises:
        RigError: A line kind refuses its settings.
    """
    return {
        name: line_kind_named(line.kind).from_settings(name, line.settings, clock)
        for name, line in rig.lines.items()
    }


def bench_for(rig: RigSpec, clock: Clock, seed: int) -> Bench:
    """Build the pretended bench of a dry-run from the entry point ``standard``.

    Args:
        rig: With a table ``[simulation]``.
        clock: The dry-run's.
        seed: The campaign's; together with the rig's own it makes the bench's imperfections.

    Raises:
        RigFileError: The rig says nothing about simulation, no bench is installed, or it has no
            pretend device for one of the drivers.
    """
    file = f"rig {rig.header.name}"
    if rig.simulation is None:
        expected = "a table with the world that a dry-run pretends"
        raise RigFileError(file, [Problem("simulation", None, expected)])
    found = entry_points(group="athanor.benches")
    if "standard" not in found.names:
        problem = Problem("simulation", "standard", "a bench: " + one_of(found.names, "standard"))
        raise RigFileError(file, [problem])
    factory = cast(type[Bench], found["standard"].load())
    try:
        return factory.from_rig(rig.as_tables(), clock, seed=seed + 1_000_003 * rig.simulation.seed)
    except RigError as error:
        raise RigFileError(file, [Problem(error.key, error.got, error.expected)]) from error


def drivers_for(rig: RigSpec) -> dict[str, type[Instrument]]:
    """Return the driver class of every instrument of the rig, by instrument name.

    Raises:
        RigError: A driver is not installed.
    """
    found = {name: driver_named(name) for name in {s.driver for s in rig.instruments.values()}}
    return {name: found[spec.driver] for name, spec in rig.instruments.items()}
