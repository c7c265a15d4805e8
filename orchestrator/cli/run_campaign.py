"""``athanor run``: campaigns from their opening to their end, on the bench or simulated."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import (
    DatabaseOption,
    settings_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.settings import Settings
    from orchestrator.wiring import RunOptions

__all__ = ["run"]

_CampaignsArgument = Annotated[
    list[Path],
    typer.Argument(metavar="CAMPAIGN", help="The campaign file; several share a dry-run's bench."),
]
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
    Path | None,
    typer.Option("--report", metavar="FILE", help="Write a report at the end; several: a folder."),
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
_ReasonOption = Annotated[
    str,
    typer.Option(
        "--reason",
        metavar="TEXT",
        help="Why you open it, or go on with it; it stands in the log.",
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
    campaigns: _CampaignsArgument,
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
    reason: _ReasonOption = "",
    act_key: _ActKeyOption = "",
    act_request: _ActRequestOption = "",
    report: _ReportOption = None,
    database: DatabaseOption = None,
) -> None:
    """Run a campaign until a stopping rule is met or somebody ends it.

    Several in a dry-run share one pretended bench and shelf; each holds and ends for itself.

    On the bench, a station process holds the rig's lines; if this one is killed, another takes
    over where it was. What is held waits here and says what to do; a dry-run that is held ends.
    Ctrl-C once asks for a pause (or leaves what is held), twice for a stop, thrice for an abort.
    Ends with 0 when done, 3 when left held or in doubt, 4 when aborted; of several, the worst.

    Example: athanor run oer.toml --rig rig.toml --dry-run --seed 0 --report oer.html

    Example: athanor run a.toml b.toml --rig rig.toml --dry-run --resume
    """
    from orchestrator.wiring import RunOptions

    _outlast_terminal()
    settings = settings_of(database)
    options = RunOptions(
        campaign_file=campaigns[0],
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
        reason=reason,
        act_key=act_key,
        act_request=act_request,
    )
    if is_supervised and not is_dry_run and len(campaigns) == 1:
        raise typer.Exit(_supervise(options, is_live=is_live, report=report))
    each = [replace(options, campaign_file=file) for file in campaigns]
    raise typer.Exit(_run_each(each, settings, is_live=is_live, report=report))


def _run_each(
    options: "Sequence[RunOptions]",
    settings: "Settings",
    *,
    is_live: bool | None,
    report: Path | None,
) -> int:
    """Run campaigns in this process; return the worst of their exit codes."""
    from orchestrator.cli.run_driving import drive
    from orchestrator.cli.run_ending import tell_ends
    from orchestrator.wiring import prepare_together

    prepared = prepare_together(options)
    _refuse_report(report, len(options))
    ends = drive(prepared, settings, is_live=is_live)
    tell_ends(ends, options, settings, report)
    return max(end.exit_code for end in ends)


def _refuse_report(report: Path | None, n: int) -> None:
    """Refuse a file where the reports of several campaigns are to go; make the folder."""
    from orchestrator.errors import RequestRefused

    if report is None or n == 1:
        return
    try:
        report.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestRefused(
            f"--report: got {report} for {n} campaigns, expected a folder: {error.strerror}"
        ) from error


def _supervise(options: "RunOptions", *, is_live: bool | None, report: Path | None) -> int:
    from orchestrator.wiring import supervise

    def command(wanted: "RunOptions") -> list[str]:
        return [*_engine_command(wanted, is_live=is_live), *_report_words(report)]

    return supervise(options, command, tell=lambda text: typer.echo(text, err=True))


def _outlast_terminal() -> None:
    """Let a terminal that closes end no engine, and show what libraries warn of."""
    from orchestrator.cli.lasting_output import outlive_terminal
    from orchestrator.cli.warnings_shown import show_warnings

    outlive_terminal()
    show_warnings()


def _engine_command(options: "RunOptions", *, is_live: bool | None) -> list[str]:
    """Return the command line of an engine that nobody supervises."""
    words: list[str | Path] = [sys.executable, "-m", "orchestrator", "run", options.campaign_file]
    words += ["--rig", options.rig_file, "--database", options.database, "--no-supervise"]
    words += ["--seed", str(options.seed), "--speed", f"{options.speed:g}"]
    words += ["--resume"] if options.resume else []
    words += ["--new"] if options.new else []
    words += ["--leave-when-held"] if options.leaves_when_held else []
    words += ["--campaign-id", options.campaign_id] if options.campaign_id else []
    words += ["--reason", options.reason] if options.reason else []
    if options.act_key:
        words += ["--act-key", options.act_key, "--act-request", options.act_request]
    if is_live is not None:
        words += ["--live" if is_live else "--plain"]
    return [str(word) for word in words]


def _report_words(report: Path | None) -> list[str]:
    return [] if report is None else ["--report", str(report)]
