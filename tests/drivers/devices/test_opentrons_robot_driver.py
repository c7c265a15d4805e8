"""The robot: what a run does to matter, every way in which it ends, and what a crash leaves."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from drivers.clock import VirtualClock
from drivers.devices.opentrons_robot import OpentronsRobot
from drivers.errors import DeviceFault, LimitError, NothingDone, OutcomeUnknown, RigError
from drivers.ticket import Ticket, Verdict
from simulators.bench import Bench
from tests.support.driver_rig import bench_of
from tests.support.virtual_time import error_of, in_virtual_time

NAME = "opentrons_robot"
PROTOCOLS = {
    "fill": "# takes 90 s\n# moves 200 ul from x1 to vessel\n",
    "breaks": "# takes 20 s\n# fails: NoTipAttachedError [line 9]\n",
    "long": "# takes 3600 s\n# moves 1000 ul from x1 to vessel\n",
}


class NotingTicket(Ticket):
    def __init__(self) -> None:
        super().__init__("key")
        self.notes: list[str] = []

    async def about_to_act(self, note: str = "") -> None:
        self.notes.append(note)


async def connected(
    clock: VirtualClock, *faults: Mapping[str, object], **settings: Any
) -> tuple[Bench, OpentronsRobot]:
    bench = bench_of(clock, *faults)
    line = bench.line("robot")
    await line.open()
    table = {"protocols": PROTOCOLS, **settings}
    robot = OpentronsRobot.from_settings(NAME, line, clock, table)
    await robot.connect()
    return bench, robot


def held_ul(bench: Bench) -> float:
    bench.settle()
    return bench.plumbing.vessel("vessel").volume_ul


def test_a_run_moves_what_its_protocol_says_and_is_given_to_the_robot_once():
    async def main(clock):
        bench, robot = await connected(clock)
        order = {"protocol": "fill", "within_s": 120.0}
        ids = [(await robot.perform("run_protocol", order))[0].value for _ in range(2)]
        device = bench.device(NAME)
        return ids, held_ul(bench), len(device._protocols)

    ids, volume_ul, n_protocols = in_virtual_time(main)
    assert ids == ["run-1", "run-2"]
    assert volume_ul == pytest.approx(400.0)
    assert n_protocols == 1


@pytest.mark.parametrize(
    ("protocol", "within_s", "code", "words"),
    [("breaks", 60.0, "failed", "NoTipAttachedError"), ("long", 30.0, "late", "running")],
)
def test_a_run_that_fails_or_is_late_is_a_fault_that_has_acted(protocol, within_s, code, words):
    async def main(clock):
        bench, robot = await connected(clock)
        order = {"protocol": protocol, "within_s": within_s}
        error = await error_of(robot.perform("run_protocol", order))
        return error, bench.device(NAME).is_busy

    error, is_busy = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert error.acted
    assert error.code == code
    assert words in error.text
    assert not is_busy


def test_somebody_who_stops_it_at_the_robot_is_told():
    async def main(clock):
        bench, robot = await connected(clock)
        device = bench.device(NAME)
        asyncio.get_running_loop().call_later(40.0, device.power_cycle)
        return await error_of(robot.perform("run_protocol", {"protocol": "fill", "within_s": 99.0}))

    error = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert "no such thing" in error.text  # an OT-2 that was off has forgotten its runs


def test_a_protocol_that_nobody_named_is_refused_before_a_byte_is_sent():
    async def main(clock):
        bench, robot = await connected(clock)
        before = bench.device(NAME).faults.n_requests
        order = {"protocol": "dance", "within_s": 99.0}
        error = await error_of(robot.perform("run_protocol", order))
        return error, bench.device(NAME).faults.n_requests - before

    error, n_requests = in_virtual_time(main)
    assert isinstance(error, LimitError)
    assert n_requests == 0


@pytest.mark.parametrize("exchange", [2, 3, 4])
def test_before_it_is_played_a_lost_answer_is_nothing_done(exchange):
    async def main(clock):
        fault = {"instrument": NAME, "kind": "lost", "exchange": exchange}
        bench, robot = await connected(clock, fault)
        order = {"protocol": "fill", "within_s": 99.0}
        return await error_of(robot.perform("run_protocol", order)), held_ul(bench)

    error, volume_ul = in_virtual_time(main)
    assert isinstance(error, NothingDone)
    assert volume_ul == 0.0


def test_a_lost_answer_to_play_is_a_doubt_and_the_run_is_stopped():
    async def main(clock):
        fault = {"instrument": NAME, "kind": "lost", "exchange": 5}
        bench, robot = await connected(clock, fault)
        error = await error_of(
            robot.perform("run_protocol", {"protocol": "long", "within_s": 9999.0})
        )
        return error, bench.device(NAME).is_busy, held_ul(bench)

    error, is_busy, volume_ul = in_virtual_time(main)
    assert isinstance(error, OutcomeUnknown)
    assert "then it was stopped" in str(error)
    assert not is_busy
    assert 0.0 < volume_ul < 10.0


@pytest.mark.parametrize(
    ("cut_s", "come_back_s", "verdict", "volume_ul"),
    [(30.0, 31.0, Verdict.RAN, 200.0), (30.0, 300.0, Verdict.RAN, 200.0)],
)
def test_after_a_cable_fell_out_the_robot_is_asked_for_that_very_run(
    cut_s, come_back_s, verdict, volume_ul
):
    async def main(clock):
        bench, robot = await connected(clock)
        line, ticket = bench.line("robot"), NotingTicket()
        loop = asyncio.get_running_loop()
        loop.call_later(cut_s, line.unplug)
        order = {"protocol": "fill", "within_s": 120.0}
        error = await error_of(robot.perform("run_protocol", order, ticket))
        await clock.sleep(come_back_s)
        line.plug_in()
        await line.open()
        again = OpentronsRobot.from_settings(NAME, line, clock, {"protocols": PROTOCOLS})
        await again.connect()
        settled = await again.settle("run_protocol", order, key="key", notes=ticket.notes)
        return error, settled, held_ul(bench)

    error, settled, held = in_virtual_time(main)
    assert isinstance(error, OutcomeUnknown)
    assert settled.verdict is verdict
    assert held == pytest.approx(volume_ul)


def test_a_run_that_was_never_played_did_not_run_and_one_that_was_stopped_ran_in_part():
    async def main(clock):
        bench, robot = await connected(clock)
        order = {"protocol": "long", "within_s": 9999.0}
        idle = await robot._made_run("long")
        never = await robot.settle("run_protocol", order, key="", notes=[idle])
        ticket = NotingTicket()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(100.0):
                await robot.perform("run_protocol", order, ticket)
        partly = await robot.settle("run_protocol", order, key="", notes=ticket.notes)
        bench.device(NAME).power_cycle()
        forgotten = await error_of(robot.settle("run_protocol", order, key="", notes=ticket.notes))
        return never.verdict, partly.verdict, forgotten

    never, partly, forgotten = in_virtual_time(main)
    assert never is Verdict.DID_NOT_RUN
    assert partly is Verdict.PARTLY
    assert isinstance(forgotten, DeviceFault)


def test_protocols_come_from_files_that_can_be_read(tmp_path):
    file = tmp_path / "dilution.py"
    file.write_text(PROTOCOLS["fill"], encoding="utf-8")

    async def main(clock):
        bench, robot = await connected(clock, protocols={"dilute": str(file)})
        await robot.perform("run_protocol", {"protocol": "dilute", "within_s": 120.0})
        held = held_ul(bench)
        file.unlink()
        with pytest.raises(RigError) as caught:
            await robot.connect()
        return held, caught.value.key

    held, key = in_virtual_time(main)
    assert held == pytest.approx(200.0)
    assert key == f"instruments.{NAME}.settings.protocols.dilute"


def test_another_robot_than_the_one_on_the_label_is_refused():
    async def main(clock):
        with pytest.raises(RigError) as caught:
            await connected(clock, serial_number="FLXA1020230907001")
        return caught.value.key

    assert in_virtual_time(main).endswith("serial_number")
