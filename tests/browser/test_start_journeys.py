"""Starting engines from the dashboard, on a simulated bench that is served by another process."""

import os
import signal
from collections.abc import Iterator

import httpx
import psutil
import pytest
from playwright.sync_api import Browser, expect

from orchestrator.access.roles import Role
from orchestrator.service.launching import CampaignText, LaunchDesk, RigOffer
from orchestrator.settings import Settings
from tests.support.browsing import acts_of, at_browser, last_seq, wait_for_record
from tests.support.real_lab import RealLab
from tests.support.served_dashboard import ServedDashboard

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
SPEED = 200.0


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealLab]:
    with RealLab(tmp_path_factory.mktemp("lab"), speed=SPEED, n_experiments=100) as real:
        try:
            yield real
        finally:
            for pid in real.pids():
                os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def served(real: RealLab) -> Iterator[ServedDashboard]:
    with ServedDashboard(real.database, ["--rig", real.rig, "--speed", SPEED]) as served:
        yield served


def start(real: RealLab, served: ServedDashboard) -> None:
    """Have Bob open the campaign by the API, from a file that is kept."""
    settings = Settings(database=real.database, actor="bob")
    text = real.campaign.read_text(encoding="utf-8")
    with LaunchDesk.open(settings, [RigOffer(real.rig, SPEED)]) as desk:
        kept = desk.keep(CampaignText(file_name="oer_plate.toml", text=text), by="bob")
        (rig,) = desk.rigs()
    wanted = {
        "file_id": kept.file_id,
        "file_sha256": kept.sha256,
        "rig": rig.name,
        "rig_sha256": rig.sha256,
        "reason": "to begin with",
    }
    answer = httpx.post(
        f"{served.url}/api/v1/acts/start_campaign",
        json=wanted,
        headers={
            "authorization": f"Bearer {served.token('bob', Role.OPERATOR)}",
            "idempotency-key": "start-0001",
        },
        timeout=60.0,
    )
    assert answer.status_code == 200, answer.text


def kill_engine(real: RealLab) -> None:
    """End the engine and who would start it again, as a power cut of its machine does."""
    for pid in real.pids():
        words = psutil.Process(pid).cmdline() if psutil.pid_exists(pid) else []
        if "run" in words:
            os.kill(pid, signal.SIGKILL)


def test_a_campaign_that_nobody_drives_is_started_again(
    chromium: Browser, real: RealLab, served: ServedDashboard
) -> None:
    start(real, served)
    real.wait_until(lambda: real.n_acts() > 0)
    kill_engine(real)
    with at_browser(chromium, served) as ada:
        page, before = ada.look("/lab"), last_seq(served)
        button = page.get_by_role("button", name="Start it again…").first
        expect(button).to_be_visible(timeout=60_000)
        button.click()
        expect(page.get_by_text("asks the devices what became of the last jobs")).to_be_visible()
        ada.confirm("the power was off")
        ada.told()
        attached = wait_for_record(served, "EngineAttached", before)
        assert attached.stream == "campaign/oer-plate-1"
        wait_for_record(served, "JobStarted", attached.seq)
        assert acts_of(served, "EngineAttached", before, "ada") in ([], [attached])
