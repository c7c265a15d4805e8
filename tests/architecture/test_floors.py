"""Who may import whom: the contracts hold, and breaking one by hand is caught."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.source_tree import PACKAGES, ROOT

pytestmark = pytest.mark.slow


def run_lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copied_tree(tmp_path: Path) -> Path:
    for package in PACKAGES:
        left_out = shutil.ignore_patterns("__pycache__", "data")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=left_out)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_import_contract_is_kept() -> None:
    report = run_lint_imports(ROOT)

    assert report.returncode == 0, report.stdout + report.stderr


@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        ("drivers/clock.py", "import campaigns.errors", "Two floors"),
        ("simulators/faults.py", "import orchestrator.errors", "Two floors"),
        ("orchestrator/core/decide.py", "import orchestrator.log", "Inside the orchestrator"),
        ("orchestrator/surprise.py", "", "Inside the orchestrator"),
        ("orchestrator/core/front.py", "import torch", "Heavy libraries"),
        ("campaigns/space.py", "import campaigns.spec", "Inside the campaigns"),
        (
            "drivers/devices/keithley_2450/codec.py",
            "import drivers.devices.mettler_toledo_sics.codec",
            "A device never imports another device",
        ),
    ],
)
def test_a_forbidden_import_is_caught(copied_tree: Path, file: str, line: str, broken: str) -> None:
    with (copied_tree / file).open("a", encoding="utf-8") as source:
        source.write(f"\n{line}\n")

    report = run_lint_imports(copied_tree)

    assert report.returncode == 1, report.stdout + report.stderr
    said = [text for text in report.stdout.splitlines() if broken in text]
    assert any("BROKEN" in text for text in said), report.stdout
