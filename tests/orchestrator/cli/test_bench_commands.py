"""Commands for doubts, latch, instruments, places, backups and units: words, JSON, exit codes."""

import json
from pathlib import Path

import pytest

from orchestrator.cli.app import run
from orchestrator.core.events import LAB_STREAM, InstrumentLost, PlacesLeftUnclean
from orchestrator.log.sql_log import open_sqlite_log
from tests.support.recorded_campaign import RecordedCampaign

LIBRARY = Path(__file__).parents[3] / "campaigns" / "library" / "oer"


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "lab.db"
    log = open_sqlite_log(path)
    campaign = RecordedCampaign(log)
    campaign.open()
    campaign.leave_in_doubt(campaign.start())
    left = PlacesLeftUnclean(places=("cell",), campaign_id="small-1", experiment_id="E0001")
    lost = InstrumentLost(instrument="balance", reason="no reply")
    campaign.append(left, lost, stream=LAB_STREAM)
    log.close()
    monkeypatch.setenv("ATHANOR_ACTOR", "ada")
    monkeypatch.setenv("ATHANOR_DATABASE", str(path))
    return path


def json_of(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, object]:
    code = run([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("database")
def test_a_doubt_is_listed_answered_and_gone(capsys):
    assert run(["doubt", "list"]) == 3
    said = capsys.readouterr()
    assert "no reply in 62 s" in said.out
    assert "volume 600 µl more!" in said.out
    assert "athanor doubt answer" in said.err

    assert run(["doubt", "answer", "E0001/dose", "ran", "--reason", "it is empty"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("small-1 E0001/dose: ran; the sample goes on with sweep")
    assert "athanor resume small-1" in said.err

    assert run(["doubt", "list"]) == 0
    assert capsys.readouterr().out == "no job is in doubt\n"


@pytest.mark.usefixtures("database")
def test_doubts_as_json_name_every_answer(capsys):
    code, (doubt,) = json_of(["doubt", "list"], capsys)

    assert code == 3
    assert set(doubt["answers"]) == {"ran", "did_not_run", "scrap_sample"}
    assert doubt["arguments"] == {"volume_ul": 600.0}


@pytest.mark.usefixtures("database")
def test_an_answer_may_resume(capsys):
    arguments = ["doubt", "answer", "E0001/dose", "did_not_run", "--reason", "full", "--resume"]

    code, facts = json_of(arguments, capsys)

    assert (code, facts["status"], facts["in_doubt"]) == (0, "running", [])


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["doubt", "answer", "E0001/dose", "perhaps", "--reason", "x"], "got 'perhaps', expected"),
        (["doubt", "answer", "E0001/tare", "ran", "--reason", "x"], "is done, not in doubt"),
        (["latch", "clear", "--by", "ada", "--reason", "x"], "the stop latch is not set"),
        (["latch", "--json", "clear", "--by", "ada", "--reason", "x"], "write options behind"),
        (["instruments", "out", "pump_9", "--reason", "x"], "no instrument 'pump_9'"),
        (["instruments", "back", "pump_x1"], "pump_x1 is connected, not out of service"),
        (["places", "clean", "vessel", "--reason", "x"], "vessel: not unclean"),
        (["places", "clean", "cell", "--reason", " "], "--reason: got nothing"),
        (["estop", "--reason", ""], "--reason: got nothing"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message, capsys):
    assert run(arguments) == 2

    assert message in " ".join(capsys.readouterr().err.split())


@pytest.mark.usefixtures("database")
def test_the_latch_is_set_shown_and_cleared_by_name(capsys):
    assert run(["estop", "--reason", "smoke"]) == 0
    said = capsys.readouterr()
    assert said.out == ("stop latch set: operator: smoke; nothing is sent until it is cleared\n")
    assert "no station lives" in said.err

    assert run(["latch"]) == 3
    assert run(["latch", "clear", "--by", "grace", "--reason", "it was toast"]) == 0
    assert "cleared by grace" in capsys.readouterr().out
    assert run(["latch"]) == 0
    capsys.readouterr()
    assert run(["log", "-n", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["actor"] == "grace"


@pytest.mark.usefixtures("database")
def test_instruments_are_listed_taken_out_and_put_back(capsys):
    code, facts = json_of(["instruments"], capsys)
    assert code == 3
    assert {one["name"]: one["status"] for one in facts} == {
        "balance": "lost",
        "pump_x1": "connected",
        "source_meter": "connected",
    }

    assert run(["instruments", "out", "pump_x1", "--reason", "leaks"]) == 0
    assert run(["instruments", "list"]) == 3
    assert "out of service: leaks" in capsys.readouterr().out
    assert run(["instruments", "back", "pump_x1"]) == 0


@pytest.mark.usefixtures("database")
def test_places_are_listed_and_cleaned(capsys):
    code, (place,) = json_of(["places"], capsys)
    assert code == 3
    assert (place["place"], place["campaign_id"], place["experiment_id"]) == (
        "cell",
        "small-1",
        "E0001",
    )
    assert place["since"].startswith("2026-01-01T00:02:30")

    assert run(["places", "clean", "cell", "--reason", "rinsed"]) == 0
    assert "was left so by small-1/E0001" in capsys.readouterr().out
    assert run(["places"]) == 0


@pytest.mark.usefixtures("database")
def test_the_status_shows_the_laboratory_and_tells_by_its_code(capsys):
    assert run(["status"]) == 0
    text = capsys.readouterr().out
    assert "balance lost" in text
    assert "unclean: cell (by E0001)" in text

    code, facts = json_of(["status", "--exit-code"], capsys)
    assert code == 3
    assert facts["needs_person"]
    assert facts["laboratory"]["unclean"][0]["place"] == "cell"
    assert facts["ages_s"]["campaign"] == 0.0


@pytest.mark.usefixtures("database")
def test_a_hold_says_what_it_does_and_that_nobody_is_there(capsys):
    assert run(["resume"]) == 0
    capsys.readouterr()

    assert run(["hold", "--reason", "look first"]) == 0

    said = capsys.readouterr()
    assert said.out == "small-1: hold requested, now unattended\n"
    assert "samples wait as they are" in said.err


def test_a_backup_is_made_once(database, tmp_path, capsys):
    copy = tmp_path / "copy.db"

    code, facts = json_of(["backup", str(copy)], capsys)
    assert code == 0
    assert facts["n_records"] > 10
    assert run(["backup", str(copy)]) == 2
    assert "got a file that is there" in capsys.readouterr().err
    assert run(["audit", "verify", "--database", str(copy)]) == 0
    assert database.exists()


def test_a_unit_is_shown_written_and_removed(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("ATHANOR_ALARM_CHANNELS", raising=False)
    campaign, rig = str(LIBRARY / "oer_plate.toml"), str(LIBRARY / "oer_rig.toml")
    where = ["--database", str(tmp_path / "lab.db")]
    path = tmp_path / "config" / "systemd" / "user" / "athanor-oer-plate.service"

    assert run(["service", "install", campaign, "--rig", rig, *where, "--print"]) == 0
    text, warning = capsys.readouterr()
    assert "ATHANOR_ALARM_CHANNELS is not set: nobody is told" in warning
    assert not path.exists()
    channels = tmp_path / "channels.toml"
    monkeypatch.setenv("ATHANOR_ALARM_CHANNELS", str(channels))
    assert run(["service", "install", campaign, "--rig", rig, *where]) == 0
    assert f"ATHANOR_ALARM_CHANNELS={channels}" in path.read_text()
    assert "ATHANOR_ALARM_CHANNELS" not in text
    said = capsys.readouterr().err
    assert "systemctl --user" in said
    assert "nobody is told" not in said
    assert run(["service", "uninstall", campaign]) == 0
    assert not path.exists()


def test_a_unit_for_files_that_do_not_fit_is_refused(tmp_path, capsys):
    rig = tmp_path / "rig.toml"
    rig.write_text("[rig]\nname = 'x'\n")
    campaign = str(LIBRARY / "oer_plate.toml")

    assert run(["service", "install", campaign, "--rig", str(rig), "--print"]) == 2

    assert "rig.toml: lines" in capsys.readouterr().err


@pytest.mark.slow
def test_a_rig_that_is_not_there_is_told_line_by_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ATHANOR_DATABASE", str(tmp_path / "lab.db"))
    text = (LIBRARY / "oer_rig.toml").read_text(encoding="utf-8")
    rig = tmp_path / "rig.toml"
    rig.write_text(text.replace('host = "192.0.2.10"', 'host = "127.0.0.1"').replace("5025", "1"))

    code, facts = json_of(["rig", "check", str(rig)], capsys)
    assert code == 3
    assert not facts["is_good"]
    assert run(["rig", "check", str(rig)]) == 3
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3
    assert said[0].startswith("line pumps (pump_x1, pump_x2,")
