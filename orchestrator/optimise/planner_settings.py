"""Settings of the default planner, checked when the campaign is loaded; torch is not imported."""

from collections.abc import Iterator, Mapping
from typing import Final, Literal, TypeAlias, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from campaigns.consistency import one_of
from campaigns.recipe import Recipe
from campaigns.spec import CampaignSpec

__all__ = ["AcquisitionName", "Outlay", "PlannerSettings", "reasons_against", "settings_from"]

AcquisitionName: TypeAlias = Literal[
    "automatic",
    "log_ei",
    "log_nei",
    "ucb",
    "knowledge_gradient",
    "log_nehvi",
    "nparego",
    "thompson",
    "uncertainty",
    "query_by_committee",
    "expected_model_change",
    "integrated_variance",
]
Outlay: TypeAlias = Literal["experiment", "hour", "dollar"]
"""What a promise is divided by."""

_EXPECTED: Final = {"risk": "a number from 0 to 1", "time_budget_s": "seconds, above 0"}
_OF_ONE: Final = ("log_ei", "log_nei", "knowledge_gradient")
_WITH_REPEATS: Final = ("automatic", *_OF_ONE)
"""Acquisitions whose picks may be exchanged for repeats; the others are after something else."""
_OF_SEVERAL: Final = ("log_nehvi", "nparego")
_MOST_OF_VOLUME: Final = 4
"""Objectives, at most, whose hypervolume is reckoned whatever it takes."""
_WITH_RISK: Final = ("automatic", "log_ei", "log_nei", "log_nehvi", "nparego")


class PlannerSettings(BaseModel):
    """The table ``[planner.settings]`` of a campaign file, for the planner ``botorch``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    acquisition: AcquisitionName = "automatic"
    """How much an experiment promises; see docs/OPTIMISATION.md."""
    per: Outlay = "experiment"
    """Whether a promise counts as it is, or by the hour or the dollar that the recipe names."""
    risk: float = Field(default=0.0, ge=0, le=1)
    """The share of the luckiest outcomes that is not counted as improvement: 0 counts the mean, 0.5
    the mean of the worse half, 1 the worst sample alone."""
    replicates: Literal["never", "when_worth"] = "never"
    """Whether a made point may be made again where that is worth more than a new one."""
    time_budget_s: float | None = Field(default=None, gt=0)
    """Real seconds after which a proposal is what was found by then; without it as long as it
    takes, and always the same."""

    @property
    def remark(self) -> str:
        """What should be said of the settings in a proposal's reason; mostly nothing."""
        words: list[str] = []
        if self.per != "experiment":
            words.append(f"promises are counted by the {self.per}")
        if self.risk:
            words.append(f"the luckiest {self.risk:.4g} of outcomes are not counted")
        return "; ".join(words)


def settings_from(settings: Mapping[str, object]) -> PlannerSettings:
    """Return the settings, checked.

    Raises:
        ValueError: One is unknown or has an impossible value; it is named.
    """
    try:
        return PlannerSettings.model_validate(settings)
    except ValidationError as error:
        raise ValueError("; settings.".join(map(_reason, error.errors()))) from error


def _reason(entry: ErrorDetails) -> str:
    """Return one entry of a pydantic error as key, what it is and what is expected."""
    key = ".".join(str(part) for part in entry["loc"])
    field = PlannerSettings.model_fields.get(key)
    if field is None:
        return f"{key}: expected {one_of(list(PlannerSettings.model_fields), key)}"
    got = entry["input"]
    if get_origin(field.annotation) is Literal:
        return f"{key}: got {got!r}, expected {one_of(list(get_args(field.annotation)), str(got))}"
    return f"{key}: got {got!r}, expected {_EXPECTED.get(key, entry['msg'])}"


def reasons_against(settings: PlannerSettings, campaign: CampaignSpec) -> Iterator[str]:
    """Yield why settings do not suit a campaign: the key, what it is, what is expected."""
    name = settings.acquisition
    n = 1 if campaign.is_traded else len(campaign.objectives)
    got = f"settings.acquisition: got {name!r}, expected"
    if name != "automatic" and not campaign.measured_names:
        yield f"{got} 'automatic': nothing is measured, so that there is nothing to learn"
    elif name in _OF_ONE and n > 1:
        yield (
            f"{got} one that knows several objectives (log_nehvi, nparego, ucb, thompson), or "
            "campaign.trade_off weighted or desirability"
        )
    elif name in _OF_SEVERAL and n == 1:
        yield f"{got} one for a single goal (log_ei, log_nei, ucb, knowledge_gradient, thompson)"
    elif name == "log_nehvi" and n > _MOST_OF_VOLUME:
        yield (
            f"{got} nparego, ucb or thompson: with {n} objectives a hypervolume takes too long, "
            f"{_MOST_OF_VOLUME} are the most"
        )
    if settings.risk and name not in _WITH_RISK:
        yield (
            f"settings.risk: got {settings.risk}, expected 0 with acquisition {name!r}; "
            f"improvements can be discounted: {', '.join(_WITH_RISK)}"
        )
    if settings.replicates == "when_worth" and name not in _WITH_REPEATS:
        yield (
            f"settings.replicates: got 'when_worth', expected 'never' with acquisition {name!r}; "
            f"repeats go with {', '.join(_WITH_REPEATS)}"
        )
    if settings.per != "experiment" and not campaign.measured_names:
        yield (
            f"settings.per: got {settings.per!r}, expected 'experiment': nothing is measured, "
            "the best points are known without experiments"
        )
    yield from _outlay_reasons(settings.per, campaign.recipe)


def _outlay_reasons(per: Outlay, recipe: Recipe | None) -> Iterator[str]:
    if per == "hour" and (recipe is None or recipe.hours_per_experiment is None):
        yield "settings.per: got 'hour', expected 'experiment', or recipe.hours_per_experiment"
    if per == "dollar" and (recipe is None or not _costs(recipe)):
        expected = "'experiment', or recipe.cost_usd_per_experiment above 0"
        yield f"settings.per: got 'dollar', expected {expected}"


def _costs(recipe: Recipe) -> bool:
    form = recipe.cost_usd_per_experiment.linear_form()
    return form is None or bool(form.constant) or any(form.coefficients.values())
