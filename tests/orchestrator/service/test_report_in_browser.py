"""The report in a real browser: every figure is drawn, choices work, no other host is asked."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from orchestrator.log.memory_log import MemoryLog
from orchestrator.service.lab import Lab
from orchestrator.service.report import report_html
from tests.support.recorded_campaign import record_campaign

pytestmark = pytest.mark.browser

SCRIPT = """
<script>
const choose = (id, value) => {
  const box = document.getElementById(id);
  box.value = value;
  box.dispatchEvent(new Event("change"));
};
choose("corner-a", "Co");
choose("ternary-colour", "cost_usd_per_mol");
const heading = [...document.querySelectorAll("thead button")]
  .find((button) => button.textContent.startsWith("overpotential"));
const column = () => [...document.querySelectorAll("tbody tr")]
  .map((row) => row.cells[heading.parentNode.cellIndex].dataset.key);
heading.click();
const up = column();
heading.click();
const seen = {
  title: document.getElementById("ternary").layout.ternary.aaxis.title.text,
  scale: document.getElementById("ternary").data[0].marker.colorbar.title.text,
  up, down: column(),
};
const note = document.createElement("pre");
note.id = "seen";
note.textContent = JSON.stringify(seen);
document.body.append(note);
</script>
</body>
"""


@pytest.fixture(scope="module")
def browsed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """Return the page as the browser left it, and the browser's complaints."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("no Chromium on this machine")
    log = MemoryLog()
    campaign = record_campaign(log, n=30, ends=False)
    campaign.leave_in_doubt(campaign.start())
    view = Lab(log, actor="ada", clock=SystemClock(), source="memory").campaign()
    html = report_html(view, made_time=datetime(2026, 5, 1, tzinfo=UTC))
    folder: Path = tmp_path_factory.mktemp("browser")
    page = folder / "report.html"
    page.write_text(html.replace("</body>", SCRIPT), encoding="utf-8")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    options = ["--virtual-time-budget=8000", f"--user-data-dir={folder}", "--dump-dom"]
    done = subprocess.run(
        [*command, *options, page.as_uri()], capture_output=True, text=True, check=True, timeout=90
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_every_figure_is_drawn_without_a_complaint(browsed: tuple[str, list[str]]):
    dom, complaints = browsed

    assert complaints == []
    assert dom.count('class="plot-container plotly"') == 7


def test_the_reader_may_choose_corners_and_colour(browsed: tuple[str, list[str]]):
    (text,) = re.findall(r'<pre id="seen">(.*?)</pre>', browsed[0])
    seen = json.loads(unescape(text))

    assert seen["title"] == "Co"
    assert seen["scale"] == "cost (USD/mol)"


def test_the_table_sorts_both_ways_and_missing_values_stay_last(browsed: tuple[str, list[str]]):
    (text,) = re.findall(r'<pre id="seen">(.*?)</pre>', browsed[0])
    seen = json.loads(unescape(text))

    for rows, is_down in ((seen["up"], False), (seen["down"], True)):
        known = [float(row) for row in rows if row]
        assert known == sorted(known, reverse=is_down)
        assert rows[len(known) :] == [""] * 2
