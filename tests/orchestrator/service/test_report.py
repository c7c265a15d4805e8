"""The report: whole, safe to open anywhere, and true to the view."""

import json
import re
from datetime import UTC, datetime

import pytest
from plotly.offline import get_plotlyjs

from drivers.clock import SystemClock
from orchestrator.errors import AthanorError
from orchestrator.log.memory_log import MemoryLog
from orchestrator.service.lab import Lab
from orchestrator.service.report import report_html, write_report
from tests.support.recorded_campaign import CAMPAIGN_TEXT, RecordedCampaign, record_campaign

MADE = datetime(2026, 5, 1, tzinfo=UTC)


def view_of(log):
    return Lab(log, actor="ada", clock=SystemClock(), source="memory").campaign()


@pytest.fixture(scope="module")
def view():
    log = MemoryLog()
    campaign = record_campaign(log, n=20, ends=False)
    campaign.leave_in_doubt(campaign.start())
    return view_of(log)


@pytest.fixture(scope="module")
def html(view):
    return report_html(view, made_time=MADE)


def own_part(html: str) -> str:
    """Return the document without plotly's own text."""
    return html.replace(get_plotlyjs(), "")


def test_the_report_asks_no_other_host(html):
    own = own_part(html)

    assert "default-src 'none'" in own
    assert not re.search(r"(src|href)\s*=", own)
    assert "https://" not in own
    assert "http://" not in own


def test_what_people_wrote_cannot_become_markup(html):
    own = own_part(html)

    assert "<b>and</b>" not in own
    assert "&lt;b&gt;and&lt;/b&gt;" in own
    assert "<overload>" not in own


def test_the_figures_stand_in_the_page_as_json(html, view):
    (text,) = re.findall(r'<script type="application/json" id="figures">(.*?)</script>', html)

    found = json.loads(text)

    assert set(found["plots"]) == {
        "front",
        "hypervolume",
        "best-0",
        "best-1",
        "ternary",
        "parallel",
        "timeline",
    }
    assert set(found["fractions"]) == set(view.components)
    for name in found["plots"]:
        assert f'id="{name}"' in html


def test_the_table_has_a_row_for_each_experiment(html, view):
    rows = re.findall(r'<tr class="(\w+)">', html)

    assert len(rows) == view.counts.started
    assert rows.count("front") == len(view.front)


def test_the_report_says_simulated_in_doubt_and_the_hash(html, view):
    assert "Simulated." in html
    assert "E0021/dose" in html
    assert "no reply in 62 s" in html
    assert view.last_hash in html


def test_a_campaign_without_experiments_has_a_report_too():
    log = MemoryLog()
    RecordedCampaign(log).open()

    html = report_html(view_of(log), made_time=MADE)

    assert "None was started yet." in html


def test_a_campaign_whose_experiments_all_failed_has_a_report_too():
    log = MemoryLog()
    campaign = RecordedCampaign(log)
    campaign.open()
    campaign.fail(campaign.start())

    html = report_html(view_of(log), made_time=MADE)

    assert 'id="timeline"' in html
    assert 'id="front"' not in html


def test_a_campaign_of_one_objective_shows_its_best_and_no_front():
    log = MemoryLog()
    campaign = RecordedCampaign(log)
    campaign.open(
        CAMPAIGN_TEXT.replace(
            '[[objective]]\nname = "cost_usd_per_mol"\ndirection = "minimise"\n', ""
        )
    )
    campaign.finish(campaign.start(), 0.31)

    html = report_html(view_of(log), made_time=MADE)

    assert 'id="best-0"' in html
    assert 'id="front"' not in html


def test_a_report_that_cannot_be_written_is_refused(view, tmp_path):
    with pytest.raises(AthanorError, match="cannot be written"):
        write_report(view, tmp_path, made_time=MADE)
