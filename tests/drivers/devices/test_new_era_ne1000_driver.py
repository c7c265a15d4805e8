"""The pump's driver, byte for byte, on a line that plays a script."""

import asyncio
from collections.abc import Sequence

import pytest

from drivers.clock import VirtualClock
from drivers.devices.new_era_ne1000 import NewEraNe1000
from drivers.errors import (
    DeviceFault,
    DriverError,
    LimitError,
    NothingDone,
    OutcomeUnknown,
    ProtocolError,
    RigError,
)
from drivers.instrument import Reading
from drivers.testing import MemoryLine
from tests.support.driver_rig import bench_of, instrument_on
from tests.support.virtual_time import error_of, in_virtual_time

OK = r"< \x0201S\x03"
ZERO = r"< \x0201SI0.000W0.000UL\x03"
CLEAR = [r"> 01CLDINF\r", OK, r"> 01CLDWDR\r", OK, r"> 01DIS\r", ZERO]
STOP_AT_REST = [r"> 01STP\r", r"< \x0201S?NA\x03"]


def phase(number: int) -> list[str]:
    """Return the script of selecting a phase of the pumping program."""
    return [rf"> 01PHN{number}\r", OK, r"> 01PHN\r", rf"< \x0201S{number:02d}\x03"]


PROGRAM = [
    *phase(2),
    r"> 01FUNSTP\r",
    OK,
    r"> 01FUN\r",
    r"< \x0201SSTP\x03",
    *phase(1),
    r"> 01FUNRAT\r",
    OK,
    r"> 01FUN\r",
    r"< \x0201SRAT\x03",
]
CONNECT = [
    r"> 01\r",
    r"< \x0201A?R\x03",
    r"> 01VER\r",
    r"< \x0201SNE1000V3.928\x03",
    *STOP_AT_REST,
    r"> 01DIA\r",
    r"< \x0201S10.00\x03",
    r"> 01DIA14.57\r",
    OK,
    r"> 01DIA\r",
    r"< \x0201S14.57\x03",
    r"> 01PHN\r",
    r"< \x0201S01\x03",
    *PROGRAM,
    r"> 01VOL\r",
    r"< \x0201S0.000ML\x03",
    r"> 01VOLUL\r",
    OK,
    r"> 01VOL\r",
    r"< \x0201S0.000UL\x03",
]


def stroke(direction: str, volume: str = "500.0", rate: str = "2000") -> list[str]:
    """Return the script of setting up one stroke, up to RUN."""
    return [
        *phase(1),
        rf"> 01DIR{direction}\r",
        OK,
        r"> 01DIR\r",
        rf"< \x0201S{direction}\x03",
        rf"> 01VOL{volume}\r",
        OK,
        r"> 01VOL\r",
        rf"< \x0201S{volume}UL\x03",
        rf"> 01RAT{rate}UM\r",
        OK,
        r"> 01RAT\r",
        rf"< \x0201S{rate}.UM\x03",
        *phase(2),
        r"> 01RUN\r",
    ]


def pump_on(line: MemoryLine, clock: VirtualClock, **settings: float) -> NewEraNe1000:
    table = {"address": 1, "syringe_diameter_mm": 14.57, "syringe_volume_ml": 1.0, **settings}
    return NewEraNe1000.from_settings("pump", line, clock, table)


def outcome_of(script: Sequence[str], action: str, **arguments: float) -> tuple[object, int]:
    """Perform an action against a script; return readings or error, and what is left of it."""

    async def main(clock: VirtualClock) -> tuple[object, int]:
        line = MemoryLine.from_lines(*script)
        await line.open()
        pump = pump_on(line, clock)
        try:
            got: object = await pump.perform(action, arguments)
        except DriverError as error:
            got = error
        return got, line.left

    return in_virtual_time(main)


POLL = r"> 01\r"
MOVING = r"< \x0201I\x03"
ARGUMENTS = {"volume_ul": 500.0, "rate_ul_per_min": 2000.0}
POLLS_WHILE_MOVING = [POLL, MOVING] * 10
"""15 s of stroke, a look every 1.5 s; the next look finds it done."""


def test_connect_sets_the_pump_up_and_reads_everything_back() -> None:
    async def main(clock: VirtualClock) -> tuple[str, int]:
        line = MemoryLine.from_lines(*CONNECT)
        await line.open()
        return await pump_on(line, clock).connect(), line.left

    assert in_virtual_time(main) == ("New Era NE-1000 NE1000V3.928 address 1", 0)


def test_connect_refuses_another_model() -> None:
    async def main(clock: VirtualClock) -> BaseException:
        line = MemoryLine.from_lines(POLL, OK, r"> 01VER\r", r"< \x0201SNE4000V3.934\x03")
        await line.open()
        return await error_of(pump_on(line, clock).connect())

    assert isinstance(in_virtual_time(main), RigError)


