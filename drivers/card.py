"""What stands beside a driver: its card, an example rig and a transcript.

A driver's folder holds ``card.toml``, ``rig.toml`` and ``transcript.txt`` beside ``driver.py``; a
driver that another package brings is laid out alike.
"""

import inspect
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.conformance import Level
from drivers.dialogue import Dialogue, read_dialogues
from drivers.errors import RigError, rig_error_from
from drivers.instrument import Instrument, RecoveryClass

__all__ = [
    "ActionCard",
    "DeviceCard",
    "DriverCard",
    "ManualPages",
    "Quality",
    "Source",
    "card_of",
    "dialogues_of",
    "example_rig_of",
    "folder_of",
]

Argument = str | float | int | bool


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DeviceCard(_Table):
    """The table ``[device]``."""

    maker: str = Field(min_length=1)
    model: str = Field(min_length=1)
    protocol: str = Field(min_length=1)
    codec: Literal["own", "none"] = "own"
    """``none`` for a device that speaks no bytes of its own."""
    why_no_codec: str = ""
    tier: Literal["simulated", "bench", "lab"]
    """How far it was tried; the last two need a person, a date and a serial number."""
    tried_by: str = ""
    """Who tried it on the device, when, and its serial number."""
    hazards: tuple[str, ...] = Field(min_length=1)


class ManualPages(_Table):
    """One table ``[[manual]]``."""

    title: str = Field(min_length=1)
    publication: str = ""
    revision: str = ""
    pages: str = Field(min_length=1)


class Source(_Table):
    """One table ``[[source]]``: an open driver that facts were taken from."""

    repository: str = Field(min_length=1)
    file: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    facts: str = ""


class ActionCard(_Table):
    """The table ``[actions.<name>]``."""

    recovery: RecoveryClass
    why: str = Field(min_length=20)
    """Why it is of this class."""
    example: Mapping[str, Argument] = {}
    """Arguments that suit the example rig."""
    unit_in: str = ""
    """The argument whose value ends in the unit of those numbers that name none themselves."""
    leaves_on: bool = False
    """Whether the device goes on with something when the action has ended well."""
    after: tuple[str, ...] = ()
    """Actions to be done first for this one to make sense."""


class Quality(_Table):
    """The table ``[quality]``."""

    level: Level
    """What ``athanor drivers check`` finds it to reach."""
    done: tuple[str, ...] = Field(min_length=1)
    todo: tuple[str, ...] = Field(min_length=1)


class DriverCard(_Table):
    """A file ``card.toml``."""

    device: DeviceCard
    manual: tuple[ManualPages, ...] = Field(min_length=1)
    source: tuple[Source, ...] = ()
    actions: Mapping[str, ActionCard]
    quality: Quality


def folder_of(driver: type[Instrument]) -> Path:
    """Return the folder that a driver's module lies in."""
    return Path(inspect.getfile(driver)).parent


def card_of(driver: type[Instrument]) -> DriverCard:
    """Read a driver's card.

    Raises:
        RigError: There is none, or a key of it is missing, unknown or wrong.
    """
    path = folder_of(driver) / "card.toml"
    try:
        return DriverCard.model_validate(_toml_in(path))
    except ValidationError as error:
        raise rig_error_from(str(path), error, DriverCard) from error


def example_rig_of(driver: type[Instrument]) -> Mapping[str, object]:
    """Read the rig file with this driver alone that stands beside it.

    Raises:
        RigError: There is none, or it is no TOML.
    """
    return _toml_in(folder_of(driver) / "rig.toml")


def dialogues_of(driver: type[Instrument]) -> tuple[Dialogue, ...]:
    """Read a driver's transcript.

    Raises:
        RigError: There is none, or a line of it has no known form.
    """
    path = folder_of(driver) / "transcript.txt"
    try:
        return read_dialogues(path)
    except (OSError, ValueError) as error:
        raise RigError(str(path), got=str(error), expected="a transcript") from error


def _toml_in(path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RigError(
            str(path), got=str(error), expected="a TOML file beside the driver"
        ) from error
