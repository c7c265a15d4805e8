"""The manual station: one task for one key, and what is known of it afterwards."""

import asyncio
import json

import pytest

from drivers.clock import VirtualClock
from drivers.devices.manual_station import ManualStation
from drivers.errors import (
    DeviceFault,
    DriverError,
    LimitError,
    NothingDone,
    OutcomeUnknown,
)
from drivers.instrument import Reading, RecoveryClass
from drivers.testing import MemoryLine
from drivers.ticket import Ticket, Verdict
from simulators.bench import Bench
from tests.support.driver_rig import bench_of, instrument_on
from tests.support.virtual_time import error_of, in_virtual_time

NAME = "manual_station"
KEY = "crash-1/E0001/swirl#1"
SWIRL = {"instruction": "Swirl the vessel.", "within_s": 60.0}


async def on_bench(clock: VirtualClock, *faults: dict[str, object]) -> tuple[Bench, ManualStation]:
    bench = bench_of(clock, *({"instrument": NAME, **fault} for fault in faults))
    station = await instrument_on(bench, NAME, clock)
    assert isinstance(station, ManualStation)
    await station.connect()
    return bench, station


def acts_of(bench: Bench) -> list[tuple[str, str | None]]:
    bench.settle()
    return [(act.act, act.job_id) for act in bench.acts()[NAME]]


async def begun(clock: VirtualClock, station: ManualStation, for_s: float) -> None:
    """Begin the task as a process that dies would: nothing is said to the board at the end."""
    request = {"do": "post", "task": KEY, **SWIRL, "asks": []}
    order = ("do", "task", "instruction", "asks", "within_s")
    line = json.dumps({name: request[name] for name in order}, separators=(",", ":"))
    async with station.line.exchange():
        await station.line.write(line.encode() + b"\n", timeout_s=1.0)
        await station.line.read_until(b"\n", timeout_s=1.0)
    await clock.sleep(for_s)


def test_everything_that_asks_a_person_is_keyed():
    classes = {name: declared.recovery for name, declared in ManualStation.actions.items()}

    assert classes.pop("read_longest_wait") is RecoveryClass.PURE
    assert set(classes.values()) == {RecoveryClass.KEYED}
    assert ManualStation.says_when_it_acts


def test_the_task_bears_the_key_of_the_job():
    async def main(clock: VirtualClock) -> list[tuple[str, str | None]]:
        bench, station = await on_bench(clock)
        readings = await station.perform("carry_out", SWIRL, Ticket(KEY))
        assert readings == (Reading("note", ""), Reading("done_by", "pretend person"))
        return acts_of(bench)

    assert in_virtual_time(main) == [("did", KEY)]


def test_a_person_reads_off_what_is_in_the_vessel():
    async def main(clock: VirtualClock) -> tuple[Reading, ...]:
        bench, station = await on_bench(clock)
        bench.plumbing.pour("vessel", {"x1": 2000.0}, 0.0)
        arguments = {"instruction": "Weigh it.", "within_s": 60.0}
        mass = await station.perform("measure_mass_by_hand", arguments, Ticket("a#1"))
        volume = await station.perform("measure_volume_by_hand", arguments, Ticket("b#1"))
        return (mass[0], volume[0])

    assert in_virtual_time(main) == (Reading("mass_g", 2.1), Reading("volume_ml", 2.0))


def test_a_job_that_is_sent_twice_with_one_key_is_done_once():
    async def main(clock: VirtualClock) -> list[tuple[str, str | None]]:
        bench, station = await on_bench(clock)
        await station.perform("carry_out", SWIRL, Ticket(KEY))
        await station.perform("carry_out", SWIRL, Ticket(KEY))
        return acts_of(bench)

    assert in_virtual_time(main) == [("did", KEY)]


async def settled(station: ManualStation) -> tuple[Verdict, str, tuple[Reading, ...]]:
    found = await station.settle("carry_out", SWIRL, key=KEY, notes=[KEY])
    return found.verdict, found.evidence, found.readings


