"""Options that several commands share, and the doors that they open."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from orchestrator.service.lab import Lab
    from orchestrator.settings import Settings

__all__ = [
    "EXIT_ABORTED",
    "EXIT_BAD_INPUT",
    "EXIT_DONE",
    "EXIT_HELD",
    "EXIT_LOG_UNAVAILABLE",
    "CampaignArgument",
    "DatabaseOption",
    "JsonOption",
    "console",
    "is_alone",
    "lab_of",
    "messages",
    "settings_of",
    "write_json",
    "write_text",
]

EXIT_DONE: Final = 0
EXIT_BAD_INPUT: Final = 2
EXIT_HELD: Final = 3
EXIT_ABORTED: Final = 4
EXIT_LOG_UNAVAILABLE: Final = 5

_WIDE: Final = 160

DatabaseOption = Annotated[
    Path | None,
    typer.Option(
        "--database",
        metavar="FILE",
        help="The laboratory's log; ATHANOR_DATABASE or athanor.db unless given.",
        show_default=False,
    ),
]

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]

CampaignArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="CAMPAIGN_ID",
        help="As `athanor campaigns` lists it; the only unfinished one unless given.",
        show_default=False,
    ),
]


def is_alone(context: typer.Context, *, as_json: bool, database: Path | None) -> bool:
    """Tell whether a group of commands was called without one of them.

    Args:
        context: Of the group.
        as_json: Whether JSON was asked for in front of a command.
        database: What stands in front of a command.

    Raises:
        BadParameter: Options stand before the command that they are meant for.
    """
    if context.invoked_subcommand is None:
        return True
    if as_json or database is not None:
        raise typer.BadParameter(f"write options behind `{context.invoked_subcommand}`")
    return False


def settings_of(database: Path | None) -> "Settings":
    """Return the settings of this process."""
    from orchestrator.settings import settings_from

    return settings_from(os.environ, database=database)


def lab_of(database: Path | None) -> "Lab":
    """Open the laboratory's log for looking and asking."""
    from orchestrator.service.lab import Lab

    return Lab.open(settings_of(database))


def console() -> "Console":
    """Return the terminal for answers; a file or a pipe counts as a wide one."""
    from orchestrator.cli.legible_console import LegibleConsole

    width = None if sys.stdout.isatty() else _WIDE
    return LegibleConsole(highlight=False, width=width)


def messages() -> "Console":
    """Return the terminal for everything that is not an answer."""
    from orchestrator.cli.legible_console import LegibleConsole

    return LegibleConsole(stderr=True, highlight=False)


def write_json(facts: object, *, indent: int | None = 1) -> None:
    """Write an answer for scripts as JSON.

    Args:
        facts: Of JSON's own types.
        indent: None puts all of it on one line.
    """
    write_text(json.dumps(facts, indent=indent, ensure_ascii=False))


def write_text(text: str) -> None:
    """Write an answer for scripts, unwrapped and uncoloured; nothing in it steers a terminal."""
    from orchestrator.service.legible import legible

    typer.echo(legible(text), nl=not text.endswith("\n"))
