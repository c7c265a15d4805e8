"""``athanor run``: one campaign from its opening to its end, on the bench or simulated."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import (
    EXIT_HELD,
    DatabaseOption,
    console,
    settings_of,
    write_text,
)

if TYPE_CHECKING:
    from datetime import datetime

    from orchestrator.service.views import CampaignView
    from orchestrator.settings import Settings
    from orchestrator.wiring import Prepared, RunEnd, RunOptions

__all__ = ["run"]

_SpeedOption = Annotated[
    float,
    typer.Option("--speed", metavar="N", help="Seconds of the lab in a real one; simulators."),
]
_SupervisedOption = Annotated[
    bool,
    typer.Option(
        "--supervise/--no-supervise",
        help="Start the engine again when it is killed; not in a dry-run, nor under systemd.",
    ),
]
_ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Go on with the unfinished campaign of this name.")
]
_NewOption = Annotated[
    bool, typer.Option("--new", help="Open another one although one is unfinished.")
]
_ReportOption = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write a report at the end.")
]
_LiveOption = Annotated[
    bool | None,
    typer.Option("--live/--plain", help="A table that changes, or lines; a table on a terminal."),
]
_DryRunOption = Annotated[
    bool,
    typer.Option("--dry-run", help="On the pretended bench, in virtual time; opens no port."),
]
_LeavesOption = Annotated[
    bool,
    typer.Option("--leave-when-held", help="End with 3 when held instead of waiting; for scripts."),
]
_CampaignIdOption = Annotated[
    str | None, typer.Option("--campaign-id", hidden=True, help="Which to resume.")
]
_MaxExperimentsOption = Annotated[
    int | None,
    typer.Option(
        "--max-experiments",
        metavar="N",
        min=1,
        help="End a dry-run after at most so many.",
        show_default=False,
    ),
]
_ActKeyOption = Annotated[
    str, typer.Option("--act-key", hidden=True, help="Of the act of a person that this is.")
]
_ActRequestOption = Annotated[
    str, typer.Option("--act-request", hidden=True, help="Fingerprint of what they asked.")
]


def run(  # noqa: PLR0913 - one argument for each option of the command
    campaign: Annotated[Path, typer.Argument(metavar="CAMPAIGN", help="The campaign file.")],
    *,
    rig: Annotated[Path, typer.Option("--rig", metavar="FILE", help="The rig file.")],
    is_dry_run: _DryRunOption = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same dry-run.")] = 0,
    resume: _ResumeOption = False,
    new: _NewOption = False,
    is_live: _LiveOption = None,
    speed: _SpeedOption = 1.0,
    is_supervised: _SupervisedOption = True,
    leaves_when_held: _LeavesOption = False,
    campaign_id: _CampaignIdOption = None,
    max_experiments: _MaxExperimentsOption = None,
    act_key: _ActKeyOption = "",
    act_request: _ActRequestOption = "",
    report: _ReportOption = None,
    database: DatabaseOption = None,
) -> None:
    """Run a campaign until a stopping rule is met or somebody ends it.

    On the bench, a station process holds the rig's lines; if this one is killed, another takes
    over where it was. What is held waits here and says what to do; a dry-run that is held ends.
    Ctrl-C once asks for a pause (or leaves what is held), twice for a stop, thrice for an abort.
    Ends with 0 when done, 3 when left held or in doubt, 4 when aborted.

    Example: athanor run oer.toml --rig rig.toml --dry-run --seed 0 --report oer.html

    Example: athanor run oer.toml --rig rig.toml --resume
    """
    from orchestrator.cli.lasting_output import outlive_terminal
    from orchestrator.cli.warnings_shown import show_warnings
    from orchestrator.wiring import RunOptions, prepare

    outlive_terminal()
    show_warnings()
    settings = settings_of(database)
    options = RunOptions(
        campaign_file=campaign,
        rig_file=rig,
        database=settings.database,
        is_dry_run=is_dry_run,
        actor=settings.actor,
        seed=seed,
        resume=resume,
        new=new,
        campaign_id=campaign_id,
        speed=speed,
        alarm_channels=settings.alarm_channels,
        leaves_when_held=leaves_when_held,
        max_experiments=max_experiments,
        act_key=act_key,
        act_request=act_request,
    )
    if is_supervised and not is_dry_run:
        raise typer.Exit(_supervise(options, is_live=is_live, report=report))
    prepared = prepare(options)
    end = _drive(prepared, settings, is_live=is_live)
    _tell_end(end, options, settings, report)
    raise typer.Exit(end.exit_code)


def _supervise(options: "RunOptions", *, is_live: bool | None, report: Path | None) -> int:
    from orchestrator.wiring import supervise

    def command(wanted: "RunOptions") -> list[str]:
        return [*_engine_command(wanted, is_live=is_live), *_report_words(report)]

    return supervise(options, command, tell=lambda text: typer.echo(text, err=True))


def _engine_command(options: "RunOptions", *, is_live: bool | None) -> list[str]:
    """Return the command line of an engine that nobody supervises."""
    words: list[str | Path] = [sys.executable, "-m", "orchestrator", "run", options.campaign_file]
    words += ["--rig", options.rig_file, "--database", options.database, "--no-supervise"]
    words += ["--seed", str(options.seed), "--speed", f"{options.speed:g}"]
    words += ["--resume"] if options.resume else []
    words += ["--new"] if options.new else []
    words += ["--leave-when-held"] if options.leaves_when_held else []
    words += ["--campaign-id", options.campaign_id] if options.campaign_id else []
    if options.act_key:
        words += ["--act-key", options.act_key, "--act-request", options.act_request]
    if is_live is not None:
        words += ["--live" if is_live else "--plain"]
    return [str(word) for word in words]


def _report_words(report: Path | None) -> list[str]:
    return [] if report is None else ["--report", str(report)]


def _drive(prepared: "Prepared", settings: "Settings", *, is_live: bool | None) -> "RunEnd":
    from orchestrator.cli.interrupts import Interrupts
    from orchestrator.cli.onlookers import LiveOnlooker, PlainOnlooker
    from orchestrator.cli.station_door import station_door
    from orchestrator.service.asking import ask_campaign
    from orchestrator.service.lab import Lab
    from orchestrator.service.refusals import REFUSALS, refusal_lines
    from orchestrator.service.requests import Request
    from orchestrator.wiring import RunHandle
    from orchestrator.wiring import run as run_prepared

    handles: list[RunHandle] = []

    def ask(request: Request) -> None:
        """Tell the station and the log; whoever pressed Ctrl-C will not wait for a resume."""
        handles[0].leave_when_paused()
        if request is Request.PAUSE and handles[0].is_waiting:
            return
        if not use_live:
            typer.echo(interrupts.hint)
        try:
            campaign_id = handles[0].campaign_id
            ask_campaign(
                lambda: Lab.open(settings),
                station_door(settings),
                request,
                campaign_id,
                reason="Ctrl-C",
            )
        except REFUSALS as error:
            for line in refusal_lines(error):
                typer.echo(line, err=True)

    def on_start(handle: RunHandle) -> None:
        handles.append(handle)
        interrupts.begin()

    interrupts = Interrupts(ask)
    screen = console()
    use_live = screen.is_terminal if is_live is None else is_live
    database = settings.database
    onlooker = (
        LiveOnlooker(screen, interrupts, database)
        if use_live
        else PlainOnlooker(interrupts, database)
    )
    with onlooker, interrupts:
        return run_prepared(prepared, on_progress=onlooker.show, on_start=on_start)


def _tell_end(
    end: "RunEnd", options: "RunOptions", settings: "Settings", report: Path | None
) -> None:
    from orchestrator.cli.screens import front_table
    from orchestrator.service.lab import Lab
    from orchestrator.service.next_steps import next_steps

    with Lab.open(settings) as lab:
        view, laboratory = lab.campaign(end.campaign_id), lab.laboratory_view()
        made_time = lab.now()
    if view.front:
        console().print(front_table(view))
    reason = f": {end.reason}" if end.reason else ""
    write_text(f"{end.campaign_id} {end.status}{reason}")
    write_text(f"log {settings.database}, last hash {end.last_hash}")
    if report is not None:
        _write_report(view, report, made_time)
    for job_id in end.in_doubt if view.has_ended else ():
        typer.echo(f"was in doubt to the end: {job_id}", err=True)
    steps = next_steps(view, laboratory, database=settings.database, again=_again(options))
    for step in steps if end.exit_code == EXIT_HELD else ():
        typer.echo(step, err=True)


def _again(options: "RunOptions") -> list[str]:
    """Return the command line that goes on with a held campaign."""
    words: list[str | Path] = ["athanor", "run", options.campaign_file, "--rig", options.rig_file]
    words += ["--dry-run"] if options.is_dry_run else []
    words += ["--speed", f"{options.speed:g}"] if options.speed != 1.0 else []
    if options.max_experiments is not None:
        words += ["--max-experiments", str(options.max_experiments)]
    words += ["--database", options.database, "--resume"]
    return [str(word) for word in words]


def _write_report(view: "CampaignView", path: Path, made_time: "datetime") -> None:
    """Write the report; a file that cannot be written does not change how the run ended."""
    from orchestrator.errors import AthanorError
    from orchestrator.service.report import write_report

    try:
        write_text(f"report {write_report(view, path, made_time=made_time)}")
    except AthanorError as error:
        typer.echo(f"{error}; `athanor report` makes it at any time", err=True)
