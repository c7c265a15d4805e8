"""``athanor drivers``: what is installed, the kit, a package of one's own, recordings."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from drivers.catalog import DRIVERS, names
from orchestrator.cli.app import run
from orchestrator.execution.rig import load_rig
from tests.support.source_tree import ROOT

RIG = ROOT / "campaigns" / "library" / "oer" / "oer_rig.toml"


def test_every_driver_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["drivers", "list", "--json"]) == 0
    found = {one["name"]: one for one in json.loads(capsys.readouterr().out)}

    assert set(found) == set(names(DRIVERS))
    pump = found["new_era_ne1000"]
    assert (pump["tier"], pump["level"], pump["problem"]) == ("simulated", "gold", "")
    assert pump["package"].startswith("athanor ")
    assert pump["actions"][0]["name"] == "dispense"


def test_a_driver_is_described_with_limits_and_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["drivers", "describe", "eurotherm_3200"]) == 0
    said = " ".join(capsys.readouterr().out.split())

    assert "limiter of its own" in said
    assert "temperature_c (0 to 1600)" in said
    assert "blind" in said


def test_the_example_rig_of_a_driver_is_a_rig(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in names(DRIVERS):
        assert run(["drivers", "describe", name, "--rig"]) == 0
        file = tmp_path / f"{name}.toml"
        file.write_text(capsys.readouterr().out, encoding="utf-8")
        assert load_rig(file).instruments[name].driver == name


def test_the_kit_says_what_a_driver_reaches(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["drivers", "check", "mettler_toledo_sics"]) == 0
    assert "mettler_toledo_sics: gold (" in capsys.readouterr().out

    assert run(["drivers", "check", "--rig", str(RIG), "--json"]) == 0
    reports = json.loads(capsys.readouterr().out)
    drivers = {"new_era_ne1000", "mettler_toledo_sics", "keithley_2450"}
    assert {one["driver"] for one in reports} == drivers
    assert all(one["reached"] == "gold" for one in reports)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "nope"], "got 'nope'"),
        (["check"], "expected names or --all"),
        (["describe", "nope"], "got 'nope'"),
        (["new", "Not A Name"], "small letters"),
        (["new", "keithley_2450"], "a name that no driver has"),
        (["replay", "keithley_2450", "no.txt"], "no.txt"),
        (["record", "nobody", "--rig", str(RIG), "--out", "x"], "nobody"),
        (["record", "balance", "--rig", str(RIG), "--out", "x", "--do", "dance"], "dance"),
        (["record", "balance", "--rig", str(RIG), "--out", "x", "--do", "tare"], "--may-act"),
    ],
)
def test_a_mistake_is_one_message_and_nothing_is_written(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)

    assert run(["drivers", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_is_recorded_is_replayed_the_same_and_a_changed_digit_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "balance.txt"
    record = ["drivers", "record", "balance", "--rig", str(RIG), "--out", str(file), "--pretend"]

    assert run([*record, "--do", "measure_mass", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n_frames"] > 4
    assert run([*record, "--do", "measure_mass"]) == 2  # it is there already
    assert run(["drivers", "replay", "mettler_toledo_sics", str(file)]) == 0
    assert "same: measure_mass" in capsys.readouterr().out

    text = file.read_text(encoding="utf-8")
    head, mark, reply = text.rpartition("< S S")
    file.write_text(head + mark + reply.replace("0", "7", 1), encoding="utf-8")
    assert run(["drivers", "replay", "mettler_toledo_sics", str(file), "--json"]) == 3
    last = json.loads(capsys.readouterr().out)[-1]
    assert not last["is_same"]
    assert "recorded" in last["detail"]


def test_a_recording_of_a_binary_device_keeps_whole_frames(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rig, file = tmp_path / "rig.toml", tmp_path / "furnace.txt"
    assert run(["drivers", "describe", "eurotherm_3200", "--rig"]) == 0
    rig.write_text(capsys.readouterr().out, encoding="utf-8")

    wish = ["--pretend", "--do", "measure_temperature"]
    arguments = ["--rig", str(rig), "--out", str(file), *wish]
    assert run(["drivers", "record", "eurotherm_3200", *arguments]) == 0
    assert run(["drivers", "replay", "eurotherm_3200", str(file)]) == 0


@pytest.mark.slow
def test_a_package_of_ones_own_is_found_and_passes_the_kit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["drivers", "new", "acme_hotplate", "--folder", str(tmp_path)]) == 0
    assert "drivers check acme_hotplate" in capsys.readouterr().err
    root = tmp_path / "acme_hotplate"
    _install(root)

    checked = _athanor(root, "drivers", "check", "acme_hotplate", "--json")
    (report,) = json.loads(checked.stdout)
    listed = json.loads(_athanor(root, "drivers", "list", "--json").stdout)
    own = next(one for one in listed if one["name"] == "acme_hotplate")

    assert report["reached"] == "gold"
    assert own["package"] == "athanor-acme_hotplate 0.1.0"
    assert run(["drivers", "new", "acme_hotplate", "--folder", str(tmp_path)]) == 2


def _install(root: Path) -> None:
    """Lay the metadata beside the package that an installer would write."""
    info = root / "athanor_acme_hotplate-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: athanor-acme_hotplate\nVersion: 0.1.0\n", encoding="utf-8"
    )
    (info / "entry_points.txt").write_text(
        "[athanor.drivers]\nacme_hotplate = acme_hotplate.driver:AcmeHotplate\n"
        "[athanor.pretend_devices]\nacme_hotplate = acme_hotplate.pretend:AcmeHotplateDevice\n",
        encoding="utf-8",
    )


def _athanor(root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    path = os.pathsep.join([str(root), str(ROOT)])
    return subprocess.run(
        [sys.executable, "-m", "orchestrator", *arguments],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
