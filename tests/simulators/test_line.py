"""A simulated line keeps to the rules of every line, in virtual time and in real time."""

import asyncio

import pytest

from drivers.clock import Clock, SystemClock, VirtualClock
from drivers.errors import LineError, LineTimeout, OutcomeUnknown, ProtocolError
from simulators.device import Act, Reply
from simulators.line import SimulatedLine
from tests.support.pretend_bench import run_virtually


class Parrot:
    """Repeats every line after a delay."""

    def __init__(self, delay_s: float = 0.5) -> None:
        self.acts: list[Act] = []
        self.delay_s = delay_s
        self.heard: list[bytes] = []

    def receive(self, data: bytes) -> list[Reply]:
        self.heard.append(data)
        return [Reply(data, self.delay_s)] if data.endswith(b"\n") else []


def line_with(parrot: Parrot, clock: Clock, baudrate: int | None = 9600) -> SimulatedLine:
    return SimulatedLine("wire", [parrot], clock, baudrate=baudrate)


def test_request_and_reply_take_their_time_on_the_wire() -> None:
    async def main(clock: VirtualClock) -> tuple[bytes, float]:
        line = line_with(Parrot(), clock)
        await line.open()
        async with line.exchange():
            await line.write(b"hello\n", timeout_s=1.0)
            return await line.read_until(b"\n", timeout_s=1.0), clock.monotonic_s()

    assert run_virtually(main) == (b"hello\n", pytest.approx(0.5 + 2 * 6 * 10 / 9600))


def test_every_device_on_the_wire_hears_every_byte() -> None:
    async def main(clock: VirtualClock) -> list[list[bytes]]:
        parrots = [Parrot(), Parrot()]
        line = SimulatedLine("wire", parrots, clock, baudrate=None)
        await line.open()
        await line.write(b"hi", timeout_s=1.0)
        return [parrot.heard for parrot in parrots]

    assert run_virtually(main) == [[b"hi"], [b"hi"]]


def test_a_closed_line_sends_nothing() -> None:
    async def main(clock: VirtualClock) -> list[bytes]:
        parrot = Parrot()
        line = line_with(parrot, clock)
        with pytest.raises(LineError, match="wire is not open"):
            await line.write(b"hi\n", timeout_s=1.0)
        await line.open()
        await line.open()
        await line.close()
        await line.close()
        with pytest.raises(LineError):
            await line.write(b"hi\n", timeout_s=1.0)
        return parrot.heard

    assert run_virtually(main) == []


def test_a_line_too_slow_for_the_deadline_sends_nothing() -> None:
    async def main(clock: VirtualClock) -> list[bytes]:
        parrot = Parrot()
        line = line_with(parrot, clock, baudrate=10)
        await line.open()
        with pytest.raises(LineTimeout):
            await line.write(b"hello\n", timeout_s=1.0)
        await clock.sleep(60.0)
        return parrot.heard

    assert run_virtually(main) == []


def test_a_missing_reply_is_an_unknown_outcome_and_shows_what_came() -> None:
    async def main(clock: VirtualClock) -> tuple[str, float]:
        line = line_with(Parrot(), clock)
        await line.open()
        async with line.exchange():
            await line.write(b"half\n", timeout_s=1.0)
            with pytest.raises(OutcomeUnknown, match="no whole reply in 3 s") as caught:
                await line.read_until(b"\r\n", timeout_s=3.0)
        return caught.value.evidence, clock.monotonic_s()

    evidence, now_s = run_virtually(main)

    assert "half" in evidence
    assert now_s == pytest.approx(3.0, abs=0.1)


def test_a_late_reply_is_not_taken_for_the_next_answer() -> None:
    async def main(clock: VirtualClock) -> bytes:
        line = line_with(Parrot(delay_s=5.0), clock)
        await line.open()
        async with line.exchange():
            await line.write(b"first\n", timeout_s=1.0)
            with pytest.raises(OutcomeUnknown):
                await line.read_until(b"\n", timeout_s=1.0)
        await clock.sleep(10.0)
        async with line.exchange():
            await line.write(b"second\n", timeout_s=1.0)
            return await line.read_until(b"\n", timeout_s=10.0)

    assert run_virtually(main) == b"second\n"


def test_an_endless_frame_is_refused() -> None:
    async def main(clock: VirtualClock) -> None:
        line = line_with(Parrot(), clock)
        await line.open()
        await line.write(b"x" * 50 + b"\n", timeout_s=1.0)
        with pytest.raises(ProtocolError, match="more than 20 bytes"):
            await line.read_until(b"\n", timeout_s=2.0, max_bytes=20)

    run_virtually(main)


@pytest.mark.parametrize("how", ["close", "unplug"])
def test_a_line_that_goes_down_leaves_the_outcome_unknown(how: str) -> None:
    async def main(clock: VirtualClock) -> float:
        line = line_with(Parrot(), clock)
        await line.open()
        await line.write(b"hello\n", timeout_s=1.0)

        async def cut() -> None:
            await clock.sleep(0.1)
            if how == "close":
                await line.close()
            else:
                line.unplug()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(cut())
            with pytest.raises(OutcomeUnknown, match="went down"):
                await line.read_until(b"\n", timeout_s=60.0)
        return clock.monotonic_s()

    assert run_virtually(main) < 1.0


def test_a_plug_pulled_out_must_be_put_back() -> None:
    async def main(clock: VirtualClock) -> list[bytes]:
        parrot = Parrot()
        line = line_with(parrot, clock)
        await line.open()
        line.unplug()
        with pytest.raises(LineError, match="not open"):
            await line.write(b"hi\n", timeout_s=1.0)
        with pytest.raises(LineError, match="no such port"):
            await line.open()
        line.plug_in()
        await line.open()
        await line.write(b"hi\n", timeout_s=1.0)
        return parrot.heard

    assert run_virtually(main) == [b"hi\n"]


def test_exchanges_wait_for_each_other() -> None:
    async def main(clock: VirtualClock) -> list[bytes]:
        line = line_with(Parrot(), clock)
        await line.open()
        answers: list[bytes] = []

        async def ask(text: bytes) -> None:
            async with line.exchange():
                await line.write(text, timeout_s=1.0)
                answers.append(await line.read_until(b"\n", timeout_s=1.0))

        async with asyncio.TaskGroup() as tasks:
            for text in (b"1\n", b"2\n", b"3\n"):
                tasks.create_task(ask(text))
        return answers

    assert run_virtually(main) == [b"1\n", b"2\n", b"3\n"]


def test_it_works_in_real_time_too() -> None:
    async def main() -> bytes:
        line = line_with(Parrot(delay_s=0.01), SystemClock(), baudrate=None)
        await line.open()
        async with line.exchange():
            await line.write(b"hello\n", timeout_s=5.0)
            answer = await line.read_until(b"\n", timeout_s=5.0)
        await line.close()
        return answer

    assert asyncio.run(main()) == b"hello\n"
