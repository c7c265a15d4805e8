"""The pretend source-meter keeps its settings, its limits and its error queue."""

import pytest

from drivers.clock import VirtualClock
from simulators.cells import Cell, Resistor
from simulators.devices.keithley_2450 import Keithley2450Device
from tests.support.pretend_bench import fittings_of, run_virtually


def asked(*lines: str, cell: Cell | None = None) -> list[str]:
    """Send lines to a fresh device and return what it answers."""

    async def main(clock: VirtualClock) -> list[str]:
        device = Keithley2450Device(fittings_of(clock, cell=cell))
        replies = [reply for line in lines for reply in device.receive(f"{line}\n".encode())]
        return [reply.data.decode().strip() for reply in replies]

    return run_virtually(main)


def errors_after(*lines: str) -> str:
    return asked(*lines, ":SYST:ERR?")[-1].partition(";")[0]


def test_long_forms_and_short_forms_are_one() -> None:
    answers = asked(":SOURce1:CURRent:LEVel 0.002", "sour:curr?", ":SOUR:CURR:LEV:IMM:AMPL?")

    assert answers == ["2.000000E-03", "2.000000E-03"]


def test_several_requests_in_a_line_are_answered_in_one() -> None:
    assert asked("*IDN?;:OUTP?;*OPC?")[0].endswith("1.7.12b;0;1")


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (":SOUR:CURR 1.06", '-222,"Parameter data out of range'),
        (":SOUR:CURR:VLIM 0", '-222,"Parameter data out of range'),
        (":SOUR:CURR nan", '-224,"Illegal parameter value'),
        (":SOUR:CURR 1e999", '-222,"Parameter data out of range'),
        (":SOUR:CURR", '-109,"Missing parameter'),
        (":SOUR:FUNC POWER", '-224,"Illegal parameter value'),
        (":SENS:CURR:RANG 2", '-222,"Parameter data out of range'),
        (":OUTP MAYBE", '-224,"Illegal parameter value'),
        (":NOSE:BLOW ON", '-113,"Undefined header'),
        (":NOSE?", '-113,"Undefined header'),
        (':READ? "otherbuffer", READ', '-224,"Illegal parameter value'),
    ],
)
def test_what_is_refused_goes_to_the_queue(line: str, error: str) -> None:
    assert errors_after(line) == error


def test_the_queue_ends_in_an_overflow_and_can_be_emptied() -> None:
    lines = [":BOGUS 1"] * 80

    assert asked(*lines, ":SYST:ERR:COUN?") == ["50"]
    assert asked(*lines, *[":SYST:ERR?"] * 51)[49].startswith("-350,")
    assert asked(*lines, "*CLS", ":SYST:ERR?") == ['0,"No error;0;0 0"']


def test_with_the_output_off_there_is_nothing_to_read() -> None:
    assert asked(':READ? "defbuffer1", SOUR, READ') == ["9.900000E+37,9.900000E+37"]


def test_a_reset_switches_the_output_off() -> None:
    assert asked(":OUTP ON", ":OUTP?", "*RST", ":OUTP?") == ["1", "0"]


def test_current_is_limited_where_the_voltage_would_go_too_far() -> None:
    answers = asked(
        ":SOUR:FUNC CURR",
        ':SENS:FUNC "VOLT"',
        ":SOUR:CURR:VLIM 2",
        ":SOUR:CURR -1E-1",
        ":OUTP ON",
        ':READ? "defbuffer1", SOUR, READ',
        ":SOUR:CURR:VLIM:TRIP?",
        ":SOUR:CURR -1E-3",
        ':READ? "defbuffer1", SOUR, READ',
        ":SOUR:CURR:VLIM:TRIP?",
        cell=Resistor(100.0),
    )

    assert answers == [
        "-2.000000E-02,-2.000000E+00",
        "1",
        "-1.000000E-03,-1.000000E-01",
        "0",
    ]


def test_voltage_is_limited_where_the_current_would_be_too_large() -> None:
    answers = asked(
        ":SOUR:VOLT:ILIM 1E-2",
        ":SENS:CURR:RANG 4E-3",
        ":SENS:CURR:RANG?",
        ":SOUR:VOLT -2",
        ":OUTP ON",
        ':READ? "defbuffer1", SOUR, READ',
        ":SOUR:VOLT:ILIM:TRIP?",
        ":SOUR:VOLT 0.5",
        ':READ? "defbuffer1", SOUR, READ',
        ":SOUR:VOLT 1.5",
        ':READ? "defbuffer1", SOUR, READ',
        cell=Resistor(100.0),
    )

    assert answers == [
        "1.000000E-02",
        "-1.000000E+00,-1.000000E-02",
        "1",
        "5.000000E-01,5.000000E-03",
        "1.000000E+00,1.000000E-02",
    ]


def test_a_current_beyond_its_range_overflows() -> None:
    lines = (":SOUR:VOLT:ILIM 1", ":SENS:CURR:RANG 1E-3", ":SOUR:VOLT 1", ":OUTP ON", ":READ?")

    assert asked(*lines, cell=Resistor(100.0)) == ["9.900000E+37"]


def test_output_switches_are_acts_and_repeats_are_not() -> None:
    async def main(clock: VirtualClock) -> list[tuple[str, float]]:
        device = Keithley2450Device(fittings_of(clock))
        for line in (
            b":SOUR:FUNC CURR\n",
            b":SOUR:CURR 1E-3\n",
            *[b":OUTP ON\n"] * 2,
            b":OUTP OFF\n",
        ):
            device.receive(line)
        return [(act.act, act.amount) for act in device.acts]

    assert run_virtually(main) == [("output on", 1e-3), ("output off", 1e-3)]


def test_a_request_may_come_in_pieces() -> None:
    async def main(clock: VirtualClock) -> list[int]:
        device = Keithley2450Device(fittings_of(clock))
        return [len(device.receive(piece)) for piece in (b"*ID", b"N?", b"\n:OUTP?\n*L")]

    assert run_virtually(main) == [0, 0, 2]


@pytest.mark.parametrize("noise", [b"\n\n;;\n", b"\xff\x00\xfe\n", b'"unended\n', b",,, ,\n"])
def test_noise_is_not_answered_and_harms_nothing(noise: bytes) -> None:
    async def main(clock: VirtualClock) -> tuple[int, int]:
        device = Keithley2450Device(fittings_of(clock))
        return len(device.receive(noise)), len(device.receive(b"*IDN?\n"))

    assert run_virtually(main) == (0, 1)