@pytest.mark.parametrize(
    ("for_s", "verdict", "n_acts"),
    [
        (None, Verdict.DID_NOT_RUN, 0),  # never posted
        (1.0, Verdict.DID_NOT_RUN, 0),  # open
        (6.0, Verdict.RAN, 1),  # taken
        (20.0, Verdict.RAN, 1),  # done
    ],
)
def test_the_board_says_what_became_of_a_job_after_a_crash(
    for_s: float | None, verdict: Verdict, n_acts: int
):
    async def main(clock: VirtualClock) -> tuple[Verdict, int, Verdict]:
        bench, station = await on_bench(clock)
        if for_s is not None:
            await begun(clock, station, for_s)
        found, _, _ = await settled(station)
        await clock.sleep(100.0)
        again, _, _ = await settled(station)
        return found, len(acts_of(bench)), again

    assert in_virtual_time(main) == (verdict, n_acts, verdict)


def test_settling_may_be_cut_off_and_called_again():
    async def main(clock: VirtualClock) -> tuple[Verdict, int]:
        bench, station = await on_bench(clock)
        await begun(clock, station, 6.0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await settled(station)
        found, _, _ = await settled(station)
        return found, len(acts_of(bench))

    assert in_virtual_time(main) == (Verdict.RAN, 1)


def said(do: str, **fields: object) -> tuple[str, str]:
    """Return a question about the task and the board's answer, as a script has them."""
    standing = {"by": "Ana", "recalled": False, "readings": {}, "note": "no", **fields}
    answer = json.dumps({"do": do, "task": KEY, "ok": True, **standing})
    question = json.dumps({"do": do, "task": KEY}, separators=(",", ":"))
    return f"> {question}\\n", f"< {answer}\\n"


async def scripted(clock: VirtualClock, *lines: str) -> ManualStation:
    line = MemoryLine.from_lines(*lines)
    await line.open()
    return ManualStation.from_settings("person", line, clock, {"poll_s": 60.0})


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ("refused", Verdict.DID_NOT_RUN),
        ("partly", Verdict.PARTLY),
        ("withdrawn", Verdict.DID_NOT_RUN),
    ],
)
def test_what_the_person_says_settles_it(state: str, verdict: Verdict):
    async def main(clock: VirtualClock) -> tuple[Verdict, str]:
        station = await scripted(clock, *said("withdraw", state=state))
        found, evidence, _ = await settled(station)
        return found, evidence

    found, evidence = in_virtual_time(main)
    assert found is verdict
    assert KEY in evidence


def test_a_person_who_does_not_answer_leaves_it_open():
    async def main(clock: VirtualClock) -> BaseException:
        taken = said("state", state="taken")
        station = await scripted(clock, *said("withdraw", state="taken"), *taken, *taken, *taken)
        return await error_of(settled(station))

    error = in_virtual_time(main)
    assert isinstance(error, DriverError)
    assert "Ana has taken task" in str(error)


@pytest.mark.parametrize(("state", "acted"), [("refused", False), ("partly", True)])
def test_a_person_may_refuse(state: str, acted: bool):
    async def main(clock: VirtualClock) -> BaseException:
        asked = {"do": "post", "task": KEY, "instruction": SWIRL["instruction"]}
        post = json.dumps({**asked, "asks": [], "within_s": 60.0}, separators=(",", ":"))
        _, answer = said("post", state=state)
        station = await scripted(clock, f"> {post}\\n", answer)
        return await error_of(station.perform("carry_out", SWIRL, Ticket(KEY)))

    error = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert (error.code, error.acted) == (state, acted)
    assert "Ana: no" in str(error)


