"""The relay: what it says before it acts, and that every way out leaves it off."""

import asyncio

import pytest

from drivers.clock import VirtualClock
from drivers.devices.numato_usb_relay import NumatoUsbRelay
from drivers.errors import (
    DeviceFault,
    LimitError,
    NothingDone,
    OutcomeUnknown,
    RigError,
)
from drivers.instrument import Reading, RecoveryClass
from drivers.testing import MemoryLine
from drivers.ticket import Ticket, Verdict
from simulators.bench import Bench
from tests.support.driver_rig import bench_of, instrument_on
from tests.support.virtual_time import error_of, in_virtual_time

NAME = "numato_usb_relay"
READ_OFF = ("> relay read 0\\r", "< relay read 0\\n\\roff\\n\\r>")
READ_ON = ("> relay read 0\\r", "< relay read 0\\n\\ron\\n\\r>")
ON = ("> relay on 0\\r", "< relay on 0\\n\\r>")
OFF = ("> relay off 0\\r", "< relay off 0\\n\\r>")


class NotingTicket(Ticket):
    """Keeps how many requests had gone out when the driver said that it would act."""

    def __init__(self, line: MemoryLine) -> None:
        super().__init__("crash-1/E0001/dose#1")
        self._line = line
        self.notes: list[tuple[int, str]] = []

    async def about_to_act(self, note: str = "") -> None:
        self.notes.append((len(self._line.written), note))


async def relay_on(
    clock: VirtualClock, *lines: str, **settings: object
) -> tuple[NumatoUsbRelay, MemoryLine]:
    line = MemoryLine.from_lines(*lines)
    await line.open()
    found = NumatoUsbRelay.from_settings("valve", line, clock, {"address": 0, **settings})
    return found, line


async def on_bench(clock: VirtualClock, **faults: object) -> tuple[Bench, NumatoUsbRelay]:
    struck = [{"instrument": NAME, **faults}] if faults else []
    bench = bench_of(clock, *struck)
    relay = await instrument_on(bench, NAME, clock)
    assert isinstance(relay, NumatoUsbRelay)
    await relay.connect()
    return bench, relay


def test_the_classes_are_what_the_module_can_do():
    classes = {name: declared.recovery for name, declared in NumatoUsbRelay.actions.items()}

    assert classes == {
        "open_for": RecoveryClass.BLIND,
        "set_relay": RecoveryClass.IDEMPOTENT,
        "read_relay": RecoveryClass.PURE,
    }
    assert NumatoUsbRelay.says_when_it_acts


def test_it_says_that_it_acts_right_before_the_byte_that_opens():
    async def main(clock: VirtualClock) -> list[tuple[int, str]]:
        relay, line = await relay_on(clock, *READ_OFF, *ON, *READ_ON, *OFF, *READ_OFF)
        ticket = NotingTicket(line)
        await relay.perform("open_for", {"duration_s": 3.0}, ticket)
        assert line.left == 0
        return ticket.notes

    assert in_virtual_time(main) == [(1, "relay 0 on for 3 s")]


def test_a_reading_says_nothing_beforehand():
    async def main(clock: VirtualClock) -> list[tuple[int, str]]:
        relay, line = await relay_on(clock, *READ_ON)
        ticket = NotingTicket(line)
        assert await relay.perform("read_relay", {}, ticket) == (Reading("relay_state", "on"),)
        return ticket.notes

    assert in_virtual_time(main) == []


def test_the_valve_delivers_its_flow_for_its_time():
    async def main(clock: VirtualClock) -> tuple[float, float, float]:
        bench, relay = await on_bench(clock)
        (reading,) = await relay.perform("open_for", {"duration_s": 4.0})
        (act,) = bench.acts()[NAME]
        assert (act.act, act.unit) == ("delivered", "ul")
        assert isinstance(reading.value, float)
        return reading.value, act.amount, bench.plumbing.vessel("vessel").volume_ul

    open_s, delivered_ul, held_ul = in_virtual_time(main)
    assert open_s == pytest.approx(4.0, abs=0.1)
    assert delivered_ul == pytest.approx(200.0, rel=0.03)
    assert held_ul == pytest.approx(delivered_ul)


def test_a_relay_that_is_on_already_is_left_to_whoever_uses_it():
    async def main(clock: VirtualClock) -> BaseException:
        relay, line = await relay_on(clock, *READ_ON)
        error = await error_of(relay.perform("open_for", {"duration_s": 3.0}))
        assert line.left == 0
        return error

    error = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert not error.acted


def test_a_relay_that_does_not_follow_is_switched_off_and_told():
    async def main(clock: VirtualClock) -> BaseException:
        script = (*READ_OFF, *ON, *READ_OFF, *OFF, *READ_OFF)
        relay, line = await relay_on(clock, *script)
        error = await error_of(relay.perform("open_for", {"duration_s": 3.0}))
        assert line.left == 0
        return error

    error = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert error.acted
    assert "reads back off, expected on" in str(error)


