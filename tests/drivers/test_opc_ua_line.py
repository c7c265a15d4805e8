"""Our LADS client against a server that nobody here wrote: asyncua's own, over a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from asyncua import Node, Server, ua
from asyncua.common.methods import uamethod

from drivers.clock import SystemClock
from drivers.devices.opcua_lads import OpcuaLads
from drivers.errors import DeviceFault, LineError, OutcomeUnknown, RigError
from drivers.opc_ua_line import OpcUaLine
from drivers.ticket import Ticket, Verdict
from tests.support.virtual_time import error_of, in_real_time

pytestmark = pytest.mark.slow

SETTINGS: dict[str, Any] = {
    "device": "Reader",
    "unit": "Optics",
    "sensors": {
        "chamber_c": {"path": "FunctionSet/Chamber/SensorValue", "low": 0.0, "high": 100.0}
    },
}
ORDER = {"template": "Scan", "within_s": 20.0}


@dataclass
class Reader:
    """A unit with one program, by asyncua's server."""

    server: Server
    port: int
    nodes: dict[str, Node] = field(default_factory=dict)
    jobs: list[str] = field(default_factory=list)
    runs_s: float = 0.3

    @property
    def url(self) -> str:
        return f"opc.tcp://127.0.0.1:{self.port}/"

    async def build(self) -> None:
        await self.server.init()
        self.server.set_endpoint(self.url)
        space = await self.server.register_namespace("urn:reader")
        objects = self.server.nodes.objects
        for path in (
            "DeviceSet",
            "DeviceSet/Reader",
            "DeviceSet/Reader/FunctionalUnitSet",
            "DeviceSet/Reader/FunctionalUnitSet/Optics",
            "DeviceSet/Reader/FunctionalUnitSet/Optics/FunctionalUnitState",
            "DeviceSet/Reader/FunctionalUnitSet/Optics/ProgramManager",
            "DeviceSet/Reader/FunctionalUnitSet/Optics/ProgramManager/ResultSet",
            "DeviceSet/Reader/FunctionalUnitSet/Optics/FunctionSet",
            "DeviceSet/Reader/FunctionalUnitSet/Optics/FunctionSet/Chamber",
        ):
            parent, _, name = path.rpartition("/")
            holder = self.nodes.get(parent, objects)
            self.nodes[path] = await holder.add_object(space, name)
        device = self.nodes["DeviceSet/Reader"]
        await device.add_property(space, "Manufacturer", ua.LocalizedText("Example", "en"))
        await device.add_property(space, "Model", ua.LocalizedText("R1", "en"))
        await device.add_property(space, "SerialNumber", "77")
        unit = "DeviceSet/Reader/FunctionalUnitSet/Optics"
        state = self.nodes[f"{unit}/FunctionalUnitState"]
        self.nodes["state"] = await state.add_variable(
            space, "CurrentState", ua.LocalizedText("Stopped", "en")
        )
        self.nodes["sensor"] = await self.nodes[f"{unit}/FunctionSet/Chamber"].add_variable(
            space, "SensorValue", 36.5
        )
        self.nodes["results"] = self.nodes[f"{unit}/ProgramManager/ResultSet"]
        await self._add_result("Scan-0", "an earlier job", datetime(2026, 1, 1, tzinfo=UTC))
        inputs = [ua.VariantType.String, ua.VariantType.ExtensionObject] + [
            ua.VariantType.String
        ] * 2
        await state.add_method(
            space,
            "StartProgram",
            self._method_start(),
            [*inputs, ua.VariantType.ExtensionObject],
            [ua.VariantType.String],
        )
        await state.add_method(space, "Stop", self._method_stop(), [], [])

    async def _add_result(self, name: str, job: str, stopped: datetime) -> None:
        space = await self.server.get_namespace_index("urn:reader")
        result = await self.nodes["results"].add_object(space, name)
        await result.add_property(space, "SupervisoryJobId", job)
        self.nodes["stopped"] = await result.add_property(
            space, "Stopped", ua.Variant(stopped, ua.VariantType.DateTime)
        )

    def _method_start(self) -> Any:
        @uamethod
        async def start(_: object, template: str, _p: Any, job: str, _t: str, _s: Any) -> Any:
            if template != "Scan":
                return ua.StatusCode(ua.StatusCodes.BadNotFound)
            self.jobs.append(job)
            name = f"Scan-{len(self.jobs)}"
            await self._add_result(name, job, datetime(1601, 1, 1, tzinfo=UTC))
            await self.nodes["state"].write_value(ua.LocalizedText("Running", "en"))
            self._end_later()
            return name

        return start

    def _method_stop(self) -> Any:
        @uamethod
        async def stop(_: object) -> Any:
            await self.nodes["state"].write_value(ua.LocalizedText("Aborted", "en"))

        return stop

    def _end_later(self) -> None:
        async def end() -> None:
            await asyncio.sleep(self.runs_s)
            now = ua.Variant(datetime.now(UTC), ua.VariantType.DateTime)
            await self.nodes["stopped"].write_value(now)
            await self.nodes["state"].write_value(ua.LocalizedText("Stopped", "en"))

        self.ending = asyncio.create_task(end())


