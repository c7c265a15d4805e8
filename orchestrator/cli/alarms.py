"""``athanor alarms``: what needs a person, and what a person says of it."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from orchestrator.cli.options import (
    EXIT_BAD_INPUT,
    DatabaseOption,
    JsonOption,
    console,
    lab_of,
    settings_of,
    write_text,
)

if TYPE_CHECKING:
    from rich.console import RenderableType

    from orchestrator.service.alarms import AlarmView

__all__ = [
    "acknowledge",
    "app",
    "follow",
    "list_",
    "look",
    "seconds_from",
    "shelve",
    "try_channel",
    "unshelve",
]

_LOOK_EVERY_S: Final = 0.5
_UNITS_S: Final = {"s": 1.0, "min": 60.0, "h": 3600.0}
_STYLES: Final = {"critical": "bold red", "high": "bold yellow", "low": "bold"}

app = typer.Typer(
    help="Show what needs a person, acknowledge it, set it aside for a time.",
    invoke_without_command=True,
)

_NameArgument = Annotated[
    str,
    typer.Argument(metavar="ALARM", help="Its name, or as much of it as is unambiguous."),
]
_ReasonOption = Annotated[
    str, typer.Option("--reason", help="In your words; it stands in the log.")
]
_AllOption = Annotated[bool, typer.Option("--all", help="Also those that are over.")]


@app.callback()
def _group(
    context: typer.Context,
    with_past: _AllOption = False,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Show what needs a person, acknowledge it, set it aside for a time.

    Example: athanor alarms
    """
    if context.invoked_subcommand is None:
        list_(with_past=with_past, as_json=as_json, database=database)


@app.command("list")
def list_(
    with_past: _AllOption = False,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """List the alarms, the worst first, each with what to do about it.

    Example: athanor alarms list --all --json
    """
    from orchestrator.service.alarms import alarm_views

    with lab_of(database) as lab:
        views = alarm_views(lab, with_past=with_past)
    if as_json:
        write_text(json.dumps([view.model_dump(mode="json") for view in views], indent=1))
    elif views:
        console().print(_alarms_text(views))
    else:
        write_text("no alarms")


@app.command("ack")
def acknowledge(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="ALARM",
            help="Its name, or as much of it as is unambiguous.",
            show_default=False,
        ),
    ] = None,
    reason: _ReasonOption = "",
    is_all: Annotated[
        bool, typer.Option("--all", help="Every alarm that nobody has acknowledged.")
    ] = False,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Say that you have seen an alarm, or all of them, and take care of it.

    Example: athanor alarms ack lost/balance --reason "changing the cable"

    Example: athanor alarms ack --all --reason "I am at the bench"
    """
    from orchestrator.service.alarms import acknowledge as say
    from orchestrator.service.alarms import acknowledge_all

    if is_all == (name is not None):
        got = "both" if is_all else "neither"
        raise typer.BadParameter(f"ALARM, --all: got {got}, expected one of the two")
    with lab_of(database) as lab:
        if name is not None:
            _tell(say(lab, name, reason=reason), as_json=as_json)
            return
        views = acknowledge_all(lab, reason=reason)
    if as_json:
        write_text(json.dumps([view.model_dump(mode="json") for view in views], indent=1))
        return
    for view in views:
        _tell(view, as_json=False)
    if not views:
        write_text("no alarm waits for somebody to acknowledge it")


@app.command("shelve")
def shelve(
    name: _NameArgument,
    duration: Annotated[
        str, typer.Option("--for", metavar="TIME", help="Like 30min or 2h; at most 24h.")
    ],
    reason: _ReasonOption,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Set an alarm aside for a time; until then nobody is told of it.

    Example: athanor alarms shelve unclean/cell --for 2h --reason "cleaned after lunch"
    """
    from orchestrator.service.alarms import shelve as say

    duration_s = seconds_from(duration)
    with lab_of(database) as lab:
        _tell(say(lab, name, duration_s=duration_s, reason=reason), as_json=as_json)


