"""Every route for every role and for nobody; every write without what makes it ours."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from httpx2 import Response
from starlette.testclient import TestClient

from drivers.clock import SystemClock
from orchestrator.access.roles import ROLE_SCOPES, Role, Scope
from orchestrator.dashboard.app import make_app
from orchestrator.dashboard.identity import CSRF_HEADER, cookie_name
from orchestrator.dashboard.parts import DashboardParts
from orchestrator.dashboard.rate import Limits
from orchestrator.service.acts import ACTS
from tests.support.dashboard import BASE_URL, dashboard_parts
from tests.support.recorded_campaign import record_campaign
from tests.support.route_table import ACT_SCOPES, ANYBODY, ROUTES, Route, routes_of

NAMES = {
    "campaign_id": "small-1",
    "experiment_id": "E0002",
    "part": "strip",
    "figure": "pareto",
    "instrument": "balance",
    "name": "nobody-at-all",
    "token_id": "0123456789ab",
    "hook_id": "0123456789ab",
    "dry_run_id": "20261123-000000-1",
    "version": "1",
}
SCRIPTS = ("/api/", "/stream", "/plots/", "/parts/")
WRITES = sorted(route for route in ROUTES if route[0] != "GET")
OWN_WRITES = [route for route in WRITES if ROUTES[route] is not ANYBODY]


@dataclass(frozen=True)
class Person:
    """Somebody who asks: with a session, with a token, or with nothing."""

    name: str
    scopes: frozenset[Scope]
    secret: str = ""
    csrf: str = ""
    token: str = ""

    def ask(self, app: FastAPI, route: Route, **changed: str | None) -> Response:
        """Ask for a route; a header that is changed to None is left out."""
        headers: dict[str, str | None] = {"Origin": BASE_URL}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.secret:
            headers["Cookie"] = f"{cookie_name(is_secure=False)}={self.secret}"
            headers[CSRF_HEADER] = self.csrf
        headers |= changed
        sent = {name: value for name, value in headers.items() if value is not None}
        client = TestClient(app, BASE_URL, raise_server_exceptions=False, follow_redirects=False)
        method, path = route
        content = {"json": {}} if method != "GET" and path.startswith("/api/") else {}
        return client.request(method, address(path), headers=sent, **content)


def address(path: str) -> str:
    """Return where a route is asked for; the stream after a record that is not there, to end."""
    filled = path.format_map(NAMES)
    return f"{filled}?after_seq=999999999" if path == "/stream" else filled


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardParts]:
    with dashboard_parts(tmp_path_factory.mktemp("lab"), record_campaign) as found:
        yield found


@pytest.fixture(scope="module")
def shared(parts: DashboardParts) -> FastAPI:
    return make_app(parts)


@pytest.fixture
def app(shared: FastAPI) -> FastAPI:
    shared.state.limits = Limits.usual(SystemClock())
    return shared


@pytest.fixture(scope="module")
def people(parts: DashboardParts) -> dict[str, Person]:
    found = {"nobody": Person("nobody", frozenset())}
    for role in Role:
        found[str(role)] = signed_in(parts, str(role), role)
    for scope in Scope:
        name = f"only {scope}"
        token = parts.keys.make_token("admin", label=name, scopes=[scope], by="test")
        found[name] = Person(name, frozenset({scope}), token=token)
    return found


def signed_in(parts: DashboardParts, name: str, role: Role) -> Person:
    parts.keys.add_account(name, role, by="test")
    secret = parts.keys.begin_session(name)
    session = parts.keys.session(secret)
    assert session is not None
    return Person(name, ROLE_SCOPES[role], secret=secret, csrf=session.csrf)


def n_records(parts: DashboardParts) -> int:
    return parts.live.refresh()


def test_the_table_has_every_route_and_no_other(app: FastAPI) -> None:
    found = routes_of(app)
    assert sorted(found - ROUTES.keys()) == [], "say in the table who may ask for them"
    missing = {route for route in ROUTES.keys() - found if route[1].rpartition("/")[2] in ACTS}
    assert sorted(missing) == []
    assert len(found) > 90


def test_acts_need_what_the_table_says() -> None:
    assert {name: act.scope for name, act in ACTS.items()}.items() <= ACT_SCOPES.items()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nobody", *Role, *(f"only {scope}" for scope in Scope)])
def test_each_route_lets_in_whom_it_should(
    app: FastAPI, people: dict[str, Person], name: str
) -> None:
    person, wrong = people[name], []
    for route in sorted(routes_of(app)):
        if route == ("POST", "/logout"):
            continue
        needed = ROUTES[route]
        answer = person.ask(app, route)
        if answer.status_code == 429:
            app.state.limits = Limits.usual(SystemClock())
            answer = person.ask(app, route)
        got = outcome(route, answer)
        expected = "in" if needed is ANYBODY or needed in person.scopes else "not permitted"
        if expected != "in" and not person.scopes:
            expected = "asked who they are"
        if got != expected:
            wrong.append((route, expected, got, answer.status_code, answer.text[:200]))
    assert wrong == []


def outcome(route: Route, answer: Response) -> str:
    """Return how an answer treats who asks."""
    status, path = answer.status_code, route[1]
    if path == "/login" and status == 403:
        return "in"
    if status >= 500 or (status in (404, 405) and "{" not in path):
        return "broken"
    to_sign_in = answer.headers.get("location", "").startswith("/login")
    if status == (401 if path.startswith(SCRIPTS) else 303) and (
        to_sign_in or path.startswith(SCRIPTS)
    ):
        return "asked who they are"
    return "not permitted" if status == 403 else "in"


@pytest.mark.slow
def test_nothing_was_done_by_all_that_asking(
    app: FastAPI, parts: DashboardParts, people: dict[str, Person]
) -> None:
    before = n_records(parts)
    for route in OWN_WRITES:
        people["viewer"].ask(app, route) if route[1] != "/logout" else None
    assert n_records(parts) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trick", "status"),
    [
        ("no csrf token", 403),
        ("another session's csrf token", 403),
        ("a foreign origin", 403),
        ("no origin", 403),
        ("the null origin", 403),
        ("another port", 403),
        ("https instead of http", 403),
        ("a wrong host", 421),
        ("no host", 421),
    ],
)
def test_a_write_that_no_page_of_ours_sent_is_refused(
    app: FastAPI, parts: DashboardParts, people: dict[str, Person], trick: str, status: int
) -> None:
    changed: dict[str, str | None] = {
        "no csrf token": {CSRF_HEADER: None},
        "another session's csrf token": {CSRF_HEADER: people["operator"].csrf},
        "a foreign origin": {"Origin": "http://evil.example"},
        "no origin": {"Origin": None},
        "the null origin": {"Origin": "null"},
        "another port": {"Origin": f"{BASE_URL}:8081"},
        "https instead of http": {"Origin": BASE_URL.replace("http", "https")},
        "a wrong host": {"Host": "evil.example", "Origin": "http://evil.example"},
        "no host": {"Host": ""},
    }[trick]
    before = n_records(parts)
    routes = OWN_WRITES if "csrf" in trick else WRITES
    present = routes_of(app)
    answers = {
        route: people["admin"].ask(app, route, **changed).status_code
        for route in routes
        if route in present
    }
    assert {route: got for route, got in answers.items() if got != status} == {}
    assert n_records(parts) == before


@pytest.mark.slow
def test_methods_that_no_route_has_are_refused_and_do_nothing(
    app: FastAPI, parts: DashboardParts, people: dict[str, Person]
) -> None:
    present, before, wrong = routes_of(app), n_records(parts), []
    for path in sorted({path for _, path in present}):
        own = {method for method, other in present if other == path} | {"GET", "POST", "DELETE"}
        for method in sorted({"OPTIONS", "PUT", "PATCH", "TRACE", "CONNECT", "FOO"} - own):
            status = people["admin"].ask(app, (method, path)).status_code
            if status not in (403, 405):
                wrong.append((method, path, status))
        head = people["admin"].ask(app, ("HEAD", path)).status_code
        if head >= 500 or head == 401:
            wrong.append(("HEAD", path, head))
    assert wrong == []
    assert n_records(parts) == before
