"""The board of tasks: who comes first, what is refused, and what stays in its folder."""

import json
import math
import threading
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from drivers.task_board import BoardError, TaskBoard, TaskState

KEY = "oer-1/E0001/press#1"


@pytest.fixture
def board(tmp_path: Path) -> TaskBoard:
    board = TaskBoard(tmp_path / "tasks", SystemClock())
    board.create()
    return board


def posted(board: TaskBoard, key: str = KEY, asks: tuple[str, ...] = ("mass_g",)) -> str:
    board.post(key, "Press it, then weigh it.", asks, 60.0)
    return key


def answered(board: TaskBoard, state: TaskState = TaskState.DONE, **readings: float) -> None:
    board.answer(KEY, state, by="Ana", readings=readings, note="a chip on the rim")


def test_a_task_that_was_never_posted_is_unknown(board):
    assert board.task(KEY).state is TaskState.UNKNOWN


def test_a_task_is_posted_taken_and_done(board):
    posted(board)
    states = [board.task(KEY).state, board.take(KEY, "Ana").state]

    answered(board, mass_g=1.25)

    task = board.task(KEY)
    assert states == [TaskState.OPEN, TaskState.TAKEN]
    assert (task.state, task.by, dict(task.readings)) == (TaskState.DONE, "Ana", {"mass_g": 1.25})
    assert task.note == "a chip on the rim"


def test_posting_twice_is_posting_once(board):
    posted(board)
    first = board.task(KEY).posted_at

    posted(board)

    assert len(board.tasks()) == 1
    assert board.task(KEY).posted_at == first


def test_a_key_names_one_task_for_ever(board):
    posted(board)

    with pytest.raises(BoardError, match="other contents"):
        board.post(KEY, "Something else.", ("mass_g",), 60.0)


def test_another_process_sees_the_same_tasks(board, tmp_path):
    posted(board)
    board.take(KEY, "Ana")

    other = TaskBoard(tmp_path / "tasks", SystemClock())

    assert other.task(KEY) == board.task(KEY)


def test_what_is_taken_is_not_withdrawn(board):
    posted(board)
    board.take(KEY, "Ana")

    assert board.withdraw(KEY).state is TaskState.TAKEN


def test_what_is_withdrawn_is_not_taken(board):
    posted(board)
    board.withdraw(KEY)

    with pytest.raises(BoardError, match="was withdrawn"):
        board.take(KEY, "Ana")
    with pytest.raises(BoardError, match="was withdrawn"):
        answered(board, mass_g=1.0)


def test_of_two_who_reach_for_one_task_exactly_one_gets_it(board):
    for number in range(20):
        key = posted(board, f"race#{number}")
        started = threading.Barrier(2)
        taken: list[bool] = []

        def person(key: str = key, started: threading.Barrier = started) -> None:
            started.wait()
            try:
                board.take(key, "Ana")
                taken.append(True)  # noqa: B023 - the thread ends within the turn
            except BoardError:
                taken.append(False)  # noqa: B023 - the thread ends within the turn

        thread = threading.Thread(target=person)
        thread.start()
        started.wait()
        left = board.withdraw(key)
        thread.join()

        assert taken == [left.state is TaskState.TAKEN]
        assert left.state in (TaskState.TAKEN, TaskState.WITHDRAWN)


def test_two_people_do_not_both_take_one_task(board):
    posted(board)
    board.take(KEY, "Ana")

    with pytest.raises(BoardError, match="taken by Ana"):
        board.take(KEY, "Ben")


def test_a_recalled_task_says_so_and_waits_for_the_person(board):
    posted(board)
    board.take(KEY, "Ana")

    recalled = board.recall(KEY)
    answered(board, TaskState.PARTLY)

    assert (recalled.state, recalled.is_recalled) == (TaskState.TAKEN, True)
    assert board.task(KEY).state is TaskState.PARTLY


def test_recalling_an_open_task_withdraws_it(board):
    posted(board)

    assert board.recall(KEY).state is TaskState.WITHDRAWN


