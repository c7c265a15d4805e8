"""Files of another program: half written, of another sample, two at once, in odd formats."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drivers.clock import SystemClock, VirtualClock
from drivers.devices.watched_folder import WatchedFolder
from drivers.errors import DeviceFault, LineError, ProtocolError, RigError
from drivers.folder_line import FolderLine
from drivers.ticket import Ticket
from tests.support.virtual_time import error_of, in_virtual_time

PATTERN = "two 1\n# position_deg intensity_counts\n36.0 20\n36.5 25\n"
TICKET = Ticket("oer-plate-1/E0007/pattern#1@20260101T000000000000")


def read_while(
    folder: Path,
    steps: list[tuple[float, Callable[[], object]]],
    *,
    action: str = "read_diffractogram",
    ticket: Ticket | None = None,
    within_s: float = 30.0,
    column: str = "",
    **settings: Any,
) -> Any:
    """Wait for a file while steps are done at their times; return readings or the error."""

    async def main(clock: VirtualClock) -> Any:
        line = FolderLine.from_settings("xrd", {"folder": folder}, clock)
        await line.open()
        table = {"pattern": "*.xy", "settle_s": 3.0, **settings}
        driver = WatchedFolder.from_settings("xrd", line, clock, table)
        await driver.connect()
        loop = asyncio.get_running_loop()
        for at_s, do in steps:
            loop.call_later(at_s, do)
        arguments = {"within_s": within_s} | ({"column": column} if column else {})
        try:
            readings = await driver.perform(action, arguments, ticket)
            return {one.name: one.value for one in readings}
        except (DeviceFault, ProtocolError) as error:
            return error
        finally:
            await line.close()

    return in_virtual_time(main)


def write(path: Path, text: str, mode: str = "w") -> Callable[[], object]:
    def do() -> None:
        with path.open(mode, encoding="utf-8") as file:
            file.write(text)

    return do


def test_a_file_that_is_written_in_pieces_is_read_whole(tmp_path):
    file = tmp_path / "a.xy"
    half = len(PATTERN) // 2
    steps = [(2.0, write(file, PATTERN[:half])), (4.0, write(file, PATTERN[half:], "a"))]

    found = read_while(tmp_path, steps)

    assert found == {"position_deg": (36.0, 36.5), "intensity_counts": (20.0, 25.0)}


def test_yesterdays_file_does_not_count_unless_it_is_written_anew(tmp_path):
    file = tmp_path / "a.xy"
    write(file, PATTERN)()

    late = read_while(tmp_path, [], within_s=10.0)
    anew = read_while(tmp_path, [(2.0, write(file, PATTERN.replace("36.0", "36.1")))])

    assert isinstance(late, DeviceFault)
    assert late.code == "late"
    assert anew["position_deg"][0] == 36.1


def test_what_is_there_counts_where_each_sample_has_its_own_name(tmp_path):
    write(tmp_path / "E0007_xrd.xy", PATTERN)()
    write(tmp_path / "E0008_xrd.xy", PATTERN.replace("36.0", "99"))()

    found = read_while(
        tmp_path, [], ticket=TICKET, pattern="{experiment}*.xy", takes_what_is_there=True
    )

    assert found["position_deg"] == (36.0, 36.5)


def test_two_files_at_once_are_refused(tmp_path):
    steps = [(2.0, write(tmp_path / name, PATTERN)) for name in ("a.xy", "b.xy")]

    error = read_while(tmp_path, steps)

    assert isinstance(error, DeviceFault)
    assert error.code == "several"
    assert "a.xy, b.xy" in error.text


@pytest.mark.parametrize(("sample", "is_right"), [("E0007", True), ("E0008", False)])
def test_the_sample_inside_the_file_must_be_the_one_that_was_asked_for(tmp_path, sample, is_right):
    steps = [(2.0, write(tmp_path / "scan.xy", f"Sample: {sample}\n{PATTERN}"))]

    found = read_while(tmp_path, steps, ticket=TICKET, id_pattern=r"Sample: (\S+)")

    if is_right:
        assert found["intensity_counts"] == (20.0, 25.0)
    else:
        assert isinstance(found, DeviceFault)
        assert "E0008, expected E0007" in found.text


def test_a_number_is_read_from_its_column_with_a_decimal_comma(tmp_path):
    text = "Nr;hardness_hv;load_n\n1;1,5;9,81\n2;212,25;9,81\n"
    steps = [(2.0, write(tmp_path / "h.csv", text))]
    more = {"pattern": "*.csv", "separator": ";", "decimal_comma": True}

    found = read_while(tmp_path, steps, action="read_value", column="hardness_hv", **more)
    missing = read_while(
        tmp_path,
        [(2.0, write(tmp_path / "i.csv", text))],
        action="read_value",
        column="colour_hv",
        **more,
    )

    assert found == {"value": 212.25}
    assert isinstance(missing, ProtocolError)


@pytest.mark.parametrize(
    "text", ["36.0 nan\n", "36.0 20\nbroken row\n", "36.0 20 1\n", "no numbers\n", "36.0 inf\n"]
)
def test_what_is_no_pattern_is_refused(tmp_path, text):
    assert isinstance(read_while(tmp_path, [(2.0, write(tmp_path / "a.xy", text))]), ProtocolError)


def test_an_empty_file_and_a_file_that_grows_for_ever_are_late(tmp_path):
    file = tmp_path / "a.xy"
    growing = [(float(second), write(file, f"36.{second} 1\n", "a")) for second in range(1, 14)]

    empty = read_while(tmp_path, [(1.0, write(tmp_path / "b.xy", ""))], within_s=8.0)
    (tmp_path / "b.xy").unlink()
    endless = read_while(tmp_path, growing, within_s=10.0)

    assert isinstance(empty, DeviceFault)
    assert isinstance(endless, DeviceFault)
    assert (empty.code, endless.code) == ("late", "late")


def test_bytes_that_are_no_text_are_refused(tmp_path):
    def drop() -> None:
        (tmp_path / "a.xy").write_bytes(b"36.0 \xff\n")

    assert isinstance(read_while(tmp_path, [(2.0, drop)]), ProtocolError)


def test_a_folder_that_is_not_there_and_a_path_out_of_it(tmp_path):
    async def main() -> tuple[BaseException, bytes]:
        clock = SystemClock()
        gone = FolderLine.from_settings("xrd", {"folder": tmp_path / "gone"}, clock)
        line = FolderLine.from_settings("xrd", {"folder": tmp_path}, clock)
        await line.open()
        async with line.exchange():
            await line.write(b'{"do":"read","name":"../secret"}\n', timeout_s=1.0)
            said = await line.read_until(b"\n", timeout_s=5.0)
        await line.close()
        return await error_of(gone.open()), said

    error, said = asyncio.run(main())
    assert isinstance(error, LineError)
    assert b'"ok":false' in said
    with pytest.raises(RigError, match="absolute"):
        FolderLine.from_settings("xrd", {"folder": "export"}, SystemClock())
