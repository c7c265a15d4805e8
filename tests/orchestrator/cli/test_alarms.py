"""``athanor alarms``: what it prints, what it lets a person say, and what it refuses."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.main import get_command

from drivers.clock import SystemClock
from orchestrator.alarms.desk import AlarmDesk
from orchestrator.cli.alarms import seconds_from
from orchestrator.cli.app import app, run
from orchestrator.core.alarm_kinds import ALARM_KINDS
from orchestrator.core.events import LAB_STREAM, Event, LatchCleared, LatchSet, PlacesLeftUnclean
from orchestrator.core.patience import Patience
from orchestrator.log.sql_log import open_sqlite_log
from tests.support.alarm_bench import write_channels
from tests.support.message_servers import web_hook
from tests.support.recorded_campaign import record_campaign

SMOKE = LatchSet(source="operator", reason="smoke")
UNCLEAN = PlacesLeftUnclean(places=("cell", "cup"), campaign_id="c-1", experiment_id="E0001")


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATHANOR_ACTOR", "ada")
    for name in ("ATHANOR_DATABASE", "ATHANOR_ALARM_CHANNELS"):
        monkeypatch.delenv(name, raising=False)


def happen(path: Path, *events: Event) -> None:
    log = open_sqlite_log(path)
    now = datetime.now(UTC)
    log.append(LAB_STREAM, events, time=now, actor="ada", is_simulated=False)
    AlarmDesk(log, SystemClock(), patience=Patience()).look()
    log.close()


@pytest.fixture
def ringing(tmp_path: Path) -> Path:
    path = tmp_path / "lab.db"
    happen(path, SMOKE, UNCLEAN)
    return path


def alarms(path: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, str]:
    capsys.readouterr()
    assert run(["alarms", "list", "--json", *more, "--database", str(path)]) == 0
    return {one["alarm"]: one["status"] for one in json.loads(capsys.readouterr().out)}


@pytest.mark.parametrize("words", [["alarms"], ["alarms", "list"]])
def test_the_list_says_what_happens_and_what_to_do(ringing, capsys, words):
    assert run([*words, "--database", str(ringing)]) == 0

    text = capsys.readouterr().out
    first, *_ = text.splitlines()
    assert first.startswith("critical  latch  raised")
    assert "if nobody acts: Nothing is sent" in text
    assert "do: Clean it; then: athanor places clean cell" in text


def test_no_alarms_are_said_in_words(tmp_path, capsys):
    open_sqlite_log(tmp_path / "lab.db").close()

    assert run(["alarms", "--database", str(tmp_path / "lab.db")]) == 0

    assert capsys.readouterr().out == "no alarms\n"


def test_a_part_of_the_name_is_enough_to_acknowledge(ringing, capsys):
    assert run(["alarms", "ack", "la", "--reason", "I go", "--database", str(ringing)]) == 0
    assert "latch: now acknowledged" in capsys.readouterr().out

    happen(ringing, LatchCleared(reason="toast"))

    assert "latch" not in alarms(ringing, capsys)
    assert alarms(ringing, capsys, "--all")["latch"] == "normal"


def test_all_alarms_are_acknowledged_at_once(ringing, capsys):
    everybody = ["alarms", "ack", "--all", "--reason", "I am there", "--database", str(ringing)]
    assert run(["alarms", "ack", "latch", "--database", str(ringing)]) == 0
    capsys.readouterr()

    assert run([*everybody, "--json"]) == 0
    said = {one["alarm"]: one["said"] for one in json.loads(capsys.readouterr().out)}
    assert run(everybody) == 0

    assert said == dict.fromkeys(["unclean/cell", "unclean/cup"], "I am there")
    assert capsys.readouterr().out == "no alarm waits for somebody to acknowledge it\n"
    assert set(alarms(ringing, capsys).values()) == {"acknowledged"}


def test_an_alarm_is_shelved_and_taken_from_the_shelf(ringing, capsys):
    shelve = ["alarms", "shelve", "unclean/cup", "--for", "2h", "--reason", "after lunch"]

    assert run([*shelve, "--json", "--database", str(ringing)]) == 0
    assert json.loads(capsys.readouterr().out)["said"] == "after lunch"
    assert alarms(ringing, capsys)["unclean/cup"] == "shelved"
    assert run(["alarms", "unshelve", "cup", "--database", str(ringing)]) == 0
    assert alarms(ringing, capsys)["unclean/cup"] == "raised"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ack", "nothing"], "no alarm 'nothing'; there are: latch, unclean/cell, unclean/cup"),
        (["ack", "unclean"], "several alarms are meant by 'unclean': unclean/cell, unclean/cup"),
        (["ack"], "got neither, expected one of the two"),
        (["ack", "latch", "--all"], "got both, expected one of the two"),
        (["ack", ""], "several alarms are meant by ''"),
        (["unshelve", "latch"], "alarm latch is raised: it cannot be unshelved"),
        (["shelve", "latch", "--for", "25h", "--reason", "x"], "expected a time of up to 24 h"),
        (["shelve", "latch", "--for", "0s", "--reason", "x"], "expected a time of up to 24 h"),
        (["shelve", "latch", "--for", "2h", "--reason", " "], "--reason: got nothing"),
        (["shelve", "latch", "--for", "soon", "--reason", "x"], "expected a time like"),
    ],
)
def test_what_cannot_be_is_refused(ringing, capsys, words, said):
    assert run(["alarms", *words, "--database", str(ringing)]) == 2

    assert said in " ".join(capsys.readouterr().err.split())


@pytest.mark.slow
def test_status_counts_the_alarms(ringing, capsys):
    log = open_sqlite_log(ringing)
    record_campaign(log)
    log.close()

    assert run(["status", "--database", str(ringing)]) == 0
    text = capsys.readouterr().out
    assert run(["status", "--json", "--database", str(ringing)]) == 0

    assert "alarms: 3, the worst critical, 3 not acknowledged" in text
    counts = json.loads(capsys.readouterr().out)["alarms"]
    assert counts == {"active": 3, "unacknowledged": 3, "worst": "critical"}


@pytest.mark.slow
def test_a_channel_is_tested_with_a_real_message(tmp_path, capsys, monkeypatch):
    with web_hook() as hook:
        text = f'[channels.oncall]\nurl = "{hook.url("Hunter2Token")}"\n'
        path = write_channels(tmp_path / "channels.toml", text)
        monkeypatch.setenv("ATHANOR_ALARM_CHANNELS", str(path))

        assert run(["alarms", "test", "oncall"]) == 0
        assert capsys.readouterr().out == "oncall: the message went out\n"
        hook.status = 500
        assert run(["alarms", "test", "oncall"]) == 2
        assert run(["alarms", "test", "boss"]) == 2

    err = capsys.readouterr().err
    assert "the message did not go out" in err
    assert "no channel 'boss'" in err
    assert "Hunter2" not in err
    assert hook.posted[0][1]["title"] == "[test] Athanor"


def test_without_a_file_of_channels_nothing_is_tested(capsys):
    assert run(["alarms", "test", "oncall"]) == 2

    assert "ATHANOR_ALARM_CHANNELS: got nothing" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ALARM_KINDS.values(), ids=lambda kind: kind.name)
def test_every_command_that_an_alarm_names_is_there(kind):
    commands = get_command(app).commands
    for name, inner in re.findall(r"athanor ([a-z-]+)(?: ([a-z]+)\b)?", kind.what_to_do):
        assert name in commands
        below = getattr(commands[name], "commands", {})
        assert not below or not inner or inner in below


@pytest.mark.parametrize(
    ("text", "expected"), [("90s", 90), ("30 min", 1800), ("2h", 7200), ("0.5h", 1800)]
)
def test_times_are_read(text, expected):
    assert seconds_from(text) == expected
