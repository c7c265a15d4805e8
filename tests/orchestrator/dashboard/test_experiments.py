"""The table of experiments, and one of them whole with its corrections."""

import re
from pathlib import Path

import pytest

from orchestrator.core.events import JobSkipped
from orchestrator.log.event_log import EventLog
from tests.support.dashboard import dashboard_of
from tests.support.recorded_campaign import record_campaign

PAGE = "/campaigns/small-1/experiments"


def under_way(log: EventLog) -> None:
    """Record twelve experiments, of which the fifth failed, and one in doubt."""
    campaign = record_campaign(log, ends=False)
    campaign.leave_in_doubt(campaign.start())


def shown(text: str) -> list[str]:
    """Return the experiments of the table in order."""
    return re.findall(r'<th scope="row"><a href="[^"]*">(E\d+)</a>', text)


def test_the_newest_come_first_with_units_and_expectations(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, under_way) as browser:
        text = browser.get(PAGE).text
    assert shown(text)[:2] == ["E0013", "E0012"]
    assert "overpotential (V)" in text
    assert '0.3500<span class="muted"> ± 0.020</span>' in text
    assert "All of it is simulated" in text
    assert 'href="/api/v1/campaigns/small-1/export?format=parquet"' in text


def test_a_heading_sorts_and_turns_round(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, under_way) as browser:
        up = browser.get(f"{PAGE}?order=overpotential_v").text
    assert shown(up)[0] == "E0011"
    assert 'aria-sort="ascending"' in up
    assert "order=-overpotential_v" in up


def test_a_page_leads_to_the_next_without_gap(tmp_path: Path) -> None:
    found: list[str] = []
    address: str | None = f"{PAGE}?limit=5"
    with dashboard_of(tmp_path, under_way) as browser:
        while address is not None:
            text = browser.get(address).text
            found += shown(text)
            following = re.search(r'href="([^"]*)" rel="next"', text)
            address = following[1].replace("&amp;", "&") if following else None
    assert found == [f"E{n:04d}" for n in range(13, 0, -1)]


@pytest.mark.parametrize(
    ("query", "names"),
    [("state=failed", ["E0005"]), ("text=overload", ["E0005"]), ("state=in_doubt", ["E0013"])],
)
def test_it_can_be_narrowed(tmp_path: Path, query: str, names: list[str]) -> None:
    with dashboard_of(tmp_path, under_way) as browser:
        assert shown(browser.get(f"{PAGE}?{query}").text) == names


def test_a_wrong_query_is_named_and_all_are_shown(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, under_way) as browser:
        text = browser.get(f"{PAGE}?order=colour").text
        nothing = browser.get(f"{PAGE}?text=copper").text
    assert "All are shown. order: got" in text
    assert len(shown(text)) == 13
    assert "Nothing fits the filter." in nothing


def test_one_experiment_is_shown_whole(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, under_way) as browser:
        text = browser.get(f"{PAGE}/E0003").text
    assert "proposal 3" in text
    assert "sweep done" in text
    assert "mass 1.25 g" in text
    assert 'name="values.overpotential_v.value"' in text
    assert "data-live" not in text


def test_a_skipped_job_is_shown_with_its_reason(tmp_path: Path) -> None:
    reason = "E0012 was at vessel last and left nothing that spoils"

    def skipped(log: EventLog) -> None:
        campaign = record_campaign(log, ends=False)
        campaign.append(JobSkipped(job_id=f"{campaign.start()}/tare", reason=reason))

    with dashboard_of(tmp_path, skipped) as browser:
        text = browser.get(f"{PAGE}/E0013").text
        found = browser.get("/api/v1/campaigns/small-1/experiments/E0013").json()

    assert re.search(r'tone-neutral">.*?skipped</span>', text)
    assert f'<td class="small">{reason}</td>' in text
    assert "tare was skipped" in text
    (tare,) = [job for job in found["jobs"] if job["name"] == "tare"]
    assert (tare["state"], tare["note"]) == ("skipped", reason)


def test_an_unknown_experiment_is_not_found(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, under_way) as browser:
        assert browser.get(f"{PAGE}/E0999").status_code == 404


def test_an_amended_result_shows_both_values_and_who(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, under_way) as browser:
        answer = browser.act(
            "amend",
            campaign_id="small-1",
            experiment_id="E0003",
            reason="read from the paper",
            **{"values.overpotential_v.value": "0.301", "values.overpotential_v.sd": "0.004"},
        )
        assert answer.status_code == 303
        text = browser.get(f"{PAGE}/E0003").text
    assert '0.3010<span class="muted"> ± 0.0040</span>' in text
    assert "first recorded" in text
    assert "0.4160" in text
    assert "read from the paper (ada)" in text
    assert "result corrected" in text


def test_a_retracted_result_can_only_be_amended_back(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, under_way) as browser:
        browser.act("retract", campaign_id="small-1", experiment_id="E0003", reason="wrong cell")
        text = browser.get(f"{PAGE}/E0003").text
    assert 'action="/acts/retract"' not in text
    assert 'action="/acts/amend"' in text
    assert "result taken back" in text


def test_a_result_by_hand_is_converted_and_marked(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, under_way) as browser:
        assert 'action="/acts/give_result"' in browser.get(f"{PAGE}/E0005").text
        answer = browser.act(
            "give_result",
            campaign_id="small-1",
            experiment_id="E0005",
            reason="measured on the old stand",
            **{"values.overpotential_v.value": "351", "values.overpotential_v.unit": "mV"},
        )
        assert answer.status_code == 303
        text = browser.get(f"{PAGE}/E0005").text
    assert "0.3510" in text
    assert "result given by hand" in text


def test_a_running_experiment_cannot_be_corrected(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, under_way) as browser:
        text = browser.get(f"{PAGE}/E0013").text
    assert "Correct it" not in text
    assert "nobody knows the outcome" in text
