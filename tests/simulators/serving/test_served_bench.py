"""A served bench: real wires, the same bytes, and a tally of everything that was done."""

import asyncio
from pathlib import Path

import pytest

from drivers.clock import Clock, SystemClock
from drivers.errors import DeviceFault, DriverError, LineError, OutcomeUnknown
from drivers.line import Line
from drivers.ticket import Ticket
from tests.support.driver_rig import INSTRUMENTS, SERVED, bench_of
from tests.support.served_bench import Served, in_sped_up_time, served_in, tally_in
from tests.support.virtual_time import error_or_none, in_virtual_time

pytestmark = pytest.mark.slow

REPLY_END = {"pumps": b"\x03", "balance": b"\r\n", "source_meter": b"\n"}
SCRIPTS = {
    "pumps": [b"1\r", b"1VER\r", b"2\r", b"1DIA14.57\r", b"1DIA\r", b"2STP\r", b"1nonsense\r"],
    "balance": [b"I2\r\n", b"I4\r\n", b"TA\r\n", b"huh\r\n"],
    "source_meter": [b"*IDN?\n", b":SOUR:CURR 1E-3;:SOUR:CURR?\n", b"SYST:ERR?\n"],
}
ORDER = {"volume_ul": 500.0, "rate_ul_per_min": 2000.0}
STROKE = (b"1\r", b"1VOLUL\r", b"1DIRWDR\r", b"1VOL4000\r", b"1RAT2000UM\r", b"1RUN\r")
"""A stroke of two minutes; the syringe's diameter in the pump's memory is another one."""


async def ask(line: Line, request: bytes, end: bytes) -> bytes:
    async with line.exchange():
        await line.write(request, timeout_s=2.0)
        return await line.read_until(end, timeout_s=2.0)


async def start_stroke(line: Line) -> None:
    for request in STROKE:
        reply = await ask(line, request, b"\x03")
    assert b"W" in reply


async def asked_all(line: Line) -> list[bytes]:
    await line.open()
    replies = [await ask(line, request, REPLY_END[line.name]) for request in SCRIPTS[line.name]]
    await line.close()
    return replies


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_bytes_are_those_of_the_simulated_line(name: str, tmp_path: Path) -> None:
    async def inside(clock: Clock) -> list[bytes]:
        return await asked_all(bench_of(clock).line(name))

    async def outside(clock: SystemClock) -> list[bytes]:
        async with served_in(tmp_path, clock) as served:
            return await asked_all(served.line(name))

    assert in_sped_up_time(outside) == in_virtual_time(inside)


def test_the_drivers_work_through_real_wires_and_everything_is_tallied(tmp_path: Path) -> None:
    async def main(clock: SystemClock) -> tuple[float, float]:
        async with served_in(tmp_path, clock) as served:
            pumps, balance = served.line("pumps"), served.line("balance")
            meter = served.line("source_meter")
            for line in (pumps, balance, meter):
                await line.open()
            pump = served.instrument("new_era_ne1000", pumps)
            scale = served.instrument("mettler_toledo_sics", balance)
            source = served.instrument("keithley_2450", meter)
            for instrument in (pump, scale, source):
                await instrument.connect()
            await scale.perform("tare", {})
            (moved, _) = await pump.perform("transfer", ORDER)
            (mass,) = await scale.perform("measure_mass", {})
            await source.perform("measure_voltage_trace", {"n_readings": 2, "interval_s": 1.0})
            for line in (pumps, balance, meter):
                await line.close()
            return float(moved.value), float(mass.value)  # type: ignore[arg-type]

    moved_ul, mass_g = in_sped_up_time(main)

    assert moved_ul == 500.0
    assert mass_g == pytest.approx(0.525, rel=0.02)
    acts = tally_in(tmp_path, "new_era_ne1000")
    assert [act["act"] for act in acts] == [
        "begin withdrew",
        "withdrew",
        "begin infused",
        "infused",
    ]
    assert [acts[0]["amount"], acts[2]["amount"]] == [500.0, 500.0]
    assert acts[3]["amount"] == pytest.approx(500.0, rel=0.02)
    assert {act["unit"] for act in acts} == {"ul"}
    assert {act["job_id"] for act in acts} == {None}
    assert [act["time"] for act in acts] == sorted(act["time"] for act in acts)
    assert [act["act"] for act in tally_in(tmp_path, "mettler_toledo_sics")] == ["tared"]
    trace = [act["act"] for act in tally_in(tmp_path, "keithley_2450")]
    assert trace == ["output on", "output off"]
    assert tally_in(tmp_path, "second_pump") == []


def test_a_pump_goes_on_when_its_client_leaves(tmp_path: Path) -> None:
    async def main(clock: SystemClock) -> tuple[list[str], bytes]:
        async with served_in(tmp_path, clock) as served:
            line = served.line("pumps")
            await line.open()
            await start_stroke(line)
            await line.close()
            acts = await served.tallied("new_era_ne1000", 2)
            again = served.line("pumps")
            await again.open()
            reply = await ask(again, b"1\r", b"\x03")
            await again.close()
            return [act["act"] for act in acts], reply

    acts, reply = in_sped_up_time(main)

    assert acts == ["begin withdrew", "withdrew"]
    assert reply == b"\x0201S\x03"


