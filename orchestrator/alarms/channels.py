"""Whom to tell of an alarm: the file of channels, whose addresses are secrets.

An address never leaves this process but to its service: it stands in no message, no event and no
log line. Therefore the file must not be readable by anybody but its owner.
"""

import re
import stat
import tomllib
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError

from orchestrator.core.lab_events import Severity
from orchestrator.errors import SettingsError

__all__ = ["Channel", "Channels", "load_channels"]

LEVEL_AFTER_S: Final = 900.0
"""How much later each level of the escalation is told than the one before, in seconds."""


class Channel(BaseModel):
    """One table ``[channels.<name>]``: one way to reach somebody."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: SecretStr
    """In the form of apprise: ``mailto://``, ``json://``, ``slack://``…"""
    minimum: Severity = Severity.LOW
    """The least severity that is told."""
    level: int = Field(default=1, ge=1, le=9)
    """Of the escalation: 1 is told at once."""
    after_s: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """How long nobody must have acknowledged an alarm, in seconds; 900 for each level above 1."""

    @property
    def delay_s(self) -> float:
        """How long nobody must have acknowledged an alarm, in seconds."""
        return LEVEL_AFTER_S * (self.level - 1) if self.after_s is None else self.after_s


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]


class Channels(BaseModel):
    """A whole file of channels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    repeat_s: float = Field(default=900.0, ge=60, allow_inf_nan=False)
    """How often a critical alarm that nobody acknowledges is told again, in seconds."""
    channels: dict[Name, Channel] = Field(min_length=1)


def load_channels(path: Path) -> Channels:
    """Read a file of channels.

    Args:
        path: A TOML file that nobody but its owner can read.

    Raises:
        SettingsError: It cannot be read, others can read it, or something in it is wrong; the
            message shows nothing of what the file holds but the names of its keys.
    """
    file = f"alarm channels {path}"
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            expected = f"0600, because it holds secrets: chmod 600 {path}"
            raise SettingsError(file, got=f"permissions {mode:04o}", expected=expected)
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        got = error.strerror or type(error).__name__
        raise SettingsError(file, got=got, expected="a file that can be read") from error
    except UnicodeDecodeError:
        raise SettingsError(file, got="other bytes", expected="UTF-8 text") from None
    return _channels_from_text(text, file)


def _channels_from_text(text: str, file: str) -> Channels:
    """Return the channels of a text; errors are cut off from their causes, which quote it."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = str(error).rpartition("(")[2].rstrip(")")
        raise SettingsError(file, got=f"a mistake {where}", expected="a TOML file") from None
    try:
        return Channels.model_validate(tables)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        shown = re.compile(r"[A-Za-z0-9_-]{1,40}")
        parts = (str(part) for part in first["loc"])
        key = ".".join(part if shown.fullmatch(part) else "..." for part in parts)
        raise SettingsError(f"{file}: {key}", got="a mistake", expected=first["msg"]) from None
