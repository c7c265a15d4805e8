"""``athanor check``: whether a campaign can be run, and what it will take; nothing is written."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.options import JsonOption, console, write_text

__all__ = ["check"]


def check(
    campaign: Annotated[Path, typer.Argument(metavar="CAMPAIGN", help="The campaign file.")],
    rig: Annotated[
        Path | None,
        typer.Option("--rig", metavar="FILE", help="The rig file; the space alone unless given."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check both files, and say what the campaign will take: stock, hours, money, the end.

    Example: athanor check oer.toml --rig rig.toml
    """
    from orchestrator.checking import check as check_files

    found = check_files(campaign, rig)
    if as_json:
        write_text(json.dumps(asdict(found), indent=1))
        return
    from orchestrator.cli.outlook_screen import outlook_panel

    console().print(outlook_panel(found))
