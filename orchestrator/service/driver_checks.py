"""Tries drivers by the conformance kit, which is found by its entry point."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol, cast

from drivers.catalog import DRIVERS, names
from drivers.conformance import ConformanceReport, Result
from drivers.errors import RigError
from orchestrator.execution.mistakes import one_of
from orchestrator.execution.rig import load_rig

__all__ = ["Progress", "Replayed", "check_drivers", "replayed", "write_driver"]

Progress = Callable[[str, int, int, Result], None]
"""Told the driver, how many results there are so far and will be, and the newest."""
_GROUP = "athanor.conformance"


class Replayed(Protocol):
    """What came of one recorded action."""

    @property
    def title(self) -> str:
        """The action and its arguments."""
        ...

    @property
    def is_same(self) -> bool:
        """Whether the driver did and read the same again."""
        ...

    @property
    def detail(self) -> str:
        """What differs."""
        ...


class _Kit(Protocol):
    """A conformance kit, as the entry-point group ``athanor.conformance`` provides it."""

    def n_checks(self, driver: str, rig: Mapping[str, object] | None = None) -> int: ...

    def results(self, driver: str, rig: Mapping[str, object] | None = None) -> Iterator[Result]: ...

    def report(self, driver: str, results: tuple[Result, ...]) -> ConformanceReport: ...

    def replayed(self, driver: str, recording: Path) -> Iterator[Replayed]: ...

    def scaffold(self, name: str, folder: Path) -> tuple[Path, ...]: ...


def check_drivers(
    chosen: tuple[str, ...], *, rig: Path | None, on_result: Progress
) -> tuple[ConformanceReport, ...]:
    """Try drivers against their pretend devices.

    Args:
        chosen: Names of drivers; empty means all of the rig's, or all that are installed.
        rig: A rig file to try them on, pretended; each on its own example rig if left out.
        on_result: Told of each result as it comes.

    Raises:
        RigError: A driver is not installed, its card is wrong, or it is not on the rig.
        RigFileError: The rig file is wrong.
    """
    kit, tables, known = _kit(), None, names(DRIVERS)
    if rig is not None:
        spec = load_rig(rig)
        tables = spec.as_tables()
        known = tuple(sorted({one.driver for one in spec.instruments.values()}))
    for name in chosen:
        if name not in known:
            raise RigError("NAME", got=name, expected=one_of(known, name))
    with _without_log_lines():
        return tuple(_checked(kit, name, tables, on_result) for name in chosen or known)


@contextmanager
def _without_log_lines() -> Iterator[None]:
    """Keep what drivers log about faults, which are brought about on purpose here, from people."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _checked(
    kit: _Kit, name: str, rig: Mapping[str, object] | None, on_result: Progress
) -> ConformanceReport:
    n_checks = kit.n_checks(name, rig)
    results: list[Result] = []
    for result in kit.results(name, rig):
        results.append(result)
        on_result(name, len(results), n_checks, result)
    return kit.report(name, tuple(results))


def replayed(driver: str, recording: Path) -> tuple[Replayed, ...]:
    """Play a recording to a driver and tell what differs.

    Raises:
        RigError: There is no such driver, or the file is no recording.
    """
    return tuple(_kit().replayed(driver, recording))


def write_driver(name: str, folder: Path) -> tuple[Path, ...]:
    """Write the beginning of a driver of one's own.

    Raises:
        RigError: The name is no name for a driver or is taken, or the folder is in the way.
    """
    return _kit().scaffold(name, folder)


def _kit() -> _Kit:
    found = entry_points(group=_GROUP)
    if "standard" not in found.names:
        raise RigError(_GROUP, got=sorted(found.names), expected="the kit named standard")
    return cast(type[_Kit], found["standard"].load())()
