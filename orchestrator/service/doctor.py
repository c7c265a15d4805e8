"""Looks at the machine that Athanor runs on: Python, packages, disk, log, plugins, ports."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from orchestrator.errors import LogError
from orchestrator.settings import Settings

__all__ = ["Check", "Health", "examine"]

_ENTRY_POINT_GROUPS: Final = (
    "athanor.analyses",
    "athanor.benches",
    "athanor.drivers",
    "athanor.lines",
    "athanor.planners",
    "athanor.worlds",
)
_LOAD_ALL: Final = """
import json, sys
from importlib.metadata import entry_points
wrong = {}
for group in sys.argv[1:]:
    for point in entry_points(group=group):
        try:
            point.load()
        except Exception as error:
            wrong[f"{group}: {point.name}"] = f"{type(error).__name__}: {error}"
print(json.dumps(wrong))
"""
_LOAD_LIMIT_S: Final = 180.0
_MIN_FREE_GB: Final = 1.0
_SERIAL_PORTS: Final = ("ttyUSB*", "ttyACM*", "cu.usb*")
_BROKEN_PAIRS: Final = (
    ("prefect", "fastapi>=0.151"),
    ("prefect", "sqlalchemy>=2.1"),
)
"""Packages that do not work together: the first one, with the second as it is written here."""


class Health(StrEnum):
    """How a check went."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


class Check(BaseModel):
    """One thing that was looked at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    health: Health
    message: str


def examine(settings: Settings) -> tuple[Check, ...]:
    """Look at everything; nothing is changed and nothing is sent to an instrument.

    Entry points are loaded in a process of their own, so that this one stays light.

    Args:
        settings: Where the log is.
    """
    return (
        _python(),
        *_packages(),
        *_broken_pairs(),
        _sqlite(),
        _disk(settings),
        _database(settings),
        *_entry_points(),
        _serial_ports(Path("/dev")),
    )


def _python() -> Check:
    found = ".".join(str(part) for part in sys.version_info[:3])
    health = Health.GOOD if sys.version_info >= (3, 11) else Health.BAD
    return Check(name="python", health=health, message=f"{found} at {sys.executable}")


def _packages() -> Iterator[Check]:
    """Yield one check for each package that is missing or not what was asked for."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(text) for text in requires("athanor") or []]
    except PackageNotFoundError:
        yield Check(name="packages", health=Health.BAD, message="athanor is not installed")
        return
    wanted = [each for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
    n_wrong = 0
    for requirement in wanted:
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            found = ""
        if found and requirement.specifier.contains(found, prereleases=True):
            continue
        n_wrong += 1
        message = f"got {found or 'nothing'}, expected {requirement.specifier}"
        yield Check(name=f"package {requirement.name}", health=Health.BAD, message=message)
    if not n_wrong:
        message = f"{len(wanted)} packages are what athanor {version('athanor')} asks for"
        yield Check(name="packages", health=Health.GOOD, message=message)


def _broken_pairs() -> Iterator[Check]:
    from packaging.requirements import Requirement

    for first, text in _BROKEN_PAIRS:
        second = Requirement(text)
        try:
            found = version(second.name)
            version(first)
        except PackageNotFoundError:
            continue
        if second.specifier.contains(found, prereleases=True):
            message = f"{first} does not work with {second.name} {found}"
            yield Check(name=f"{first} and {second.name}", health=Health.BAD, message=message)


def _sqlite() -> Check:
    import apsw

    from orchestrator.log.sql_schema import refuse_unsound_sqlite

    found = apsw.sqlite_lib_version()
    try:
        refuse_unsound_sqlite(found)
    except LogError as error:
        return Check(name="sqlite", health=Health.BAD, message=str(error))
    return Check(name="sqlite", health=Health.GOOD, message=f"{found} in apsw {version('apsw')}")


def _disk(settings: Settings) -> Check:
    folder = Path(settings.database).absolute().parent
    while not folder.exists():
        folder = folder.parent
    free_gb = shutil.disk_usage(folder).free / 1e9
    health = Health.GOOD if free_gb >= _MIN_FREE_GB else Health.BAD
    if not os.access(folder, os.W_OK):
        return Check(name="disk", health=Health.BAD, message=f"{folder} cannot be written")
    return Check(name="disk", health=health, message=f"{free_gb:.1f} GB free in {folder}")


def _database(settings: Settings) -> Check:
    from orchestrator.service.lab import Lab

    if not Path(settings.database).exists():
        message = f"{settings.database}: none yet; the first run makes it"
        return Check(name="log", health=Health.GOOD, message=message)
    try:
        with Lab.open(settings) as lab:
            n = lab.last_seq()
    except LogError as error:
        return Check(name="log", health=Health.BAD, message=str(error))
    return Check(name="log", health=Health.GOOD, message=f"{settings.database}: {n} records")


def _entry_points() -> Iterator[Check]:
    command = [sys.executable, "-c", _LOAD_ALL, *_ENTRY_POINT_GROUPS]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_LOAD_LIMIT_S, check=True
        )
        wrong: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.SubprocessError, IndexError, ValueError) as error:
        yield Check(name="entry points", health=Health.BAD, message=f"cannot be loaded: {error}")
        return
    for name, message in wrong.items():
        yield Check(name=name, health=Health.BAD, message=message)
    if not wrong:
        groups = ", ".join(group.removeprefix("athanor.") for group in _ENTRY_POINT_GROUPS)
        yield Check(name="entry points", health=Health.GOOD, message=f"all load: {groups}")


def _serial_ports(devices: Path) -> Check:
    ports = sorted(port for pattern in _SERIAL_PORTS for port in devices.glob(pattern))
    if not ports:
        return Check(name="serial ports", health=Health.GOOD, message="none connected")
    closed = [str(port) for port in ports if not os.access(port, os.R_OK | os.W_OK)]
    if closed:
        message = f"no permission for {', '.join(closed)}: join the group that owns them"
        return Check(name="serial ports", health=Health.BAD, message=message)
    message = f"may be opened: {', '.join(str(port) for port in ports)}"
    return Check(name="serial ports", health=Health.GOOD, message=message)
