"""The page of tasks, and the acts that answer them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from drivers.task_board import TaskBoard, TaskState
from orchestrator.access.roles import Role
from tests.support.dashboard import Browser, dashboard_of

KEY = "oer-1/E0003/press#1@20260302T080000000000"


@pytest.fixture
def board(tmp_path: Path) -> TaskBoard:
    """Return a board with one task that asks for a number."""
    made = TaskBoard(tmp_path / "board", SystemClock())
    made.create()
    made.post(KEY, "Press <it> at 2 t", ("mass_g",), 900.0)
    return made


@pytest.fixture
def browser(tmp_path: Path, board: TaskBoard) -> Iterator[Browser]:
    """Give the dashboard that shows the board."""
    with dashboard_of(tmp_path, boards=(tmp_path / "board",)) as found:
        yield found


def test_without_a_board_it_says_how_to_name_one(tmp_path: Path) -> None:
    with dashboard_of(tmp_path) as browser:
        assert "--board FOLDER" in browser.get("/tasks").text


def test_a_task_is_shown_with_its_unit_and_escaped(browser: Browser) -> None:
    text = browser.get("/tasks").text
    assert "Press &lt;it&gt; at 2 t" in text
    assert "mass (g)" in text
    assert "± uncertainty of mass (g)" in text
    assert "nobody yet" in text
    assert 'action="/acts/take_task"' in text
    assert "Task: Press" in browser.get("/lab").text


def test_a_task_is_taken_once(browser: Browser, board: TaskBoard) -> None:
    assert browser.act("take_task", task=KEY).status_code == 303
    assert board.task(KEY).by == "ada"
    with Browser(browser.parts, role=Role.OPERATOR, name="bob") as other:
        assert "ada answers this one" in other.get("/tasks").text
        refused = other.act("take_task", task=KEY)
    assert refused.status_code == 422
    assert "taken by ada" in refused.text


def test_numbers_and_their_uncertainty_are_answered_once_under_one_key(
    browser: Browser, board: TaskBoard
) -> None:
    said = {"values.mass_g": "1.234", "sds.mass_g": "0.002", "reason": "two\nlines"}
    for _ in range(2):
        answer = browser.act("finish_task", key="key-of-this-act", task=KEY, **said)
        assert answer.status_code == 303
    task = board.task(KEY)
    assert (task.state, task.by, dict(task.readings)) == (TaskState.DONE, "ada", {"mass_g": 1.234})
    assert task.note == "two lines (standard uncertainties: mass_g 0.002)"
    assert "No task waits" in browser.get("/tasks").text
    past = browser.get("/tasks?answered=true").text
    assert "1.234" in past
    assert "two lines" in past


def test_an_answer_whose_key_was_lost_is_not_a_second_answer(
    browser: Browser, board: TaskBoard
) -> None:
    for key in ("first-key", "second-key"):
        answer = browser.act("finish_task", key=key, task=KEY, **{"values.mass_g": "1.5"})
        assert answer.status_code == 303
    other = browser.act("finish_task", task=KEY, **{"values.mass_g": "1.6"})
    assert other.status_code == 422
    assert board.task(KEY).readings == {"mass_g": 1.5}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 422),
        ({"values.mass_g": "heavy"}, 409),
        ({"values.mass_g": "nan"}, 409),
        ({"values.mass_g": "1", "values.length_mm": "2"}, 422),
        ({"values.mass_g": "1", "sds.length_mm": "2"}, 409),
        ({"values.mass_g": "1", "sds.mass_g": "-2"}, 409),
    ],
)
def test_wrong_numbers_are_refused(
    browser: Browser, board: TaskBoard, fields: dict[str, str], status: int
) -> None:
    assert browser.act("finish_task", task=KEY, **fields).status_code == status
    assert board.task(KEY).state is TaskState.OPEN


@pytest.mark.parametrize(
    ("is_partly", "state"), [("", TaskState.REFUSED), ("true", TaskState.PARTLY)]
)
def test_refusing_asks_twice_and_wants_a_reason(
    browser: Browser, board: TaskBoard, is_partly: str, state: TaskState
) -> None:
    fields = {"task": KEY, "is_partly_done": is_partly}
    asked = browser.act("refuse_task", is_confirmed=False, **fields)
    assert "the station is told" in asked.text
    assert board.task(KEY).state is TaskState.OPEN
    assert browser.act("refuse_task", **fields).status_code == 422
    assert browser.act("refuse_task", reason="press broken", **fields).status_code == 303
    assert board.task(KEY).state is state
    assert board.task(KEY).note == "press broken"


def test_a_task_of_no_board_is_refused(browser: Browser) -> None:
    answer = browser.act("take_task", task="oer-1/E0099/press#1")
    assert answer.status_code == 409
    assert "stands on no board" in answer.text


def test_what_is_typed_stays_and_a_change_is_told(browser: Browser, board: TaskBoard) -> None:
    page = browser.get("/tasks").text
    address = page.partition('hx-get="')[2].partition('"')[0]
    assert "has changed" not in browser.get(address).text
    board.take(KEY, "bob")
    assert "has changed" in browser.get(address).text


def test_a_damaged_board_is_said_to_be(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "board" / "x.task.json").write_text("{", encoding="utf-8")
    text = browser.get("/tasks").text
    assert "A board cannot be read" in text
    assert "A task board cannot be read" in browser.get("/lab").text


def test_a_viewer_answers_nothing(tmp_path: Path, board: TaskBoard) -> None:
    boards = (tmp_path / "board",)
    with dashboard_of(tmp_path, boards=boards, role=Role.VIEWER) as browser:
        assert browser.act("take_task", task=KEY).status_code == 403
    assert board.task(KEY).state is TaskState.OPEN
