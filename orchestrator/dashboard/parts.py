"""What pages need: the doors to the log, to stations, to accounts; handed in, never found."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from starlette.requests import HTTPConnection

from drivers.clock import Clock, SystemClock
from orchestrator.access.keys import KeyBook
from orchestrator.errors import LogError
from orchestrator.service.access_trail import tell_changes
from orchestrator.service.acts.performing import OpenLab
from orchestrator.service.following import Follower
from orchestrator.service.lab_health_whole import LabWatch
from orchestrator.service.laboratory_view import StationSign
from orchestrator.service.launching import Launcher
from orchestrator.service.live import LiveLab
from orchestrator.service.station_door import StationDoor
from orchestrator.service.task_boards import TaskBoards

__all__ = ["DashboardParts", "parts_of"]

logger = logging.getLogger(__name__)

LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class DashboardParts:
    """Everything that one web process works with."""

    database: Path
    live: LiveLab
    """For looking; shared by all requests."""
    follower: Follower
    """For the stream; shared by all who watch."""
    keys: KeyBook
    open_lab: OpenLab
    """For acting, under the name of who acts."""
    door_of: Callable[[str], StationDoor]
    """The living stations, asked by a person."""
    signs: Callable[[], tuple[StationSign, ...]]
    """Which stations are there, and whether they answer."""
    boards: TaskBoards = field(default_factory=TaskBoards)
    """Of manual stations."""
    launcher: Launcher | None = None
    """Checks and starts campaigns; None where this server starts none."""
    hosts: tuple[str, ...] = LOOPBACK_NAMES
    """By which names this server may be called."""
    is_secure: bool = False
    """Whether browsers reach it by https alone."""
    clock: Clock = field(default_factory=SystemClock)

    def tell_changes(self) -> None:
        """Have what was changed of accounts, tokens and webhooks stand in the log.

        A change stands in any case: what the log cannot take now it is told the next time.
        """
        try:
            tell_changes(self.keys, self.open_lab)
        except LogError as error:
            logger.warning("the log will hear later of changed accounts: %s", error)

    @cached_property
    def watch(self) -> LabWatch:
        """Looks at the laboratory for all who watch it."""
        return LabWatch(self.live, self.clock, self.signs, self.boards)


def parts_of(connection: HTTPConnection) -> DashboardParts:
    """Return the parts of the app that a request came to."""
    found = connection.app.state.parts
    if not isinstance(found, DashboardParts):
        raise TypeError(f"got {type(found)}, expected DashboardParts")
    return found
