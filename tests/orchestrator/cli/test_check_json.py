"""`athanor check --json` tells scripts what is wrong, key by key."""

import json

from orchestrator.cli.app import run
from tests.support.launching import campaign_text, rig_in


def test_the_mistakes_of_both_files_are_printed_as_json(tmp_path, capsys):
    campaign, rig = tmp_path / "a.toml", rig_in(tmp_path)
    campaign.write_text(campaign_text().replace("in_flight = 2", "in_flight = 0"), encoding="utf-8")
    rig.write_text(rig.read_text(encoding="utf-8").replace('"serial"', '"none"', 1), "utf-8")

    code = run(["check", str(campaign), "--rig", str(rig), "--json"])

    said = capsys.readouterr()
    problems = json.loads(said.out)["problems"]
    assert code == 2
    assert [(one["file"], one["key"], one["got"]) for one in problems] == [
        (str(campaign), "recipe.in_flight", "0"),
        (str(rig), "lines.pumps.kind", "'none'"),
    ]
    assert "recipe.in_flight: got 0" in said.err


def test_a_file_that_is_not_there_is_told_so(tmp_path, capsys):
    assert run(["check", str(tmp_path / "a.toml"), "--json"]) == 2

    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert (problem["key"], problem["expected"]) == ("(file)", "a readable file")
