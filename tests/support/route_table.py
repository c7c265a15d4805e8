"""Every route of the dashboard with what one must be allowed, written down by hand."""

from collections.abc import Iterator
from typing import Final

from fastapi import FastAPI
from starlette.routing import Mount

from orchestrator.access.roles import Scope

__all__ = ["ACT_SCOPES", "ANYBODY", "ROUTES", "Route", "routes_of"]

Route = tuple[str, str]
"""Method and path."""

ANYBODY: Final = None
READ, RESULTS, CONTROL, ADMINISTER = Scope.READ, Scope.RESULTS, Scope.CONTROL, Scope.ADMINISTER

ACT_SCOPES: Final[dict[str, Scope]] = {
    "resume": CONTROL,
    "pause": CONTROL,
    "hold": CONTROL,
    "stop": CONTROL,
    "abort": CONTROL,
    "set_priority": CONTROL,
    "approve": CONTROL,
    "reject": CONTROL,
    "edit": CONTROL,
    "add_point": CONTROL,
    "answer_doubt": CONTROL,
    "amend": RESULTS,
    "retract": RESULTS,
    "give_result": RESULTS,
    "emergency_stop": CONTROL,
    "clear_latch": CONTROL,
    "take_out": CONTROL,
    "put_back": CONTROL,
    "clean_places": CONTROL,
    "receive_stock": CONTROL,
    "count_stock": CONTROL,
    "discard_stock": CONTROL,
    "acknowledge_alarm": CONTROL,
    "acknowledge_all": CONTROL,
    "shelve_alarm": CONTROL,
    "unshelve_alarm": CONTROL,
    "start_campaign": CONTROL,
    "start_again": CONTROL,
    "take_task": CONTROL,
    "finish_task": CONTROL,
    "refuse_task": CONTROL,
}
"""What each act needs: said here again, so that a slip in the registry is seen."""

_READ: Final = """
/ /stream /lab /lab/wall /parts/lab/{part} /campaigns /parts/campaigns/list
/campaigns/{campaign_id} /parts/campaign/{campaign_id}/header /campaigns/{campaign_id}/experiments
/campaigns/{campaign_id}/experiments/{experiment_id} /campaigns/{campaign_id}/why
/campaigns/{campaign_id}/model /plots/{campaign_id}/{figure} /tasks /parts/tasks/changed
/samples /parts/samples/boards /stock /parts/stock/shelves
/plan /parts/plan/rigs /api/v1/plan
/doubts /parts/doubts/changed /alarms /parts/alarms/changed /audit /audit/export /parts/audit/chain
/account /new /new/dry-runs/{dry_run_id} /parts/new/dry-runs/{dry_run_id}
/new/dry-runs/{dry_run_id}/report
/api/v1/version /api/v1/me /api/v1/lab /api/v1/alarms /api/v1/doubts /api/v1/tasks /api/v1/samples
/api/v1/places /api/v1/stock
/api/v1/events
/api/v1/instruments/{instrument}/telemetry /api/v1/campaigns /api/v1/campaigns/{campaign_id}
/api/v1/campaigns/{campaign_id}/experiments
/api/v1/campaigns/{campaign_id}/experiments/{experiment_id}
/api/v1/campaigns/{campaign_id}/front /api/v1/campaigns/{campaign_id}/hypervolume
/api/v1/campaigns/{campaign_id}/jobs /api/v1/campaigns/{campaign_id}/candidates
/api/v1/campaigns/{campaign_id}/proposals /api/v1/campaigns/{campaign_id}/export
/api/v1/audit/verify
/api/v1/rigs /api/v1/campaign-files /api/v1/campaign-files/{name}/{version}
/api/v1/campaign-files/{name}/{version}/check
/api/v1/dry-runs /api/v1/dry-runs/{dry_run_id} /api/v1/dry-runs/{dry_run_id}/report
"""
_ADMINISTER: Final = """
GET /admin
POST /admin/accounts
POST /admin/accounts/{name}
POST /admin/tokens
POST /admin/tokens/{token_id}
POST /admin/webhooks
POST /admin/webhooks/{hook_id}
GET /api/v1/accounts
POST /api/v1/accounts
POST /api/v1/accounts/{name}
DELETE /api/v1/accounts/{name}
GET /api/v1/tokens
POST /api/v1/tokens
DELETE /api/v1/tokens/{token_id}
GET /api/v1/webhooks
POST /api/v1/webhooks
POST /api/v1/webhooks/{hook_id}
DELETE /api/v1/webhooks/{hook_id}
"""
_ANYBODY: Final = """
GET /login
POST /login
POST /theme
GET /api/v1/openapi.json
GET /api/v1/health
"""
_READERS_POSTS: Final = (
    "/logout",
    "/password",
    "/audit/verify",
    "/api/v1/me/password",
    "/api/v1/audit/verify",
)
_OPERATORS_POSTS: Final = (
    "/api/v1/campaign-files",
    "/api/v1/campaign-files/check",
    "/api/v1/dry-runs",
    "/new/files",
    "/parts/new/check",
    "/new/dry-runs",
    "/new/dry-runs/{dry_run_id}/cancel",
)


def _table() -> Iterator[tuple[Route, Scope | None]]:
    for line in _ANYBODY.split("\n"):
        if line:
            yield _route(line), ANYBODY
    for path in _READ.split():
        yield ("GET", path), READ
    for path in _READERS_POSTS:
        yield ("POST", path), READ
    for path in _OPERATORS_POSTS:
        yield ("POST", path), CONTROL
    yield ("DELETE", "/api/v1/dry-runs/{dry_run_id}"), CONTROL
    for line in _ADMINISTER.split("\n"):
        if line:
            yield _route(line), ADMINISTER
    for act, scope in ACT_SCOPES.items():
        yield ("POST", f"/acts/{act}"), scope
        yield ("POST", f"/api/v1/acts/{act}"), scope


def _route(line: str) -> Route:
    method, path = line.split()
    return method, path


ROUTES: Final[dict[Route, Scope | None]] = dict(_table())


def routes_of(app: FastAPI) -> set[Route]:
    """Return every route that an app answers; files under ``/static`` left out."""
    found: set[Route] = set()
    for route in app.routes:
        if isinstance(route, Mount):
            continue
        contexts = getattr(route, "effective_route_contexts", None)
        for one in [route] if contexts is None else contexts():
            methods: set[str] = set(getattr(one, "methods", None) or ()) - {"HEAD"}
            path = str(getattr(one, "path", ""))
            assert methods, f"{path}: what asks for it?"
            found |= {(method, path) for method in methods}
    return found
