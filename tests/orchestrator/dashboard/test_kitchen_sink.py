"""Every component on one page, in Chromium, under the headers that every page has."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi import Depends, FastAPI
from playwright.sync_api import Browser, Page, Request, expect
from starlette.requests import Request as WebRequest
from starlette.responses import JSONResponse, Response

from orchestrator.access.roles import Role, Scope
from orchestrator.dashboard.identity import cookie_name, needs
from orchestrator.dashboard.parts import DashboardParts
from orchestrator.dashboard.rendering import make_renderer, page
from tests.support.dashboard import dashboard_parts
from tests.support.web_server import web_server

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_WORDS: Final = (
    ("Campaigns", "running pausing paused holding held stopping stopped aborting aborted finished"),
    ("Experiments and jobs", "queued started in_doubt done failed interrupted retracted"),
    ("Instruments", "connected busy idle unknown lost out unusable"),
    ("Alarms", "raised acknowledged returned shelved normal critical high low"),
    (
        "Candidates and tasks",
        "waiting approved edited rejected open taken refused partly withdrawn",
    ),
    ("Engines and the rest", "alive silent detached unattended good warning bad simulated real"),
)
_FIGURE: Final = {
    "data": [
        {"type": "scatter", "mode": "markers", "name": "measured", "x": [1, 2, 3], "y": [4, 2, 3]},
        {"type": "bar", "name": "expected", "x": [1, 2, 3], "y": [3, 3, 2]},
    ],
    "layout": {"xaxis": {"title": {"text": "experiment"}}, "legend": {"orientation": "h"}},
}
_SCREENS: Final = {"phone": (360, 740), "desk": (1366, 768), "wide": (1920, 1080)}
_WATCH: Final = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.sourceFile}:${event.lineNumber}`);
});
"""


def _add_pages(app: FastAPI) -> None:
    app.state.render = make_renderer(Path(__file__).parent)

    def sink(request: WebRequest) -> Response:
        words = [(title, states.split()) for title, states in _WORDS]
        is_wall = "wall" in request.query_params
        return page(request, "kitchen_sink.html", {"words": words, "is_wall": is_wall})

    seen = [Depends(needs(Scope.READ))]
    app.add_api_route("/kitchen-sink", sink, response_model=None, dependencies=seen)
    app.add_api_route("/plots/kitchen", lambda: JSONResponse(_FIGURE))


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardParts]:
    with dashboard_parts(tmp_path_factory.mktemp("sink")) as made:
        yield made


@pytest.fixture(scope="module")
def address(parts: DashboardParts) -> Iterator[str]:
    with web_server(parts, _add_pages) as found:
        yield found


@pytest.fixture
def sink(chromium: Browser, parts: DashboardParts, address: str) -> Iterator[Page]:
    """Give a page on which an operator has signed in, with everything amiss kept in `troubles`."""
    if all(account.name != "ada" for account in parts.keys.accounts()):
        parts.keys.add_account("ada", Role.OPERATOR, by="test")
    context = chromium.new_context(reduced_motion="reduce")
    name = cookie_name(is_secure=parts.is_secure)
    context.add_cookies([{"name": name, "value": parts.keys.begin_session("ada"), "url": address}])
    context.add_init_script(_WATCH)
    yield context.new_page()
    context.close()


def _open(
    sink: Page, address: str, *, screen: str = "desk", theme: str = "dark", at: str = ""
) -> None:
    width, height = _SCREENS[screen]
    sink.set_viewport_size({"width": width, "height": height})
    sink.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    sink.goto(f"{address}/kitchen-sink{at}")
    expect(sink.locator(".plot-canvas svg.main-svg").first).to_be_attached()


@pytest.mark.parametrize("screen", _SCREENS)
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_nothing_serious_keeps_anybody_out(sink: Page, address: str, theme: str, screen: str):
    _open(sink, address, screen=screen, theme=theme)
    found = Axe().run(sink).response["violations"]
    grave = {
        one["id"]: [node["target"] for node in one["nodes"]]
        for one in found
        if one["impact"] in ("serious", "critical")
    }
    assert grave == {}


@pytest.mark.parametrize("screen", _SCREENS)
def test_nothing_is_wider_than_the_screen(sink: Page, address: str, screen: str):
    _open(sink, address, screen=screen)
    assert sink.evaluate("document.documentElement.scrollWidth") <= _SCREENS[screen][0]


def test_scripts_need_no_more_than_the_policy_allows(sink: Page, address: str):
    troubles: list[str] = []
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    sink.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    sink.on("pageerror", lambda error: troubles.append(str(error)))
    sink.on("request", note)
    _open(sink, address)
    sink.get_by_text("As a table").click()
    assert sink.evaluate("window.violations") == []
    assert troubles == []
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []


def test_fingers_find_every_control(sink: Page, address: str):
    _open(sink, address, screen="phone")
    small = sink.evaluate(
        """() => [...document.querySelectorAll("button, .button, nav a, summary, input, select")]
          .filter((one) => one.offsetParent && !["checkbox", "hidden"].includes(one.type))
          .filter((one) => !one.closest(".crumbs, .act-form label"))
          .filter((one) => one.getBoundingClientRect().height < 43.5)
          .map((one) => one.outerHTML.slice(0, 80))"""
    )
    assert small == []


def test_emergency_stop_is_in_sight_wherever_the_page_is(sink: Page, address: str):
    for screen in ("phone", "desk"):
        _open(sink, address, screen=screen)
        sink.evaluate("scrollTo(0, document.body.scrollHeight)")
        expect(sink.get_by_role("button", name="Emergency stop…")).to_be_in_viewport(ratio=1)


def test_keyboard_reaches_the_page_and_sees_where_it_is(sink: Page, address: str):
    _open(sink, address)
    sink.keyboard.press("Tab")
    skip = sink.get_by_role("link", name="To the page")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    assert float(skip.evaluate("(one) => parseFloat(getComputedStyle(one).outlineWidth)")) >= 2
    sink.keyboard.press("?")
    expect(sink.get_by_role("heading", name="Keys")).to_be_visible()


def test_wall_has_nothing_to_press_in_its_frame(sink: Page, address: str):
    _open(sink, address, screen="wide", at="?wall")
    expect(sink.get_by_role("button", name="Emergency stop…")).to_be_hidden()
    state = sink.locator(".wall-state")
    assert float(state.evaluate("(one) => parseFloat(getComputedStyle(one).fontSize)")) >= 90


def test_page_without_beats_says_so_within_three_seconds(sink: Page, address: str):
    stream = re.compile(r"/stream(\?|$)")
    sink.route(stream, lambda route: route.abort())
    _open(sink, address)
    expect(sink.locator("html[data-stale]")).to_be_attached(timeout=4_000)
    expect(sink.locator("[data-stale-text]")).to_contain_text("What you see is from")
    sink.unroute(stream)
    expect(sink.locator("html:not([data-stale])")).to_be_attached(timeout=10_000)


def test_works_without_scripts(chromium: Browser, sink: Page, address: str):
    cookies = [{**one} for one in sink.context.cookies()]
    context = chromium.new_context(java_script_enabled=False, storage_state={"cookies": cookies})
    plain = context.new_page()
    plain.goto(f"{address}/kitchen-sink")
    plain.get_by_text("As a table").click()
    expect(plain.get_by_role("cell", name="0.3640").last).to_be_visible()
    plain.get_by_role("button", name="Emergency stop…").click()
    expect(plain.get_by_role("button", name="Do it")).to_be_visible()
    context.close()
