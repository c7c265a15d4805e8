"""``athanor backup``: a checked copy of the log, also while a campaign runs."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.options import (
    DatabaseOption,
    JsonOption,
    settings_of,
    write_json,
    write_text,
)

__all__ = ["backup"]


def backup(
    to: Annotated[Path, typer.Argument(metavar="TO", help="The copy; nothing may be there.")],
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Copy the log while campaigns run, check the copy, and never write over a file.

    The copy has its name only once it is whole. The stations' own journals are not part of it.

    Example: athanor backup /media/usb/athanor-2026-11-22.db
    """
    from orchestrator.service.backup import back_up

    made = back_up(settings_of(database), to)
    if as_json:
        facts = {"n_records": made.n_records, "n_bytes": made.n_bytes}
        write_json({"backup": str(made.path), **facts, "last_hash": made.last_hash})
        return
    size = f"{made.n_bytes / 1e6:,.1f} MB"
    write_text(f"{made.path}: {made.n_records} records, {size}, whole; last hash {made.last_hash}")
