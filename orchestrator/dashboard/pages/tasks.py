"""The boards of manual stations: what people are asked to do, and how they answer."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from orchestrator.access.roles import Scope
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.parts import parts_of
from orchestrator.dashboard.rendering import page
from orchestrator.service.task_boards import TaskBoards
from orchestrator.service.tasks import TaskView

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[Depends(needs(Scope.READ))])

_MOST_ANSWERED = 30


@router.get("/tasks", name="tasks")
def tasks(request: Request, answered: Annotated[bool, Query()] = False) -> Response:
    """Show the tasks that wait, with a form for each."""
    boards = parts_of(request).boards
    waiting = boards.views()
    past: list[TaskView] = []
    if answered:
        keys = {view.task for view in waiting}
        past = [one for one in boards.views(with_answered=True) if one.task not in keys]
    context = {
        "tasks": waiting,
        "answered": past[: -_MOST_ANSWERED - 1 : -1],
        "shows_answered": answered,
        "boards": boards.names,
        "board_troubles": boards.troubles(),
        "digest": _digest(boards),
    }
    return page(request, "tasks.html", context)


@router.get("/parts/tasks/changed", name="tasks_changed")
def tasks_changed(request: Request, digest: Annotated[str, Query(max_length=64)]) -> Response:
    """Say whether the boards have changed since a page was made; what is typed there stays."""
    has_changed = _digest(parts_of(request).boards) != digest
    return page(request, "tasks/changed.html", {"has_changed": has_changed})


def _digest(boards: TaskBoards) -> str:
    """Return what stays the same as long as no task comes, goes or changes hands."""
    said = [f"{one.task} {one.state} {one.by} {one.is_recalled}" for one in boards.views()]
    return hashlib.sha256("\n".join([*said, *boards.troubles()]).encode()).hexdigest()[:32]
