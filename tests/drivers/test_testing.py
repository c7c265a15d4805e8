"""The dialogue format and the line that plays it."""

from pathlib import Path

import pytest

from drivers.clock import VirtualClock
from drivers.dialogue import Frame, read_dialogues
from drivers.errors import LineError, OutcomeUnknown
from drivers.testing import MemoryLine
from tests.support.virtual_time import error_of, in_virtual_time

TEXT = r"""# A heading of the file.

# Two frames.
# given {"alarm": "R"}
> 01\r
@ {"address": 1}
< \x0201S\x03
# wait 2.5
< it's "quoted" \\ \x27\n

# codec only
< x
"""


def test_a_file_is_read_dialogue_by_dialogue(tmp_path: Path) -> None:
    path = tmp_path / "thing.txt"
    path.write_text(TEXT, "utf-8")

    first, second = read_dialogues(path)

    assert first.title == "Two frames."
    assert first.given == {"alarm": "R"}
    assert not first.is_codec_only
    assert first.frames == (
        Frame(b"01\r", is_from_host=True, meaning={"address": 1}),
        Frame(b"\x0201S\x03", is_from_host=False),
        Frame(b"", is_from_host=True, wait_s=2.5),
        Frame(b"it's \"quoted\" \\ '\n", is_from_host=False),
    )
    assert second.is_codec_only


def test_a_line_of_no_known_form_is_named(tmp_path: Path) -> None:
    path = tmp_path / "thing.txt"
    path.write_text("> 01\\r\n? what\n", "utf-8")

    with pytest.raises(ValueError, match=r"thing\.txt:2"):
        read_dialogues(path)


def test_the_memory_line_plays_its_script() -> None:
    async def main(clock: VirtualClock) -> tuple[bytes, int]:
        line = MemoryLine.from_lines("> a", "< b;", "> c", "< d;")
        await line.open()
        async with line.exchange():
            await line.write(b"a", timeout_s=1.0)
            reply = await line.read_until(b";", timeout_s=1.0)
        await line.close()
        return reply, line.left

    assert in_virtual_time(main) == (b"b;", 2)


def test_an_unexpected_byte_fails_the_test() -> None:
    async def main(clock: VirtualClock) -> None:
        line = MemoryLine.from_lines("> a")
        await line.open()
        await line.write(b"b", timeout_s=1.0)

    with pytest.raises(AssertionError, match="wrote b'b'"):
        in_virtual_time(main)


def test_a_reply_that_is_not_in_the_script_never_comes() -> None:
    async def main(clock: VirtualClock) -> tuple[BaseException, float]:
        line = MemoryLine.from_lines("> a")
        await line.open()
        await line.write(b"a", timeout_s=1.0)
        error = await error_of(line.read_until(b";", timeout_s=3.0))
        return error, clock.monotonic_s()

    error, took_s = in_virtual_time(main)
    assert isinstance(error, OutcomeUnknown)
    assert took_s == pytest.approx(3.0)


def test_a_closed_memory_line_takes_nothing() -> None:
    async def main(clock: VirtualClock) -> BaseException:
        return await error_of(MemoryLine([]).write(b"a", timeout_s=1.0))

    assert isinstance(in_virtual_time(main), LineError)
