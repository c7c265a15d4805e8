"""What a fresh interpreter has imported after the light commands."""

import json
import subprocess
import sys

import pytest

from tests.support.source_tree import ROOT

HEAVY = ("ax", "botorch", "gpytorch", "numpy", "pandas", "plotly", "prefect", "scipy", "torch")

FRESH = """
import json, sys
sys.argv = ["athanor", *{arguments!r}]
try:
    {statement}
except SystemExit as end:
    code = end.code or 0
else:
    code = 0
print(json.dumps([code, sorted(set({heavy!r}) & set(sys.modules))]), file=sys.__stderr__)
"""


def heavy_modules_after(statement: str, arguments: tuple[str, ...] = ()) -> tuple[int, list[str]]:
    program = FRESH.format(arguments=arguments, statement=statement, heavy=HEAVY)
    report = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    code, found = json.loads(report.stderr.splitlines()[-1])
    return code, found


@pytest.mark.slow
def test_help_imports_nothing_heavy() -> None:
    code, found = heavy_modules_after("from orchestrator.__main__ import main; main()", ("--help",))

    assert code == 0
    assert found == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "module",
    [
        "campaigns",
        "drivers.catalog",
        "drivers.devices.keithley_2450",
        "drivers.instrument",
        "orchestrator",
        "orchestrator.core.events",
        "orchestrator.errors",
        "orchestrator.log.sql_log",
        "orchestrator.settings",
        "simulators",
    ],
)
def test_a_light_module_imports_nothing_heavy(module: str) -> None:
    _, found = heavy_modules_after(f"import {module}")

    assert found == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "module", ["campaigns.loading", "orchestrator.core.decide", "orchestrator.execution.rig"]
)
def test_deciding_needs_no_model(module: str) -> None:
    _, found = heavy_modules_after(f"import {module}")

    assert set(found) <= {"numpy"}
