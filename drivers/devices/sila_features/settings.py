"""What a rig file says of one SiLA 2 server."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["Command", "Property", "SilaFeaturesSettings"]

_PATH = r"^[A-Za-z][A-Za-z0-9]*/[A-Za-z][A-Za-z0-9]*$"


class Property(BaseModel):
    """One table ``[instruments.<name>.settings.properties.<name>]``."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    path: str = Field(pattern=_PATH)
    """Identifiers of feature and property: ``Incubator/Temperature``."""
    low: float
    """Less cannot be believed."""
    high: float
    """More cannot be believed."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not self.low < self.high:
            raise ValueError("low: expected less than high")
        return self


class Command(BaseModel):
    """One table ``[instruments.<name>.settings.commands.<name>]``."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    path: str = Field(pattern=_PATH)
    """Identifiers of feature and command: ``Incubator/Shake``."""
    arguments: dict[str, float | int | str | bool] = Field(default_factory=dict)
    """Its parameters by identifier, the same each time."""


class SilaFeaturesSettings(BaseModel):
    """The table ``[instruments.<name>.settings]`` of a server."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    server_uuid: str | None = None
    """What the server must say that its UUID is; anything if left out."""
    properties: dict[str, Property] = Field(default_factory=dict)
    """What can be measured, by a name that ends in its unit."""
    commands: dict[str, Command] = Field(default_factory=dict)
    """What can be run, by a name."""
    stop: str | None = Field(default=None, pattern=_PATH)
    """The command that stops it: ``Incubator/Stop``."""
    busy: str | None = Field(default=None, pattern=_PATH)
    """A property that is true while anything runs; it proves that a stop has stopped it."""

    @model_validator(mode="after")
    def _can_be_stopped(self) -> Self:
        if self.commands and (self.stop is None or self.busy is None):
            raise ValueError(
                "stop: expected a command, and busy a property, where there are commands"
            )
        return self
