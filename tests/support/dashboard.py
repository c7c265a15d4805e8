"""The dashboard over a recorded log, as a person who has signed in meets it; no socket is opened.

with dashboard_of(tmp_path, record_campaign) as browser:
    assert "small-1" in browser.get("/lab").text
    answer = browser.act("pause", campaign_id="small-1")
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from httpx2 import Response
from starlette.testclient import TestClient

from drivers.clock import Clock, SystemClock
from orchestrator.access.keys import KeyBook
from orchestrator.access.roles import Role
from orchestrator.access.store import access_path
from orchestrator.dashboard.app import make_app
from orchestrator.dashboard.identity import cookie_name
from orchestrator.dashboard.parts import DashboardParts
from orchestrator.dashboard.rendering import new_key
from orchestrator.log.event_log import EventLog
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.service.decisions import Acting
from orchestrator.service.following import Follower
from orchestrator.service.lab import Lab
from orchestrator.service.laboratory_view import StationSign
from orchestrator.service.live import LiveLab
from orchestrator.service.log_file import open_log_file
from orchestrator.service.station_door import NoStations, StationDoor
from orchestrator.service.task_boards import TaskBoards
from orchestrator.settings import Settings

__all__ = ["BASE_URL", "Browser", "Record", "dashboard_of", "dashboard_parts", "record_nothing"]

BASE_URL: Final = "http://127.0.0.1"
"""Under which a test calls the dashboard; also the Origin of its own forms."""

Record = Callable[[EventLog], object]
"""Appends what the dashboard is to show; `record_campaign` is one."""


def record_nothing(log: EventLog) -> None:
    """Leave a log without campaigns."""


class Browser(TestClient):
    """Somebody at a browser: brings the session's cookie and, with forms, its secret.

    Args:
        parts: What the application works with.
        role: Of whom has signed in; None for nobody.
        name: Theirs.
    """

    def __init__(self, parts: DashboardParts, *, role: Role | None, name: str = "ada") -> None:
        super().__init__(
            make_app(parts),
            base_url=BASE_URL,
            follow_redirects=False,
            raise_server_exceptions=False,
            headers={"Origin": BASE_URL},
        )
        self.parts = parts
        self.csrf = ""
        if role is not None:
            self._sign_in(role, name)

    def _sign_in(self, role: Role, name: str) -> None:
        keys = self.parts.keys
        if all(account.name != name for account in keys.accounts()):
            keys.add_account(name, role, by="test")
        secret = keys.begin_session(name)
        session = keys.session(secret)
        assert session is not None
        self.csrf = session.csrf
        self.cookies.set(cookie_name(is_secure=self.parts.is_secure), secret)

    def act(
        self,
        act: str,
        *,
        seen_seq: int | None = None,
        key: str | None = None,
        is_confirmed: bool = True,
        next_page: str = "/lab",
        **fields: str | Sequence[str],
    ) -> Response:
        """Send an act's form, as a button of a page does.

        Args:
            act: Its name.
            seen_seq: The record that the page showed last; None is the newest.
            key: The idempotency key; None is a new one.
            is_confirmed: Whether it is the second asking of a dangerous act.
            next_page: Where to go after it.
            **fields: The act's own.
        """
        own = {
            "csrf": self.csrf,
            "key": key or new_key(),
            "seen_seq": str(self.parts.live.refresh() if seen_seq is None else seen_seq),
            "next": next_page,
            "confirmed": "yes" if is_confirmed else "",
        }
        return self.post(f"/acts/{act}", data={**own, **fields})


@contextmanager
def dashboard_parts(
    folder: Path,
    record: Record = record_nothing,
    *,
    clock: Clock | None = None,
    door: StationDoor | None = None,
    signs: Sequence[StationSign] = (),
    boards: Sequence[Path] = (),
) -> Iterator[DashboardParts]:
    """Give what a dashboard works with, over a log in a folder; it is closed at the end.

    Args:
        folder: Empty, or with the ``lab.db`` of a dashboard before.
        record: Appends what is to be shown.
        clock: The wall clock of everything; the real one unless given.
        door: To the stations; none lives unless given.
        signs: Which stations are there.
        boards: Folders of task boards.
    """
    settings = Settings(database=folder / "lab.db", actor="test")
    wall, stations = clock or SystemClock(), door or NoStations()
    log = open_sqlite_log(settings.database)
    try:
        record(log)
    finally:
        log.close()

    def open_lab(name: str, acting: Acting | None) -> Lab:
        return Lab(
            open_log_file(settings),
            actor=name,
            clock=wall,
            source=str(settings.database),
            acting=acting,
        )

    live = LiveLab(open_log_file(settings), clock=wall, source=str(settings.database))
    with live:
        yield DashboardParts(
            database=settings.database,
            live=live,
            follower=Follower.open(settings),
            keys=KeyBook(access_path(settings.database), wall),
            open_lab=open_lab,
            door_of=lambda name: stations,
            signs=lambda: tuple(signs),
            boards=TaskBoards.of(folders=boards),
            clock=wall,
        )


@contextmanager
def dashboard_of(
    folder: Path,
    record: Record = record_nothing,
    *,
    role: Role | None = Role.OPERATOR,
    name: str = "ada",
    clock: Clock | None = None,
    door: StationDoor | None = None,
    signs: Sequence[StationSign] = (),
    boards: Sequence[Path] = (),
) -> Iterator[Browser]:
    """Give a browser in which somebody has signed in to a dashboard over a recorded log.

    Redirections are not followed, and an error that nobody expected is an answer of status 500.

    Args:
        folder: As for `dashboard_parts`.
        record: As for `dashboard_parts`.
        role: Of whom has signed in; None for nobody.
        name: Theirs, as it will stand in the log.
        clock: As for `dashboard_parts`.
        door: As for `dashboard_parts`.
        signs: As for `dashboard_parts`.
        boards: As for `dashboard_parts`.
    """
    with ExitStack() as stack:
        parts = stack.enter_context(
            dashboard_parts(folder, record, clock=clock, door=door, signs=signs, boards=boards)
        )
        yield stack.enter_context(Browser(parts, role=role, name=name))
