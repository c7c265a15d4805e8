"""Coming in and going out, in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from orchestrator.access.roles import Role
from orchestrator.log.sql_log import open_sqlite_log
from tests.support.browsing import at_browser
from tests.support.recorded_campaign import record_campaign
from tests.support.served_dashboard import PASSWORD, ServedDashboard

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedDashboard]:
    database = tmp_path_factory.mktemp("lab") / "lab.db"
    log = open_sqlite_log(database)
    record_campaign(log)
    log.close()
    with ServedDashboard(database) as served:
        served.person("grace")
        yield served


@pytest.mark.parametrize("with_scripts", [True, False], ids=["scripts", "no scripts"])
def test_the_first_run_s_token_lets_an_admin_in(
    chromium: Browser, served: ServedDashboard, with_scripts: bool
) -> None:
    with at_browser(chromium, served, role=None, with_scripts=with_scripts) as person:
        page = person.look("/")
        expect(page).to_have_url(f"{served.url}/login?next=/")
        page.get_by_text("With a token instead").click()
        page.get_by_label("Token").fill(served.first_token)
        person.press("Sign in")
        expect(page).to_have_url(f"{served.url}/lab")
        expect(page.get_by_role("heading", name="Laboratory")).to_be_visible()
        expect(page.get_by_text("(admin)")).to_be_visible()


@pytest.mark.parametrize("with_scripts", [True, False], ids=["scripts", "no scripts"])
def test_name_and_password_by_the_keyboard_alone_and_out_again(
    chromium: Browser, served: ServedDashboard, with_scripts: bool
) -> None:
    with at_browser(chromium, served, role=None, with_scripts=with_scripts) as person:
        page = person.look("/campaigns/small-1/experiments?order=number")
        page.get_by_label("Name").focus()
        page.keyboard.type("grace")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{served.url}/campaigns/small-1/experiments?order=number")
        cookies = {one["name"]: one for one in page.context.cookies()}
        assert cookies["athanor"]["httpOnly"]
        assert cookies["athanor"]["sameSite"] == "Strict"
        person.press("Sign out")
        expect(page).to_have_url(f"{served.url}/login")
        person.look("/lab")
        expect(page).to_have_url(f"{served.url}/login?next=/lab")


def test_a_wrong_password_is_said_and_leads_nowhere(
    chromium: Browser, served: ServedDashboard
) -> None:
    with at_browser(chromium, served, role=None) as person:
        person.expected = {403}
        page = person.look("/login")
        page.get_by_label("Name").fill("grace")
        page.get_by_label("Password").fill("not the one")
        person.press("Sign in")
        expect(page.get_by_text("The name or the password is wrong")).to_be_visible()
        assert "athanor" not in {one["name"] for one in page.context.cookies()}


def test_a_viewer_sees_the_buttons_but_cannot_press_them(
    chromium: Browser, served: ServedDashboard
) -> None:
    with at_browser(chromium, served, "vera", Role.VIEWER) as person:
        page = person.look("/lab")
        expect(page.get_by_role("button", name="Emergency stop")).to_have_count(0)
        for button in page.locator("form.act button").all():
            expect(button).to_be_disabled()


def test_keys_go_about_and_none_of_them_acts(chromium: Browser, served: ServedDashboard) -> None:
    with at_browser(chromium, served) as person:
        page = person.look("/lab")
        page.keyboard.press("g")
        page.keyboard.press("c")
        expect(page).to_have_url(f"{served.url}/campaigns")
        page.wait_for_load_state("load")
        page.keyboard.press("?")
        expect(page.get_by_text("No key acts on the laboratory")).to_be_visible()
