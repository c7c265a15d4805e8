"""Settings of the default planner, checked when the campaign is loaded; torch is not imported."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

__all__ = ["AcquisitionName", "PlannerSettings", "settings_from"]

AcquisitionName: TypeAlias = Literal["automatic"]


class PlannerSettings(BaseModel):
    """The table ``[planner.settings]`` of a campaign file, for the planner ``botorch``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    acquisition: AcquisitionName = "automatic"
    replicates: Literal["never", "when_worth"] = "never"
    """Whether a made point may be made again where that is worth more than a new one."""
    time_budget_s: float | None = Field(default=None, gt=0)
    """Real seconds after which a proposal is what was found by then; without it as long as it
    takes, and always the same."""


def settings_from(settings: Mapping[str, object]) -> PlannerSettings:
    """Return the settings, checked.

    Raises:
        ValueError: One is unknown or has an impossible value; it is named.
    """
    try:
        return PlannerSettings.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{key}: {first['msg']}; got {first['input']!r}") from error
