"""Plays a recording to a driver, and looks whether it would do and read the same again."""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from drivers.clock import VirtualClock, VirtualLoop
from drivers.dialogue import Dialogue, read_dialogues
from drivers.errors import DriverError, RigError
from drivers.testing import MemoryLine
from simulators.conformance.examinee import Examinee

__all__ = ["Replayed", "replay"]

_START = datetime(2026, 1, 1, tzinfo=UTC)
_DONE = re.compile(r"do (?P<action>\w+) (?P<arguments>\{.*?\}) gave (?P<gave>.*)")


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of one recorded dialogue."""

    title: str
    is_same: bool
    detail: str = ""
    """What differs."""


def replay(examinee: Examinee, path: Path) -> Iterator[Replayed]:
    """Play each recorded action to the driver, in the order of the recording.

    Args:
        examinee: The driver; its settings are those of its rig.
        path: What `athanor drivers record` wrote.

    Raises:
        RigError: The file is no recording.
    """
    try:
        dialogues = read_dialogues(path)
    except (OSError, ValueError) as error:
        raise RigError(str(path), got=str(error), expected="a transcript") from error
    recorded = [one for one in dialogues if _DONE.fullmatch(one.title) is not None]
    if not recorded:
        expected = "dialogues headed '# do ACTION {arguments} gave [readings]'"
        raise RigError(str(path), got=f"{len(dialogues)} dialogues", expected=expected)
    for dialogue in recorded:
        yield _played(examinee, dialogue)


def _played(examinee: Examinee, dialogue: Dialogue) -> Replayed:
    match = _DONE.fullmatch(dialogue.title)
    if match is None:
        return Replayed(dialogue.title, is_same=False, detail="no recorded action")
    action, title = match["action"], f"{match['action']} {match['arguments']}"
    try:
        arguments = json.loads(match["arguments"])
        gave, n_left = _done_by(examinee, dialogue, action, arguments)
    except (DriverError, AssertionError, json.JSONDecodeError) as error:
        return Replayed(title, is_same=False, detail=f"{type(error).__name__}: {error}")
    if n_left:
        return Replayed(title, is_same=False, detail=f"{n_left} recorded frames were not asked for")
    is_same = json.dumps(gave) == match["gave"]
    detail = "" if is_same else f"recorded {match['gave']}, now {json.dumps(gave)}"
    return Replayed(title, is_same, detail)


def _done_by(
    examinee: Examinee, dialogue: Dialogue, action: str, arguments: Mapping[str, object]
) -> tuple[object, int]:
    """Return what the driver makes of the recorded bytes, and how many frames it left."""

    async def main() -> tuple[object, int]:
        clock = VirtualClock(_START)
        line = MemoryLine(dialogue.frames)
        await line.open()
        driver = examinee.driver.from_settings(
            examinee.instrument_name, line, clock, examinee.settings
        )
        if action == "connect":
            gave: object = await driver.connect()
        else:
            readings = await driver.perform(action, arguments)
            gave = [[one.name, one.value] for one in readings]
        return gave, line.left

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())
