"""Serves the pretend bench of a rig file to other processes, on the clock of the machine."""

import asyncio
import json
import os
import signal
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from campaigns.errors import Problem
from drivers.clock import HIGHEST_SPEED, SpedUpLoop, SystemClock
from orchestrator.errors import RigFileError, SettingsError
from orchestrator.execution.rig import bench_for, load_rig
from orchestrator.execution.rig_spec import RigSpec
from orchestrator.wiring.toml_text import toml_text

__all__ = ["ServedBench", "SimulationOptions", "served_rig_text", "simulate"]

_OF_REAL_LINES: Final = ("ca_file", "is_tls", "usb_serial_number")
"""Settings of lines that lead to the real lab only."""
_ENDS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """What `simulate` is asked for."""

    rig_file: Path
    folder: Path
    """Of tallies, terminals and control socket."""
    speed: float = 1.0
    """Seconds of the lab in one real second."""
    seed: int = 0
    """Of the bench's imperfections, together with the rig's own."""
    rig_out: Path | None = None
    """Where the rig file to use is written besides ``rig.toml`` in the folder."""


@dataclass(frozen=True, slots=True)
class ServedBench:
    """What is being served."""

    folder: Path
    rig_file: Path
    """The rig file to use."""
    rig_text: str
    lines: dict[str, str]
    """Where each line leads, by name."""
    speed: float
    pid: int


def simulate(options: SimulationOptions, *, on_ready: Callable[[ServedBench], None]) -> None:
    """Serve the bench until the process is told to end (SIGTERM, SIGINT or SIGHUP).

    Args:
        options: What to serve, and where.
        on_ready: Told once, when every line can be opened.

    Raises:
        RigFileError: The rig file is wrong, or cannot be simulated.
        SettingsError: The speed is out of its range.
        LineError: The folder is in use, or a port is taken.
    """
    rig = load_rig(options.rig_file)
    try:
        clock = SystemClock(options.speed)
    except ValueError as error:
        expected = f"1 to {HIGHEST_SPEED:g}"
        raise SettingsError("--speed", got=options.speed, expected=expected) from error
    with asyncio.Runner(loop_factory=lambda: SpedUpLoop(options.speed)) as runner:
        runner.run(_serve(options, rig, clock, on_ready))


async def _serve(
    options: SimulationOptions,
    rig: RigSpec,
    clock: SystemClock,
    on_ready: Callable[[ServedBench], None],
) -> None:
    folder = _made(options.folder)
    bench = bench_for(rig, clock, options.seed)
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _ENDS:
        loop.add_signal_handler(number, told.set)
    ready = folder / "ready"
    async with bench.served(folder) as settings:
        text = served_rig_text(options.rig_file, settings)
        for file in filter(None, (folder / "rig.toml", options.rig_out)):
            _replace(file, text)
        lines = {name: _address(table) for name, table in settings.items()}
        served = ServedBench(folder, folder / "rig.toml", text, lines, options.speed, os.getpid())
        _replace(ready, json.dumps({"pid": served.pid, "speed": served.speed, "lines": lines}))
        try:
            on_ready(served)
            await told.wait()
        finally:
            ready.unlink(missing_ok=True)


def _made(folder: Path) -> Path:
    """Make the folder and return its absolute path.

    Raises:
        SettingsError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        expected = f"a folder that can be made: {error.strerror}"
        raise SettingsError("--tally", got=str(folder), expected=expected) from error
    return folder.absolute()


def served_rig_text(rig_file: Path, settings: Mapping[str, Mapping[str, object]]) -> str:
    """Return the rig file with its lines led to the bench, and all else as it is.

    Args:
        rig_file: Of the real lab.
        settings: What each line must say to get to the bench, by name.

    Raises:
        RigFileError: It cannot be written as one.
    """
    tables = tomllib.loads(rig_file.read_text(encoding="utf-8"))
    tables["rig"]["is_simulated"] = True
    for name, table in settings.items():
        real = tables["lines"][name]
        is_same_kind = real["kind"] == table["kind"]
        kept = {key: real[key] for key in real if is_same_kind and key not in _OF_REAL_LINES}
        tables["lines"][name] = kept | dict(table)
    try:
        return toml_text(tables)
    except TypeError as error:
        raise RigFileError(str(rig_file), [Problem("", str(error), "no dates")]) from error


def _address(table: dict[str, object]) -> str:
    return ":".join(str(value) for key, value in table.items() if key != "kind")


def _replace(file: Path, text: str) -> None:
    """Write a file so that nobody reads half of it."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)
