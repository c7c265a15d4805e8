"""The page of the plan, the lines that say why, and the plan for programs."""

from pathlib import Path

from tests.support.dashboard import dashboard_of
from tests.support.planned_bench import record_furnace


def test_the_page_shows_the_chart_the_waits_and_the_end(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, record_furnace) as browser:
        text = browser.get("/plan").text
        part = browser.get("/parts/plan/rigs").text

    assert '<svg class="plan-svg"' in text
    assert "E0001 +1" in text or "E0001 E0002" in text
    assert "no room at furnace: E0001, E0002" in text
    assert "waits for fire of E0003" in part
    assert "5 to come until max_experiments = 8" in part


def test_without_campaigns_the_page_says_so(tmp_path: Path) -> None:
    with dashboard_of(tmp_path) as browser:
        assert "Nothing is to come" in browser.get("/plan").text


def test_a_program_gets_the_plan_and_is_told_of_a_rig_that_is_not_there(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, record_furnace) as browser:
        (plan,) = browser.get("/api/v1/plan?rig=dice").json()
        refused = browser.get("/api/v1/plan?rig=moon")

    waits = {job["job_id"]: job["why"] for job in plan["jobs"] if job["kind"]}
    assert waits["E0003/fire"] == "no room at furnace: E0001, E0002"
    assert refused.status_code == 422
    assert "moon" in refused.text


def test_the_pages_of_campaign_and_experiment_say_why_a_job_waits(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, record_furnace) as browser:
        campaign = browser.get("/campaigns/small-1").text
        experiment = browser.get("/campaigns/small-1/experiments/E0003").text

    assert "What waits, and why" in campaign
    assert "no room at furnace: E0001, E0002" in campaign
    assert "Why not yet: no room at furnace: E0001, E0002" in experiment
