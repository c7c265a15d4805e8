"""A run with somebody at the terminal: shown while it goes on, and asked to end by Ctrl-C."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from orchestrator.cli.options import console

if TYPE_CHECKING:
    from orchestrator.cli.interrupts import Interrupts
    from orchestrator.cli.onlookers import LiveOnlooker, PlainOnlooker
    from orchestrator.cli.onlookers_of_several import LiveOnlookers, PlainOnlookers
    from orchestrator.service.requests import Request
    from orchestrator.settings import Settings
    from orchestrator.wiring import Prepared, RunEnd, RunHandle

__all__ = ["drive"]


def drive(
    prepared: Sequence["Prepared"], settings: "Settings", *, is_live: bool | None
) -> "list[RunEnd]":
    """Drive campaigns to their ends, and show them.

    Args:
        prepared: One, or those that share the pretended bench of a dry-run.
        settings: Where the log is.
        is_live: Whether a table changes in place, or lines are written; None asks the terminal.

    Raises:
        AthanorError: A campaign cannot be opened, resumed or recorded.
    """
    from orchestrator.cli.interrupts import Interrupts
    from orchestrator.wiring import run_together

    handles: list[RunHandle] = []

    def ask(request: "Request") -> None:
        if not use_live:
            typer.echo(interrupts.hint)
        for handle in handles:
            _ask_one(handle, request, settings)

    def on_start(started: Sequence["RunHandle"]) -> None:
        handles.extend(started)
        interrupts.begin()

    interrupts = Interrupts(ask)
    use_live = console().is_terminal if is_live is None else is_live
    onlooker = _onlooker(len(prepared), settings, interrupts, use_live=use_live)
    with onlooker, interrupts:
        return run_together(prepared, on_progress=onlooker.show, on_start=on_start)


def _onlooker(
    n: int, settings: "Settings", interrupts: "Interrupts", *, use_live: bool
) -> "LiveOnlooker | PlainOnlooker | LiveOnlookers | PlainOnlookers":
    from orchestrator.cli.onlookers import LiveOnlooker, PlainOnlooker
    from orchestrator.cli.onlookers_of_several import LiveOnlookers, PlainOnlookers

    if n > 1:
        if use_live:
            return LiveOnlookers(console(), interrupts)
        return PlainOnlookers(interrupts, settings.database)
    if use_live:
        return LiveOnlooker(console(), interrupts, settings.database)
    return PlainOnlooker(interrupts, settings.database)


def _ask_one(handle: "RunHandle", request: "Request", settings: "Settings") -> None:
    """Tell the station and the log; whoever pressed Ctrl-C will not wait for a resume."""
    from orchestrator.cli.station_door import station_door
    from orchestrator.service.asking import ask_campaign
    from orchestrator.service.lab import Lab
    from orchestrator.service.refusals import REFUSALS, refusal_lines
    from orchestrator.service.requests import Request

    handle.leave_when_paused()
    if handle.has_ended or (request is Request.PAUSE and handle.is_waiting):
        return
    try:
        ask_campaign(
            lambda: Lab.open(settings),
            station_door(settings),
            request,
            handle.campaign_id,
            reason="Ctrl-C",
        )
    except REFUSALS as error:
        for line in refusal_lines(error):
            typer.echo(line, err=True)
