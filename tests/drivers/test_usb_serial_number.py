"""A serial line that knows its adapter by number, on real pseudo-terminals in real time."""

import os
import tty
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from serial.tools import list_ports

from drivers.clock import SystemClock
from drivers.errors import LineError, OutcomeUnknown
from drivers.serial_line import SerialLine, SerialLineSettings, UsbPort, usb_ports
from tests.support.virtual_time import error_of, in_real_time

MINE, OTHER = "A50285BI", "FT9X1"


class Hub:
    """Pseudo-terminals that are plugged in as adapters with serial numbers."""

    def __init__(self) -> None:
        self._ports: dict[str, tuple[int, int, str]] = {}

    def plug_in(self, number: str, *, place: str = "") -> None:
        device, host = os.openpty()
        tty.setraw(device)
        tty.setraw(host)
        self._ports[number + place] = (device, host, number)

    def unplug(self, number: str) -> None:
        device, host, _ = self._ports.pop(number)
        os.close(host)
        os.close(device)

    def unplug_all(self) -> None:
        for key in list(self._ports):
            self.unplug(key)

    def say(self, number: str, data: bytes) -> None:
        os.write(self._ports[number][0], data)

    def path(self, number: str) -> str:
        return os.ttyname(self._ports[number][1])

    def ports(self) -> list[UsbPort]:
        return [
            UsbPort(os.ttyname(host), number, "USB Serial")
            for _, host, number in self._ports.values()
        ]

    def line(self) -> SerialLine:
        settings = SerialLineSettings(usb_serial_number=MINE)
        return SerialLine("balance", settings, SystemClock(), self.ports)


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    yield made
    made.unplug_all()


def test_the_adapter_is_found_by_its_number_and_not_its_neighbour(hub: Hub) -> None:
    hub.plug_in(OTHER)
    hub.plug_in(MINE)

    async def main() -> bytes:
        line = hub.line()
        await line.open()
        async with line.exchange():
            hub.say(OTHER, b"wrong\n")
            hub.say(MINE, b"right\n")
            reply = await line.read_until(b"\n", timeout_s=2.0)
        await line.close()
        return reply

    assert in_real_time(main) == b"right\n"


def test_an_adapter_that_comes_back_under_another_name_is_found_again(hub: Hub) -> None:
    hub.plug_in(MINE)
    before = hub.path(MINE)

    async def main() -> tuple[BaseException, BaseException, bytes]:
        line = hub.line()
        await line.open()
        hub.unplug(MINE)
        async with line.exchange():
            lost = await error_of(line.read_until(b"\n", timeout_s=1.0))
        out = await error_of(line.open())
        hub.plug_in(OTHER)  # takes the name that the port had
        hub.plug_in(MINE)
        await line.open()
        async with line.exchange():
            hub.say(MINE, b"back\n")
            reply = await line.read_until(b"\n", timeout_s=2.0)
        await line.close()
        return lost, out, reply

    lost, out, reply = in_real_time(main)
    assert isinstance(lost, OutcomeUnknown)
    assert type(out) is LineError
    assert (hub.path(OTHER), reply) == (before, b"back\n")


def test_an_adapter_that_is_not_there_says_what_is(hub: Hub) -> None:
    async def main() -> list[BaseException]:
        errors = [await error_of(hub.line().open())]
        hub.plug_in(OTHER)
        return [*errors, await error_of(hub.line().open())]

    alone, beside = in_real_time(main)
    assert type(beside) is LineError
    assert "'A50285BI' is not plugged in; there is none at all" in str(alone)
    assert f"there is 'FT9X1' at {hub.path(OTHER)} (USB Serial)" in str(beside)


def test_an_adapter_with_several_ports_needs_the_name_of_one(hub: Hub) -> None:
    hub.plug_in(MINE)
    hub.plug_in(MINE, place="-if01")

    async def main() -> BaseException:
        return await error_of(hub.line().open())

    error = in_real_time(main)
    assert type(error) is LineError
    assert "belongs to several ports" in str(error)
    assert all(port.path in str(error) for port in hub.ports())


def test_only_ports_with_a_number_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        SimpleNamespace(device="/dev/ttyS0", serial_number=None, description="n/a"),
        SimpleNamespace(device="/dev/ttyUSB0", serial_number="A1", description="FT232R"),
    ]
    monkeypatch.setattr(list_ports, "comports", lambda: found)

    assert usb_ports() == [UsbPort("/dev/ttyUSB0", "A1", "FT232R")]
