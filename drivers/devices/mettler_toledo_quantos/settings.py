"""What a rig file says of one Quantos."""

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["MettlerToledoQuantosSettings"]


class MettlerToledoQuantosSettings(BaseModel):
    """The table ``[instruments.<name>.settings]`` of a dosing module."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    substance: str | None = Field(default=None, min_length=1)
    """What the dosing head must say that it holds; another head is refused before it doses."""
    allowance_mg: float = Field(default=0.8, gt=0.0, le=100.0)
    """Within so much, in milligrams, the balance cannot tell two masses apart."""
    stability_timeout_s: float = Field(default=60.0, ge=1.0, le=600.0)
    """How long a stable weight may take to come; longer than the balance's own limit."""
