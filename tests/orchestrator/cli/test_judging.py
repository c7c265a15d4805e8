"""``candidates``, ``approve``, ``reject``, ``edit``, ``amend``, ``retract``, ``calibrated``."""

import json
from pathlib import Path

import pytest

from orchestrator.cli.app import run
from orchestrator.core.events import CandidatesProposed
from orchestrator.core.point import Candidate, Prediction
from orchestrator.log.sql_log import open_sqlite_log
from tests.support.recorded_campaign import CAMPAIGN_TEXT, RecordedCampaign, record_campaign

RECIPE = '[[recipe.job]]\nname = "make"\ninstrument = "pump_x1"\naction = "transfer"\n'
POINT = {"Ni": 0.5, "Fe": 0.5, "Co": 0.0, "furnace_c": 300.0}


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a log with a campaign of two candidates that wait."""
    path = tmp_path / "lab.db"
    log = open_sqlite_log(path)
    campaign = RecordedCampaign(log)
    campaign.open(CAMPAIGN_TEXT + RECIPE + '[approval]\ngate = "all"\n')
    predicted = {"overpotential_v": Prediction(mean=0.35, sd=0.01)}
    campaign.append(
        CandidatesProposed(
            proposal=1,
            planner="sobol",
            method="initial_design",
            reason="",
            n_observations=0,
            candidates=(
                Candidate(point=POINT, predictions=predicted),
                Candidate(point=POINT | {"furnace_c": 400.0}),
            ),
        )
    )
    log.close()
    monkeypatch.setenv("ATHANOR_ACTOR", "ada")
    monkeypatch.setenv("ATHANOR_DATABASE", str(path))
    return path


@pytest.mark.usefixtures("database")
def test_candidates_are_shown_judged_and_gone(capsys):
    assert run(["candidates"]) == 0
    shown = capsys.readouterr().out
    assert run(["approve", "C0001", "--reason", "fine"]) == 0
    approved = capsys.readouterr()
    assert run(["reject", "C0002", "--reason", "too hot", "--json"]) == 0
    rejected = json.loads(capsys.readouterr().out)
    assert run(["candidates", "--json"]) == 0
    (left,) = json.loads(capsys.readouterr().out)

    assert "Ni=0.5 Fe=0.5 furnace_c=300" in shown
    assert "overpotential_v=0.35±0.01" in shown
    assert "small-1: C0001 approved" in approved.out
    assert "still waiting for approval: C0002" in approved.err
    assert rejected == {"campaign_id": "small-1", "rejected": ["C0002"], "waiting": []}
    assert (left["candidate_id"], left["is_approved"]) == ("C0001", True)


@pytest.mark.usefixtures("database")
def test_an_edit_is_judged(capsys):
    wrong = run(["edit", "C0001", "Ni=0.9", "--reason", "more"])
    told = capsys.readouterr().err
    nonsense = run(["edit", "C0001", "Ni", "--reason", "more"])
    capsys.readouterr()
    right = run(["edit", "C0001", "Ni=0.9, Fe=0.1", "--reason", "more"])

    assert (wrong, nonsense, right) == (2, 2, 0)
    assert "C0001: composition: got 'a sum of 1.4', expected 1" in told
    assert "C0001 edited and approved" in capsys.readouterr().out


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lab.db"
    log = open_sqlite_log(path)
    record_campaign(log)
    log.close()
    monkeypatch.setenv("ATHANOR_ACTOR", "ada")
    monkeypatch.setenv("ATHANOR_DATABASE", str(path))


@pytest.mark.usefixtures("finished")
def test_results_are_amended_and_retracted(capsys):
    amended = run(["amend", "E0002", "overpotential_v=0.2±0.01", "--reason", "a slip"])
    first = capsys.readouterr().out
    retracted = run(["retract", "E0002", "--reason", "the wrong bottle", "--json"])
    second = json.loads(capsys.readouterr().out)
    wrong = run(["amend", "E0002", "colour=1", "--reason", "x"])

    assert (amended, retracted, wrong) == (0, 0, 2)
    assert "E0002 is amended (adhesion_fraction = 0.9, overpotential_v = 0.2): a slip" in first
    assert (second["retracted"], second["reason"]) == (True, "the wrong bottle")
    assert "got 'colour', expected one of overpotential_v" in capsys.readouterr().err


@pytest.mark.usefixtures("finished")
def test_a_calibration_is_written_down(capsys):
    known = run(["calibrated", "balance", "--certificate", "2026-031"])
    told = capsys.readouterr().out
    unknown = run(["calibrated", "balanse"])

    assert (known, unknown) == (0, 2)
    assert told.startswith("balance was calibrated at 2026-")
    assert "no instrument 'balanse' was ever heard of; known: balance" in capsys.readouterr().err


@pytest.mark.usefixtures("database")
def test_an_own_point_is_added_and_shown(capsys):
    point = ["Ni=0.6,Fe=0.4,Co=0", "furnace_c=450"]
    partial = run(["add", "Ni=0.6,Fe=0.3", "furnace_c=450", "--reason", "a hunch"])
    told = capsys.readouterr().err
    twice = run(["add", "Ni=0.6,Ni=0.3", "--reason", "a hunch"])
    capsys.readouterr()
    added = run(["add", *point, "--reason", "a hunch"])
    shown = capsys.readouterr().out
    again = run(["add", *point, "--reason", "a hunch", "--again"])
    refused = capsys.readouterr().err
    assert run(["add", *point[:1], "furnace_c=500", "--reason", "hotter", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert run(["candidates"]) == 0
    listed = capsys.readouterr().out
    assert run(["status"]) == 0

    assert (partial, twice, added, again) == (2, 2, 0, 2)
    assert "Co left out, the others sum to 0.9" in told
    assert "small-1: P0001 added and approved, before C0001, C0002" in shown
    assert "in the queue already, as P0001" in refused
    assert (facts["candidate_id"], facts["added_by"]) == ("P0002", "ada")
    assert facts["point"] == {"Ni": 0.6, "Fe": 0.4, "Co": 0.0, "furnace_c": 500.0}
    assert "own point of ada: a hunch" in listed
    assert "P0001 by ada, P0002 by ada" in capsys.readouterr().out


@pytest.mark.usefixtures("finished")
def test_a_result_is_given_by_hand(capsys):
    wrong = run(["result", "E0005", "overpotential_v=351 mA", "--reason", "by hand"])
    told = capsys.readouterr().err
    there = run(["result", "E0001", "overpotential_v=0.3", "--reason", "by hand"])
    capsys.readouterr()
    command = ["result", "E0005", "overpotential_v=351±2 mV", "adhesion_fraction=90 %"]
    given = run([*command, "--made", "Ni=0.5,Fe=0.5,Co=0", "--reason", "by hand"])
    shown = capsys.readouterr().out
    assert run(["amend", "E0005", "overpotential_v=350 mV", "--reason", "a slip", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)

    assert (wrong, there, given) == (2, 2, 0)
    assert "overpotential_v: got the unit 'mA', expected V or mV" in told
    assert "E0005 is given (adhesion_fraction = 0.9, overpotential_v = 0.351)" in shown
    assert "by hand (composition as given)" in shown
    assert facts["values"] == {"overpotential_v": 0.35, "adhesion_fraction": 0.9}
    assert (facts["made"]["Ni"], facts["amended"]) == (0.5, True)
