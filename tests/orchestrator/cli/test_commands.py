"""Commands that look and ask: what they print, where, and with which exit code."""

import json
from pathlib import Path

import apsw
import pandas as pd
import pytest

from orchestrator.cli.app import run
from orchestrator.log.sql_log import open_sqlite_log
from tests.support.recorded_campaign import RecordedCampaign, record_campaign

PANELS = ("Campaigns", "Safety", "Bench", "Results", "Maintenance")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("finished") / "lab.db"
    log = open_sqlite_log(path)
    record_campaign(log)
    log.close()
    return path


@pytest.fixture
def unfinished(tmp_path: Path) -> Path:
    path = tmp_path / "lab.db"
    log = open_sqlite_log(path)
    campaign = RecordedCampaign(log)
    campaign.open()
    campaign.leave_in_doubt(campaign.start())
    log.close()
    return path


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATHANOR_ACTOR", "ada")
    monkeypatch.delenv("ATHANOR_DATABASE", raising=False)


def test_status_as_json_has_the_promised_keys(finished, capsys):
    assert run(["status", "--json", "--database", str(finished)]) == 0

    facts = json.loads(capsys.readouterr().out)
    promised = {"campaign", "state", "experiments", "in_doubt", "best", "hypervolume"}
    assert promised <= facts.keys()
    assert facts["campaign"] == "small-1"
    assert facts["state"] == "finished"
    assert facts["experiments"]["done"] == 11
    assert facts["in_doubt"] == []
    assert facts["best"]["overpotential_v"]["value"] == pytest.approx(0.352)
    assert facts["hypervolume"] > 0


def test_status_shows_a_doubt_in_words(unfinished, capsys):
    assert run(["status", "--database", str(unfinished)]) == 0

    text = capsys.readouterr().out
    assert "held" in text
    assert "E0001/dose: transfer (volume_ul 600.0) on pump_x1: no reply in 62 s" in text


