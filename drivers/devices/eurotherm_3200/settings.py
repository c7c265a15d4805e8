"""What a rig file says of one furnace controller."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Eurotherm3200Settings"]


class Eurotherm3200Settings(BaseModel):
    """The table ``[instruments.<name>.settings]`` of a furnace."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    address: int = Field(ge=1, le=254)
    """Its number on the line, ``Addr`` on its panel."""
    highest_c: float = Field(gt=0.0, le=1600.0)
    """The most that furnace, tubes and thermocouple bear, in degrees Celsius."""
    series: Literal["3200", "3500"] = "3200"
    """``3200`` as the 3216, ``3500`` as the 3504: there loop 1 says its temperature elsewhere."""
    n_decimals: int = Field(default=0, ge=0, le=2)
    """How many decimals the panel shows: whole numbers on the wire are scaled by them."""
    instrument_type: int | None = Field(default=None, ge=0, le=0xFFFF)
    """What register 122 must say; anything if left out."""
    unload_below_c: float = Field(default=60.0, ge=30.0, le=300.0)
    """A firing ends when the furnace is colder, in degrees Celsius."""
    tolerance_c: float = Field(default=5.0, ge=0.1, le=50.0)
    """The dwell begins this close to its temperature."""
    deviation_c: float = Field(default=50.0, ge=1.0, le=300.0)
    """Further from its set-point than this, the furnace is at fault."""
    heater_dies_after_min: float | None = Field(default=None, gt=0.0)
    """Minutes of heating after which the heater breaks; only a dry-run uses it."""
