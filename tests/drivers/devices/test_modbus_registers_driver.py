"""Registers by name: limits both ways, words of every kind, answers that come late."""

import pytest

from drivers.clock import VirtualClock
from drivers.devices.modbus_registers import ModbusRegisters
from drivers.devices.modbus_registers.codec import number_from, words_from
from drivers.errors import DeviceFault, LimitError, OutcomeUnknown, ProtocolError, RigError
from drivers.instrument import Instrument
from simulators.bench import Bench
from simulators.devices.modbus_registers import ModbusRegistersDevice
from tests.support.driver_rig import INSTRUMENTS, bench_of, instrument_on
from tests.support.virtual_time import error_of, in_virtual_time

NAME = "modbus_registers"
FLOW = {"register": "flow_ml_per_min", "value": 250.0}


async def connected(
    clock: VirtualClock, *faults: dict[str, object]
) -> tuple[Bench, Instrument, ModbusRegistersDevice]:
    bench = bench_of(clock, *faults)
    device = bench.device(NAME)
    assert isinstance(device, ModbusRegistersDevice)
    instrument = await instrument_on(bench, NAME, clock)
    await instrument.connect()
    return bench, instrument, device


def test_what_is_set_is_followed_and_stopping_brings_it_to_its_safe_value():
    async def main(clock):
        _, instrument, device = await connected(clock)
        await instrument.perform("set_register", FLOW)
        await clock.sleep(200.0)
        read = {"register": "follows_flow_ml_per_min"}
        (measured,) = await instrument.perform("measure_register", read)
        await instrument.make_safe()
        return measured.value, device.values["flow_ml_per_min"]

    measured, left = in_virtual_time(main)
    assert measured == pytest.approx(250.0, abs=0.2)
    assert left == 0.0


def test_a_register_that_cannot_be_made_safe_spares_no_other():
    async def main(clock):
        n_before = 9  # identity, two registers made safe, two set: each written and read
        faults = [
            {"instrument": NAME, "kind": "stalled", "exchange": n_before + k} for k in (1, 2, 3)
        ]
        _, instrument, device = await connected(clock, *faults)
        await instrument.perform("set_register", FLOW)
        opened = {"register": "valve_open_fraction", "value": 0.5}
        await instrument.perform("set_register", opened)
        assert device.faults.n_requests == n_before
        return await error_of(instrument.make_safe()), device.values

    error, values = in_virtual_time(main)
    assert isinstance(error, OutcomeUnknown)
    assert "flow_ml_per_min is not proved" in str(error)
    assert "valve" not in str(error)
    assert (values["flow_ml_per_min"], values["valve_open_fraction"]) == (250.0, 0.0)


@pytest.mark.parametrize(
    ("action", "arguments", "where"),
    [
        ("set_register", {"register": "flow_ml_per_min", "value": 500.1}, "value"),
        ("set_register", {"register": "flow_ml_per_min", "value": -0.1}, "value"),
        ("set_register", {"register": "model_number", "value": 1.0}, "register"),
        ("set_register", {"register": "colour", "value": 1.0}, "register"),
        ("measure_register", {"register": "colour"}, "register"),
    ],
)
def test_what_the_rig_file_does_not_allow_is_refused_before_a_byte_is_sent(
    action, arguments, where
):
    async def main(clock):
        _, instrument, device = await connected(clock)
        before = device.faults.n_requests
        error = await error_of(instrument.perform(action, arguments))
        return error, device.faults.n_requests - before

    error, n_requests = in_virtual_time(main)
    assert isinstance(error, LimitError)
    assert error.where.endswith(where)
    assert n_requests == 0


def test_a_value_beyond_its_limits_is_a_fault_and_no_number():
    async def main(clock):
        _, instrument, device = await connected(clock)
        device.values["follows_flow_ml_per_min"] = 700.0
        read = {"register": "follows_flow_ml_per_min"}
        return await error_of(instrument.perform("measure_register", read))

    error = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert error.code == "out of range"


def test_a_late_answer_is_nobodys():
    async def main(clock):
        fault = {"instrument": NAME, "kind": "late", "exchange": 6, "delay_s": 14.0}
        _, instrument, device = await connected(clock, fault)
        read = {"register": "flow_ml_per_min"}
        late = await error_of(instrument.perform("measure_register", read))
        await instrument.perform("set_register", FLOW)  # the old answer arrives meanwhile
        (value,) = await instrument.perform("measure_register", read)
        return late, value.value, device.values["flow_ml_per_min"]

    late, value, held = in_virtual_time(main)
    assert isinstance(late, OutcomeUnknown)
    assert value == held == 250.0


def test_another_device_behind_the_address_is_refused():
    async def main(clock):
        bench, _, device = await connected(clock)
        device.values["model_number"] = 815.0
        return await error_of((await instrument_on(bench, NAME, clock)).connect())

    error = in_virtual_time(main)
    assert isinstance(error, RigError)
    assert "identity_value" in error.key


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"low": 5.0, "high": 5.0}, "low below high"),
        ({"table": "input", "is_writable": True}, "table holding"),
        ({"safe_value": 1.0, "is_writable": False}, "is_writable"),
        ({"safe_value": 600.0, "is_writable": True}, "safe_value between"),
        ({"low": 1.0, "safe_value": 0.0, "is_writable": True}, "safe_value between"),
        ({"kind": "int16", "high": 40_000.0}, "int16"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_register_that_makes_no_sense_is_refused_with_the_rig(change, words):
    table = {"address": 1, "low": 0.0, "high": 500.0, **change}

    async def main(clock):
        line = bench_of(clock).line("gas_controller")
        with pytest.raises(RigError) as caught:
            ModbusRegisters.from_settings(NAME, line, clock, {"registers": {"flow_l": table}})
        return str(caught.value)

    assert words in in_virtual_time(main)


@pytest.mark.parametrize("kind", ["int16", "uint16", "int32", "uint32", "float32"])
@pytest.mark.parametrize("is_low_word_first", [False, True])
def test_numbers_survive_the_registers(kind, is_low_word_first):
    low = 0.0 if kind.startswith("u") else -30_000.0
    for number in (low, 0.0, 1.0, 12_345.0, 30_000.0):
        words = words_from(number, kind, is_low_word_first=is_low_word_first)
        assert number_from(words, kind, is_low_word_first=is_low_word_first) == number
    with pytest.raises(ValueError, match="expected"):
        words_from(1e39, kind, is_low_word_first=is_low_word_first)


def test_registers_that_hold_no_number_are_nonsense():
    with pytest.raises(ProtocolError, match="not finite"):
        number_from((0x7FC0, 0x0000), "float32", is_low_word_first=False)


def test_the_example_rig_names_a_safe_value_for_what_acts():
    registers = INSTRUMENTS[NAME]["settings"]["registers"].values()

    assert all("safe_value" in one for one in registers if one.get("is_writable"))
