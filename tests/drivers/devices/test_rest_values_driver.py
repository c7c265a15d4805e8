"""Values behind paths: limits both ways, tokens that stay secret, answers of every kind."""

import pytest

from drivers.devices.rest_values import RestValues
from drivers.errors import DeviceFault, LimitError, ProtocolError, RigError
from drivers.testing import MemoryLine
from simulators.devices.rest_values import RestValuesDevice
from tests.support.driver_rig import INSTRUMENTS, bench_of, instrument_on
from tests.support.virtual_time import error_of, in_virtual_time

NAME = "rest_values"
SETTINGS = INSTRUMENTS[NAME]["settings"]
BATH = {"name": "bath_c", "value": 60.0}


async def connected(clock):
    bench = bench_of(clock)
    instrument = await instrument_on(bench, NAME, clock)
    await instrument.connect()
    device = bench.device(NAME)
    assert isinstance(device, RestValuesDevice)
    return instrument, device


def test_what_is_set_is_followed_and_stopping_brings_it_to_its_safe_value():
    async def main(clock):
        instrument, device = await connected(clock)
        await instrument.perform("set_value", BATH)
        await clock.sleep(200.0)
        (measured,) = await instrument.perform("measure_value", {"name": "follows_bath_c"})
        await instrument.make_safe()
        return measured.value, device.values["bath_c"]

    measured, left = in_virtual_time(main)
    assert measured == pytest.approx(60.0, abs=0.1)
    assert left == 20.0


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("set_value", {"name": "bath_c", "value": 80.1}),
        ("set_value", {"name": "follows_bath_c", "value": 1.0}),
        ("set_value", {"name": "../about", "value": 1.0}),
        ("measure_value", {"name": "colour"}),
    ],
)
def test_what_the_rig_file_does_not_allow_is_refused_before_a_byte_is_sent(action, arguments):
    async def main(clock):
        instrument, device = await connected(clock)
        before = device.faults.n_requests
        error = await error_of(instrument.perform(action, arguments))
        return error, device.faults.n_requests - before

    error, n_requests = in_virtual_time(main)
    assert isinstance(error, LimitError)
    assert n_requests == 0


def test_a_value_beyond_its_limits_is_a_fault_and_another_device_is_refused():
    async def main(clock):
        instrument, device = await connected(clock)
        device.values["follows_bath_c"] = 300.0
        read = {"name": "follows_bath_c"}
        beyond = await error_of(instrument.perform("measure_value", read))
        device.identity = "CH-0000"
        return beyond, await error_of(instrument.connect())

    beyond, other = in_virtual_time(main)
    assert isinstance(beyond, DeviceFault)
    assert beyond.code == "out of range"
    assert isinstance(other, RigError)
    assert other.got == "CH-0000"


def replied(body: str, *, status: str = "200 OK") -> BaseException:
    """Return the error that a reply to a measurement makes."""
    reply = rf"< HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    asked = r"> GET /setpoint HTTP/1.1\r\nHost: device\r\nConnection: close\r\n\r\n"

    async def main(clock):
        line = MemoryLine.from_lines(asked, reply)
        await line.open()
        instrument = RestValues.from_settings(NAME, line, clock, SETTINGS)
        return await error_of(instrument.perform("measure_value", {"name": "bath_c"}))

    return in_virtual_time(main)


@pytest.mark.parametrize(
    "body", ['{"value":true}', '{"value":"12"}', '{"other":1}', "[]", "NaN", '{"value":1e999}', "x"]
)
def test_what_is_no_number_is_no_reading(body):
    assert isinstance(replied(body), ProtocolError)


@pytest.mark.parametrize("status", ["404 Not Found", "500 Broken", "302 Found"])
def test_a_status_that_is_no_success_is_the_devices_own_refusal(status):
    error = replied('{"why":"no"}', status=status)

    assert isinstance(error, DeviceFault)
    assert error.code == status[:3]


def test_a_token_goes_into_the_head_and_nowhere_else(tmp_path):
    file = tmp_path / "token"
    file.write_text("s3cret\n", encoding="utf-8")

    async def main(clock):
        line = bench_of(clock).line("chiller")
        await line.open()
        table = {**SETTINGS, "token_file": file}
        instrument = RestValues.from_settings(NAME, line, clock, table)
        identity = await instrument.connect()
        good = instrument._headers
        file.write_text("two words", encoding="utf-8")
        wrong = await error_of(instrument.connect())
        file.unlink()
        return identity, good, wrong, await error_of(instrument.connect())

    identity, good, wrong, missing = in_virtual_time(main)
    assert good == (("Authorization", "Bearer s3cret"),)
    assert "s3cret" not in identity
    assert isinstance(wrong, RigError)
    assert "two words" not in str(wrong)
    assert isinstance(missing, RigError)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"low": 90.0}, "low below high"),
        ({"safe_value": 90.0}, "safe_value between"),
        ({"set_path": "setpoint"}, "set_path"),
        ({"set_path": "/a b"}, "set_path"),
        ({"set_key": "a//b"}, "set_key"),
        ({"set_method": "DELETE"}, "set_method"),
        ({"pointer": "value"}, "pointer"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_with_the_rig(change, words):
    bath = {**SETTINGS["settable"]["bath_c"], **change}

    async def main(clock):
        line = bench_of(clock).line("chiller")
        with pytest.raises(RigError) as caught:
            RestValues.from_settings(NAME, line, clock, {**SETTINGS, "settable": {"bath_c": bath}})
        return str(caught.value)

    assert words in in_virtual_time(main)
