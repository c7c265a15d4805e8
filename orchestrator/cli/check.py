"""``athanor check``: whether a campaign can be run, and what it will take; nothing is written."""

import signal
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.options import JsonOption, console, write_json

__all__ = ["check"]


def check(
    campaign: Annotated[Path, typer.Argument(metavar="CAMPAIGN", help="The campaign file.")],
    rig: Annotated[
        Path | None,
        typer.Option("--rig", metavar="FILE", help="The rig file; the space alone unless given."),
    ] = None,
    as_json: JsonOption = False,
    within_s: Annotated[
        float | None,
        typer.Option("--within", hidden=True, min=0.1, help="Die of it after so many seconds."),
    ] = None,
) -> None:
    """Check both files, and say what the campaign will take: stock, hours, money, the end.

    With --json, mistakes are printed as JSON, too: file, key, got, expected; the exit code is 2.

    Example: athanor check oer.toml --rig rig.toml
    """
    from orchestrator.checking import check as check_files
    from orchestrator.service.problems import problems_in
    from orchestrator.service.refusals import REFUSALS

    if within_s is not None:
        signal.setitimer(signal.ITIMER_REAL, within_s)  # nothing is written: it may end anywhere
    try:
        found = check_files(campaign, rig)
    except REFUSALS as error:
        if as_json:
            write_json({"problems": [one.model_dump() for one in problems_in(error)]})
        raise
    if as_json:
        write_json(asdict(found))
        return
    from orchestrator.cli.outlook_screen import outlook_panel

    console().print(outlook_panel(found))
