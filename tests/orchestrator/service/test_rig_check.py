"""What is found of a rig without moving anything."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from drivers.clock import VirtualClock
from drivers.line import Line
from orchestrator.core.events import InstrumentConnected, InstrumentTakenOut
from orchestrator.core.lab import LabState
from orchestrator.errors import RigFileError
from orchestrator.execution.closed_line import ClosedLine
from orchestrator.execution.rig import bench_for, rig_from_text
from orchestrator.service.rig_check import RigCheck, check_lines, check_through_station
from tests.support.benches import SMALL_RIG
from tests.support.pretend_bench import run_virtually

TIME = datetime(2026, 1, 1, tzinfo=UTC)


def checked(*, without: str = "", text: str = SMALL_RIG) -> RigCheck:
    rig = rig_from_text(text, file="rig.toml")

    async def look(clock: VirtualClock) -> RigCheck:
        bench = bench_for(rig, clock, 0)
        lines: Mapping[str, Line] = {
            name: ClosedLine(name) if name == without else bench.line(name) for name in rig.lines
        }
        return await check_lines(rig, lines, clock)

    return run_virtually(look)


def test_every_instrument_says_who_it_is_and_how_far_it_goes():
    found = checked()

    pump = found.instruments[0]
    (transfer,) = [action for action in pump.actions if action.name == "transfer"]
    assert found.is_good
    assert found.faults == ()
    assert all(one.identity for one in found.instruments)
    assert transfer.limits["volume_ul"] == (1.0, 9999.0)
    assert transfer.narrowed == ()


def test_a_line_that_does_not_open_is_one_message():
    found = checked(without="pumps")

    (fault,) = found.faults
    assert not found.is_good
    assert fault.startswith("line pumps (pump_x1, pump_x2): LineError")
    assert [one.name for one in found.instruments if not one.error] == ["balance", "source_meter"]


def test_limits_of_the_rig_file_are_shown_in_place_of_the_drivers():
    narrow = "[instruments.pump_x1.limits.transfer]\nvolume_ul = [5, 5000]\n"
    found = checked(text=SMALL_RIG + narrow)

    (transfer,) = [one for one in found.instruments[0].actions if one.name == "transfer"]
    assert transfer.limits["volume_ul"] == (5.0, 5000.0)
    assert transfer.narrowed == ("volume_ul",)


def test_a_station_tells_what_it_knows():
    rig = rig_from_text(SMALL_RIG, file="rig.toml")
    lab = LabState()
    for name, spec in rig.instruments.items():
        connected = InstrumentConnected(
            instrument=name, driver=spec.driver, identity=f"I am {name}"
        )
        lab = lab.after(connected, TIME)
    lab = lab.after(InstrumentTakenOut(instrument="balance", reason="drifts"), TIME)

    found = check_through_station(
        rig, lab, station="process 7", does={"pump_x2": "not connected"}, seen=TIME
    )

    assert found.instruments[0].identity == "I am pump_x1"
    assert [one.name for one in found.instruments if one.error] == ["pump_x2", "balance"]
    assert "line balance (balance): balance is out of service: drifts" in found.faults


def test_two_lines_on_one_port_are_found_when_the_file_is_read():
    twice = SMALL_RIG.replace('port = "/dev/ttyUSB1"', 'port = "/dev/ttyUSB0"')

    with pytest.raises(RigFileError, match="lines.balance.port.*a port of its own: line pumps"):
        rig_from_text(twice, file="rig.toml")
