"""``athanor doctor``: whether this machine can run campaigns."""

import json

import typer

from orchestrator.cli.options import (
    EXIT_BAD_INPUT,
    DatabaseOption,
    JsonOption,
    console,
    settings_of,
    write_text,
)

__all__ = ["doctor"]

_STYLES = {"good": "green", "warning": "yellow", "bad": "bold red"}


def doctor(as_json: JsonOption = False, database: DatabaseOption = None) -> None:
    """Look at Python, packages, disk, log, plugins and serial ports; change nothing.

    Ends with 2 if something is bad.

    Example: athanor doctor --json
    """
    from orchestrator.service.doctor import examine

    checks = examine(settings_of(database))
    if as_json:
        write_text(json.dumps([check.model_dump(mode="json") for check in checks], indent=1))
    else:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, show_header=False)
        for check in checks:
            health = Text(str(check.health), style=_STYLES[check.health])
            table.add_row(health, check.name, Text(check.message))
        console().print(table)
    if any(check.health == "bad" for check in checks):
        raise typer.Exit(EXIT_BAD_INPUT)
