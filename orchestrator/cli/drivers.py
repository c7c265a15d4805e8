"""``athanor drivers``: what is installed, whether it keeps its word, and how to write one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.named_values import named_values
from orchestrator.cli.options import (
    EXIT_HELD,
    JsonOption,
    console,
    messages,
    write_json,
    write_text,
)

if TYPE_CHECKING:
    from drivers.conformance import Result
    from orchestrator.service.driver_recording import Wish

__all__ = ["app", "check", "describe", "drivers", "list_drivers", "new", "record", "replay"]

app = typer.Typer(
    help="Show the installed drivers, try them, record real traffic, begin one of your own.",
    invoke_without_command=True,
)

_NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Of the driver.")]


@app.callback()
def drivers(context: typer.Context, as_json: JsonOption = False) -> None:
    """Show the installed drivers, try them, record real traffic, begin one of your own."""
    if context.invoked_subcommand is None:
        list_drivers(as_json=as_json)
    elif as_json:
        raise typer.BadParameter("expected after the command", param_hint="--json")


@app.command("list")
def list_drivers(as_json: JsonOption = False) -> None:
    """Show every installed driver: its device, how far it was tried, what it can do.

    Example: athanor drivers list --json
    """
    from orchestrator.cli.driver_screens import shelf_table
    from orchestrator.service.driver_shelf import drivers_on_shelf

    found = drivers_on_shelf()
    if as_json:
        write_json([one.model_dump(mode="json") for one in found])
    else:
        console().print(shelf_table(found))


@app.command()
def describe(
    name: _NameArgument,
    as_rig: Annotated[
        bool, typer.Option("--rig", help="Print an example rig file with it alone.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show one driver: hazards, actions with limits and recovery, sources, an example rig.

    Example: athanor drivers describe eurotherm_3200

    Example: athanor drivers describe eurotherm_3200 --rig > rig.toml
    """
    from orchestrator.cli.driver_screens import driver_page
    from orchestrator.service.driver_shelf import drivers_on_shelf, example_rig_text

    (found,) = drivers_on_shelf((name,))
    if as_rig:
        write_text(example_rig_text(name).rstrip("\n"))
    elif as_json:
        write_json(found.model_dump(mode="json"))
    else:
        console().print(driver_page(found))


@app.command()
def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Of drivers.", show_default=False),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every installed driver.")] = False,
    rig: Annotated[
        Path | None,
        typer.Option(
            "--rig",
            metavar="RIG",
            help="Try those of this rig on its pretend bench, not on their example rigs.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Try drivers on their pretend devices and transcripts, and say which level they reach.

    bronze: does what its card says, within limits. silver: says the truth when the wire or the
    device goes wrong. gold: leaves nothing running, forgets nothing it did, takes no noise for an
    answer. Ends with 3 if one does not reach what its card claims.

    Example: athanor drivers check new_era_ne1000

    Example: athanor drivers check --all --json
    """
    from orchestrator.cli.driver_screens import report_lines
    from orchestrator.service.driver_checks import check_drivers

    chosen = tuple(names or ())
    if bool(chosen) == every and not (rig is not None and not chosen):
        raise typer.BadParameter("expected names or --all", param_hint="NAME")
    with messages().status("") as bar:

        def tell(name: str, n: int, n_all: int, _result: "Result") -> None:
            bar.update(f"{name}: {n} of {n_all} checks")

        reports = check_drivers(chosen, rig=rig, on_result=tell)
    if as_json:
        write_json([report.as_json() for report in reports])
    else:
        for report in reports:
            console().print(*report_lines(report), sep="\n")
    if not all(report.keeps_its_word for report in reports):
        raise typer.Exit(EXIT_HELD)


@app.command()
def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Of the driver: small letters, digits and _.")
    ],
    folder: Annotated[
        Path, typer.Option("--folder", metavar="DIR", help="Where the package is made.")
    ] = Path(),
) -> None:
    """Begin a driver of your own: a package that works, to be changed piece by piece.

    Example: athanor drivers new acme_hotplate
    """
    from orchestrator.service.driver_checks import write_driver

    written = write_driver(name, folder)
    for path in written:
        write_text(str(path))
    root = folder / name
    typer.echo(f"then: python -m pip install -e {root}", err=True)
    typer.echo(f"and:  athanor drivers check {name}", err=True)


@app.command()
def record(
    instrument: Annotated[
        str, typer.Argument(metavar="INSTRUMENT", help="As the rig file names it.")
    ],
    rig: Annotated[Path, typer.Option("--rig", metavar="RIG", help="The rig file.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="The transcript; must not exist.")
    ],
    do: Annotated[
        list[str] | None,
        typer.Option(
            "--do",
            metavar="ACTION[:NAME=VALUE,...]",
            help="An action to be done after connecting; may be repeated.",
            show_default=False,
        ),
    ] = None,
    *,
    is_pretended: Annotated[
        bool, typer.Option("--pretend", help="Talk to the pretend device, not to the line.")
    ] = False,
    may_act: Annotated[
        bool, typer.Option("--may-act", help="Allow actions that touch matter.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write every byte between a driver and its device to a transcript, for replay.

    Connecting brings the device to rest. Nothing else may hold the line: stop the station first.
    Ends with 3 if the device or the line failed; what was said until then is kept.

    Example: athanor drivers record balance --rig rig.toml --out balance.txt --do measure_mass

    Example: athanor drivers record pump --rig rig.toml --out pump.txt --may-act
    --do dispense:volume_ul=50,rate_ul_per_min=500
    """
    from dataclasses import asdict

    from orchestrator.service.driver_recording import record as write_recording

    wishes = [_wish(text) for text in do or ()]
    found = write_recording(
        rig, instrument, wishes, out, is_pretended=is_pretended, may_act=may_act
    )
    if as_json:
        write_json({**asdict(found), "file": str(out)})
    else:
        write_text(f"{out}: {found.n_frames} frames of {found.identity or instrument}")
    if found.error:
        typer.echo(f"broken off: {found.error}", err=True)
        raise typer.Exit(EXIT_HELD)


@app.command()
def replay(
    name: _NameArgument,
    recording: Annotated[
        Path, typer.Argument(metavar="FILE", help="What athanor drivers record wrote.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Play a recording to a driver: would it send the same bytes and read the same values?

    Ends with 3 if not.

    Example: athanor drivers replay mettler_toledo_sics balance.txt
    """
    from orchestrator.service.driver_checks import replayed

    found = replayed(name, recording)
    if as_json:
        write_json([{"action": x.title, "is_same": x.is_same, "detail": x.detail} for x in found])
    else:
        for one in found:
            write_text(f"{'same' if one.is_same else 'DIFFERS'}: {one.title}")
            if one.detail:
                write_text(f"  {one.detail}")
    if not all(one.is_same for one in found):
        raise typer.Exit(EXIT_HELD)


def _wish(text: str) -> "Wish":
    from orchestrator.service.driver_recording import Wish

    action, _, arguments = text.partition(":")
    values = named_values([arguments], "--do") if arguments else {}
    return Wish(action, {name: _value(value) for name, value in values.items()})


def _value(text: str) -> float | bool | str:
    if text in {"true", "false"}:
        return text == "true"
    try:
        return float(text)
    except ValueError:
        return text
