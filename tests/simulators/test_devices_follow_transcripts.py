"""Two hands, one transcript: the pretend devices answer the dialogues byte for byte."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest

from drivers.clock import Clock, VirtualClock
from drivers.testing import Dialogue, read_dialogues
from simulators.device import FramedDevice
from simulators.devices.keithley_2450 import Keithley2450Device
from simulators.devices.manual_station import ManualStationDevice
from simulators.devices.mettler_toledo_sics import MettlerToledoSicsDevice
from simulators.devices.new_era_ne1000 import NewEraNe1000Device
from simulators.devices.numato_usb_relay import NumatoUsbRelayDevice
from tests.support.pretend_bench import START, fittings_of, run_virtually, small_plumbing

DIALOGUES = Path(__file__).parents[1] / "dialogues"


class Stirrer:
    """Keeps a vessel in motion for ever."""

    def settle(self, now_s: float) -> None:
        pass

    def touches(self, vessel: str) -> bool:
        return True


async def pump(given: Mapping[str, object], clock: Clock) -> FramedDevice:
    syringe = {"syringe_diameter_mm": 14.57, "syringe_volume_ml": 10.0}
    address = given.get("address", 1)
    settings = {"address": address, **syringe}
    fittings = fittings_of(clock, settings=settings, draws_from="stock", delivers_to="vessel")
    diameter_mm = given.get("diameter_mm", 14.57)
    assert isinstance(diameter_mm, float)
    device = NewEraNe1000Device(fittings, diameter_mm=diameter_mm)
    if "alarm" in given:
        return device
    fill = ["", "VOLUL", "DIRWDR", "VOL5000", "RAT5000UM", "RUN"]
    for command in fill:
        device.receive(f"{address}{command}\r".encode())
    await clock.sleep(61.0)
    reset = ["", "CLDINF", "CLDWDR", "DIRINF", "VOL0", "RAT0UM"]
    for command in [*reset, f"VOL{given.get('volume_units', 'UL')}"]:
        device.receive(f"{address}{command}\r".encode())
    return device


async def balance(given: Mapping[str, object], clock: Clock) -> FramedDevice:
    load_g = given.get("load_g", 0.0)
    assert isinstance(load_g, float)
    plumbing = small_plumbing()
    if given.get("is_settling"):
        plumbing.start(Stirrer())
    fittings = fittings_of(clock, plumbing=plumbing, at="vessel")
    return MettlerToledoSicsDevice(fittings, vessel_g=load_g, noise_g=0.0, drift_g=0.0)


async def source_meter(given: Mapping[str, object], clock: Clock) -> FramedDevice:
    device = Keithley2450Device(fittings_of(clock))
    settings = given.get("settings", [])
    assert isinstance(settings, list)
    for setting in settings:
        assert device.receive(f"{setting}\n".encode()) == []
    return device


async def relay(given: Mapping[str, object], clock: Clock) -> FramedDevice:
    return NumatoUsbRelayDevice(fittings_of(clock, settings={"address": given.get("address", 0)}))


async def task_board(given: Mapping[str, object], clock: Clock) -> FramedDevice:
    return ManualStationDevice(fittings_of(clock, at="vessel"))


BUILDERS = {
    "keithley_2450": source_meter,
    "manual_station": task_board,
    "mettler_toledo_sics": balance,
    "new_era_ne1000": pump,
    "numato_usb_relay": relay,
}


def spoken() -> list[tuple[str, Dialogue]]:
    return [
        (file.stem, dialogue)
        for file in sorted(DIALOGUES.glob("*.txt"))
        for dialogue in read_dialogues(file)
        if not dialogue.is_codec_only
    ]


def name_of_case(value: str | Dialogue) -> str:
    return value[:50] if isinstance(value, str) else value.title[:50]


def test_every_transcript_has_a_pretend_device() -> None:
    assert {device for device, _ in spoken()} == set(BUILDERS)


@pytest.mark.parametrize(("device_name", "dialogue"), spoken(), ids=name_of_case)
def test_a_pretend_device_answers_as_the_transcript(device_name: str, dialogue: Dialogue) -> None:
    now = dialogue.given.get("now")
    start = START if now is None else datetime.fromisoformat(str(now))
    heard: list[bytes] = []
    expected: list[bytes] = []

    async def talk(clock: VirtualClock) -> None:
        device = await BUILDERS[device_name](dialogue.given, clock)
        for frame in dialogue.frames:
            if frame.wait_s:
                await clock.sleep(frame.wait_s)
            elif frame.is_from_host:
                heard.extend(reply.data for reply in device.receive(frame.data))
            else:
                expected.append(frame.data)
                assert heard[-1] == frame.data, dialogue.title

    run_virtually(talk, start=start)

    assert heard == expected
