"""``athanor station``: the process that holds a rig's lines."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.options import DatabaseOption, settings_of, write_text

__all__ = ["station"]


def station(
    rig: Annotated[Path, typer.Argument(metavar="RIG", help="The rig file.")],
    speed: Annotated[
        float,
        typer.Option("--speed", metavar="N", help="Seconds of the lab in a real one; simulators."),
    ] = 1.0,
    stays: Annotated[
        bool, typer.Option("--stay", help="Stay when the engines have gone, until --leave.")
    ] = False,
    leaves: Annotated[
        bool, typer.Option("--leave", help="Tell the station that lives to make safe and leave.")
    ] = False,
    database: DatabaseOption = None,
) -> None:
    """Hold a rig's lines and carry out what engines order; `athanor run` starts one by itself.

    One station lives for each rig and database. It ends with everything in its safe state: on
    SIGTERM or Ctrl-C, when told to, or ten minutes after the last engine has gone.

    Example: athanor station rig.toml --database lab.db --stay

    Example: athanor station rig.toml --database lab.db --leave
    """
    from orchestrator.wiring.stations import StationWish, end_station, serve_station

    settings = settings_of(database)
    if leaves:
        stayed = end_station(rig, settings)
        if stayed:
            from orchestrator.errors import RequestRefused

            raise RequestRefused(stayed)
        write_text("no station lives")
        return
    write_text(f"left: {serve_station(StationWish(rig, speed=speed, stays=stays), settings)}")
