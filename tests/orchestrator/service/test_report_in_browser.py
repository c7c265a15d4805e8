"""The report in a real browser: every figure is drawn, and nothing is asked of another host."""

import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from orchestrator.log.memory_log import MemoryLog
from orchestrator.service.lab import Lab
from orchestrator.service.report import write_report
from tests.support.recorded_campaign import record_campaign

pytestmark = pytest.mark.browser


def test_every_figure_is_drawn_without_a_complaint(tmp_path: Path):
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("no Chromium on this machine")
    log = MemoryLog()
    campaign = record_campaign(log, n=30, ends=False)
    campaign.leave_in_doubt(campaign.start())
    view = Lab(log, actor="ada", clock=SystemClock(), source="memory").campaign()
    page = write_report(view, tmp_path / "report.html", made_time=datetime(2026, 5, 1, tzinfo=UTC))

    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    options = ["--virtual-time-budget=8000", f"--user-data-dir={tmp_path}", "--dump-dom"]
    done = subprocess.run(
        [*command, *options, page.as_uri()], capture_output=True, text=True, check=True, timeout=90
    )

    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert complaints == []
    figures = re.findall(r'<div class="figure[^"]*" id="([\w-]+)"[^>]*>(.)', done.stdout)
    assert len(figures) == 7
    assert done.stdout.count('class="plot-container plotly"') == 7
