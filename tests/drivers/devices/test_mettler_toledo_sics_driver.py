"""The balance's driver, byte for byte, on a line that plays a script."""

import asyncio
from collections.abc import Sequence

import pytest

from drivers.clock import VirtualClock
from drivers.devices.mettler_toledo_sics import MettlerToledoSics
from drivers.errors import DeviceFault, DriverError, OutcomeUnknown, ProtocolError, RigError
from drivers.testing import MemoryLine
from tests.support.virtual_time import error_of, in_virtual_time


def outcome_of(script: Sequence[str], action: str) -> tuple[object, int]:
    """Perform an action against a script; return readings or error, and what is left of it."""

    async def main(clock: VirtualClock) -> tuple[object, int]:
        line = MemoryLine.from_lines(*script)
        await line.open()
        balance = MettlerToledoSics.from_settings("balance", line, clock, {})
        try:
            got: object = {r.name: r.value for r in await balance.perform(action, {})}
        except DriverError as error:
            got = error
        return got, line.left

    return in_virtual_time(main)


@pytest.mark.parametrize(
    ("reply", "mass_g"),
    [
        (r"< S S    12.3456 g\r\n", 12.3456),
        (r"< S S    -0.0082 g\r\n", -0.0082),
        (r"< S S     502.61 mg\r\n", 0.50261),
        (r"< S S     1.2345 kg\r\n", 1234.5),
    ],
)
def test_a_stable_mass_is_given_in_grams(reply: str, mass_g: float) -> None:
    got, left = outcome_of([r"> S\r\n", reply], "measure_mass")

    assert (got, left) == ({"mass_g": pytest.approx(mass_g)}, 0)


def test_a_mass_at_once_says_whether_it_is_stable() -> None:
    got, _ = outcome_of([r"> SI\r\n", r"< S D    12.3456 g\r\n"], "measure_mass_immediately")

    assert got == {"mass_g": 12.3456, "stability": "dynamic"}


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (r"< S I\r\n", "S I"),
        (r"< S +\r\n", "S +"),
        (r"< S -\r\n", "S -"),
        (r"< S L\r\n", "S L"),
        (r"< ES\r\n", "ES"),
        (r"< ET\r\n", "ET"),
        (r"< EL\r\n", "EL"),
        (r"< S S  Error 10b\r\n", "Error 10b"),
    ],
)
def test_what_the_balance_refuses_is_a_fault_that_did_not_act(reply: str, code: str) -> None:
    got, _ = outcome_of([r"> S\r\n", reply], "measure_mass")

    assert isinstance(got, DeviceFault)
    assert (got.code, got.acted) == (code, False)


@pytest.mark.parametrize("reply", [r"< S S 12.3456 oz\r\n", r"< S S nan g\r\n", r"< S S\r\n"])
def test_a_weight_that_is_none_is_a_protocol_error(reply: str) -> None:
    got, _ = outcome_of([r"> S\r\n", reply], "measure_mass")

    assert isinstance(got, ProtocolError)


def test_a_dynamic_weight_is_no_answer_to_a_question_for_a_stable_one() -> None:
    got, _ = outcome_of([r"> S\r\n", r"< S D    12.3456 g\r\n"], "measure_mass")

    assert isinstance(got, ProtocolError)


def test_frames_that_answer_something_else_are_skipped() -> None:
    script = [r"> S\r\n", r'< I4 A "B123456789"\r\n', r"< S S    12.3456 g\r\n"]

    got, _ = outcome_of(script, "measure_mass")

    assert got == {"mass_g": 12.3456}


def test_a_tare_is_read_back() -> None:
    script = [r"> T\r\n", r"< T S    45.6789 g\r\n", r"> TA\r\n", r"< TA A    45.6789 g\r\n"]

    assert outcome_of(script, "tare") == ({"tare_g": 45.6789}, 0)


def test_a_tare_that_reads_back_differently_is_a_fault_that_acted() -> None:
    script = [r"> T\r\n", r"< T S    45.6789 g\r\n", r"> TA\r\n", r"< TA A     0.0000 g\r\n"]

    got, _ = outcome_of(script, "tare")

    assert isinstance(got, DeviceFault)
    assert got.acted


def test_a_tare_without_an_answer_is_unknown_and_cancelled() -> None:
    script = [r"> T\r\n", r"> @\r\n", r'< I4 A "B123456789"\r\n']

    got, left = outcome_of(script, "tare")

    assert isinstance(got, OutcomeUnknown)
    assert left == 0


def test_a_cancelled_tare_is_cancelled_in_the_balance_too() -> None:
    async def main(clock: VirtualClock) -> int:
        line = MemoryLine.from_lines(r"> T\r\n", r"> @\r\n", r'< I4 A "B123456789"\r\n')
        await line.open()
        balance = MettlerToledoSics.from_settings("balance", line, clock, {})
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3.0):
                await balance.perform("tare", {})
        return line.left

    assert in_virtual_time(main) == 0


def test_a_zero_that_is_not_zero_is_a_fault_that_acted() -> None:
    script = [r"> Z\r\n", r"< Z A\r\n", r"> SI\r\n", r"< S S     0.0200 g\r\n"]

    got, _ = outcome_of(script, "zero")

    assert isinstance(got, DeviceFault)
    assert got.acted


def test_stop_sends_nothing() -> None:
    async def main(clock: VirtualClock) -> list[bytes]:
        line = MemoryLine([])
        await line.open()
        balance = MettlerToledoSics.from_settings("balance", line, clock, {})
        await balance.stop()
        await balance.make_safe()
        return line.written

    assert in_virtual_time(main) == []


def test_a_device_that_weighs_in_ounces_is_refused() -> None:
    async def main(clock: VirtualClock) -> BaseException:
        line = MemoryLine.from_lines(
            r"> I2\r\n",
            r'< I2 A "PB3002 Classic 3100.00 oz"\r\n',
            r"> I4\r\n",
            r'< I4 A "1234"\r\n',
        )
        await line.open()
        balance = MettlerToledoSics.from_settings("balance", line, clock, {})
        return await error_of(balance.connect())

    assert isinstance(in_virtual_time(main), RigError)