def test_a_dispense_reports_what_the_pump_counted() -> None:
    script = [
        *PROGRAM,
        *CLEAR,
        *stroke("INF"),
        MOVING,
        *POLLS_WHILE_MOVING,
        POLL,
        OK,
        r"> 01DIS\r",
        r"< \x0201SI500.0W0.000UL\x03",
    ]

    got, left = outcome_of(script, "dispense", **ARGUMENTS)

    assert (got, left) == ((Reading("dispensed_volume_ul", 500.0),), 0)


def test_a_volume_that_was_not_counted_is_a_fault_that_acted() -> None:
    script = [
        *PROGRAM,
        *CLEAR,
        *stroke("INF"),
        MOVING,
        *[POLL, OK],
        r"> 01DIS\r",
        r"< \x0201SI480.0W0.000UL\x03",
        *STOP_AT_REST,
    ]

    got, left = outcome_of(script, "dispense", **ARGUMENTS)

    assert isinstance(got, DeviceFault)
    assert got.acted
    assert "480" in got.text
    assert left == 0


def test_a_stall_is_a_fault_that_acted() -> None:
    script = [*PROGRAM, *CLEAR, *stroke("INF"), MOVING, POLL, r"< \x0201A?S\x03", *STOP_AT_REST]

    got, left = outcome_of(script, "dispense", **ARGUMENTS)

    assert isinstance(got, DeviceFault)
    assert (got.code, got.acted, left) == ("A?S", True, 0)


def test_a_refused_start_did_not_act() -> None:
    script = [*PROGRAM, *CLEAR, *stroke("INF"), r"< \x0201S?NA\x03"]

    got, left = outcome_of(script, "dispense", **ARGUMENTS)

    assert isinstance(got, DeviceFault)
    assert (got.code, got.acted, left) == ("?NA", False, 0)


def test_a_setting_that_reads_back_differently_is_a_fault_that_did_not_act() -> None:
    script = [*PROGRAM, *CLEAR, *stroke("INF")[:10], r"> 01VOL\r", r"< \x0201S50.00UL\x03"]

    got, left = outcome_of(script, "dispense", **ARGUMENTS)

    assert isinstance(got, DeviceFault)
    assert (got.code, got.acted, left) == ("VOL", False, 0)


def test_a_start_without_an_answer_is_unknown_and_stopped() -> None:
    script = [*PROGRAM, *CLEAR, *stroke("INF"), r"> 01STP\r", r"< \x0201P\x03", r"> 01STP\r", OK]
    script += STOP_AT_REST

    got, left = outcome_of(script, "dispense", **ARGUMENTS)

    assert isinstance(got, OutcomeUnknown)
    assert "stopped" in got.evidence
    assert left == 0


def test_an_unreadable_answer_to_the_start_is_unknown_and_stopped() -> None:
    script = [*PROGRAM, *CLEAR, *stroke("INF"), r"< \x0201\xc9\x03", *STOP_AT_REST]

    got, left = outcome_of(script, "dispense", **ARGUMENTS)

    assert isinstance(got, OutcomeUnknown)
    assert isinstance(got.__cause__, ProtocolError)
    assert left == 0


def test_an_unreadable_answer_to_a_setting_says_that_nothing_was_done() -> None:
    got, left = outcome_of([r"> 01PHN2\r", r"< \x0201\xd3\x03"], "dispense", **ARGUMENTS)

    assert isinstance(got, NothingDone)
    assert isinstance(got.__cause__, ProtocolError)
    assert left == 0


def test_another_direction_than_asked_is_stopped() -> None:
    script = [*PROGRAM, *CLEAR, *stroke("INF"), r"< \x0201W\x03", *STOP_AT_REST]

    got, left = outcome_of(script, "dispense", **ARGUMENTS)

    assert isinstance(got, OutcomeUnknown)
    assert left == 0


def test_a_pump_paused_by_hand_is_a_fault_that_acted() -> None:
    script = [*PROGRAM, *CLEAR, *stroke("INF"), MOVING, POLL, r"< \x0201P\x03", r"> 01STP\r", OK]
    script += STOP_AT_REST

    got, left = outcome_of(script, "dispense", **ARGUMENTS)

    assert isinstance(got, DeviceFault)
    assert (got.code, got.acted, left) == ("P", True, 0)


def test_a_pump_that_never_ends_is_stopped() -> None:
    script = [*PROGRAM, *CLEAR, *stroke("INF"), MOVING, *[POLL, MOVING] * 23]
    script += [r"> 01STP\r", r"< \x0201P\x03", r"> 01STP\r", OK, *STOP_AT_REST]

    got, _ = outcome_of(script, "dispense", **ARGUMENTS)

    assert isinstance(got, DeviceFault)
    assert "still moving" in got.text
    assert got.acted


