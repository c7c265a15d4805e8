"""What a rig file says of one Tecan Cavro pump."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

__all__ = ["TecanCavroSettings"]

Port = Annotated[str, StringConstraints(pattern=r"^[IO][1-9]?$")]


class TecanCavroSettings(BaseModel):
    """The table ``[instruments.<name>.settings]`` of a pump."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    address: int = Field(ge=1, le=15)
    """One more than the rotary switch on its back says."""
    syringe_volume_ul: float = Field(gt=0.0, le=50_000.0)
    """Of a whole stroke, in microlitres."""
    n_steps: Literal[3000, 6000] = 3000
    """Steps of a whole stroke: 3000 of an XCalibur, 6000 of an XLP 6000. Speeds are in half-steps
    of the former and steps of the latter, so 6000 are a whole stroke of either."""
    source_port: Port = "I"
    """Where it draws from: I, or I1 to I9 of a distribution valve."""
    target_port: Port = "O"
    """Where it delivers to: O, or O1 to O9 of a distribution valve."""
