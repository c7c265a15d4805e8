"""``athanor log``: what happened, record by record."""

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import DatabaseOption, JsonOption, lab_of, write_text

if TYPE_CHECKING:
    from orchestrator.service.events import EventView
    from orchestrator.service.lab import Lab

__all__ = ["log"]

_LOOK_EVERY_S = 0.5


def log(
    campaign_id: Annotated[
        str | None,
        typer.Argument(
            metavar="CAMPAIGN_ID", help="Only this campaign; all unless given.", show_default=False
        ),
    ] = None,
    *,
    same_id: Annotated[str | None, typer.Option("--campaign", hidden=True)] = None,
    last: Annotated[
        int | None, typer.Option("--last", "-n", min=1, help="Only the last so many.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more.")] = False,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Print the records of the log, one a line.

    Example: athanor log oer-plate-1 --follow

    Example: athanor log --json | jq .summary
    """
    campaign_id = campaign_id or same_id
    with lab_of(database) as lab:
        seq = lab.last_seq()
        views = lab.events(campaign_id=campaign_id)
        for view in views if last is None else deque(views, maxlen=last):
            write_text(_line(view, as_json=as_json))
            seq = max(seq, view.seq)
        if follow:
            with suppress(KeyboardInterrupt):
                _follow(lab, seq, campaign_id, as_json=as_json)


def _follow(lab: "Lab", seq: int, campaign_id: str | None, *, as_json: bool) -> None:
    """Print what is appended after a record, until Ctrl-C."""
    while True:
        if lab.last_seq() <= seq:
            lab.wait(_LOOK_EVERY_S)
            continue
        seen = lab.last_seq()
        for view in lab.events(after_seq=seq, campaign_id=campaign_id):
            write_text(_line(view, as_json=as_json))
            seen = max(seen, view.seq)
        seq = seen


def _line(view: "EventView", *, as_json: bool) -> str:
    if as_json:
        return view.model_dump_json()
    mark = " (simulated)" if view.is_simulated else ""
    where = view.stream.removeprefix("campaign/")
    return (
        f"{view.seq:>7}  {view.time:%Y-%m-%d %H:%M:%S}  {where}{mark}  {view.actor}: {view.summary}"
    )