def test_a_stop_that_is_not_confirmed_says_so() -> None:
    async def main(clock: VirtualClock) -> BaseException:
        line = MemoryLine.from_lines(*[r"> 01STP\r"] * 3)
        await line.open()
        return await error_of(pump_on(line, clock).stop())

    error = in_virtual_time(main)
    assert isinstance(error, OutcomeUnknown)
    assert "may still be moving" in error.reason


def test_a_stop_sees_through_old_answers() -> None:
    script = [r"> 01STP\r", OK, r"> 01STP\r", r"< \x0201P\x03", r"> 01STP\r", OK, *STOP_AT_REST]

    async def main(clock: VirtualClock) -> int:
        line = MemoryLine.from_lines(*script)
        await line.open()
        await pump_on(line, clock).stop()
        return line.left

    assert in_virtual_time(main) == 0


def test_a_transfer_larger_than_the_syringe_takes_equal_strokes() -> None:
    async def main(clock: VirtualClock) -> tuple[object, list[tuple[str, float]]]:
        bench = bench_of(clock)
        line = (await instrument_on(bench, "new_era_ne1000", clock)).line
        pump = pump_on(line, clock, syringe_volume_ml=1.0)  # type: ignore[arg-type]
        await pump.connect()
        readings = await pump.perform("transfer", {"volume_ul": 2500.0, "rate_ul_per_min": 5000.0})
        acts = bench.acts()["new_era_ne1000"]
        return readings, [(act.act, round(act.amount, -1)) for act in acts]

    readings, acts = in_virtual_time(main)
    assert [reading.value for reading in readings] == [  # type: ignore[attr-defined]
        pytest.approx(2500, rel=0.001),
        pytest.approx(2500, rel=0.001),
    ]
    assert len(acts) == 6
    assert all(amount == pytest.approx(830, abs=11) for _, amount in acts)


@pytest.mark.parametrize(
    ("action", "wrong"),
    [
        ("dispense", {"volume_ul": 1001.0}),
        ("withdraw", {"volume_ul": 1001.0}),
        ("dispense", {"rate_ul_per_min": 8600.0}),
        ("transfer", {"rate_ul_per_min": 8600.0}),
    ],
)
def test_what_the_syringe_cannot_do_is_refused_before_a_byte(
    action: str, wrong: dict[str, float]
) -> None:
    got, _ = outcome_of([], action, **{**ARGUMENTS, **wrong})

    assert isinstance(got, LimitError)


def test_a_line_that_drops_in_mid_stroke_leaves_the_outcome_unknown() -> None:
    async def main(clock: VirtualClock) -> BaseException:
        bench = bench_of(clock)
        pump = await instrument_on(bench, "new_era_ne1000", clock)
        await pump.connect()
        asyncio.get_running_loop().call_later(5.0, bench.line("pumps").unplug)  # type: ignore[attr-defined]
        return await error_of(pump.perform("transfer", ARGUMENTS))

    error = in_virtual_time(main)
    assert isinstance(error, OutcomeUnknown)
    assert str(error) == (
        "new_era_ne1000 was told to move; 6.0 s later it was cut off: line pumps is not open "
        "[then a stop was tried, which is not confirmed: line pumps is not open]"
    )


def test_two_pumps_share_one_line() -> None:
    async def main(clock: VirtualClock) -> tuple[list[float], float]:
        bench = bench_of(clock)
        pumps = [await instrument_on(bench, n, clock) for n in ("new_era_ne1000", "second_pump")]
        for pump in pumps:
            await pump.connect()
        begun_s = clock.monotonic_s()
        readings = await asyncio.gather(*(pump.perform("transfer", ARGUMENTS) for pump in pumps))
        return [float(r[0].value) for r in readings], clock.monotonic_s() - begun_s  # type: ignore[arg-type]

    volumes, took_s = in_virtual_time(main)
    assert volumes == [500.0, 500.0]
    assert took_s < 40.0


def test_a_stop_from_outside_ends_the_stroke_with_a_fault_that_acted() -> None:
    async def main(clock: VirtualClock) -> tuple[BaseException, float]:
        bench = bench_of(clock)
        pump = await instrument_on(bench, "new_era_ne1000", clock)
        await pump.connect()
        async with asyncio.TaskGroup() as group:
            stroke_ = group.create_task(error_of(pump.perform("transfer", ARGUMENTS)))
            await clock.sleep(5.0)
            begun_s = clock.monotonic_s()
            await pump.stop()
            took_s = clock.monotonic_s() - begun_s
        return stroke_.result(), took_s

    error, took_s = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert error.acted
    assert took_s < 0.1
