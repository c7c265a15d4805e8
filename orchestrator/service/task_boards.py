"""All boards of tasks that a web process shows: those in folders, and those that rig files name."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Self

from drivers.errors import DriverError
from orchestrator.errors import RequestRefused
from orchestrator.service.tasks import TaskDesk, TaskView, has_board

__all__ = ["TaskBoards"]


class TaskBoards:
    """Some boards, by the folder or the rig file that named them.

    Args:
        desks: The boards; none unless given.
    """

    def __init__(self, desks: Mapping[str, TaskDesk] | None = None) -> None:
        self._desks = dict(desks or {})

    @classmethod
    def of(cls, *, folders: Iterable[Path] = (), rigs: Iterable[Path] = ()) -> Self:
        """Open boards.

        Args:
            folders: Each of one board.
            rigs: Rig files; those without a board are passed over.

        Raises:
            RigFileError: A rig file is wrong.
            RequestRefused: A folder is not there, or a rig has several boards.
        """
        desks = {str(folder): TaskDesk.of(board=folder, rig=None) for folder in folders}
        for rig in rigs:
            if has_board(rig):
                desks[rig.name] = TaskDesk.of(board=None, rig=rig)
        return cls(desks)

    @property
    def names(self) -> tuple[str, ...]:
        """What named each board."""
        return tuple(self._desks)

    def views(self, *, with_answered: bool = False) -> tuple[TaskView, ...]:
        """Return the tasks of all boards that can be read, in the order of posting.

        Args:
            with_answered: Return the answered and withdrawn ones too.
        """
        found = [
            view
            for desk in self._desks.values()
            for view in _views_or_error(desk, with_answered=with_answered)
            if isinstance(view, TaskView)
        ]
        return tuple(sorted(found, key=lambda view: (str(view.posted_at), view.task)))

    def troubles(self) -> tuple[str, ...]:
        """Return why boards cannot be read, one line for each of those."""
        return tuple(
            f"{name}: {error}"
            for name, desk in self._desks.items()
            for error in _views_or_error(desk, with_answered=False)
            if isinstance(error, DriverError)
        )

    def desk_of(self, task: str) -> TaskDesk:
        """Return the board that a task stands on.

        Args:
            task: Its key.

        Raises:
            RequestRefused: It stands on none.
            BoardError: A board cannot be read.
        """
        for desk in self._desks.values():
            if any(view.task == task for view in desk.views(with_answered=True)):
                return desk
        there = "" if self._desks else "; `athanor serve --rig RIG` or --board FOLDER names one"
        raise RequestRefused(f"task: got {task!r}, which stands on no board{there}")


def _views_or_error(
    desk: TaskDesk, *, with_answered: bool
) -> Sequence[TaskView] | Sequence[DriverError]:
    try:
        return desk.views(with_answered=with_answered)
    except DriverError as error:
        return (error,)