@app.command("unshelve")
def unshelve(
    name: _NameArgument,
    reason: _ReasonOption = "",
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Let an alarm that was set aside count again.

    Example: athanor alarms unshelve unclean/cell
    """
    from orchestrator.service.alarms import unshelve as say

    with lab_of(database) as lab:
        _tell(say(lab, name, reason=reason), as_json=as_json)


@app.command("follow")
def follow(as_json: JsonOption = False, database: DatabaseOption = None) -> None:
    """Print what happens to alarms from now on, until Ctrl-C.

    Example: athanor alarms follow
    """
    from orchestrator.service.alarms import later_alarm_events

    with lab_of(database) as lab, suppress(KeyboardInterrupt):
        seq = lab.last_seq()
        while True:
            for view in later_alarm_events(lab, seq):
                said = f"{view.time:%Y-%m-%d %H:%M:%S}  {view.actor}: {view.summary}"
                write_text(view.model_dump_json() if as_json else said)
                seq = view.seq
            lab.wait(_LOOK_EVERY_S)


@app.command("look")
def look(
    rig: Annotated[Path, typer.Argument(metavar="RIG", help="The rig file.")],
    speed: Annotated[
        float,
        typer.Option("--speed", metavar="N", help="Seconds of the lab in a real one; simulators."),
    ] = 1.0,
    database: DatabaseOption = None,
) -> None:
    """Raise now what needs a person and tell; for when no station lives that would by itself.

    A watchdog runs it when it had to end a station and no other followed.

    Example: athanor alarms look rig.toml
    """
    from orchestrator.wiring.stations import look_for_alarms

    look_for_alarms(rig, settings_of(database), speed=speed)


@app.command("test")
def try_channel(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="Its name in the file.")],
) -> None:
    """Send a real message over a channel of the file that ATHANOR_ALARM_CHANNELS names.

    Example: athanor alarms test oncall
    """
    from orchestrator.service.alarms import send_test

    error = send_test(settings_of(None), channel)
    if error:
        typer.echo(f"{channel}: the message did not go out: {error}", err=True)
        raise typer.Exit(EXIT_BAD_INPUT)
    write_text(f"{channel}: the message went out")


def seconds_from(duration: str) -> float:
    """Return a time that was typed, in seconds.

    Args:
        duration: A number and ``s``, ``min`` or ``h``.

    Raises:
        BadParameter: It is none.

    Example:
        >>> seconds_from("1.5h")
        5400.0
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|min|h)\s*", duration)
    if found is None:
        raise typer.BadParameter(f"--for: got {duration!r}, expected a time like 90s, 30min or 2h")
    return float(found[1]) * _UNITS_S[found[2]]


def _tell(view: "AlarmView", *, as_json: bool) -> None:
    until = f" until {view.shelved_until:%Y-%m-%d %H:%M} UTC" if view.shelved_until else ""
    text = view.model_dump_json(indent=1)
    write_text(text if as_json else f"{view.alarm}: now {view.status}{until}")


def _alarms_text(views: "tuple[AlarmView, ...]") -> "RenderableType":
    """Return the alarms as paragraphs; a name is never wrapped away from what to do about it."""
    from rich.text import Text

    text = Text()
    for view in views:
        style = "dim" if view.status == "normal" else _STYLES.get(view.severity, "")
        state = view.status
        if view.shelved_until is not None:
            state += f" until {view.shelved_until:%Y-%m-%d %H:%M}"
        if view.said:
            state += f": {view.said}"
        text.append(f"{view.severity:<8}  {view.alarm}", style=style)
        text.append(f"  {state}, raised {view.raised_time:%Y-%m-%d %H:%M} UTC\n")
        text.append(f"          {view.message}\n")
        text.append(f"          if nobody acts: {view.consequence}\n", style="dim")
        text.append(f"          do: {view.what_to_do}\n")
        if view.not_told:
            failed = ", ".join(view.not_told)
            text.append(f"          telling did not work over: {failed}\n", style="red")
    text.rstrip()
    return text
