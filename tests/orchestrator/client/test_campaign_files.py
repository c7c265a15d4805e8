"""A script brings a campaign file, checks it, tries it, and starts it: over real sockets."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

import httpx2
import pytest

from orchestrator.access.roles import Role, Scope
from orchestrator.client import Athanor, Refused
from orchestrator.dashboard.api.launch_models import DryRunWanted
from orchestrator.service.launching import CampaignText, LaunchDesk
from tests.support.dashboard import dashboard_parts
from tests.support.launching import campaign_source, desk_in
from tests.support.web_server import web_server

pytestmark = pytest.mark.slow


@dataclass
class Served:
    """A server that starts campaigns, and a client of it."""

    desk: LaunchDesk
    url: str
    token: str
    reader: str


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with desk_in(tmp_path) as desk, dashboard_parts(tmp_path) as parts:
        whole = replace(parts, launcher=desk)
        whole.keys.add_account("ada", Role.OPERATOR, by="test")
        token = whole.keys.make_token("ada", label="all", scopes=list(Role.OPERATOR.scopes), by="t")
        reader = whole.keys.make_token("ada", label="looks", scopes=[Scope.READ], by="test")
        with web_server(whole) as url:
            yield Served(desk, url, token, reader)


def test_a_script_does_what_the_page_does(served: Served) -> None:
    with Athanor(served.url, served.token) as lab:
        files = lab.campaign_files
        (rig,) = files.rigs()
        source = campaign_source(2)
        wrong = CampaignText(
            file_name="oer_plate.toml", text=source.text.replace("pump_waste", "pump_waist")
        )

        mistaken = files.check(wrong, rig.name)
        assert mistaken.state == "wrong"
        assert any("pump_waste" in one.message for one in mistaken.problems), "a better name"
        assert files.kept() == ()

        sound = files.check(source, rig.name)
        assert sound.state == "sound"
        assert sound.outlook is not None
        assert sound.outlook.bench is not None
        assert sound.outlook.bench.n_experiments == 2

        done = files.keep(source, key="keep-0001")
        again = files.keep(source, key="keep-0001")
        assert (done.kept.file_id, done.was_done_before) == ("oer_plate/1", False)
        assert (again.kept.file_id, again.was_done_before) == ("oer_plate/1", True)
        assert [one.file_id for one in files.kept()] == ["oer_plate/1"]
        assert files.text_of("oer_plate/1").text == source.text
        check = files.check_kept("oer_plate/1", rig.name)
        assert check.file_sha256 == done.kept.sha256

        wanted = DryRunWanted(file_id="oer_plate/1", rig=rig.name, seed=3, max_experiments=1)
        asked = files.dry_run(wanted, key="dry-run-1")
        assert files.dry_run(wanted, key="dry-run-1").was_done_before
        assert len(files.dry_runs()) == 1
        name = asked.dry_run.dry_run_id
        for _ in range(600):
            if files.dry_run_state(name).is_over:
                break
            Event().wait(0.1)
        view = files.dry_run_state(name)
        assert (view.state, view.n_done) == ("done", 1)
        assert re.search(rb"<html", files.report(name))
        assert files.end_dry_run(name).dry_run.state == "done", "it stays as it is"


def test_what_is_not_there_or_not_allowed_is_refused(served: Served) -> None:
    with Athanor(served.url, served.token) as lab:
        files = lab.campaign_files
        for look in (
            lambda: files.text_of("nothing/1"),
            lambda: files.check_kept("nothing/1", "oer-bench"),
            lambda: files.dry_run_state("D0001"),
            lambda: files.report("D0001"),
            lambda: files.end_dry_run("D0001"),
        ):
            with pytest.raises(Refused) as caught:
                look()
            assert caught.value.problem.status == 404
        with pytest.raises(Refused) as caught:
            files.dry_run(DryRunWanted(file_id="nothing/1", rig="oer-bench"))
        assert caught.value.problem.status == 409
        with pytest.raises(Refused) as caught:
            files.check(campaign_source(), "no-such-rig")
        assert caught.value.problem.status == 409
    with Athanor(served.url, served.reader) as lab:
        assert len(lab.campaign_files.rigs()) == 1
        with pytest.raises(Refused) as caught:
            lab.campaign_files.keep(campaign_source())
        assert caught.value.problem.status == 403


def test_paths_lead_nowhere(served: Served) -> None:
    headers = {"authorization": f"Bearer {served.token}"}
    for path in ("..%2f..%2flab.db/1", "%2e%2e/1", "oer_plate/0", "oer_plate/x"):
        url = f"{served.url}/api/v1/campaign-files/{path}"
        assert httpx2.get(url, headers=headers).status_code in (404, 422), path