def test_wrong_numbers_are_not_taken_for_the_right_ones():
    async def main(clock: VirtualClock) -> BaseException:
        answer = said("withdraw", state="done", readings={"volume_ml": 1.0})
        station = await scripted(clock, *answer)
        return await error_of(station.settle("measure_mass_by_hand", SWIRL, key=KEY, notes=[KEY]))

    error = in_virtual_time(main)
    assert isinstance(error, OutcomeUnknown)
    assert "expected ['mass_g']" in str(error)


def test_a_board_that_does_not_answer_the_posting_has_it_withdrawn():
    async def main(clock: VirtualClock) -> tuple[BaseException, int]:
        bench, station = await on_bench(clock, {"kind": "lost", "exchange": 2})
        error = await error_of(station.perform("carry_out", SWIRL, Ticket(KEY)))
        await clock.sleep(100.0)
        return error, len(acts_of(bench))

    error, n_acts = in_virtual_time(main)
    assert isinstance(error, NothingDone)
    assert n_acts == 0


def test_a_board_that_falls_silent_while_a_person_works_is_asked_again():
    async def main(clock: VirtualClock) -> list[tuple[str, str | None]]:
        bench, station = await on_bench(clock, {"kind": "lost", "exchange": 6})
        assert await station.perform("carry_out", SWIRL, Ticket(KEY))
        return acts_of(bench)

    assert in_virtual_time(main) == [("did", KEY)]


def test_a_board_that_is_gone_leaves_it_unknown():
    async def main(clock: VirtualClock) -> BaseException:
        bench, station = await on_bench(clock)
        async with asyncio.TaskGroup() as group:
            work = group.create_task(error_of(station.perform("carry_out", SWIRL, Ticket(KEY))))
            await clock.sleep(7.0)
            await bench.line("tasks").close()
        return work.result()

    error = in_virtual_time(main)
    assert isinstance(error, OutcomeUnknown)
    assert KEY in str(error)


@pytest.mark.parametrize("at_s", [1.0, 8.0])
def test_a_cancelled_job_is_called_off_wherever_it_is(at_s: float):
    async def main(clock: VirtualClock) -> tuple[int, Verdict]:
        bench, station = await on_bench(clock)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(at_s):
                await station.perform("carry_out", SWIRL, Ticket(KEY))
        await clock.sleep(100.0)
        found, _, _ = await settled(station)
        return len(acts_of(bench)), found

    assert in_virtual_time(main) == (0, Verdict.DID_NOT_RUN)


def test_a_stop_is_not_confirmed_while_somebody_is_at_work():
    async def main(clock: VirtualClock) -> BaseException:
        answer = {"do": "stop", "task": "", "ok": True, "open": 0, "taken": 1}
        line = json.dumps({**answer, "longest_wait_s": 9.0})
        station = await scripted(clock, '> {"do":"stop"}\\n', f"< {line}\\n")
        return await error_of(station.make_safe())

    error = in_virtual_time(main)
    assert isinstance(error, OutcomeUnknown)
    assert "asked to stop" in str(error)


@pytest.mark.parametrize("instruction", ["", "   ", "x" * 1001])
def test_an_instruction_needs_words(instruction: str):
    async def main(clock: VirtualClock) -> BaseException:
        station = await scripted(clock)
        arguments = {"instruction": instruction, "within_s": 60.0}
        return await error_of(station.perform("carry_out", arguments))

    assert isinstance(in_virtual_time(main), LimitError)


def test_it_says_that_it_acts_before_the_task_is_posted():
    class Refusing(Ticket):
        async def about_to_act(self, note: str = "") -> None:
            raise NothingDone(f"disk full before {note}")

    async def main(clock: VirtualClock) -> tuple[BaseException, float]:
        _, station = await on_bench(clock)
        error = await error_of(station.perform("carry_out", SWIRL, Refusing(KEY)))
        (reading,) = await station.perform("read_longest_wait", {})
        assert isinstance(reading.value, float)
        return error, reading.value

    error, waited_s = in_virtual_time(main)
    assert isinstance(error, NothingDone)
    assert KEY in str(error)
    assert waited_s == 0.0