@asynccontextmanager
async def served() -> AsyncIterator[tuple[Reader, OpcuaLads]]:
    """Serve a reader and yield it with our driver, its line open."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        reader = Reader(Server(), free.getsockname()[1])
    await reader.build()
    clock = SystemClock()
    line = OpcUaLine.from_settings("reader", {"url": reader.url}, clock)
    async with reader.server:
        await line.open()
        try:
            yield reader, OpcuaLads.from_settings("reader", line, clock, SETTINGS)
        finally:
            await line.close()


def test_the_device_is_known_and_its_sensor_read():
    async def main() -> tuple[str, object]:
        async with served() as (_, unit):
            identity = await unit.connect()
            (reading,) = await unit.perform("measure_sensor", {"sensor": "chamber_c"})
            return identity, reading.value

    assert in_real_time(main) == ("LADS functional unit Optics of Example R1 77", 36.5)


def test_a_program_carries_our_jobs_id_and_is_waited_for():
    async def main() -> tuple[object, list[str]]:
        async with served() as (reader, unit):
            await unit.connect()
            (reading,) = await unit.perform("run_program", ORDER, Ticket("lab/E0001/scan/1"))
            return reading.value, reader.jobs

    assert in_real_time(main) == ("Scan-1", ["lab/E0001/scan/1"])


def test_its_refusals_are_understood_and_nothing_was_done():
    async def main() -> tuple[BaseException, list[str]]:
        async with served() as (reader, unit):
            await unit.connect()
            order = {**ORDER, "template": "Dance"}
            return await error_of(unit.perform("run_program", order, Ticket("k"))), reader.jobs

    error, jobs = in_real_time(main)
    assert isinstance(error, DeviceFault)
    assert "BadNotFound" in error.code
    assert not error.acted
    assert jobs == []


def test_after_a_crash_the_results_tell_what_ran():
    async def main() -> list[Verdict]:
        async with served() as (_, unit):
            await unit.connect()
            note = await unit._note()
            ask = {"key": "job-1", "notes": (note,)}
            before = await unit.settle("run_program", ORDER, **ask)
            await unit.perform("run_program", ORDER, Ticket("job-1"))
            after = await unit.settle("run_program", ORDER, **ask)
            other = await unit.settle("run_program", ORDER, key="job-2", notes=(note,))
            return [before.verdict, after.verdict, other.verdict]

    found = in_real_time(main)
    assert found == [Verdict.DID_NOT_RUN, Verdict.CANNOT_TELL, Verdict.CANNOT_TELL]


def test_a_server_that_goes_away_is_a_line_that_is_down():
    async def main() -> tuple[BaseException, BaseException]:
        async with served() as (reader, unit):
            await unit.connect()
            await reader.server.stop()
            gone = await error_of(unit.perform("read_state", {}))
            await unit.line.close()
            return gone, await error_of(unit.line.open())

    gone, shut = in_real_time(main)
    assert isinstance(gone, OutcomeUnknown)
    assert isinstance(shut, LineError)


def test_a_number_that_is_none_and_a_node_that_is_not_there():
    async def main() -> list[BaseException]:
        async with served() as (reader, unit):
            await unit.connect()
            await reader.nodes["sensor"].write_value(float("nan"))
            sensor = {"sensor": "chamber_c"}
            strange = OpcuaLads.from_settings(
                "reader", unit.line, unit.clock, {**SETTINGS, "device": "Stranger"}
            )
            return [
                await error_of(unit.perform("measure_sensor", sensor)),
                await error_of(strange.connect()),
            ]

    nan, stranger = in_real_time(main)
    assert isinstance(nan, DeviceFault)
    assert isinstance(stranger, RigError)


def test_a_call_that_is_called_off_stays_called_off():
    async def main() -> bool:
        async with served() as (reader, unit):
            reader.runs_s = 5.0
            await unit.connect()
            work = asyncio.create_task(unit.perform("run_program", ORDER, Ticket("k")))
            await asyncio.sleep(0.3)
            work.cancel()
            await asyncio.wait([work])
            return work.cancelled()

    assert in_real_time(main)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"url": "http://127.0.0.1"}, "url"),
        ({"url": "opc.tcp://127.0.0.1:4840", "user": "lab"}, "security"),
        ({"url": "opc.tcp://127.0.0.1:4840", "timeout_s": 0.0}, "timeout_s"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, key):
    with pytest.raises(RigError, match=key):
        OpcUaLine.from_settings("reader", settings, SystemClock())
