"""``athanor rig check``: whether every instrument of a rig answers; nothing moves."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import (
    EXIT_HELD,
    DatabaseOption,
    JsonOption,
    console,
    settings_of,
    write_json,
)

if TYPE_CHECKING:
    from orchestrator.service.rig_check import RigCheck
    from orchestrator.settings import Settings

__all__ = ["app", "check"]

app = typer.Typer(help="Look at a rig without moving anything.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Look at a rig without moving anything."""


@app.command()
def check(
    rig: Annotated[Path, typer.Argument(metavar="RIG", help="The rig file.")],
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Ask every instrument who it is, and show its firmware and its limits; nothing moves.

    While a station holds the lines, what the station knows is shown. Ends with 3 if an instrument
    does not answer.

    Example: athanor rig check rig.toml
    """
    from orchestrator.service.rig_check import check_file

    settings = settings_of(database)
    with _quiet():
        found = _station_says(rig, settings) or check_file(rig)
    if as_json:
        write_json({"is_good": found.is_good, **found.model_dump(mode="json")})
    else:
        from orchestrator.cli.rig_screen import rig_table

        console().print(rig_table(found))
        for fault in found.faults:
            typer.echo(fault, err=True)
    if not found.is_good:
        raise typer.Exit(EXIT_HELD)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the loss of each instrument off stderr: each line is told of once, at the end."""
    logger = logging.getLogger("orchestrator.execution.connecting")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _station_says(rig: Path, settings: "Settings") -> "RigCheck | None":
    """Return what the rig's living station knows; None where none lives."""
    from orchestrator.cli.station_door import status_of_rig
    from orchestrator.service.lab import Lab
    from orchestrator.service.rig_check import check_through_station, load_rig

    if not settings.database.is_file():
        return None
    spec = load_rig(rig)
    status = status_of_rig(settings, spec.header.name, spec.fingerprint())
    if status is None:
        return None
    with Lab.open(settings) as lab:
        return check_through_station(
            spec,
            lab.laboratory(),
            station=f"process {status.pid}",
            does=status.instruments,
            seen=lab.laboratory_view().last_time,
        )
