"""What a pretend person does, and when."""

import json

import pytest

from drivers.clock import Clock, VirtualClock
from simulators.devices.manual_station import ManualStationDevice
from tests.support.pretend_bench import fittings_of, run_virtually, small_plumbing


def board(clock: Clock) -> ManualStationDevice:
    return ManualStationDevice(fittings_of(clock, plumbing=small_plumbing(), at="vessel"))


def said(device: ManualStationDevice, do: str, **fields: object) -> dict[str, object]:
    request = json.dumps({"do": do, **fields}).encode() + b"\n"
    (reply,) = device.receive(request)
    answer = json.loads(reply.data)
    assert isinstance(answer, dict)
    return answer


def posted(device: ManualStationDevice, key: str, within_s: float = 60.0) -> object:
    fields = {"task": key, "instruction": "Swirl.", "asks": [], "within_s": within_s}
    return said(device, "post", **fields)["state"]


def test_a_task_is_open_then_taken_then_done():
    async def main(clock: VirtualClock) -> list[object]:
        device = board(clock)
        states = [posted(device, "a#1")]
        for wait_s in (4.9, 0.2, 9.8, 0.2):
            await clock.sleep(wait_s)
            states.append(said(device, "state", task="a#1")["state"])
        assert [(act.act, act.job_id) for act in device.acts] == [("did", "a#1")]
        return states

    assert run_virtually(main) == ["open", "open", "taken", "taken", "done"]


def test_a_short_task_is_done_in_its_time():
    async def main(clock: VirtualClock) -> object:
        device = board(clock)
        posted(device, "a#1", within_s=2.0)
        await clock.sleep(1.6)
        return said(device, "state", task="a#1")["state"]

    assert run_virtually(main) == "done"


@pytest.mark.parametrize(
    ("wait_s", "state"), [(1.0, "withdrawn"), (6.0, "refused"), (16.0, "done")]
)
def test_a_stop_ends_what_is_not_done(wait_s: float, state: str):
    async def main(clock: VirtualClock) -> tuple[object, object, int]:
        device = board(clock)
        posted(device, "a#1")
        await clock.sleep(wait_s)
        queue = said(device, "stop")
        await clock.sleep(100.0)
        found = said(device, "state", task="a#1")
        return found["state"], queue["taken"], len(device.acts)

    assert run_virtually(main) == (state, 0, int(state == "done"))


def test_the_queue_tells_the_longest_wait():
    async def main(clock: VirtualClock) -> dict[str, object]:
        device = board(clock)
        posted(device, "a#1")
        await clock.sleep(3.0)
        posted(device, "b#1")
        return said(device, "queue")

    queue = run_virtually(main)
    assert (queue["open"], queue["taken"], queue["longest_wait_s"]) == (2, 0, 3.0)


@pytest.mark.parametrize(
    "request_line", [b"", b"[]", b"{", b"\xff", b'{"do":"state"}', b"[" * 3000]
)
def test_nonsense_is_refused(request_line: bytes):
    async def main(clock: VirtualClock) -> bytes:
        (reply,) = board(clock).receive(request_line + b"\n")
        return reply.data

    assert b'"ok":false' in run_virtually(main)
