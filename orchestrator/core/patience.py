"""How long things may last before a person must know; a rig's file may say otherwise."""

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Patience"]


class Patience(BaseModel):
    """The table ``[alarms]`` of a rig file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    waiting_s: float = Field(default=900.0, gt=0)
    """How long a campaign may stay paused or held on request, in seconds."""
    silent_s: float = Field(default=1800.0, gt=0)
    """How long nothing may happen in a campaign that runs, in seconds; at least three times what
    its longest running job should take."""
    lost_s: float = Field(default=60.0, gt=0)
    """How long an instrument may be gone, in seconds."""
    out_of_service_s: float = Field(default=86400.0, gt=0)
    """How long a person may keep an instrument out of service, in seconds."""
    free_space_mb: float = Field(default=1000.0, gt=0)
    """Room that must be left on the disk of the log, in megabytes."""
