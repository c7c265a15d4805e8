"""People at a real browser, watched: what it complains of, and whom it asks for anything."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event as Flag
from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Response, expect

from drivers.clock import SystemClock
from orchestrator.access.roles import Role
from orchestrator.dashboard.identity import cookie_name
from orchestrator.log.event_log import Record
from orchestrator.log.sql_log import open_sqlite_log
from tests.support.served_dashboard import ServedDashboard

__all__ = ["PATIENCE_MS", "Person", "acts_of", "at_browser", "last_seq", "wait_for_record"]

PATIENCE_MS: Final = 20_000
_WATCH: Final = """
window.violations = [];
addEventListener("securitypolicyviolation",
  (one) => window.violations.push(`${one.violatedDirective} ${one.blockedURI} ${one.sourceFile}`));
"""


@dataclass
class Person:
    """Somebody at a browser, and what it noticed.

    Args:
        page: Where they look.
        served: The dashboard.
        name: Under which they act.
        with_scripts: Whether JavaScript is on.
    """

    page: Page
    served: ServedDashboard
    name: str
    with_scripts: bool
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    n_requests: int = 0
    expected: set[int] = field(default_factory=set)
    """Statuses of answers that a browser complains of, and that are meant to come."""

    def watch(self) -> None:
        """Note everything from now on."""
        own = urlsplit(self.served.url).netloc

        def asked(url: str) -> None:
            self.n_requests += 1
            parts = urlsplit(url)
            if parts.scheme not in ("data", "blob", "about") and parts.netloc != own:
                self.foreign.append(url)

        self.page.on("request", lambda request: asked(request.url))
        self.page.on("websocket", lambda socket: asked(socket.url))
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("response", self._answered)
        if self.with_scripts:
            self.page.add_init_script(_WATCH)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        if message.text.startswith("Failed to load resource"):
            return  # told of by its answer
        self.complaints.append(f"{message.type}: {message.text}")

    def _answered(self, answer: Response) -> None:
        if answer.status >= 400 and answer.status not in self.expected:
            self.complaints.append(f"{answer.status}: {answer.request.method} {answer.url}")

    def look(self, path: str) -> Page:
        """Go to a page and return it."""
        self.page.goto(f"{self.served.url}{path}", wait_until="load")
        return self.page

    def violations(self) -> list[str]:
        """Return what the content security policy has stopped on the present page."""
        found: list[str] = self.page.evaluate("window.violations || []")
        return found

    def press(self, label: str) -> None:
        """Press a button of the page by its words; dangerous ones end in three dots."""
        self.page.get_by_role("button", name=label, exact=True).first.click()

    def confirm(self, reason: str) -> None:
        """Say on the page that asks again that it is meant, and why."""
        expect(self.page.get_by_role("button", name="Do it")).to_be_visible()
        self.page.get_by_label("Why, in your words").fill(reason)
        self.press("Do it")

    def told(self) -> str:
        """Return what the page says became of the act."""
        banner = self.page.locator("main [aria-live=polite] .banner").first
        expect(banner).to_be_visible(timeout=PATIENCE_MS)
        return banner.inner_text()


@contextmanager
def at_browser(
    browser: Browser,
    served: ServedDashboard,
    name: str = "ada",
    role: Role | None = Role.OPERATOR,
    *,
    with_scripts: bool = True,
    theme: str = "auto",
    size: tuple[int, int] = (1280, 900),
    time_zone: str | None = None,
) -> Iterator[Person]:
    """Sit somebody down at a browser of their own; at the end nothing may have been complained of.

    Args:
        browser: Chromium.
        served: The dashboard.
        name: Theirs.
        role: With which they are signed in; None for somebody who is not.
        with_scripts: Whether JavaScript is on.
        theme: ``auto``, ``dark`` or ``light``.
        size: Of the window.
        time_zone: Of the browser; None is this machine's.
    """
    context = browser.new_context(
        java_script_enabled=with_scripts,
        viewport={"width": size[0], "height": size[1]},
        timezone_id=time_zone,
    )
    context.set_default_timeout(PATIENCE_MS)
    cookies = {"athanor-theme": theme}
    if role is not None:
        if all(one.name != name for one in served.keys.accounts()):
            served.keys.add_account(name, role, by="test")
        cookies[cookie_name(is_secure=False)] = served.keys.begin_session(name)
    context.add_cookies([{"name": k, "value": v, "url": served.url} for k, v in cookies.items()])
    person = Person(context.new_page(), served, name, with_scripts)
    person.watch()
    try:
        yield person
        assert person.violations() == [] if with_scripts else True
        assert person.complaints == []
        assert person.foreign == []
    finally:
        context.close()


def _records(served: ServedDashboard, after_seq: int = 0) -> list[Record]:
    log = open_sqlite_log(served.database, must_exist=True)
    try:
        return list(log.read(after_seq=after_seq))
    finally:
        log.close()


def last_seq(served: ServedDashboard) -> int:
    """Return the number of the newest record."""
    log = open_sqlite_log(served.database, must_exist=True)
    try:
        return log.last_seq()
    finally:
        log.close()


def acts_of(served: ServedDashboard, kind: str, after_seq: int, actor: str = "ada") -> list[Record]:
    """Return what somebody did after a record, of one kind of event."""
    found = _records(served, after_seq)
    return [one for one in found if one.event.kind == kind and one.actor == actor]


def wait_for_record(
    served: ServedDashboard, kind: str, after_seq: int, *, timeout_s: float = 45.0
) -> Record:
    """Wait until the log has an event of a kind after a record, whoever did it."""
    until_s = SystemClock().monotonic_s() + timeout_s
    while True:
        found = [one for one in _records(served, after_seq) if one.event.kind == kind]
        if found:
            return found[0]
        kinds = [one.event.kind for one in _records(served, after_seq)][-12:]
        assert SystemClock().monotonic_s() < until_s, f"no {kind} came; last: {kinds}"
        Flag().wait(0.05)
