"""Two hands, one transcript: the pretend devices answer the dialogues byte for byte."""

import importlib
from collections.abc import Awaitable, Mapping
from datetime import datetime
from pathlib import Path

import pytest

from drivers.card import dialogues_of, example_rig_of
from drivers.catalog import DRIVERS, driver_named, names
from drivers.clock import Clock, VirtualClock
from drivers.dialogue import Dialogue
from simulators.bench import Bench
from simulators.device import FramedDevice
from tests.support.pretend_bench import START, run_virtually


def build(driver: str, given: Mapping[str, object], clock: Clock) -> Awaitable[FramedDevice]:
    """Return a device in a state: by the module of its name beside this file, if there is one."""
    path = Path(__file__).parent / "given" / f"{driver}.py"
    if path.exists():
        return importlib.import_module(f"tests.simulators.given.{driver}").device_given(
            given, clock
        )  # type: ignore[no-any-return]
    assert not given, f"nothing under tests/simulators/given puts a {driver} into {given}"

    async def on_its_example_rig() -> FramedDevice:
        return Bench.from_rig(example_rig_of(driver_named(driver)), clock, seed=7).device(driver)

    return on_its_example_rig()


def spoken() -> list[tuple[str, Dialogue]]:
    return [
        (driver, dialogue)
        for driver in names(DRIVERS)
        for dialogue in dialogues_of(driver_named(driver))
        if not dialogue.is_codec_only
    ]


def name_of_case(value: str | Dialogue) -> str:
    return value[:50] if isinstance(value, str) else value.title[:50]


@pytest.mark.parametrize(("device_name", "dialogue"), spoken(), ids=name_of_case)
def test_a_pretend_device_answers_as_the_transcript(device_name: str, dialogue: Dialogue) -> None:
    now = dialogue.given.get("now")
    start = START if now is None else datetime.fromisoformat(str(now))
    heard: list[bytes] = []
    expected: list[bytes] = []

    async def talk(clock: VirtualClock) -> None:
        device = await build(device_name, dialogue.given, clock)
        for frame in dialogue.frames:
            if frame.wait_s:
                await clock.sleep(frame.wait_s)
            elif frame.is_from_host:
                heard.extend(reply.data for reply in device.receive(frame.data))
            else:
                expected.append(frame.data)
                assert heard[len(expected) - 1] == frame.data, dialogue.title

    run_virtually(talk, start=start)

    assert heard == expected
