"""Where this Athanor keeps things and who is at the keyboard; the third document and the last.

Settings come from environment variables and from what the command line says; they are parsed once
at the door and then passed as arguments.
"""

import getpass
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestrator.errors import SettingsError

__all__ = ["Settings", "settings_from"]

_PREFIX: Final = "ATHANOR_"


class Settings(BaseModel):
    """Everything that depends on the place and on the person."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database: Path = Path("athanor.db")
    """The log's file; a bare name is in the current folder. ``ATHANOR_DATABASE``."""
    actor: str = Field(min_length=1, max_length=200)
    """Who asks, as it stands in the log; the login name unless given. ``ATHANOR_ACTOR``."""
    alarm_channels: Path | None = None
    """The file that says whom to tell of alarms; without one nobody is told.
    ``ATHANOR_ALARM_CHANNELS``."""


def settings_from(
    environment: Mapping[str, str],
    *,
    database: str | Path | None = None,
    actor: str | None = None,
) -> Settings:
    """Return the settings of this process.

    Args:
        environment: Variables by name; those that do not begin with ``ATHANOR_`` are not read.
        database: Instead of the environment's.
        actor: Instead of the environment's.

    Raises:
        SettingsError: A variable is unknown, or a setting has an impossible value.

    Example:
        >>> settings_from({"ATHANOR_ACTOR": "ada"}, database="lab.db").database.name
        'lab.db'
    """
    known = ", ".join(_variable(name) for name in Settings.model_fields)
    values: dict[str, object] = {}
    for variable, value in environment.items():
        if not variable.startswith(_PREFIX):
            continue
        name = variable.removeprefix(_PREFIX).lower()
        if variable != _variable(name) or name not in Settings.model_fields:
            raise SettingsError(variable, got=value, expected=f"no such variable, only {known}")
        values[name] = value
    given = {"database": database, "actor": actor}
    values.update({name: value for name, value in given.items() if value is not None})
    if "actor" not in values:
        values["actor"] = _login_name()
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SettingsError(key, got=first["input"], expected=first["msg"]) from error


def _variable(name: str) -> str:
    return _PREFIX + name.upper()


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise SettingsError(
            _variable("actor"), got="nothing", expected="a name, as this account has none"
        ) from error
