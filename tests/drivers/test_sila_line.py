"""Our SiLA client against a server that nobody here wrote: that of `sila2`, on a socket."""

import socket
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
from sila2.framework import Feature
from sila2.server import FeatureImplementationBase, SilaServer

from drivers.clock import SystemClock
from drivers.devices.sila_features import SilaFeatures
from drivers.errors import DeviceFault, LineError, OutcomeUnknown
from drivers.sila_line import SilaLine
from drivers.ticket import Ticket
from tests.support.virtual_time import error_of, in_real_time

pytestmark = pytest.mark.slow

UUID = "0f4b5a52-3a7f-4c0e-8a53-0b6f3d9c2e11"
SETTINGS: dict[str, Any] = {
    "server_uuid": UUID,
    "stop": "Reader/Stop",
    "busy": "Reader/IsBusy",
    "properties": {
        "chamber_c": {"path": "Reader/Temperature", "low": 0.0, "high": 100.0},
        "absent_c": {"path": "Reader/Colour", "low": 0.0, "high": 100.0},
    },
    "commands": {
        "scan": {"path": "Reader/Scan", "arguments": {"Seconds": 0.3}},
        "long_scan": {"path": "Reader/Scan", "arguments": {"Seconds": 60.0}},
        "wrong": {"path": "Reader/Scan", "arguments": {"Colour": "red"}},
        "broken": {"path": "Reader/Break"},
    },
}


def _part(kind: str, name: str, body: str) -> str:
    words = f"<Identifier>{name}</Identifier><DisplayName>{name}</DisplayName>"
    return f"<{kind}>{words}<Description>{name}</Description>{body}</{kind}>"


def _property(name: str, basic: str) -> str:
    kind = f"<DataType><Basic>{basic}</Basic></DataType>"
    return _part("Property", name, f"<Observable>No</Observable>{kind}")


_SECONDS = _part("Parameter", "Seconds", "<DataType><Basic>Real</Basic></DataType>")
_ROWS = _part("Response", "Rows", "<DataType><Basic>Integer</Basic></DataType>")
FEATURE = Feature(
    '<?xml version="1.0" encoding="utf-8"?><Feature SiLA2Version="1.1" FeatureVersion="1.0" '
    'MaturityLevel="Draft" Originator="org.example" Category="tests" '
    'xmlns="http://www.sila-standard.org">'
    "<Identifier>Reader</Identifier><DisplayName>Reader</DisplayName><Description>R</Description>"
    + _part("Command", "Scan", f"<Observable>Yes</Observable>{_SECONDS}{_ROWS}")
    + _part("Command", "Break", "<Observable>Yes</Observable>")
    + _part("Command", "Stop", "<Observable>No</Observable>")
    + _property("Temperature", "Real")
    + _property("IsBusy", "Boolean")
    + "</Feature>"
)


class Scanned(NamedTuple):
    Rows: int


class Reader(FeatureImplementationBase):
    """What the server does; the methods' names are those of the feature."""

    def __init__(self, server: SilaServer) -> None:
        super().__init__(server)
        self.stopping = threading.Event()
        self.is_busy = False
        self.n_scans = 0

    def Scan(self, Seconds: float, *, metadata: Any, instance: Any) -> Scanned:
        instance.begin_execution()
        self.is_busy, self.n_scans = True, self.n_scans + 1
        self.stopping.clear()
        is_stopped = self.stopping.wait(Seconds)
        self.is_busy = False
        if is_stopped:
            raise RuntimeError("it was stopped")
        return Scanned(7)

    def Break(self, *, metadata: Any, instance: Any) -> tuple[()]:
        instance.begin_execution()
        raise RuntimeError("the lamp is dead")

    def Stop(self, *, metadata: Any) -> tuple[()]:
        self.stopping.set()
        return ()

    def get_Temperature(self, *, metadata: Any) -> float:
        return 36.5

    def get_IsBusy(self, *, metadata: Any) -> bool:
        return self.is_busy


class Silent:
    """Tells nobody on the network of the server."""

    registered_server_infos: Mapping[object, object] = {}


@pytest.fixture(autouse=True)
def silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no server speak to the network around."""
    monkeypatch.setattr("sila2.server.sila_server.SilaServiceBroadcaster", Silent)


@asynccontextmanager
async def served() -> AsyncIterator[tuple[SilaServer, Reader, SilaFeatures]]:
    """Serve a reader and yield it with our driver, its line open."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = SilaServer("Reader", "Reader", "one", "1.0", "https://example.org", UUID)
    reader = Reader(server)
    server.set_feature_implementation(FEATURE, reader)
    server.start_insecure("127.0.0.1", port, enable_discovery=False)
    clock = SystemClock()
    settings = {"host": "127.0.0.1", "port": port, "is_insecure": True}
    line = SilaLine.from_settings("reader", settings, clock)
    try:
        await line.open()
        yield server, reader, SilaFeatures.from_settings("reader", line, clock, SETTINGS)
    finally:
        await line.close()
        reader.stopping.set()
        if server.running:
            server.stop()


def test_the_server_is_known_and_a_property_read():
    async def main() -> tuple[str, object]:
        async with served() as (_, _, device):
            identity = await device.connect()
            (reading,) = await device.perform("measure_property", {"name": "chamber_c"})
            return identity, reading.value

    assert in_real_time(main) == (f"SiLA 2 server Reader, Reader, {UUID}, 1.0", 36.5)


def test_a_command_is_waited_for():
    async def main() -> tuple[str, int]:
        async with served() as (_, reader, device):
            await device.connect()
            order = {"name": "scan", "within_s": 10.0}
            (execution,) = await device.perform("run_command", order, Ticket("k"))
            return str(execution.value), reader.n_scans

    execution, n_scans = in_real_time(main)
    assert len(execution) == 36
    assert n_scans == 1


def test_its_refusals_and_failures_are_understood():
    async def main() -> tuple[list[BaseException], int]:
        async with served() as (_, reader, device):
            await device.connect()
            errors = [await error_of(device.perform("measure_property", {"name": "absent_c"}))]
            for name in ("wrong", "broken"):
                order = {"name": name, "within_s": 10.0}
                errors.append(await error_of(device.perform("run_command", order, Ticket("k"))))
            return errors, reader.n_scans

    (absent, wrong, broken), n_scans = in_real_time(main)
    assert all(isinstance(error, DeviceFault) for error in (absent, wrong, broken))
    assert not wrong.acted
    assert broken.acted
    assert "the lamp is dead" in broken.text
    assert n_scans == 0


def test_a_command_that_takes_too_long_is_stopped_there():
    async def main() -> tuple[BaseException, bool]:
        async with served() as (_, reader, device):
            await device.connect()
            order = {"name": "long_scan", "within_s": 5.0}
            return await error_of(device.perform("run_command", order, Ticket("k"))), reader.is_busy

    error, is_busy = in_real_time(main)
    assert isinstance(error, DeviceFault)
    assert (error.code, error.acted, is_busy) == ("late", True, False)


def test_a_server_that_goes_away_is_a_line_that_is_down():
    async def main() -> tuple[BaseException, BaseException]:
        async with served() as (server, _, device):
            await device.connect()
            server.stop()
            gone = await error_of(device.perform("measure_property", {"name": "chamber_c"}))
            await device.line.close()
            return gone, await error_of(device.line.open())

    gone, shut = in_real_time(main)
    assert isinstance(gone, OutcomeUnknown)
    assert isinstance(shut, LineError)
