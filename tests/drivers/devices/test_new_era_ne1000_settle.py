"""What the pump's driver says of an action that was cut off, byte for byte."""

from collections.abc import Sequence

import pytest

from drivers.clock import VirtualClock
from drivers.devices.new_era_ne1000 import NewEraNe1000
from drivers.errors import DeviceFault, DriverError, OutcomeUnknown, ProtocolError
from drivers.instrument import Reading
from drivers.testing import MemoryLine
from drivers.ticket import Settlement, Verdict
from tests.support.virtual_time import in_virtual_time

OK = r"< \x0201S\x03"
POLL = r"> 01\r"
STOP_AT_REST = [r"> 01STP\r", r"< \x0201S?NA\x03"]
ARGUMENTS = {"volume_ul": 500.0, "rate_ul_per_min": 2000.0}
SETTINGS = {"address": 1, "syringe_diameter_mm": 14.57, "syringe_volume_ml": 1.0}
NOTE = '{"INF": 500.0, "WDR": 0.0}'


def settled(
    script: Sequence[str], *, action: str = "dispense", note: str = NOTE
) -> tuple[object, int]:
    """Settle an action against a script; return settlement or error, and what is left of it."""

    async def main(clock: VirtualClock) -> tuple[object, int]:
        line = MemoryLine.from_lines(*script)
        await line.open()
        pump = NewEraNe1000.from_settings("pump", line, clock, SETTINGS)
        try:
            got: object = await pump.settle(action, ARGUMENTS, key="c/E1/d#1", notes=[note])
        except DriverError as error:
            got = error
        return got, line.left

    return in_virtual_time(main)


def counters(text: str, selected: int) -> list[str]:
    """Return the script of asking what was counted and which phase is selected."""
    return [r"> 01DIS\r", rf"< \x0201S{text}\x03", r"> 01PHN\r", rf"< \x0201S{selected:02d}\x03"]


@pytest.mark.parametrize(
    ("text", "selected", "verdict"),
    [
        ("I0.000W0.000UL", 2, Verdict.DID_NOT_RUN),
        ("I0.000W0.000UL", 1, Verdict.CANNOT_TELL),
        ("I500.0W0.000UL", 2, Verdict.RAN),
        ("I500.0W0.000UL", 1, Verdict.RAN),
        ("I120.5W0.000UL", 2, Verdict.PARTLY),
        ("I0.000W500.0UL", 2, Verdict.PARTLY),
    ],
)
def test_the_counters_tell_what_became_of_a_dispense(
    text: str, selected: int, verdict: Verdict
) -> None:
    got, left = settled([POLL, OK, *counters(text, selected)])

    assert isinstance(got, Settlement)
    assert (got.verdict, left) == (verdict, 0)
    is_done = verdict is Verdict.RAN
    assert got.readings == ((Reading("dispensed_volume_ul", 500.0),) if is_done else ())


def test_a_pump_that_still_moves_is_stopped_before_it_is_asked() -> None:
    script = [
        POLL,
        r"< \x0201I\x03",
        r"> 01STP\r",
        r"< \x0201P\x03",
        r"> 01STP\r",
        OK,
        *STOP_AT_REST,
    ]

    got, left = settled([*script, *counters("I77.00W0.000UL", 2)])

    assert isinstance(got, Settlement)
    assert (got.verdict, left) == (Verdict.PARTLY, 0)
    assert "77 ul" in got.evidence


@pytest.mark.parametrize(
    ("script", "note", "error"),
    [
        ([POLL], NOTE, OutcomeUnknown),
        ([POLL, OK, r"> 01DIS\r", r"< \x0201S\xc9\x03"], NOTE, ProtocolError),
        ([POLL, OK, r"> 01DIS\r", r"< \x0201A?R\x03"], NOTE, DeviceFault),
        ([], "", ProtocolError),
        ([], '{"INF": 1.0}', ProtocolError),
    ],
)
def test_a_pump_that_cannot_be_asked_settles_nothing(
    script: list[str], note: str, error: type[DriverError]
) -> None:
    got, left = settled(script, note=note)

    assert isinstance(got, error)
    assert left == 0


def test_connecting_leaves_the_witness_of_a_cut_off_action() -> None:
    async def main(clock: VirtualClock) -> int:
        script = [
            POLL,
            OK,
            r"> 01VER\r",
            r"< \x0201SNE1000V3.928\x03",
            *STOP_AT_REST,
            r"> 01DIA\r",
            r"< \x0201S14.57\x03",
        ]
        script += [r"> 01PHN\r", r"< \x0201S02\x03", r"> 01VOL\r", r"< \x0201S500.0UL\x03"]
        line = MemoryLine.from_lines(*script)
        await line.open()
        await NewEraNe1000.from_settings("pump", line, clock, SETTINGS).connect()
        return line.left

    assert in_virtual_time(main) == 0
