"""The page of a new campaign: its file is kept, checked and tried, by real processes."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from httpx2 import Response

from orchestrator.access.roles import Role
from orchestrator.service.launching import LaunchDesk, RigOffer
from orchestrator.settings import Settings
from tests.support.dashboard import Browser, dashboard_of, dashboard_parts
from tests.support.launching import campaign_text, rig_in

pytestmark = pytest.mark.slow


@contextmanager
def with_rig(folder: Path, role: Role = Role.OPERATOR) -> Iterator[Browser]:
    """Give a dashboard that may start campaigns on the OER rig."""
    with ExitStack() as stack:
        parts = stack.enter_context(dashboard_parts(folder))
        settings = Settings(database=parts.database, actor="server")
        desk = stack.enter_context(LaunchDesk.open(settings, [RigOffer(rig_in(folder))]))
        yield stack.enter_context(Browser(replace(parts, launcher=desk), role=role, name="ada"))


def post(browser: Browser, address: str, **fields: str) -> Response:
    return browser.post(address, data={"csrf": browser.csrf, **fields})


def keep(browser: Browser, text: str) -> str:
    """Keep a file and return the page that it leads to."""
    answer = post(browser, "/new/files", file_name="oer_plate.toml", text=text, rig="oer-bench")
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("#")[0]


def test_without_a_rig_it_says_how_to_name_one(tmp_path: Path) -> None:
    with dashboard_of(tmp_path) as browser:
        assert "athanor serve --rig RIG" in browser.get("/new").text
        refused = post(browser, "/new/files", text="x", rig="oer-bench")
    assert refused.status_code == 409


def test_a_shipped_campaign_is_something_to_begin_from(tmp_path: Path) -> None:
    with with_rig(tmp_path) as browser:
        text = browser.get("/new?shipped=oer/oer_plate.toml").text
        assert "overpotential_v" in text
        assert "oer_rig.toml" not in text.partition("<select")[2].partition("</select>")[0]
        assert browser.get("/new?shipped=../pyproject.toml").status_code == 409


def test_a_sound_file_says_what_it_takes_and_offers_a_start(tmp_path: Path) -> None:
    with with_rig(tmp_path) as browser:
        text = browser.get(keep(browser, campaign_text())).text
        again = keep(browser, campaign_text(3))

    assert "sound" in text
    assert "USD" in text
    assert "<caption>Stock</caption>" in text
    assert 'action="/acts/start_campaign"' in text
    assert 'action="/new/dry-runs"' in text
    assert "oer_plate%2F2" in again


def test_a_wrong_file_names_each_mistake_and_offers_no_start(tmp_path: Path) -> None:
    with with_rig(tmp_path) as browser:
        wrong = campaign_text().replace("max_experiments = 2", 'max_experiments = "<many>"')
        text = browser.get(keep(browser, wrong)).text

    assert "cannot be used" in text
    assert "max_experiments" in text
    assert "<many>" not in text
    assert 'action="/acts/start_campaign"' not in text


def test_what_is_being_written_is_checked_and_not_kept(tmp_path: Path) -> None:
    with with_rig(tmp_path) as browser:
        fields = {"file_name": "oer_plate.toml", "text": campaign_text(), "rig": "oer-bench"}
        text = post(browser, "/parts/new/check", **fields).text
        launcher = browser.parts.launcher
        assert launcher is not None
        assert launcher.kept() == ()
    assert "sound" in text
    assert "<html" not in text


@pytest.mark.parametrize("name", ["../x.toml", "x.txt", "a/b.toml", ""])
def test_a_name_with_a_path_is_refused(tmp_path: Path, name: str) -> None:
    with with_rig(tmp_path) as browser:
        files = {"upload": (name or "\n", b"[campaign]")}
        answer = browser.post(
            "/new/files", data={"csrf": browser.csrf, "rig": "oer-bench"}, files=files
        )
    assert answer.status_code in (409, 422)


def test_a_viewer_looks_and_keeps_nothing(tmp_path: Path) -> None:
    with with_rig(tmp_path, Role.VIEWER) as browser:
        assert "viewer may not" in browser.get("/new").text
        assert post(browser, "/new/files", text="x").status_code == 403


def test_a_dry_run_goes_to_its_report_which_is_a_stranger(tmp_path: Path) -> None:
    with with_rig(tmp_path) as browser:
        keep(browser, campaign_text())
        begun = post(
            browser, "/new/dry-runs", file="oer_plate/1", rig="oer-bench", max_experiments="1"
        )
        assert begun.status_code == 303
        address = begun.headers["location"]
        dry_run_id = address.rpartition("/")[2]
        launcher = browser.parts.launcher
        assert launcher is not None
        assert "Dry-run of oer_plate/1" in browser.get(address).text
        cancelled = post(browser, f"{address}/cancel")
        view = launcher.dry_run_view(dry_run_id)

        assert cancelled.status_code == 303
        assert view.state in ("cancelled", "done")
        report = browser.get(f"{address}/report")
        if view.has_report:
            assert "sandbox allow-scripts" in report.headers["content-security-policy"]
        else:
            assert report.status_code == 409


def test_a_wrong_number_of_experiments_is_named(tmp_path: Path) -> None:
    with with_rig(tmp_path) as browser:
        keep(browser, campaign_text())
        answer = post(
            browser, "/new/dry-runs", file="oer_plate/1", rig="oer-bench", max_experiments="-1"
        )
    assert answer.status_code == 409
    assert "max_experiments" in answer.text