def test_a_valve_that_was_open_for_too_long_is_a_fault():
    async def main(clock: VirtualClock) -> BaseException:
        bench, relay = await on_bench(clock)
        async with asyncio.TaskGroup() as group:
            work = group.create_task(error_of(relay.perform("open_for", {"duration_s": 5.0})))
            await clock.sleep(4.0)
            async with bench.line("relays").exchange():  # somebody else holds the wire
                await clock.sleep(9.0)
        return work.result()

    error = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert error.acted
    assert "expected 5 s" in str(error)


@pytest.mark.parametrize("kind", ["lost", "garbled", "stalled"])
def test_no_answer_in_the_middle_closes_the_valve(kind: str):
    async def main(clock: VirtualClock) -> tuple[BaseException, bool]:
        bench, relay = await on_bench(clock, kind=kind, exchange=6)  # connect takes 4
        error = await error_of(relay.perform("open_for", {"duration_s": 4.0}))
        return error, bench.device(NAME).is_on

    error, is_on = in_virtual_time(main)
    assert isinstance(error, OutcomeUnknown)
    assert not is_on


def test_a_state_that_cannot_be_read_before_is_nothing_done():
    async def main(clock: VirtualClock) -> tuple[BaseException, int]:
        bench, relay = await on_bench(clock, kind="lost", exchange=5)
        error = await error_of(relay.perform("open_for", {"duration_s": 4.0}))
        return error, len(bench.acts()[NAME])

    error, n_acts = in_virtual_time(main)
    assert isinstance(error, NothingDone)
    assert n_acts == 0


def test_connecting_closes_a_valve_that_a_crash_left_open():
    async def main(clock: VirtualClock) -> tuple[bool, str]:
        bench, relay = await on_bench(clock)
        await relay.perform("set_relay", {"state": "on"})
        identity = await relay.connect()
        return bench.device(NAME).is_on, identity

    is_on, identity = in_virtual_time(main)
    assert not is_on
    assert identity == "Numato Lab USB relay 0, firmware 00000008, module 00000000"


def test_stopping_one_relay_leaves_its_neighbour():
    async def main(clock: VirtualClock) -> tuple[bool, bool]:
        bench, relay = await on_bench(clock)
        other = await instrument_on(bench, "second_relay", clock)
        await other.connect()
        await other.perform("set_relay", {"state": "on"})
        await relay.stop()
        await relay.make_safe()
        return bench.device(NAME).is_on, bench.device("second_relay").is_on

    assert in_virtual_time(main) == (False, True)


def test_a_stop_that_is_not_proved_is_told():
    async def main(clock: VirtualClock) -> BaseException:
        relay, _ = await relay_on(clock, *OFF, *READ_ON, *OFF, *READ_ON, *OFF, *READ_ON)
        return await error_of(relay.stop())

    error = in_virtual_time(main)
    assert isinstance(error, OutcomeUnknown)
    assert "may still be on" in str(error)


def test_another_module_than_the_rig_says_is_refused():
    async def main(clock: VirtualClock) -> BaseException:
        script = ("> ver\\r", "< ver\\n\\r00000008\\n\\r>")
        script += ("> id get\\r", "< id get\\n\\r00000007\\n\\r>")
        relay, _ = await relay_on(clock, *script, module_id="00000005")
        return await error_of(relay.connect())

    error = in_virtual_time(main)
    assert isinstance(error, RigError)
    assert (error.key, error.got) == ("instruments.valve.settings.module_id", "00000007")


def test_a_relay_is_on_or_off_and_nothing_else():
    async def main(clock: VirtualClock) -> BaseException:
        relay, _ = await relay_on(clock)
        return await error_of(relay.perform("set_relay", {"state": "half"}))

    assert isinstance(in_virtual_time(main), LimitError)


def test_only_a_person_can_settle_an_opening_and_sees_what_is_known():
    async def main(clock: VirtualClock) -> tuple[Verdict, str]:
        _, relay = await on_bench(clock)
        settled = await relay.settle(
            "open_for", {"duration_s": 3.0}, key="k#1", notes=["relay 0 on for 3 s"]
        )
        return settled.verdict, settled.evidence

    verdict, evidence = in_virtual_time(main)
    assert verdict is Verdict.CANNOT_TELL
    assert "relay 0 on for 3 s" in evidence
    assert "the relay is off now" in evidence


@pytest.mark.parametrize(
    ("action", "arguments"), [("set_relay", {"state": "on"}), ("read_relay", {})]
)
def test_what_may_be_repeated_did_not_run(action: str, arguments: dict[str, object]):
    async def main(clock: VirtualClock) -> Verdict:
        relay, line = await relay_on(clock)
        settled = await relay.settle(action, arguments, key="k#1", notes=[])
        assert line.written == []
        return settled.verdict

    assert in_virtual_time(main) is Verdict.DID_NOT_RUN
