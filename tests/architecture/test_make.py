"""The Makefile and its scripts: what they say, and that each target works alone."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.source_tree import ROOT, name_of

SCRIPTS = sorted(file for file in (ROOT / ".ci").iterdir() if file.is_file())


def output_of(*command: str, **variables: str) -> tuple[int, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    report = subprocess.run(
        command,
        cwd=ROOT,
        env={**inherited, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return report.returncode, report.stdout + report.stderr


@pytest.mark.parametrize("script", SCRIPTS, ids=name_of)
def test_a_script_can_be_run(script: Path) -> None:
    assert script.read_text(encoding="utf-8").startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in script.read_text(encoding="utf-8")
    assert os.access(script, os.X_OK)
    assert output_of("bash", "-n", str(script)) == (0, "")


def test_a_machine_without_python_is_told_what_is_missing() -> None:
    code, said = output_of(".ci/find-python", PYTHON="no-such-python")

    assert code == 1
    assert "No Python 3.11 or later was found" in said


def test_help_names_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (targets,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)

    code, said = output_of("make", "--no-print-directory", "help")

    assert code == 0
    assert set(re.findall(r"^make ([\w-]+)", said, re.MULTILINE)) == set(targets.split()) - {"help"}


@pytest.mark.parametrize("target", ["setup", "demo", "test", "check", "all"])
def test_a_target_builds_the_environment_first(target: str, tmp_path: Path) -> None:
    code, said = output_of("make", "-n", target, f"VENV={tmp_path}")

    assert code == 0
    assert said.splitlines()[0] == f".ci/set-up {tmp_path}"


def test_the_demo_runs_files_that_exist() -> None:
    _, said = output_of("make", "-n", "demo")

    named = re.findall(r"[\w/]+\.toml", said)
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []
