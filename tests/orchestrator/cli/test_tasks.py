"""`athanor tasks`: what a person sees and says, and which mistakes are refused."""

import json
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from drivers.task_board import TaskBoard, TaskState
from orchestrator.cli.app import run

KEY = "oer-1/E0001/press#1@20260302T080000000000"
RIG = """
[rig]
name = "by-hand"
[lines.tasks]
kind = "task_board"
folder = "{folder}"
[instruments.person]
driver = "manual_station"
line = "tasks"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    board = TaskBoard(tmp_path / "tasks", SystemClock())
    board.create()
    board.post(KEY, "Press it, then weigh it.", ("mass_g",), 60.0)
    return tmp_path / "tasks"


@pytest.fixture(autouse=True)
def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATHANOR_ACTOR", "ada")


def tasks(folder: Path, *arguments: str) -> int:
    return run(["tasks", *arguments, "--board", str(folder)])


def state_in(folder: Path) -> TaskState:
    return TaskBoard(folder, SystemClock()).task(KEY).state


def test_a_person_sees_what_is_wanted(folder, capsys):
    assert tasks(folder, "list") == 0

    text = capsys.readouterr().out
    assert f"{KEY}  open, 0 s of 60 s" in text
    assert "Press it, then weigh it." in text
    assert "--value mass_g=" in text


def test_a_script_sees_the_same(folder, capsys):
    assert tasks(folder, "list", "--json") == 0

    (task,) = json.loads(capsys.readouterr().out)
    assert (task["task"], task["state"], task["asks"]) == (KEY, "open", ["mass_g"])
    assert (task["within_s"], task["is_late"]) == (60.0, False)


def test_a_task_is_taken_and_done(folder, capsys):
    assert tasks(folder, "take", KEY) == 0
    assert tasks(folder, "done", KEY, "--value", "mass_g=1.23", "--note", "dry") == 0
    said = capsys.readouterr().out
    assert tasks(folder, "list") == 0
    left = capsys.readouterr().out
    assert tasks(folder, "list", "--all", "--json") == 0
    (task,) = json.loads(capsys.readouterr().out)

    assert said == f"{KEY}: taken by ada\n{KEY}: done by ada\n"
    assert left == "no task waits for an answer\n"
    assert (task["by"], task["readings"], task["note"]) == ("ada", {"mass_g": 1.23}, "dry")


@pytest.mark.parametrize(
    ("flags", "state"), [((), TaskState.REFUSED), (("--partly",), TaskState.PARTLY)]
)
def test_a_task_is_refused_with_a_reason(folder, capsys, flags, state):
    assert tasks(folder, "refuse", KEY, "--by", "Ben", "--note", "the press is broken", *flags) == 0

    assert capsys.readouterr().out == f"{KEY}: {state} by Ben\n"
    assert state_in(folder) is state


@pytest.mark.parametrize(
    "name", ["oer-1/E0001/press#1", "oer-1/E0001/press", "E0001/press#1", "E0001/press", "press"]
)
def test_a_shorter_name_means_the_only_task_that_waits(folder, capsys, name):
    board = TaskBoard(folder, SystemClock())
    earlier = "oer-1/E0001/press#1@20260301T080000000000"
    board.post(earlier, "Press it.", (), 60.0)
    board.withdraw(earlier)

    assert tasks(folder, "refuse", name, "--note", "broken") == 0
    assert capsys.readouterr().out == f"{KEY}: refused by ada\n"


def test_a_name_of_several_tasks_is_refused_with_their_keys(folder, capsys):
    other = "oer-2/E0001/press#1@20260302T090000000000"
    TaskBoard(folder, SystemClock()).post(other, "Press it.", (), 60.0)

    assert tasks(folder, "take", "E0001/press") == 2
    assert f"any of {KEY}, {other}; name one" in capsys.readouterr().err
    assert tasks(folder, "take", "oer-1/E0001/press") == 0
    assert tasks(folder, "done", "oer-2/E0001/press") == 0
    assert tasks(folder, "take", "oer-2/E0001/press#1") == 2
    assert "answered by ada: done" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("done", KEY), "values: got [], expected ['mass_g']"),
        (("done", KEY, "--value", "mass_g=heavy"), "--value: got 'mass_g=heavy', expected NAME"),
        (("done", KEY, "--value", "mass_g=nan"), "--value: got 'mass_g=nan', expected NAME"),
        (("done", KEY, "--value", "mass_g"), "--value: got 'mass_g', expected NAME"),
        (("done", KEY, "--value", "mass_g=1", "--value", "mass_g=2"), "got mass_g twice"),
        (("done", KEY, "--value", "mass_kg=1"), "got ['mass_kg'], expected ['mass_g']"),
        (("done", "other#1"), "there is no task other#1"),
        (("refuse", KEY), "note: got nothing, expected some words"),
        (("take", KEY, "--by", ""), "name: got nothing"),
    ],
)
def test_a_mistake_is_one_message_and_nothing_is_kept(folder, capsys, arguments, words):
    assert tasks(folder, *arguments) == 2

    told = capsys.readouterr()
    assert told.out == ""
    assert words in told.err
    assert len(told.err.splitlines()) == 1
    assert state_in(folder) is TaskState.OPEN


def test_the_board_of_a_rig_file_is_found(folder, tmp_path, capsys):
    rig = tmp_path / "rig.toml"
    rig.write_text(RIG.format(folder=folder))

    assert run(["tasks", "list", "--rig", str(rig)]) == 0
    assert KEY in capsys.readouterr().out


def test_a_rig_without_a_board_is_told(capsys):
    rig = "campaigns/library/oer/oer_rig.toml"

    assert run(["tasks", "list", "--rig", rig]) == 2
    assert "got task boards none, expected one line of kind task_board" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [(), ("--board", "a", "--rig", "b")])
def test_exactly_one_board_is_named(capsys, arguments):
    assert run(["tasks", "list", *arguments]) == 2
    assert "expected either --board FOLDER or --rig RIG" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_told_and_not_made(tmp_path, capsys):
    assert tasks(tmp_path / "nowhere", "list") == 2

    assert "expected a folder that is there" in capsys.readouterr().err
    assert not (tmp_path / "nowhere").exists()


def test_late_and_recalled_tasks_stand_out(folder, capsys):
    board = TaskBoard(folder, SystemClock())
    board.post("late#1", "Hurry.", (), 1e-6)
    board.take("late#1", "Ben")
    board.recall("late#1")

    assert tasks(folder, "list", "--json") == 0
    views = {view["task"]: view for view in json.loads(capsys.readouterr().out)}
    assert tasks(folder, "list") == 0

    assert (views["late#1"]["is_late"], views["late#1"]["is_recalled"]) == (True, True)
    assert "STOP: it is not wanted any more" in capsys.readouterr().out
