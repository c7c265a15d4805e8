"""``athanor service``: a campaign that systemd keeps running, through crashes and reboots."""

import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from orchestrator.cli.options import EXIT_DONE, DatabaseOption, settings_of, write_text
from orchestrator.errors import RequestRefused

if TYPE_CHECKING:
    from orchestrator.service.systemd import Unit
    from orchestrator.settings import Settings

__all__ = ["app", "install", "keep", "uninstall"]

app = typer.Typer(help="Have systemd keep a campaign running.", no_args_is_help=True)

_LOOK_EVERY_S: Final = 2.0
_NOBODY_TOLD: Final = (
    "ATHANOR_ALARM_CHANNELS is not set: nobody is told of alarms while the unit runs alone; "
    "set it to a file of channels, then do this again"
)
_SYSTEM_UNITS: Final = Path("/etc/systemd/system")

_CampaignFile = Annotated[Path, typer.Argument(metavar="CAMPAIGN", help="The campaign file.")]
_RigOption = Annotated[Path, typer.Option("--rig", metavar="FILE", help="The rig file.")]
_UserOption = Annotated[
    bool, typer.Option("--user/--system", help="A unit of your own, or one of the machine.")
]


@app.command()
def install(
    campaign: _CampaignFile,
    *,
    rig: _RigOption,
    of_user: _UserOption = True,
    only_print: Annotated[
        bool, typer.Option("--print", help="Show the unit; write nothing.")
    ] = False,
    database: DatabaseOption = None,
) -> None:
    """Write a systemd unit that keeps a campaign running; it is not started yet.

    Each start recovers first: it asks the devices what they did. What a person paused, or what was
    held for one, waits for `athanor resume`. An ended campaign or a file that is wrong is not
    tried again.

    Example: athanor service install oer.toml --rig rig.toml --print
    """
    from orchestrator.service.systemd import install_unit, unit_name, unit_text

    settings = settings_of(database)
    unit = _unit(campaign, rig, settings, of_user=of_user)
    text, name = unit_text(unit), unit_name(unit.campaign_name)
    if settings.alarm_channels is None:
        typer.echo(_NOBODY_TOLD, err=True)
    if only_print:
        write_text(text)
        return
    path = install_unit(_folder(of_user=of_user), name, text)
    ctl = "systemctl --user" if of_user else "sudo systemctl"
    write_text(f"written: {path}")
    typer.echo(f"then: {ctl} daemon-reload && {ctl} enable --now {name}", err=True)
    if of_user:
        typer.echo("and, to have it run while you are logged out: loginctl enable-linger", err=True)


@app.command()
def uninstall(
    campaign: _CampaignFile,
    *,
    of_user: _UserOption = True,
) -> None:
    """Remove the unit of a campaign; the campaign stays as it is.

    Example: athanor service uninstall oer.toml
    """
    from orchestrator.service.keeping import name_in
    from orchestrator.service.systemd import uninstall_unit, unit_name

    name = unit_name(name_in(campaign))
    path = uninstall_unit(_folder(of_user=of_user), name)
    ctl = "systemctl --user" if of_user else "sudo systemctl"
    write_text(f"removed: {path}")
    typer.echo(f"if it still runs: {ctl} stop {name}; then: {ctl} daemon-reload", err=True)


@app.command(hidden=True)
def keep(
    campaign: _CampaignFile,
    *,
    rig: _RigOption,
    database: DatabaseOption = None,
) -> None:
    """Become the engine of a campaign as soon as it needs one; what the unit starts.

    Example: athanor service keep oer.toml --rig rig.toml
    """
    from threading import Event

    from orchestrator.service.keeping import Need, name_in, wait_for_person

    settings, name = settings_of(database), name_in(campaign)
    flag, watch = Event(), _alarm_watch(rig, settings)

    def pause() -> None:
        watch()
        flag.wait(_LOOK_EVERY_S)

    needed = wait_for_person(
        settings,
        name,
        pause=pause,
        tell=lambda text: typer.echo(text, err=True),
    )
    if needed.need is Need.NOTHING:
        typer.echo(
            f"{needed.campaign_id} is {needed.reason}: nothing to do; a person begins another one: "
            f"athanor run {campaign} --rig {rig}",
            err=True,
        )
        raise typer.Exit(EXIT_DONE)
    words = ["run", str(campaign), "--rig", str(rig), "--database", str(settings.database)]
    words += ["--no-supervise", "--plain"]
    if needed.need is Need.RESUME:
        words += ["--resume", "--campaign-id", needed.campaign_id]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "orchestrator", *words])


def _alarm_watch(rig: Path, settings: "Settings") -> Callable[[], None]:
    """Return what rings and escalates alarms while no station lives that would.

    Raises:
        RigFileError: With every mistake in the rig file.
    """
    from orchestrator.cli.station_door import status_of_rig
    from orchestrator.service.rig_check import load_rig
    from orchestrator.wiring.alarm_beat import AlarmBeat

    spec = load_rig(rig)
    name, sha256, beat = spec.header.name, spec.fingerprint(), AlarmBeat(spec, settings)

    def watch() -> None:
        try:
            status = status_of_rig(settings, name, sha256)
        except RequestRefused:
            return  # a station with another version of the file lives, and watches
        if status is None:
            beat()

    return watch


def _unit(campaign: Path, rig: Path, settings: "Settings", *, of_user: bool) -> "Unit":
    """Return the unit of a campaign; files that do not fit are refused now, not by night."""
    from orchestrator.service.systemd import Unit, command_of_keeper
    from orchestrator.wiring import RunOptions, prepare

    prepared = prepare(
        RunOptions(
            campaign_file=campaign,
            rig_file=rig,
            database=settings.database,
            is_dry_run=False,
            actor=settings.actor,
        )
    )
    database = settings.database.absolute()
    words = [str(campaign.absolute()), "--rig", str(rig.absolute()), "--database", str(database)]
    return Unit(
        campaign_name=prepared.campaign.header.name,
        command=command_of_keeper(Path(sys.executable), words),
        folder=database.parent,
        environment=_environment(settings),
        user="" if of_user else os.environ.get("SUDO_USER") or getpass.getuser(),
    )


def _environment(settings: "Settings") -> dict[str, str]:
    """Return the settings that the unit's process is to have beside the database."""
    found = {"ATHANOR_ACTOR": settings.actor}
    if settings.alarm_channels is not None:
        found["ATHANOR_ALARM_CHANNELS"] = str(settings.alarm_channels.absolute())
    return found


def _folder(*, of_user: bool) -> Path:
    """Return where systemd looks for units."""
    if not of_user:
        return _SYSTEM_UNITS
    configuration = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(configuration) / "systemd" / "user"