def test_a_stroke_on_its_way_can_be_looked_at_and_its_stop_is_tallied(tmp_path: Path) -> None:
    async def main(clock: SystemClock) -> tuple[dict[str, float], list[dict[str, object]]]:
        async with served_in(tmp_path, clock) as served:
            line = served.line("pumps")
            await line.open()
            await start_stroke(line)
            moving = (await served.settle())["in_motion"]["new_era_ne1000"]
            await ask(line, b"1STP\r", b"\x03")
            acts = await served.tallied("new_era_ne1000", 2)
            await line.close()
            return moving, acts

    moving, acts = in_sped_up_time(main, speed=20.0)

    assert moving["act"] == acts[1]["act"] == "withdrew"
    assert 0.0 < moving["amount"] <= float(acts[1]["amount"])  # type: ignore[arg-type]
    assert float(acts[1]["amount"]) < float(acts[0]["amount"]) / 2.0  # type: ignore[arg-type]


def test_a_power_cut_ends_a_stroke_and_leaves_the_reset_alarm(tmp_path: Path) -> None:
    async def main(clock: SystemClock) -> tuple[list[str], list[bytes]]:
        async with served_in(tmp_path, clock) as served:
            line = served.line("pumps")
            await line.open()
            await start_stroke(line)
            await served.cause("new_era_ne1000", "power-cycle")
            replies = [await ask(line, request, b"\x03") for request in (b"1\r", b"1DIS\r")]
            await line.close()
            return [act["act"] for act in tally_in(tmp_path, "new_era_ne1000")], replies

    acts, replies = in_sped_up_time(main, speed=20.0)

    assert acts == ["begin withdrew", "withdrew"]
    assert replies == [b"\x0201A?R\x03", b"\x0201SI0.000W0.000UL\x03"]


REQUESTS = {"pumps": b"2VER\r", "source_meter": b"*IDN?\n"}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_cable_falls_out_in_mid_exchange_and_is_put_back(name: str, tmp_path: Path) -> None:
    async def main(clock: SystemClock) -> tuple[list[DriverError | None], bytes]:
        async with served_in(tmp_path, clock) as served:
            line = served.line(name)
            await line.open()
            await ask(line, b"2\r" if name == "pumps" else REQUESTS[name], REPLY_END[name])
            await served.cause("second_pump" if name == "pumps" else "keithley_2450", "stalled")
            asking = asyncio.gather(
                error_or_none(ask_patiently(line, REQUESTS[name], REPLY_END[name])),
                unplugged_after_a_moment(served, name),
            )
            errors = [(await asking)[0]]
            errors.append(await error_or_none(ask(line, REQUESTS[name], REPLY_END[name])))
            errors.append(await error_or_none(line.open()))
            await served.cause(name, "plug-in")
            await line.open()
            reply = await ask(line, REQUESTS[name], REPLY_END[name])
            await line.close()
            return errors, reply

    (in_the_middle, after, opening), reply = in_sped_up_time(main)

    assert isinstance(in_the_middle, OutcomeUnknown)
    assert "went down" in str(in_the_middle)
    assert isinstance(after, LineError)
    assert isinstance(opening, LineError)
    assert b"NE1000V" in reply or b"MODEL 2450" in reply


async def ask_patiently(line: Line, request: bytes, end: bytes) -> bytes:
    async with line.exchange():
        await line.write(request, timeout_s=2.0)
        return await line.read_until(end, timeout_s=4000.0)


async def unplugged_after_a_moment(served: Served, name: str) -> None:
    await served.clock.wait_for_outside(0.1)
    await served.cause(name, "unplug")


def test_an_idle_line_that_lost_its_cable_sends_nothing(tmp_path: Path) -> None:
    async def main(clock: SystemClock) -> DriverError | None:
        async with served_in(tmp_path, clock) as served:
            line = served.line("balance")
            await line.open()
            await served.cause("mettler_toledo_sics", "unplug")
            error = await error_or_none(ask(line, b"T\r\n", b"\r\n"))
            await line.close()
            return error

    assert isinstance(in_sped_up_time(main), LineError)
    assert tally_in(tmp_path, "mettler_toledo_sics") == []


