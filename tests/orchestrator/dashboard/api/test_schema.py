"""The API keeps what its description promises, whatever is sent to it (schemathesis)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import booleans
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from drivers.clock import SystemClock
from orchestrator.access.roles import Role, Scope
from orchestrator.dashboard.limiter import Limiter
from orchestrator.dashboard.rate import Limits
from orchestrator.service.launching import LaunchDesk
from tests.support.dashboard import dashboard_parts
from tests.support.launching import campaign_source, desk_in
from tests.support.recorded_campaign import RecordedCampaign, record_campaign
from tests.support.web_server import web_server

pytestmark = pytest.mark.slow

LEFT_OUT = {"/stream"}
"""It never ends; it has tests of its own."""


def record(log: Any) -> None:
    record_campaign(log)
    second = RecordedCampaign(log, "small-2")
    second.open()
    second.leave_in_doubt(second.start())


def ask_often(app: FastAPI) -> None:
    often = Limiter(1e6, 1_000_000, SystemClock())
    app.state.limits = Limits(often, often, often)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    folder: Path = tmp_path_factory.mktemp("api")
    with dashboard_parts(folder, record) as bare, desk_in(folder) as desk:
        parts = replace(bare, launcher=desk)
        KNOWN["dry_run_id"] = tried(desk)
        parts.keys.add_account("ada", Role.ADMIN, by="test")
        token = parts.keys.make_token("ada", label="all", scopes=list(Scope), by="test")
        with web_server(parts, ask_often) as url:
            yield url, token


def tried(desk: LaunchDesk) -> str:
    """Keep a file and try it; return the dry-run when it is over."""
    kept = desk.keep(campaign_source(1), by="test")
    run = desk.dry_run(kept.file_id, "oer-bench", seed=0, max_experiments=1, by="test")
    for _ in range(900):
        if desk.dry_run_view(run.dry_run_id).is_over:
            return run.dry_run_id
        Event().wait(0.1)
    raise AssertionError("the dry-run did not end")


CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]


KNOWN = {
    "campaign_id": "small-1",
    "experiment_id": "E0001",
    "instrument": "balance",
    "candidate_id": "C0001",
    "job_id": "E0001/dose",
    "name": "oer_plate",
    "version": 1,
    "rig": "oer-bench",
}
"""What is there; a drawn name hardly ever is."""


def with_known(case: Any) -> None:
    """Let a request be about what is there."""
    for place in (case.path_parameters, case.body, case.query):
        if isinstance(place, dict):
            place.update({name: value for name, value in KNOWN.items() if name in place})


def asked(operation: Any, who: dict[str, str]) -> set[int]:
    """Ask for one operation in many ways; return the statuses of the answers."""
    seen: set[int] = set()

    @given(case=operation.as_strategy(), is_known=booleans())
    @settings(
        max_examples=16,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any, is_known: bool) -> None:
        if is_known:
            with_known(case)
        answer = case.call(headers=who)
        seen.add(answer.status_code)
        assert answer.status_code < 500, answer.text
        case.validate_response(answer, checks=CHECKS)

    ask()
    return seen


def all_asked(url: str, token: str) -> dict[str, set[int]]:
    schema = schemathesis.openapi.from_url(f"{url}/api/v1/openapi.json")
    operations = [result.ok() for result in schema.get_all_operations()]
    who = {"Authorization": f"Bearer {token}"}
    return {
        f"{operation.method} {operation.path}": asked(operation, who)
        for operation in operations
        if operation.path not in LEFT_OUT
    }


def test_the_api_keeps_its_description(served: tuple[str, str]) -> None:
    statuses = all_asked(*served)

    assert len(statuses) > 40
    reads = {name: seen for name, seen in statuses.items() if name.startswith("get ")}
    assert {name: seen for name, seen in reads.items() if 200 not in seen} == {}
    writes = statuses.keys() - reads.keys()
    assert {name for name in writes if not statuses[name] & {200, 201, 202, 404, 409}} == set()


def test_nobody_is_told_anything_but_whether_all_is_well(served: tuple[str, str]) -> None:
    statuses = all_asked(served[0], "ath_nobody_knows")

    well = statuses.pop("get /api/v1/health")
    assert 200 in well
    assert {name: seen for name, seen in statuses.items() if seen - {401, 403, 404, 405}} == {}