def test_status_says_what_to_type_for_a_campaign_that_no_engine_drives(unfinished, capsys):
    assert run(["status", "--database", str(unfinished)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert run(["status", "--json", "--database", str(unfinished)]) == 0

    steps = json.loads(capsys.readouterr().out)["next_steps"]
    run_it = f"athanor run CAMPAIGN --rig RIG --dry-run --database {unfinished} --resume"
    assert f"then go on: {run_it} --campaign-id small-1" in steps
    assert set(steps) <= set(shown)


def test_status_of_a_dry_run_tells_no_age_on_two_clocks(finished, capsys):
    assert run(["status", "--database", str(finished)]) == 0

    text = capsys.readouterr().out
    assert "SIMULATED" in text
    assert "station" not in text
    assert "ago" not in text


def test_watching_an_ended_campaign_ends(finished, capsys):
    assert run(["status", "--watch", "--json", "--database", str(finished)]) == 0
    assert run(["status", "--watch", "--database", str(finished)]) == 0

    assert json.loads(capsys.readouterr().out.splitlines()[0])["state"] == "finished"


def test_campaigns_are_listed(finished, capsys):
    assert run(["campaigns", "--json", "--database", str(finished)]) == 0
    (line,) = json.loads(capsys.readouterr().out)
    assert (line["campaign_id"], line["state"], line["n_failed"]) == ("small-1", "finished", 1)

    assert run(["campaigns", "--database", str(finished)]) == 0
    assert "small-1" in capsys.readouterr().out


def test_the_log_is_printed_record_by_record(finished, capsys):
    assert run(["log", "--database", str(finished), "--last", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert "finished by max_experiments" in lines[0]

    assert run(["log", "--database", str(finished), "--json", "--campaign", "small-1"]) == 0
    views = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert views[0]["kind"] == "CampaignOpened"
    assert {view["stream"] for view in views} == {"campaign/small-1"}

    assert run(["log", "small-1", "--database", str(finished), "--json"]) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == views


def test_a_request_is_confirmed_and_says_that_nobody_is_there(unfinished, capsys):
    assert run(["stop", "--reason", "enough", "--database", str(unfinished)]) == 0

    said = capsys.readouterr()
    assert said.out == "small-1: stop requested, now unattended\n"
    assert "no engine is there" in said.err


def test_a_request_to_an_ended_campaign_is_refused(finished, capsys):
    assert run(["pause", "small-1", "--database", str(finished)]) == 2

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "campaign small-1 is finished: it has ended, there is nothing to pause\n"


@pytest.mark.parametrize("verb", ["pause", "hold", "resume", "stop", "abort"])
def test_every_request_needs_an_unfinished_campaign(verb, finished, capsys):
    assert run([verb, "--database", str(finished)]) == 2

    assert "no unfinished campaign" in capsys.readouterr().err


def test_an_export_goes_to_stdout_or_to_a_file(finished, tmp_path, capsys):
    assert run(["export", "--database", str(finished), "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 12

    out = tmp_path / "small.parquet"
    arguments = ["export", "small-1", "--format", "parquet", "--out", str(out)]
    assert run([*arguments, "--database", str(finished)]) == 0
    assert len(pd.read_parquet(out)) == 12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "xlsx"], "--format: got 'xlsx', expected csv, parquet or json"),
        (["--format", "parquet"], "--out: got nothing, expected a file for parquet"),
    ],
)
def test_an_export_that_cannot_be_is_refused(options, message, finished, capsys):
    assert run(["export", "--database", str(finished), *options]) == 2

    assert capsys.readouterr().err.strip() == message


def test_a_report_is_written(finished, tmp_path, capsys):
    out = tmp_path / "deep" / "report.html"

    assert run(["report", "--out", str(out), "--database", str(finished)]) == 0

    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert str(out) in capsys.readouterr().out


def test_a_whole_log_is_verified(finished, capsys):
    assert run(["audit", "verify", "--json", "--database", str(finished)]) == 0

    facts = json.loads(capsys.readouterr().out)
    assert facts["is_whole"]
    assert facts["first_bad_seq"] is None
    assert len(facts["last_hash"]) == 64


def test_a_changed_record_is_named(unfinished, capsys):
    connection = apsw.Connection(str(unfinished))
    triggers = list(connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
    for (name,) in triggers:
        connection.execute(f'DROP TRIGGER "{name}"')
    connection.execute("UPDATE record SET actor = 'eve' WHERE seq = 3")
    connection.close()

    assert run(["audit", "verify", "--database", str(unfinished)]) == 2

    said = capsys.readouterr()
    assert said.out == ""
    assert "record 3 is not what it was" in said.err


@pytest.mark.parametrize(
    "verb", ["status", "campaigns", "log", "export", "report", "pause", "audit verify"]
)
def test_a_log_that_is_not_there_is_refused_in_one_line(verb, tmp_path, capsys):
    path = tmp_path / "none.db"

    assert run([*verb.split(), "--database", str(path)]) == 2

    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert f"{path}: got no such file" in said.err
    assert not path.exists()


@pytest.mark.parametrize("raw", [b"", b"not a database at all" * 400, b"\x00" * 8192])
def test_a_file_that_is_no_log_is_refused_in_one_line(raw, tmp_path, capsys):
    path = tmp_path / "other.db"
    path.write_bytes(raw)

    assert run(["status", "--database", str(path)]) == 2

    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 1
    assert path.read_bytes()[: len(raw)] == raw


def test_an_unknown_variable_is_refused(monkeypatch, capsys):
    monkeypatch.setenv("ATHANOR_DATABSE", "slip.db")

    assert run(["status"]) == 2

    assert "ATHANOR_DATABSE" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["statsu"], ["status", "--jsno"], ["propose", "a", "-n", "0"]]
)
def test_a_slip_on_the_command_line_is_bad_input(arguments, capsys):
    assert run(arguments) == 2

    assert "Usage" in capsys.readouterr().err


@pytest.mark.slow
def test_help_of_every_command_has_an_example(capsys):
    for verb in ("run", "check", "propose", "status", "campaigns", "pause", "resume", "stop"):
        assert run([verb, "--help"]) == 0
        assert "Example" in capsys.readouterr().out
    for verb in ("abort", "hold", "estop", "log", "export", "report", "doctor", "backup"):
        assert run([verb, "--help"]) == 0
        assert "Example" in capsys.readouterr().out
    groups = {
        "audit": ("verify",),
        "doubt": ("list", "answer"),
        "latch": ("clear",),
        "instruments": ("list", "out", "back"),
        "places": ("list", "clean"),
        "rig": ("check",),
        "service": ("install", "uninstall", "keep"),
    }
    for group, verbs in groups.items():
        for verb in verbs:
            assert run([group, verb, "--help"]) == 0
            assert "Example" in capsys.readouterr().out


def test_help_is_in_panels_and_tells_no_type_of_flags(capsys):
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    places = [text.index(f"─ {name} ─") for name in PANELS]
    assert places == sorted(places)

    assert run(["status", "-h"]) == 0
    assert "<bool>" not in capsys.readouterr().out
