"""``athanor serve``: the operator's dashboard and its API."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import DatabaseOption, lab_of, settings_of, write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.access.keys import KeyBook
    from orchestrator.dashboard.parts import DashboardParts
    from orchestrator.dashboard.serving import FirstToken, Where
    from orchestrator.service.launching import RigOffer
    from orchestrator.service.task_boards import TaskBoards
    from orchestrator.settings import Settings

__all__ = ["dashboard_parts", "key_book", "serve"]


_RigsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--rig",
        metavar="RIG",
        help="A rig that campaigns may be started on, with its task board; once for each.",
    ),
]
_BoardsOption = Annotated[
    list[Path] | None,
    typer.Option("--board", metavar="FOLDER", help="A task board that is shown, by its folder."),
]
_SpeedOption = Annotated[
    float, typer.Option("--speed", min=0.01, help="Of the time, on rigs that are simulated.")
]


def serve(  # noqa: PLR0913, PLR0917 - each is an option of the command
    host: Annotated[
        str,
        typer.Option("--host", help="Address to listen on; other machines need more, see below."),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")
    ] = 8080,
    host_name: Annotated[
        list[str] | None,
        typer.Option(
            "--host-name", metavar="NAME", help="Another name people call this machine by."
        ),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", metavar="PEM", help="For https.")
    ] = None,
    certificate_key: Annotated[
        Path | None, typer.Option("--certificate-key", metavar="PEM", help="Its key.")
    ] = None,
    proxy: Annotated[
        str,
        typer.Option(
            "--proxy", metavar="ADDRESS", help="A proxy here that speaks https to people."
        ),
    ] = "",
    rig: _RigsOption = None,
    board: _BoardsOption = None,
    speed: _SpeedOption = 1.0,
    database: DatabaseOption = None,
) -> None:
    """Serve the dashboard and the API of a laboratory; it may die or run twice, the lab goes on.

    Only this machine is served unless there is an account with a password, and https: by a
    certificate, or by a proxy. The first run makes an admin and a token, and says so.

    Example: athanor serve --rig oer_rig.toml

    Example: athanor serve --host 0.0.0.0 --host-name lab.example --certificate lab.pem
    --certificate-key lab.key
    """
    from orchestrator.dashboard.serving import Where
    from orchestrator.service.launching import RigOffer
    from orchestrator.service.task_boards import TaskBoards

    where = Where(host, port, tuple(host_name or ()), certificate, certificate_key, proxy)
    boards = TaskBoards.of(folders=board or (), rigs=rig or ())
    _serve(where, database, boards, [RigOffer(one, speed) for one in rig or ()])


def _serve(
    where: "Where", database: Path | None, boards: "TaskBoards", offers: "Sequence[RigOffer]"
) -> None:
    from orchestrator.dashboard.serving import first_token, refuse_unsafe
    from orchestrator.dashboard.serving import serve as serve_app
    from orchestrator.service.lab import Lab
    from orchestrator.service.launching import LaunchDesk

    settings = settings_of(database)
    keys = key_book(settings)
    refuse_unsafe(where, keys)
    if Lab.make(settings):
        typer.echo(f"made {settings.database}, a log without campaigns", err=True)
    made = first_token(keys, settings.actor)
    if made is not None:
        _tell_first(made, settings)
    elif _first_token_path(settings).exists():
        typer.echo(f"{_first_token_path(settings)} is still there: delete it", err=True)
    with LaunchDesk.open(settings, offers) as launcher:
        parts = replace(dashboard_parts(settings, database, keys, boards), launcher=launcher)
        write_text(f"{where.url} shows {settings.database}; Ctrl-C ends it, campaigns go on")
        with parts.live:
            serve_app(parts, where)


def key_book(settings: "Settings") -> "KeyBook":
    """Return the accounts of a database."""
    from orchestrator.access.keys import KeyBook
    from orchestrator.access.store import access_path

    return KeyBook(access_path(settings.database))


def dashboard_parts(
    settings: "Settings",
    database: Path | None,
    keys: "KeyBook",
    boards: "TaskBoards",
) -> "DashboardParts":
    """Return what a dashboard works with.

    Args:
        settings: Where the log is.
        database: As it was given on the command line.
        keys: The accounts.
        boards: Of manual stations.
    """
    from orchestrator.cli.station_door import signs_of_stations, station_door
    from orchestrator.dashboard.parts import DashboardParts
    from orchestrator.service.following import Follower
    from orchestrator.service.lab import Lab
    from orchestrator.service.live import LiveLab

    def of(name: str) -> "Settings":
        return settings.model_copy(update={"actor": name})

    lab_of(database).close()
    return DashboardParts(
        database=settings.database,
        live=LiveLab.open(settings),
        follower=Follower.open(settings),
        keys=keys,
        open_lab=lambda name, acting: Lab.open(of(name), acting),
        door_of=lambda name: station_door(of(name)),
        signs=lambda: signs_of_stations(settings),
        boards=boards,
    )


def _first_token_path(settings: "Settings") -> Path:
    return settings.database.with_name(f"{settings.database.name}.first-token")


def _tell_first(made: "FirstToken", settings: "Settings") -> None:
    """Say the first token once; where nobody looks, in a file that its owner alone can read."""
    typer.echo(f"there was no account: {made.account} is now one, an admin", err=True)
    if sys.stderr.isatty():
        typer.echo(
            f"sign in with this token, shown only now, good for 7 days: {made.text}", err=True
        )
        return
    path = _first_token_path(settings)
    path.unlink(missing_ok=True)  # it may be a link that somebody left there, or theirs to read
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{made.text}\n")
    typer.echo(f"sign in with the token in {path}, good for 7 days; then delete it", err=True)