@pytest.mark.parametrize(
    ("kind", "expected", "n_acts"),
    [("lost", OutcomeUnknown, 1), ("stalled", OutcomeUnknown, 0), ("refused", DeviceFault, 0)],
)
def test_a_summoned_fault_strikes_the_next_request_only(
    kind: str, expected: type[DriverError], n_acts: int, tmp_path: Path
) -> None:
    async def main(clock: SystemClock) -> tuple[DriverError | None, int]:
        async with served_in(tmp_path, clock) as served:
            line = served.line("balance")
            await line.open()
            balance = served.instrument("mettler_toledo_sics", line)
            await balance.connect()
            await served.cause("balance", kind)
            error = await error_or_none(balance.perform("tare", {}))
            n_tared = len(tally_in(tmp_path, "mettler_toledo_sics"))
            await balance.perform("measure_mass", {})
            await line.close()
            return error, n_tared

    error, n_tared = in_sped_up_time(main)

    assert isinstance(error, expected)
    assert n_tared == n_acts


def test_the_bytes_take_their_time_on_the_wire(tmp_path: Path) -> None:
    async def main(clock: SystemClock) -> float:
        async with served_in(tmp_path, clock) as served:
            line = served.line("balance")
            await line.open()
            before_s = clock.monotonic_s()
            for _ in range(20):
                await ask(line, b"I2\r\n", b"\r\n")
            await line.close()
            return clock.monotonic_s() - before_s

    n_bytes = len(b"I2\r\n") + len(b'I2 A "XPE205 Excellence 220.0090 g"\r\n')

    assert in_sped_up_time(main, speed=20.0) >= 20 * (n_bytes * 10 / 9600 + 0.05)


def test_names_and_ports_are_the_same_the_next_time(tmp_path: Path) -> None:
    async def main(clock: SystemClock) -> list[object]:
        found = []
        for _ in range(2):
            async with served_in(tmp_path, clock) as served:
                found.append(served.lines)
        return found

    first, second = in_sped_up_time(main)

    assert first == second


def test_a_folder_is_served_by_one(tmp_path: Path) -> None:
    async def main(clock: SystemClock) -> None:
        async with served_in(tmp_path, clock), served_in(tmp_path, clock):
            pass

    with pytest.raises(LineError, match="served by another process"):
        in_sped_up_time(main)


@pytest.mark.parametrize(
    ("file", "text"), [("second_pump.jsonl", '{"time": "20'), ("ports.json", '{"source_me')]
)
def test_a_damaged_folder_is_refused(file: str, text: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text(text, encoding="utf-8")

    async def main(clock: SystemClock) -> None:
        async with served_in(tmp_path, clock):
            pass

    with pytest.raises(LineError, match=file):
        in_sped_up_time(main)
    assert (tmp_path / file).read_text(encoding="utf-8") == text


def test_a_cable_that_was_out_while_nobody_looked_is_found_on_opening(tmp_path: Path) -> None:
    async def main(clock: SystemClock) -> bytes:
        async with served_in(tmp_path, clock) as served:
            line = served.line("pumps")
            await line.open()
            await served.cause("pumps", "unplug")
            await served.cause("pumps", "plug-in")
            await line.open()
            reply = await ask(line, b"2VER\r", b"\x03")
            await line.close()
            return reply

    assert in_sped_up_time(main) == b"\x0202A?R\x03"


def test_a_job_with_a_key_is_tallied_once_under_it_however_often_it_is_sent(
    tmp_path: Path,
) -> None:
    async def main(clock: SystemClock) -> None:
        async with served_in(tmp_path, clock) as served:
            order = {"instruction": "Swirl the vessel.", "within_s": 400.0}
            for _ in range(2):
                line = served.line("tasks")
                await line.open()
                station = served.instrument("manual_station", line)
                await station.connect()
                await station.perform("carry_out", order, Ticket("oer-1/E0001/swirl#1"))
                await line.close()

    in_sped_up_time(main)

    acts = tally_in(tmp_path, "manual_station")
    assert [act["act"] for act in acts] == ["begin did", "did"]
    assert {act["job_id"] for act in acts} == {"oer-1/E0001/swirl#1"}


def test_an_act_without_an_end_of_its_own_begins_without_an_amount(tmp_path: Path) -> None:
    async def main(clock: SystemClock) -> None:
        async with served_in(tmp_path, clock) as served:
            line = served.line("relays")
            await line.open()
            relay = served.instrument("numato_usb_relay", line)
            await relay.connect()
            await relay.perform("open_for", {"duration_s": 20.0})
            await line.close()

    in_sped_up_time(main, speed=20.0)

    begin, end = tally_in(tmp_path, "numato_usb_relay")
    assert (begin["act"], begin["amount"]) == ("begin delivered", None)
    assert end["act"] == "delivered"
    assert end["amount"] == pytest.approx(1000.0, rel=0.2)


@pytest.mark.parametrize("name", SERVED)
def test_every_instrument_connects_and_stops_through_its_real_wire(
    name: str, tmp_path: Path
) -> None:
    async def main(clock: SystemClock) -> str:
        async with served_in(tmp_path, clock) as served:
            line = served.line(INSTRUMENTS[name]["line"])
            await line.open()
            instrument = served.instrument(name, line)
            identity = await instrument.connect()
            await instrument.stop()
            await line.close()
            return identity

    assert in_sped_up_time(main)
    assert tally_in(tmp_path, name) == []
