"""The drivers that are installed: what each can do, from its card and its actions."""

import math
from collections.abc import Mapping
from importlib.metadata import entry_points

from pydantic import BaseModel, ConfigDict

from drivers.card import DriverCard, card_of, example_rig_of, folder_of
from drivers.catalog import DRIVERS, driver_named, names
from drivers.errors import RigError
from drivers.instrument import Argument, Instrument
from orchestrator.execution.mistakes import one_of

__all__ = ["ActionView", "ArgumentView", "DriverView", "drivers_on_shelf", "example_rig_text"]


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class ArgumentView(_View):
    """One argument of an action."""

    name: str
    kind: str
    """``float``, ``int``, ``str`` or ``bool``."""
    low: float | None
    """Of a number, in the unit of the name; None if it has no limit."""
    high: float | None
    is_required: bool


class ActionView(_View):
    """One action of a driver."""

    name: str
    summary: str
    recovery: str
    why: str
    """Why it is of that recovery class."""
    arguments: tuple[ArgumentView, ...]
    readings: tuple[str, ...]


class DriverView(_View):
    """One installed driver."""

    name: str
    model: str
    package: str
    """The distribution that brings it."""
    maker: str = ""
    protocol: str = ""
    tier: str = ""
    """``simulated``, ``bench`` or ``lab``: how far it was tried."""
    level: str = ""
    """``bronze``, ``silver`` or ``gold``: what its card says that the kit finds."""
    lines: tuple[str, ...] = ()
    """The kinds of line of its example rig."""
    hazards: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    todo: tuple[str, ...] = ()
    actions: tuple[ActionView, ...] = ()
    problem: str = ""
    """Why it cannot be used, if it cannot."""


def drivers_on_shelf(chosen: tuple[str, ...] = ()) -> tuple[DriverView, ...]:
    """Return the installed drivers, by name.

    Args:
        chosen: Only these; all of them if empty.

    Raises:
        RigError: One of those chosen is not installed.
    """
    known = names(DRIVERS)
    for name in chosen:
        if name not in known:
            raise RigError("NAME", got=name, expected=one_of(known, name))
    return tuple(_view_of(name) for name in chosen or known)


def example_rig_text(name: str) -> str:
    """Return the text of the example rig beside a driver.

    Raises:
        RigError: There is no such driver, or no rig beside it.
    """
    driver = driver_named(name)
    example_rig_of(driver)
    return (folder_of(driver) / "rig.toml").read_text("utf-8")


def _view_of(name: str) -> DriverView:
    package = _package_of(name)
    try:
        driver = driver_named(name)
        card = card_of(driver)
        rig = example_rig_of(driver)
    except RigError as error:
        return DriverView(name=name, model="", package=package, problem=str(error))
    device, quality = card.device, card.quality
    return DriverView(
        name=name,
        model=driver.model,
        package=package,
        maker=device.maker,
        protocol=device.protocol,
        tier=device.tier,
        level=quality.level.value,
        lines=_kinds_of_line(rig),
        hazards=device.hazards,
        sources=(
            *(f"{one.title} {one.publication}, {one.pages}" for one in card.manual),
            *(f"{one.repository}: {one.file} ({one.licence})" for one in card.source),
        ),
        done=quality.done,
        todo=quality.todo,
        actions=_actions_of(driver, card),
    )


def _package_of(name: str) -> str:
    for entry in entry_points(group=DRIVERS):
        if entry.name == name and entry.dist is not None:
            return f"{entry.dist.name} {entry.dist.version}"
    return ""


def _kinds_of_line(rig: Mapping[str, object]) -> tuple[str, ...]:
    tables = rig.get("lines", {})
    found = tables.values() if isinstance(tables, Mapping) else ()
    return tuple(sorted({str(table.get("kind", "")) for table in found}))


def _actions_of(driver: type[Instrument], card: DriverCard) -> tuple[ActionView, ...]:
    return tuple(
        ActionView(
            name=action.name,
            summary=action.summary,
            recovery=action.recovery.value,
            why=card.actions[action.name].why if action.name in card.actions else "",
            arguments=tuple(map(_argument, action.arguments)),
            readings=action.readings,
        )
        for action in driver.actions.values()
    )


def _argument(argument: Argument) -> ArgumentView:
    return ArgumentView(
        name=argument.name,
        kind=argument.kind.__name__,
        low=argument.low if math.isfinite(argument.low) else None,
        high=argument.high if math.isfinite(argument.high) else None,
        is_required=argument.is_required,
    )
