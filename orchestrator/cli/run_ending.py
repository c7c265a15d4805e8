"""What `athanor run` says at the end: how each campaign ended, its report, what to do next."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from orchestrator.cli.options import EXIT_HELD, console, write_text

if TYPE_CHECKING:
    from datetime import datetime

    from orchestrator.service.views import CampaignView
    from orchestrator.settings import Settings
    from orchestrator.wiring import RunEnd, RunOptions

__all__ = ["tell_ends"]


def tell_ends(
    ends: Sequence["RunEnd"],
    options: Sequence["RunOptions"],
    settings: "Settings",
    report: Path | None,
) -> None:
    """Say how each campaign ended, and write the reports.

    Args:
        ends: In the order of `options`.
        options: What was asked, one for each campaign.
        settings: Where the log is.
        report: Where the report goes: a file for one campaign, a folder for several; None is none.
    """
    for end, one in zip(ends, options, strict=True):
        path = report
        if report is not None and len(ends) > 1:
            path = report / f"{end.campaign_id}.html"
        _tell_end(end, one, settings, path)
    left = [one for end, one in zip(ends, options, strict=True) if end.exit_code == EXIT_HELD]
    if len(left) > 1:
        typer.echo(f"go on with all of them: {shlex.join(_again(left))}", err=True)


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
    steps = next_steps(view, laboratory, database=settings.database, again=_again([options]))
    for step in steps if end.exit_code == EXIT_HELD else ():
        typer.echo(step, err=True)


def _again(held: Sequence["RunOptions"]) -> list[str]:
    """Return the command line that goes on with held campaigns."""
    options = held[0]
    words: list[str | Path] = ["athanor", "run", *(one.campaign_file for one in held)]
    words += ["--rig", options.rig_file]
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
