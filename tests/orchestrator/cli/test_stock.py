"""``athanor stock``: what is there, what came, what was counted, what was thrown away."""

import json
import re
from pathlib import Path

import pytest

from orchestrator.cli.app import run
from orchestrator.core.events import LAB_STREAM, StockReceived
from orchestrator.log.sql_log import open_sqlite_log
from tests.support.recorded_campaign import OPENED, RecordedCampaign


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a log with one campaign on a shelf with a liquid and a powder."""
    path = tmp_path / "lab.db"
    log = open_sqlite_log(path)
    RecordedCampaign(log).open()
    shelf = str(log.projection("campaign")[0]["shelf"])
    received = [
        StockReceived(shelf=shelf, stock="Ni", lot="N-1", amount=250.0, unit="ml", purity=0.99),
        StockReceived(shelf=shelf, stock="salt", lot="S-1", amount=12.5, unit="g"),
    ]
    log.append(LAB_STREAM, received, time=OPENED, actor="engine", is_simulated=True)
    log.close()
    monkeypatch.setenv("ATHANOR_ACTOR", "ada")
    monkeypatch.setenv("ATHANOR_DATABASE", str(path))
    return path


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert run(["stock", *arguments, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert isinstance(told, dict)
    return told


@pytest.mark.usefixtures("database")
def test_a_shelf_is_listed_for_people_and_for_scripts(capsys):
    assert run(["stock"]) == 0
    table = capsys.readouterr().out
    assert run(["stock", "list", "--json"]) == 0
    (shelf,) = json.loads(capsys.readouterr().out)

    assert "N-1" in table
    assert "purity 0.99" in table
    assert [(one["stock"], one["available"], one["unit"]) for one in shelf["stocks"]] == [
        ("Ni", 250.0, "ml"),
        ("salt", 12.5, "g"),
    ]
    assert shelf["campaigns"] == ["small-1"]


def test_a_bottle_is_received_counted_and_discarded_under_a_name(capsys, database):
    added = shown(
        capsys, "add", "Ni", "--lot", "N-2", "--volume-ml", "500", "--expires", "2031-01-31"
    )
    counted = shown(capsys, "count", "Ni", "--lot", "N-1", "--volume-ml", "200", "--reason", "eye")
    thrown = shown(capsys, "discard", "Ni", "--lot", "N-2", "--reason", "cloudy")
    powder = shown(capsys, "add", "salt", "--lot", "S-1", "--mass-g", "2.5")

    log = open_sqlite_log(database)
    actors = [record.actor for record in log.read(stream=LAB_STREAM)]
    log.close()
    assert (added["available"], counted["available"], thrown["available"]) == (750.0, 700.0, 200.0)
    assert powder["available"] == 15.0
    assert actors[-5:] == ["engine", *["ada"] * 4]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["add", "Nii", "--lot", "a", "--volume-ml", "1"], "stock: got 'Nii', expected one of Ni"),
        (["add", "Ni", "--lot", "a", "--mass-g", "1"], "unit: got g, expected ml"),
        (["add", "Ni", "--lot", "a"], "got neither of --volume-ml and --mass-g"),
        (["add", "Ni", "--lot", "a", "--volume-ml", "0"], "amount: got 0, expected above 0 ml"),
        (["add", "Ni", "--lot", " ", "--volume-ml", "1"], "lot: got nothing"),
        (
            ["add", "Ni", "--lot", "a", "--volume-ml", "1", "--purity", "2"],
            "purity: got 2, expected above 0 and at most 1",
        ),
        (
            ["add", "Ni", "--lot", "a", "--volume-ml", "1", "--expires", "soon"],
            "--expires: got 'soon', expected a day: 2027-01-31",
        ),
        (
            ["add", "Ni", "--lot", "a", "--volume-ml", "1", "--expires", "2020-01-01"],
            "it has expired",
        ),
        (
            ["count", "Ni", "--lot", "x", "--volume-ml", "1", "--reason", "eye"],
            "lot: got 'x', expected one of N-1",
        ),
        (
            ["count", "Ni", "--lot", "N-1", "--volume-ml", "-1", "--reason", "eye"],
            "amount: got -1, expected 0 ml or more",
        ),
        (["discard", "Ni", "--lot", "N-1", "--reason", " "], "reason: got nothing"),
        (
            ["add", "Ni", "--lot", "a", "--volume-ml", "1", "--shelf", "attic"],
            "shelf: got 'attic', expected one of",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_nothing_is_written(arguments, message, capsys):
    assert run(["stock", *arguments]) == 2

    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_a_dry_run_that_runs_short_goes_on_after_the_refill(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("ATHANOR_ACTOR", "ada")
    monkeypatch.setenv("ATHANOR_DATABASE", str(tmp_path / "lab.db"))
    library = Path("campaigns/library/oer")
    rig, campaign = tmp_path / "rig.toml", tmp_path / "campaign.toml"
    rig.write_text(
        re.sub(r"volume_ml = \d+\.\d+", "volume_ml = 2.0", (library / "oer_rig.toml").read_text())
    )
    campaign.write_text(
        (library / "oer_plate.toml")
        .read_text()
        .replace("max_experiments = 100", "max_experiments = 6")
        .replace('name = "botorch"', 'name = "sobol"')
    )
    wanted = ["run", str(campaign), "--rig", str(rig), "--dry-run"]

    held = run(wanted)
    told = capsys.readouterr().out
    waits = run(["stock"])
    for name in ("x1", "x2", "x3", "x4", "x5", "x6"):
        assert run(["stock", "add", name, "--lot", "second", "--volume-ml", "40"]) == 0
    capsys.readouterr()
    ended = run([*wanted, "--resume"])

    assert (held, waits, ended) == (3, 3, 0)
    assert "cannot start: stock x" in told
    assert "6 experiments were made" in capsys.readouterr().out
