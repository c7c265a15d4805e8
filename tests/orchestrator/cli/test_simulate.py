"""``athanor simulate`` in a process of its own: what it says, what is left when it is killed."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.clock import SystemClock
from drivers.errors import LineError
from drivers.serial_line import SerialLine
from orchestrator.cli.app import run
from orchestrator.execution.rig import load_rig
from orchestrator.wiring.toml_text import toml_text
from tests.support.driver_rig import rig_of_all_drivers
from tests.support.served_bench import in_sped_up_time, tally_in
from tests.support.source_tree import ROOT
from tests.support.virtual_time import error_or_none

pytestmark = pytest.mark.slow

STROKE = (b"1\r", b"1VOLUL\r", b"1DIRWDR\r", b"1VOL4000\r", b"1RAT100UM\r", b"1RUN\r")
"""Forty minutes at the pump's own idea of a syringe."""

Simulator = Callable[..., tuple["subprocess.Popen[str]", dict[str, Any]]]


@pytest.fixture
def rig_file(tmp_path: Path) -> Path:
    file = tmp_path / "rig.toml"
    file.write_text(toml_text(rig_of_all_drivers(is_served=True)), encoding="utf-8")
    return file


@pytest.fixture
def simulator(rig_file: Path, tmp_path: Path) -> Iterator[Simulator]:
    """Start simulators of one folder and wait until they are ready."""
    started: list[subprocess.Popen[str]] = []

    def start(*options: str) -> tuple["subprocess.Popen[str]", dict[str, Any]]:
        command = [sys.executable, "-m", "orchestrator", "simulate", str(rig_file), "--json"]
        process = subprocess.Popen(
            [*command, "--tally", str(tmp_path / "lab"), "--speed", "20", *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        return process, json.loads(process.stdout.readline())

    yield start
    for process in started:
        process.kill()
        process.communicate()


async def start_stroke(port: str, clock: SystemClock) -> None:
    line = SerialLine.from_settings("pumps", {"port": port, "baudrate": 19200}, clock)
    await line.open()
    for request in STROKE:
        async with line.exchange():
            await line.write(request, timeout_s=2.0)
            reply = await line.read_until(b"\x03", timeout_s=2.0)
    assert b"W" in reply
    await line.close()


def test_a_killed_simulator_leaves_whole_lines_and_comes_back_as_the_same_lab(
    simulator: Simulator, tmp_path: Path
) -> None:
    process, first = simulator()
    rig_text = Path(first["rig"]).read_text(encoding="utf-8")
    in_sped_up_time(lambda clock: start_stroke(first["lines"]["pumps"], clock), speed=20.0)
    process.send_signal(signal.SIGKILL)
    process.wait()

    assert [act["act"] for act in tally_in(tmp_path / "lab", "new_era_ne1000")] == [
        "begin withdrew"
    ]
    _, second = simulator()
    assert second["lines"] == first["lines"]
    assert Path(second["rig"]).read_text(encoding="utf-8") == rig_text
    in_sped_up_time(lambda clock: start_stroke(second["lines"]["pumps"], clock), speed=20.0)
    assert len(tally_in(tmp_path / "lab", "new_era_ne1000")) == 2


def test_the_printed_rig_leads_to_the_bench_and_is_else_as_given(
    simulator: Simulator, rig_file: Path, tmp_path: Path
) -> None:
    _, served = simulator("--rig-out", str(tmp_path / "out.toml"))

    given = tomllib.loads(rig_file.read_text(encoding="utf-8"))
    printed = tomllib.loads((tmp_path / "out.toml").read_text(encoding="utf-8"))
    assert printed == tomllib.loads(Path(served["rig"]).read_text(encoding="utf-8"))
    assert printed.pop("rig") == {**given.pop("rig"), "is_simulated": True}
    assert printed["lines"]["pumps"] == {
        **given["lines"]["pumps"],
        "port": str(tmp_path / "lab" / "lines" / "pumps"),
    }
    assert printed["lines"]["tasks"]["kind"] == "tcp"
    assert load_rig(served["rig"]).header.is_simulated
    host, port = served["lines"]["source_meter"].split(":")
    assert printed["lines"]["source_meter"] == {"kind": "tcp", "host": host, "port": int(port)}
    del printed["lines"], given["lines"]
    assert printed == given


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(
    number: signal.Signals, simulator: Simulator, tmp_path: Path
) -> None:
    process, served = simulator()
    ready = json.loads((tmp_path / "lab" / "ready").read_text(encoding="utf-8"))

    process.send_signal(number)

    assert process.wait() == 0
    assert ready["pid"] == served["pid"] == process.pid
    assert not (tmp_path / "lab" / "ready").exists()
    assert os.listdir(tmp_path / "lab" / "lines") == []
    assert not os.path.lexists(tmp_path / "lab" / "control")


def test_faults_and_refusals_on_the_command_line(
    simulator: Simulator, rig_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "lab")
    _, served = simulator()

    assert run(["simulate-fault", folder, "pumps", "unplug"]) == 0
    gone = asyncio.run(
        error_or_none(
            SerialLine.from_settings(
                "pumps", {"port": served["lines"]["pumps"]}, SystemClock()
            ).open()
        )
    )
    assert isinstance(gone, LineError)
    assert run(["simulate-fault", folder, "pumps", "plug-in"]) == 0
    assert run(["simulate-fault", folder, "keithley_2450", "late", "--delay-s", "3"]) == 0
    capsys.readouterr()
    assert run(["simulate-fault", folder, "pumps", "lost"]) == 2
    assert "expected one of ['new_era_ne1000', 'second_pump']" in capsys.readouterr().err
    assert run(["simulate-fault", folder, "pumps", "explode"]) == 2
    assert "got 'explode'" in capsys.readouterr().err
    assert run(["simulate", str(rig_file), "--tally", folder]) == 2
    assert "is served by another process" in capsys.readouterr().err


def test_nobody_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate-fault", str(tmp_path), "pumps", "unplug"]) == 2
    assert "nobody serves a bench from here" in capsys.readouterr().err


@pytest.mark.parametrize("speed", ["0", "0.5", "1e9"])
def test_an_impossible_speed_is_refused(
    speed: str, rig_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["simulate", str(rig_file), "--tally", str(tmp_path / "lab"), "--speed", speed]

    assert run(command) == 2
    assert "--speed: got" in capsys.readouterr().err


def test_a_rig_without_a_world_cannot_be_simulated(
    rig_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = rig_of_all_drivers(is_served=True)
    del tables["simulation"]
    rig_file.write_text(toml_text(tables), encoding="utf-8")

    assert run(["simulate", str(rig_file), "--tally", str(tmp_path / "lab")]) == 2
    assert "simulation" in capsys.readouterr().err
