"""The line to a board: the words of the transcript, and a driver that works through it."""

import asyncio
from pathlib import Path

import pytest

from drivers.card import dialogues_of
from drivers.catalog import line_kind_named
from drivers.clock import SystemClock
from drivers.devices.manual_station import ManualStation
from drivers.dialogue import Dialogue
from drivers.errors import LineError, OutcomeUnknown, RigError
from drivers.instrument import Reading
from drivers.task_board import TaskBoard, TaskState
from drivers.task_board_line import BoardClerk, TaskBoardLine
from drivers.ticket import Ticket, Verdict
from tests.support.virtual_time import in_real_time

DIALOGUES = [
    dialogue
    for dialogue in dialogues_of(ManualStation)
    if not dialogue.is_codec_only and "asked to stop" not in dialogue.title
]
"""A real person answers a recall in their own time, so that one dialogue is the pretend one's."""
PERSON = "pretend person"


def person_acts(board: TaskBoard, key: str) -> None:
    """Take a task, or do what was taken."""
    task = board.task(key)
    if task.state is TaskState.OPEN:
        board.take(key, PERSON)
    else:
        readings = dict.fromkeys(task.asks, 21.0)
        board.answer(key, TaskState.DONE, by=PERSON, readings=readings, note="")


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue.title[:40])
def test_the_board_answers_as_the_transcript(dialogue: Dialogue, tmp_path: Path) -> None:
    board = TaskBoard(tmp_path, SystemClock())
    clerk = BoardClerk(board, SystemClock())
    said = b""

    for frame in dialogue.frames:
        if frame.wait_s:
            person_acts(board, "a#1")
        elif frame.is_from_host:
            said = clerk.answer(frame.data.rstrip(b"\n"))
        else:
            assert said == frame.data


@pytest.mark.parametrize(
    "request_line",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"do":1}',
        b'{"do":"post","task":"a","colour":"red"}',
        b'{"do":"post","task":"a","instruction":"x","asks":["Mass"],"within_s":1.0}',
        b'{"do":"post","task":"a","instruction":"x","asks":[],"within_s":NaN}',
        b'{"do":"post","task":"","instruction":"x","asks":[],"within_s":1.0}',
        b'{"do":"state"}',
        b"\xff\xfe",
    ],
)
def test_nonsense_is_answered_with_an_error(request_line: bytes, tmp_path: Path) -> None:
    clerk = BoardClerk(TaskBoard(tmp_path, SystemClock()), SystemClock())

    answer = clerk.answer(request_line)

    assert b'"ok":false,"error":"' in answer
    assert answer.endswith(b"}\n")
    assert list(tmp_path.iterdir()) == []


def line_to(folder: Path) -> TaskBoardLine:
    line = line_kind_named("task_board").from_settings("tasks", {"folder": folder}, SystemClock())
    assert isinstance(line, TaskBoardLine)
    return line


@pytest.mark.parametrize("settings", [{}, {"folder": "tasks"}, {"folder": "/a", "colour": "red"}])
def test_a_wrong_setting_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(RigError, match=r"lines\.tasks\."):
        TaskBoardLine.from_settings("tasks", settings, SystemClock())


def test_a_closed_line_takes_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        line = line_to(tmp_path / "tasks")
        with pytest.raises(LineError, match="is closed"):
            await line.write(b"{}\n", timeout_s=1.0)
        await line.open()
        await line.open()
        await line.close()
        await line.close()
        with pytest.raises(LineError, match="is closed"):
            await line.write(b"{}\n", timeout_s=1.0)

    in_real_time(main)


def test_a_folder_that_cannot_be_made_is_a_line_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    async def main() -> None:
        with pytest.raises(LineError, match="task board"):
            await line_to(tmp_path / "file" / "tasks").open()

    in_real_time(main)


def test_nothing_asked_is_nothing_answered(tmp_path: Path) -> None:
    async def main() -> None:
        line = line_to(tmp_path)
        await line.open()
        async with line.exchange():
            with pytest.raises(OutcomeUnknown, match="did not answer"):
                await line.read_until(b"\n", timeout_s=0.01)
        await line.close()

    in_real_time(main)


def test_a_person_answers_through_the_files_of_a_real_board(tmp_path: Path) -> None:
    key = "oer-1/E0001/press#1"
    arguments = {"instruction": "Weigh it.", "within_s": 60.0}

    async def person(board: TaskBoard) -> None:
        while board.task(key).state is TaskState.UNKNOWN:  # noqa: ASYNC110 - files ring no bell
            await asyncio.sleep(0.005)
        board.answer(key, TaskState.DONE, by="Ana", readings={"mass_g": 1.25}, note="dry")

    async def main() -> tuple[tuple[Reading, ...], Verdict]:
        line = line_to(tmp_path / "tasks")
        await line.open()
        station = ManualStation.from_settings("person", line, SystemClock(), {"poll_s": 0.1})
        await station.connect()
        board = TaskBoard(tmp_path / "tasks", SystemClock())
        async with asyncio.TaskGroup() as group:
            group.create_task(person(board))
            work = group.create_task(
                station.perform("measure_mass_by_hand", arguments, Ticket(key))
            )
        settled = await station.settle("measure_mass_by_hand", arguments, key=key, notes=[key])
        await line.close()
        return work.result(), settled.verdict

    readings, verdict = in_real_time(main)

    assert readings == (
        Reading("mass_g", 1.25),
        Reading("note", "dry"),
        Reading("done_by", "Ana"),
    )
    assert verdict is Verdict.RAN
