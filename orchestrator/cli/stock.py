"""``athanor stock``: what stands on the shelf and how long it lasts; receive, count, discard."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import (
    EXIT_HELD,
    DatabaseOption,
    JsonOption,
    console,
    is_alone,
    lab_of,
    settings_of,
    write_json,
    write_text,
)

if TYPE_CHECKING:
    from orchestrator.service.stock import StockView, Unit

__all__ = ["add", "app", "count", "discard", "list_stock", "stock"]

app = typer.Typer(
    help="Show the stock and how long it lasts; receive, count, discard a lot.",
    invoke_without_command=True,
)

_NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The stock, as the rig file names it.")
]
_LotOption = Annotated[str, typer.Option("--lot", help="The bottle's name or number.")]
_VolumeOption = Annotated[
    float | None, typer.Option("--volume-ml", help="Of a liquid, in millilitres.")
]
_MassOption = Annotated[float | None, typer.Option("--mass-g", help="Of a powder, in grams.")]
_ShelfOption = Annotated[
    str, typer.Option("--shelf", help="Which shelf, where several have such a stock.")
]


@app.callback()
def stock(
    context: typer.Context, as_json: JsonOption = False, database: DatabaseOption = None
) -> None:
    """Show the stock and how long it lasts; receive, count, discard a lot."""
    if is_alone(context, as_json=as_json, database=database):
        list_stock(as_json, database)


@app.command("list")
def list_stock(as_json: JsonOption = False, database: DatabaseOption = None) -> None:
    """Show every lot: what is left, what is reserved, when it runs out at the present rate.

    Ends with 3 if a campaign is held for want of stock.

    Example: athanor stock list --json
    """
    from orchestrator.service.stock import shelves

    with lab_of(database) as lab:
        found = shelves(lab)
    if as_json:
        write_json([one.model_dump(mode="json") for one in found])
    elif found:
        from orchestrator.cli.stock_screen import stock_table

        for one in found:
            console().print(stock_table(one))
            for campaign_id in one.waiting:
                how = "run it again with --resume" if one.is_dry_run else "it goes on by itself"
                typer.echo(f"{campaign_id} waits for stock; {how} once there is enough", err=True)
    else:
        write_text("no stock was ever heard of: an engine writes down what its rig file says")
    if any(one.waiting for one in found):
        raise typer.Exit(EXIT_HELD)


@app.command()
def add(  # noqa: PLR0913 - one argument for each option of the command
    name: _NameArgument,
    *,
    lot: _LotOption,
    volume_ml: _VolumeOption = None,
    mass_g: _MassOption = None,
    purity: Annotated[
        float | None, typer.Option("--purity", help="Share of the substance itself, 0 to 1.")
    ] = None,
    expires: Annotated[
        str, typer.Option("--expires", help="The last day on which it is used: 2027-01-31.")
    ] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why, or from where.")] = "",
    shelf: _ShelfOption = "",
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Write down, under your name, that a lot came, or more of one; held campaigns go on.

    Example: athanor stock add x1 --lot B-17 --volume-ml 500 --expires 2027-01-31 --reason bought
    """
    from orchestrator.service.stock import Delivery, receive_stock

    amount, unit = _amount(volume_ml, mass_g)
    delivery = Delivery(lot, amount, unit, purity, _date(expires))
    with lab_of(database) as lab:
        after = receive_stock(lab, name, delivery, shelf=shelf, reason=reason)
    _wake(database)
    _tell(after, as_json=as_json)


@app.command()
def count(
    name: _NameArgument,
    *,
    lot: _LotOption,
    reason: Annotated[str, typer.Option("--reason", help="How you found it.")],
    volume_ml: _VolumeOption = None,
    mass_g: _MassOption = None,
    shelf: _ShelfOption = "",
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Write down, under your name, how much of a lot is left, whatever was reckoned.

    Example: athanor stock count x1 --lot B-17 --volume-ml 412.5 --reason "weighed the bottle"
    """
    from orchestrator.service.stock import count_stock

    amount, unit = _amount(volume_ml, mass_g)
    with lab_of(database) as lab:
        after = count_stock(
            lab, name, lot=lot, amount=amount, unit=unit, shelf=shelf, reason=reason
        )
    _wake(database)
    _tell(after, as_json=as_json)


@app.command()
def discard(
    name: _NameArgument,
    *,
    lot: _LotOption,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands in the log.")],
    shelf: _ShelfOption = "",
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Write down, under your name, that a lot is gone: nothing is drawn from it any more.

    Example: athanor stock discard x1 --lot B-17 --reason "cloudy"
    """
    from orchestrator.service.stock import discard_stock

    with lab_of(database) as lab:
        after = discard_stock(lab, name, lot=lot, shelf=shelf, reason=reason)
    _tell(after, as_json=as_json)


def _amount(volume_ml: float | None, mass_g: float | None) -> tuple[float, "Unit"]:
    """Return an amount with its unit.

    Raises:
        RequestRefused: Both are given, or neither.
    """
    from orchestrator.errors import RequestRefused

    if volume_ml is not None and mass_g is None:
        return volume_ml, "ml"
    if mass_g is not None and volume_ml is None:
        return mass_g, "g"
    got = "neither" if mass_g is None else "both"
    raise RequestRefused(f"amount: got {got} of --volume-ml and --mass-g, expected one of them")


def _date(text: str) -> date | None:
    """Return a day, or None if nothing is said.

    Raises:
        RequestRefused: The text is none.
    """
    from orchestrator.errors import RequestRefused

    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise RequestRefused(f"--expires: got {text!r}, expected a day: 2027-01-31") from error


def _wake(database: DatabaseOption) -> None:
    """Have engines that wait look at once."""
    from orchestrator.cli.station_door import station_door

    station_door(settings_of(database)).wake("")


def _tell(after: "StockView", *, as_json: bool) -> None:
    if as_json:
        write_json(after.model_dump(mode="json"))
        return
    write_text(
        f"{after.stock}: {after.available:.6g} {after.unit} available, "
        f"{after.reserved:.6g} {after.unit} reserved"
    )
