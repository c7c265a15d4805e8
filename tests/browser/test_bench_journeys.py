"""Alarms, doubts, unclean places and tasks of a manual station, answered in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from drivers.clock import SystemClock
from drivers.task_board import TaskBoard, TaskState
from orchestrator.core.events import LAB_STREAM, AlarmRaised, PlacesLeftUnclean, Severity
from orchestrator.log.sql_log import open_sqlite_log
from tests.support.browsing import PATIENCE_MS, Person, acts_of, at_browser, last_seq
from tests.support.recorded_campaign import RecordedCampaign
from tests.support.served_dashboard import ServedDashboard

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
both = pytest.mark.parametrize("with_scripts", [True, False], ids=["scripts", "no scripts"])
WAYS = [True, False]
ANSWERS = ("ran", "did_not_run", "scrap_sample")
TASK = "small-1/E0003/press#{}@20260302T080000000000"


def alarm_of(what: str, with_scripts: bool) -> str:
    """Return an alarm that one test answers."""
    return f"disk/{what}-{'scripts' if with_scripts else 'plain'}"


def campaign_of(answer: str, with_scripts: bool) -> str:
    """Return a campaign whose doubt one test answers."""
    return f"{answer.replace('_', '-')}-{1 if with_scripts else 2}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tasks") / "board"


@pytest.fixture(scope="module")
def board(folder: Path) -> TaskBoard:
    made = TaskBoard(folder, SystemClock())
    made.create()
    for number in (1, 2):
        made.post(TASK.format(number), f"Press sample {number}", ("mass_g",), 900.0)
    return made


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, board: TaskBoard, folder: Path
) -> Iterator[ServedDashboard]:
    database = tmp_path_factory.mktemp("lab") / "lab.db"
    log = open_sqlite_log(database)
    for with_scripts in WAYS:
        for answer in ANSWERS:
            campaign = RecordedCampaign(log, campaign_of(answer, with_scripts))
            campaign.open()
            campaign.leave_in_doubt(campaign.start())
        for what in ("acknowledge", "shelve"):
            campaign.append(raised(alarm_of(what, with_scripts)), stream=LAB_STREAM)
        place = "cell" if with_scripts else "cup"
        owner = campaign_of("ran", with_scripts)
        left = PlacesLeftUnclean(places=(place,), campaign_id=owner, experiment_id="E0001")
        campaign.append(left, stream=LAB_STREAM)
    log.close()
    with ServedDashboard(database, ["--board", folder]) as served:
        yield served


def raised(alarm: str) -> AlarmRaised:
    return AlarmRaised(
        alarm=alarm,
        severity=Severity.HIGH,
        message=f"{alarm} is full",
        consequence="nothing is sent",
        what_to_do="make room",
    )


def card_of(page: Page, text: str, act: str) -> Locator:
    """Return the form of an act in the card that speaks of something."""
    form = f"form[action='/acts/{act}']"
    field = page.locator(f"{form}:has(input[value='{text}'])").first
    expect(field).to_be_attached(timeout=PATIENCE_MS)
    return field


def send(person: Person, form: Locator, reason: str) -> None:
    """Send a form that may lie behind a summary, and say why where that is asked."""
    details = form.locator("xpath=ancestor::details[not(@open)]")
    for _ in range(details.count()):
        details.first.locator("summary").first.click()
    words = form.locator("[name=reason]:not([type=hidden])")
    if words.count():
        words.first.fill(reason)
    form.get_by_role("button").first.click()
    if person.page.get_by_role("button", name="Do it").count():
        person.page.get_by_label("Why, in your words").fill(reason)
        person.press("Do it")
    person.told()


@both
@pytest.mark.parametrize("path", ["/lab", "/alarms"])
def test_acknowledge(
    chromium: Browser, served: ServedDashboard, with_scripts: bool, path: str
) -> None:
    alarm = alarm_of("acknowledge" if path == "/lab" else "shelve", with_scripts)
    with at_browser(chromium, served, with_scripts=with_scripts) as ada:
        page, before = ada.look(path), last_seq(served)
        send(ada, card_of(page, alarm, "acknowledge_alarm"), "I am on my way")
        (seen,) = acts_of(served, "AlarmAcknowledged", before)
        assert seen.event.model_dump()["alarm"] == alarm


@both
def test_shelve_for_a_time_and_let_it_count_again(
    chromium: Browser, served: ServedDashboard, with_scripts: bool
) -> None:
    alarm = alarm_of("shelve", with_scripts)
    with at_browser(chromium, served, with_scripts=with_scripts) as ada:
        page, before = ada.look("/alarms"), last_seq(served)
        send(ada, card_of(page, alarm, "shelve_alarm"), "the disk is being changed")
        (shelved,) = acts_of(served, "AlarmShelved", before)
        said = shelved.event.model_dump()
        assert (said["alarm"], said["reason"]) == (alarm, "the disk is being changed")
        page = ada.look("/alarms")
        send(ada, card_of(page, alarm, "unshelve_alarm"), "it is done")
        (back,) = acts_of(served, "AlarmUnshelved", before)
        assert back.event.model_dump()["alarm"] == alarm


@both
@pytest.mark.parametrize("answer", ANSWERS)
def test_answer_a_doubt(
    chromium: Browser, served: ServedDashboard, with_scripts: bool, answer: str
) -> None:
    campaign = campaign_of(answer, with_scripts)
    with at_browser(chromium, served, with_scripts=with_scripts) as ada:
        page, before = ada.look("/doubts"), last_seq(served)
        forms = page.locator(
            f"form[action='/acts/answer_doubt']:has(input[value='{campaign}'])"
            f":has([name=answer][value='{answer}'])"
        )
        expect(forms.first).to_be_attached(timeout=PATIENCE_MS)
        choice = forms.first.locator(f"input[type=radio][value='{answer}']")
        if choice.count():
            choice.check()
        send(ada, forms.first, "I looked at the sample")
        (said,) = acts_of(served, "DoubtAnswered", before)
        assert said.stream.endswith(campaign)
        assert said.event.model_dump()["reason"] == "I looked at the sample"
        assert said.event.model_dump()["answer"] == answer


@both
def test_say_that_a_place_is_clean(
    chromium: Browser, served: ServedDashboard, with_scripts: bool
) -> None:
    place = "cell" if with_scripts else "cup"
    with at_browser(chromium, served, with_scripts=with_scripts) as ada:
        page, before = ada.look("/lab"), last_seq(served)
        send(ada, card_of(page, place, "clean_places"), "washed twice")
        (clean,) = acts_of(served, "PlacesCleaned", before)
        said = clean.event.model_dump()
        assert (said["places"], said["reason"]) == ((place,), "washed twice")


@both
def test_take_a_task_and_give_its_number_with_an_uncertainty(
    chromium: Browser, served: ServedDashboard, board: TaskBoard, with_scripts: bool
) -> None:
    task = TASK.format(1 if with_scripts else 2)
    with at_browser(chromium, served, with_scripts=with_scripts) as ada:
        page = ada.look("/tasks")
        send(ada, card_of(page, task, "take_task"), "")
        assert board.task(task).by == "ada"
        form = card_of(page, task, "finish_task")
        form.locator("input[name='values.mass_g']").fill("1.234")
        form.locator("input[name='sds.mass_g']").fill("0.002")
        send(ada, form, "pressed at 2 t")
        done = board.task(task)
        assert (done.state, done.by) == (TaskState.DONE, "ada")
        assert "0.002" in done.note
