"""A conversation pairs replies with requests and gets back into step."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from drivers.clock import VirtualClock
from drivers.errors import LineError, OutcomeUnknown, ProtocolError
from drivers.line import Conversation
from drivers.testing import MemoryLine
from tests.support.virtual_time import error_of, in_virtual_time


class LateLine:
    """A line on which each reply comes so many seconds after its request."""

    name = "late"

    def __init__(self, *delays_s: float) -> None:
        self._delays_s = list(delays_s)
        self._arrived: asyncio.Queue[bytes] = asyncio.Queue()
        self._lock = asyncio.Lock()
        self.n_written = 0

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    @asynccontextmanager
    async def exchange(self) -> AsyncIterator[None]:
        async with self._lock:
            while not self._arrived.empty():
                self._arrived.get_nowait()
            yield

    async def write(self, data: bytes, *, timeout_s: float) -> None:
        self.n_written += 1
        reply = data.strip() + b" answered\n"
        loop = asyncio.get_running_loop()
        loop.call_later(self._delays_s.pop(0), self._arrived.put_nowait, reply)

    async def read_until(
        self, terminator: bytes, *, timeout_s: float, max_bytes: int = 100
    ) -> bytes:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._arrived.get()
        except TimeoutError as error:
            raise OutcomeUnknown("nothing came") from error


def test_a_late_reply_is_not_taken_for_the_next_answer() -> None:
    async def main(clock: VirtualClock) -> bytes:
        talk = Conversation(LateLine(5.0, 0.1), clock, reply_end=b"\n")
        assert isinstance(await error_of(talk.ask(b"one\n", timeout_s=2.0)), OutcomeUnknown)
        assert not talk.is_in_step
        return await talk.ask(b"two\n", timeout_s=2.0)

    assert in_virtual_time(main) == b"two answered\n"


def test_an_urgent_request_does_not_wait_for_silence() -> None:
    async def main(clock: VirtualClock) -> tuple[float, bool]:
        talk = Conversation(LateLine(500.0, 0.1), clock, reply_end=b"\n")
        await error_of(talk.ask(b"one\n", timeout_s=2.0))
        await talk.ask(b"stop\n", timeout_s=2.0, is_urgent=True)
        return clock.monotonic_s(), talk.is_in_step

    took_s, is_in_step = in_virtual_time(main)
    assert took_s == pytest.approx(2.1)
    assert not is_in_step


def test_frames_of_others_are_skipped() -> None:
    async def main(clock: VirtualClock) -> bytes:
        line = MemoryLine.from_lines(r"> 01\r", r"< \x0202S\x03", r"< \x0201S\x03")
        await line.open()
        talk = Conversation(line, clock, reply_end=b"\x03")
        return await talk.ask(b"01\r", timeout_s=1.0, is_reply=lambda f: f.startswith(b"\x0201"))

    assert in_virtual_time(main) == b"\x0201S\x03"


def test_frames_of_others_do_not_stretch_the_deadline() -> None:
    async def main(clock: VirtualClock) -> float:
        line = LateLine(1.5)
        talk = Conversation(line, clock, reply_end=b"\n")
        await error_of(talk.ask(b"one\n", timeout_s=2.0, is_reply=lambda _: False))
        return clock.monotonic_s()

    assert in_virtual_time(main) == pytest.approx(2.0)


def test_an_unreadable_reply_puts_the_conversation_out_of_step() -> None:
    def refuse(frame: bytes) -> bool:
        raise ProtocolError("nonsense", frame)

    async def main(clock: VirtualClock) -> tuple[BaseException, bool]:
        talk = Conversation(LateLine(0.1), clock, reply_end=b"\n")
        error = await error_of(talk.ask(b"one\n", timeout_s=2.0, is_reply=refuse))
        return error, talk.is_in_step

    error, is_in_step = in_virtual_time(main)
    assert isinstance(error, ProtocolError)
    assert not is_in_step


def test_a_line_that_is_down_leaves_the_conversation_in_step() -> None:
    async def main(clock: VirtualClock) -> tuple[BaseException, bool]:
        talk = Conversation(MemoryLine([]), clock, reply_end=b"\n")
        return await error_of(talk.ask(b"one\n", timeout_s=2.0)), talk.is_in_step

    error, is_in_step = in_virtual_time(main)
    assert type(error) is LineError
    assert is_in_step


def test_waiting_for_trust_does_not_hold_the_line() -> None:
    async def main(clock: VirtualClock) -> float:
        line = LateLine(50.0, 0.1, 0.1)
        first, second = (Conversation(line, clock, reply_end=b"\n") for _ in range(2))
        await error_of(first.ask(b"one\n", timeout_s=2.0))
        async with asyncio.TaskGroup() as group:
            group.create_task(first.ask(b"two\n", timeout_s=2.0))
            await asyncio.sleep(0)
            await second.ask(b"three\n", timeout_s=2.0)
            return clock.monotonic_s()

    assert in_virtual_time(main) == pytest.approx(2.1)


def test_a_cancelled_question_puts_the_conversation_out_of_step() -> None:
    async def main(clock: VirtualClock) -> bool:
        talk = Conversation(LateLine(50.0), clock, reply_end=b"\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await talk.ask(b"one\n", timeout_s=100.0)
        return talk.is_in_step

    assert not in_virtual_time(main)


def test_a_reply_that_announces_more_than_the_greatest_length_is_not_waited_for() -> None:
    async def main(clock: VirtualClock) -> tuple[BaseException, bool]:
        line = MemoryLine.from_lines(r"> read\r", r"< 9")
        await line.open()
        talk = Conversation(
            line, clock, reply_end=lambda came: 1 if not came else 10**9, max_bytes=1000
        )
        return await error_of(talk.ask(b"read\r", timeout_s=2.0)), talk.is_in_step

    error, is_in_step = in_virtual_time(main)
    assert isinstance(error, ProtocolError)
    assert not is_in_step


def test_a_slow_device_is_given_time_between_requests() -> None:
    async def main(clock: VirtualClock) -> list[float]:
        line = MemoryLine.from_lines(r"> A\r", r"< a\r", r"> B\r", r"> C\r", r"< c\r")
        await line.open()
        slow = Conversation(line, clock, reply_end=b"\r", gap_s=0.25)
        begun_s = clock.monotonic_s()
        times_s = []
        await slow.ask(b"A\r", timeout_s=1.0)
        times_s.append(clock.monotonic_s() - begun_s)
        await slow.tell(b"B\r")
        times_s.append(clock.monotonic_s() - begun_s)
        await slow.ask(b"C\r", timeout_s=1.0, is_urgent=True)
        times_s.append(clock.monotonic_s() - begun_s)
        return times_s

    assert in_virtual_time(main) == pytest.approx([0.0, 0.25, 0.5])
