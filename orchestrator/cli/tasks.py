"""``athanor tasks``: the board of a manual station, for the people who do what stands on it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import JsonOption, console, settings_of, write_text

if TYPE_CHECKING:
    from orchestrator.service.tasks import TaskDesk, TaskView

__all__ = ["app", "done", "list_", "refuse", "take"]

app = typer.Typer(help="See and answer the tasks of a manual station.", no_args_is_help=True)

_BoardOption = Annotated[
    Path | None,
    typer.Option("--board", metavar="FOLDER", help="The folder of the board.", show_default=False),
]
_RigOption = Annotated[
    Path | None,
    typer.Option(
        "--rig",
        metavar="RIG",
        help="A rig file with one line of kind task_board, instead of --board.",
        show_default=False,
    ),
]
_TaskArgument = Annotated[
    str,
    typer.Argument(
        metavar="TASK",
        help="Its key, as `athanor tasks list` shows it, or an end of it such as E0001/press.",
    ),
]
_ByOption = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="NAME",
        help="Who you are; ATHANOR_ACTOR or your login name unless given.",
        show_default=False,
    ),
]


@app.command("list")
def list_(
    board: _BoardOption = None,
    rig: _RigOption = None,
    with_answered: Annotated[
        bool, typer.Option("--all", help="Show the answered and withdrawn ones too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the tasks that wait for an answer, oldest first.

    Example: athanor tasks list --rig oer_rig.toml
    """
    views = _desk(board, rig).views(with_answered=with_answered)
    if as_json:
        _write(views)
        return
    for view in views:
        _show(view)
    if not views:
        write_text("no task waits for an answer")


@app.command()
def take(
    task: _TaskArgument,
    *,
    board: _BoardOption = None,
    rig: _RigOption = None,
    by: _ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a task: nobody else does it then, and the station waits for your answer.

    Example: athanor tasks take E0001/press --by Ana --rig oer_rig.toml
    """
    _tell(_desk(board, rig).take(task, by=_name(by)), as_json=as_json)


@app.command()
def done(
    task: _TaskArgument,
    *,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--value",
            metavar="NAME=NUMBER",
            help="A number that the task asks for; once for each.",
            show_default=False,
        ),
    ] = None,
    note: Annotated[str, typer.Option("--note", help="Anything worth knowing.")] = "",
    board: _BoardOption = None,
    rig: _RigOption = None,
    by: _ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a task is done, with the numbers that it asks for.

    Example: athanor tasks done E0001/press --value mass_g=1.23 --by Ana --rig oer_rig.toml
    """
    desk = _desk(board, rig)
    view = desk.done(task, by=_name(by), values=values or (), note=note)
    _tell(view, as_json=as_json)


@app.command()
def refuse(
    task: _TaskArgument,
    *,
    note: Annotated[str, typer.Option("--note", help="Why; it stands in the log.")] = "",
    is_partly_done: Annotated[
        bool, typer.Option("--partly", help="It was begun: matter was touched.")
    ] = False,
    board: _BoardOption = None,
    rig: _RigOption = None,
    by: _ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a task will not be done; with --partly, that it was begun and went wrong.

    Example: athanor tasks refuse E0001/press --note "press broken" --rig oer_rig.toml
    """
    desk = _desk(board, rig)
    view = desk.refuse(task, by=_name(by), note=note, is_partly_done=is_partly_done)
    _tell(view, as_json=as_json)


def _desk(board: Path | None, rig: Path | None) -> "TaskDesk":
    from orchestrator.service.tasks import TaskDesk

    return TaskDesk.of(board=board, rig=rig)


def _name(by: str | None) -> str:
    return by if by is not None else settings_of(None).actor


def _tell(view: "TaskView", *, as_json: bool) -> None:
    if as_json:
        _write([view])
    else:
        write_text(f"{view.task}: {view.state} by {view.by}")


def _write(views: "Sequence[TaskView]") -> None:
    write_text(json.dumps([view.model_dump(mode="json") for view in views], indent=1))


def _show(view: "TaskView") -> None:
    from rich.text import Text

    who = f" by {view.by}" if view.by else ""
    waited = f"{view.waited_s:.0f} s of {view.within_s:.0f} s"
    heading = Text(f"{view.task}  ", style="bold")
    heading.append(f"{view.state}{who}, {waited}", style="red" if view.is_late else "")
    if view.is_recalled:
        heading.append("  STOP: it is not wanted any more; say how far you got", style="bold red")
    console().print(heading, soft_wrap=True)
    console().print(Text(f"  {view.instruction}"), soft_wrap=True)
    if view.asks:
        wanted = " ".join(f"--value {name}=…" for name in view.asks)
        console().print(Text(f"  {wanted}"), soft_wrap=True)
    if view.readings or view.note:
        numbers = ", ".join(f"{name} {value:g}" for name, value in view.readings.items())
        console().print(Text(f"  {numbers}{' ' if numbers else ''}{view.note}"), soft_wrap=True)