@pytest.mark.parametrize(
    ("readings", "words"),
    [
        ({}, "expected .'mass_g'."),
        ({"mass_g": 1.0, "volume_ml": 2.0}, "got .'mass_g', 'volume_ml'."),
        ({"mass": 1.0}, "got .'mass'."),
        ({"mass_g": math.nan}, "mass_g: got nan, expected a finite number"),
        ({"mass_g": math.inf}, "mass_g: got inf, expected a finite number"),
    ],
)
def test_wrong_numbers_are_refused_and_nothing_is_kept(board, readings, words):
    posted(board)

    with pytest.raises(BoardError, match=words):
        answered(board, **readings)

    assert board.task(KEY).state is TaskState.OPEN


def test_an_unknown_task_cannot_be_answered(board):
    with pytest.raises(BoardError, match="there is no task"):
        answered(board, mass_g=1.0)


def test_a_second_answer_is_refused(board):
    posted(board)
    answered(board, mass_g=1.0)

    with pytest.raises(BoardError, match="answered by Ana: done"):
        answered(board, mass_g=2.0)
    assert board.task(KEY).readings == {"mass_g": 1.0}


def test_a_refusal_needs_a_reason(board):
    posted(board)

    with pytest.raises(BoardError, match="note: got nothing"):
        board.answer(KEY, TaskState.REFUSED, by="Ana", readings={}, note="")


@pytest.mark.parametrize(
    "key", ["../../escape", "/etc/passwd", "..", ".", "a/../../b", "nul\0byte", "naïve ключ", "~x"]
)
def test_no_key_leaves_the_folder(board, tmp_path, key):
    posted(board, key)

    assert board.task(key).state is TaskState.OPEN
    assert [path.name for path in tmp_path.iterdir()] == ["tasks"]
    assert [task.key for task in board.tasks()] == [key]


@pytest.mark.parametrize("key", ["", "k" * 201, "#" * 70])
def test_a_key_that_makes_no_file_name_is_refused(board, key):
    with pytest.raises(BoardError, match="task key"):
        posted(board, key)


def test_a_damaged_file_is_told_and_not_guessed(board, tmp_path):
    posted(board)
    (file,) = (tmp_path / "tasks").glob("*.task.json")
    file.write_bytes(file.read_bytes()[:-5])

    with pytest.raises(BoardError, match="is damaged"):
        board.task(KEY)


def test_a_file_of_another_task_is_told(board, tmp_path):
    posted(board)
    posted(board, "other#1")
    (file,) = (tmp_path / "tasks").glob("other*.task.json")
    kept = json.loads(file.read_text())
    file.write_text(json.dumps({**kept, "key": KEY}))

    with pytest.raises(BoardError, match="holds task"):
        board.task("other#1")
    with pytest.raises(BoardError, match="does not hold"):
        board.tasks()


def test_what_was_being_written_when_the_machine_died_does_not_count(board, tmp_path):
    (tmp_path / "tasks" / ".writing-abc").write_text('{"key":')
    posted(board)

    assert [task.key for task in board.tasks()] == [KEY]
    assert not [p for p in (tmp_path / "tasks").glob(".writing-*") if p.name != ".writing-abc"]


def test_a_folder_that_is_gone_is_told(board, tmp_path):
    (tmp_path / "tasks").rmdir()

    with pytest.raises(BoardError, match="No such file"):
        posted(board)


def test_what_waits_is_found_without_what_is_answered(board, tmp_path):
    for key in ("open#1", "taken#1", "withdrawn#1", KEY):
        posted(board, key)
    board.take("taken#1", "Ana")
    board.withdraw("withdrawn#1")
    answered(board, mass_g=1.0)
    (answered_file,) = (tmp_path / "tasks").glob("oer*.task.json")
    answered_file.write_bytes(b"damaged")

    waiting = board.tasks(with_answered=False)

    assert [task.key for task in waiting] == ["open#1", "taken#1"]
