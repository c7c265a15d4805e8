"""Writes down what a driver and its real device say to each other, as a transcript."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drivers.catalog import driver_named
from drivers.clock import Clock, SystemClock, VirtualClock, VirtualLoop
from drivers.dialogue import Dialogue, lines_of
from drivers.errors import DriverError, LimitError, RigError
from drivers.instrument import Instrument, RecoveryClass
from drivers.line import Line
from drivers.recording_line import RecordingLine
from orchestrator.errors import RigFileError
from orchestrator.execution.mistakes import one_of
from orchestrator.execution.rig import RigSpec, bench_for, lines_for, load_rig

__all__ = ["Recorded", "Wish", "record"]


@dataclass(frozen=True, slots=True)
class Wish:
    """One action to be recorded."""

    action: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recording came to."""

    identity: str
    """What the device said of itself; empty if it did not come so far."""
    n_frames: int
    error: str = ""
    """What ended it before its time."""


def record(
    rig: Path,
    instrument: str,
    wishes: Sequence[Wish],
    out: Path,
    *,
    is_pretended: bool = False,
    may_act: bool = False,
) -> Recorded:
    """Connect an instrument, do actions, and write every byte to a file that `replay` reads.

    Args:
        rig: The rig file.
        instrument: Its name there.
        wishes: What is done after connecting, in order.
        out: A file that does not exist.
        is_pretended: Talk to the pretend device instead of the rig's line.
        may_act: Allow actions that touch matter.

    Raises:
        RigFileError: The rig file is wrong, or has no such instrument.
        RigError: The driver or the line refuses its settings, or `out` is there already.
        LineError: The line cannot be opened.
        LimitError: An action is unknown, outside its limits, or acts and may not.
        OSError: The file cannot be written.
    """
    spec = load_rig(rig)
    driver = _driver_on(spec, rig, instrument)
    for wish in wishes:
        _refuse(driver, instrument, wish, may_act=may_act)
    if out.exists():
        raise RigError("--out", got=str(out), expected="a file that is not there yet")
    if is_pretended:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            said, recorded = runner.run(_pretended(spec, instrument, driver, wishes))
    else:
        said, recorded = asyncio.run(_real(spec, instrument, driver, wishes))
    with out.open("x", encoding="utf-8") as file:
        file.write("\n\n".join("\n".join(lines_of(one)) for one in said) + "\n")
    return recorded


async def _real(
    spec: RigSpec, instrument: str, driver: type[Instrument], wishes: Sequence[Wish]
) -> tuple[list[Dialogue], Recorded]:
    clock = SystemClock()
    line = lines_for(spec, clock)[spec.instruments[instrument].line]
    return await _talk(spec, instrument, driver, wishes, line, clock)


async def _pretended(
    spec: RigSpec, instrument: str, driver: type[Instrument], wishes: Sequence[Wish]
) -> tuple[list[Dialogue], Recorded]:
    clock = VirtualClock(SystemClock().now())
    line = bench_for(spec, clock, 0).line(spec.instruments[instrument].line)
    return await _talk(spec, instrument, driver, wishes, line, clock)


async def _talk(
    spec: RigSpec,
    instrument: str,
    driver: type[Instrument],
    wishes: Sequence[Wish],
    line: Line,
    clock: Clock,
) -> tuple[list[Dialogue], Recorded]:
    """Say everything and keep it; whatever goes wrong ends it, and what was said is kept."""
    heard = RecordingLine(line, clock)
    one = driver.from_settings(instrument, heard, clock, spec.instruments[instrument].settings)
    said: list[Dialogue] = []
    identity, error = "", ""
    await heard.open()
    try:
        identity = await one.connect()
        said.append(_dialogue("connect", {}, identity, heard))
        for wish in wishes:
            readings = await one.perform(wish.action, wish.arguments)
            gave = [[reading.name, reading.value] for reading in readings]
            said.append(_dialogue(wish.action, wish.arguments, gave, heard))
    except DriverError as failure:
        error = f"{type(failure).__name__}: {failure}"
        said.append(Dialogue(f"broken off: {' '.join(error.split())}", heard.take()))
    finally:
        await heard.close()
    n_frames = sum(len(dialogue.frames) for dialogue in said)
    return [dialogue for dialogue in said if dialogue.frames], Recorded(identity, n_frames, error)


def _dialogue(
    action: str, arguments: Mapping[str, object], gave: object, heard: RecordingLine
) -> Dialogue:
    title = f"do {action} {json.dumps(dict(arguments))} gave {json.dumps(gave)}"
    return Dialogue(title, heard.take())


def _driver_on(spec: RigSpec, rig: Path, instrument: str) -> type[Instrument]:
    from campaigns.errors import Problem

    if instrument not in spec.instruments:
        expected = one_of(spec.instruments, instrument)
        raise RigFileError(str(rig), [Problem("instruments", instrument, expected)])
    return driver_named(spec.instruments[instrument].driver)


def _refuse(driver: type[Instrument], instrument: str, wish: Wish, *, may_act: bool) -> None:
    """Refuse what is not known, not allowed or outside limits, before anything is opened."""
    action = driver.actions.get(wish.action)
    where = f"{instrument}.{wish.action}"
    if action is None:
        expected = one_of(driver.actions, wish.action)
        raise LimitError(where, got=wish.action, expected=expected)
    action.checked(instrument, wish.arguments)
    if action.recovery is not RecoveryClass.PURE and not may_act:
        expected = "an action that only reads, or --may-act"
        raise LimitError(where, got=action.recovery.value, expected=expected)
