"""What a rig file says of one LADS functional unit."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["OpcuaLadsSettings", "Sensor"]


class Sensor(BaseModel):
    """One table ``[instruments.<name>.settings.sensors.<name>]``."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    path: str = Field(min_length=1)
    """Browse names from the functional unit on: ``FunctionSet/Temperature/SensorValue``."""
    low: float
    """Less cannot be believed."""
    high: float
    """More cannot be believed."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not self.low < self.high:
            raise ValueError("low: expected less than high")
        return self


class OpcuaLadsSettings(BaseModel):
    """The table ``[instruments.<name>.settings]`` of a functional unit."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    device: str = Field(min_length=1, pattern=r"^[^/]+$")
    """Its browse name under DeviceSet."""
    unit: str = Field(min_length=1, pattern=r"^[^/]+$")
    """The functional unit's browse name."""
    serial_number: str | None = None
    """What the device must say that its serial number is; anything if left out."""
    outcome: str | None = Field(default=None, min_length=1)
    """The node of a result that says how its run ended, by browse names from the result on;
    without it a run that was broken off at the panel cannot be told from a whole one."""
    outcome_done: str = "Completed"
    """What it says of a run that was not broken off."""
    sensors: dict[str, Sensor] = Field(default_factory=dict)
    """What can be measured, by a name that ends in its unit."""
