"""Settings of the default planner, checked when the campaign is loaded; torch is not imported."""

from collections.abc import Iterator, Mapping
from typing import Final, Literal, TypeAlias, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from campaigns.consistency import one_of
from campaigns.errors import Problem
from campaigns.recipe import Recipe
from campaigns.spec import CampaignSpec
from orchestrator.optimise.planner import WrongSettings

__all__ = ["AcquisitionName", "Outlay", "PlannerSettings", "problems_with", "settings_from"]

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

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    acquisition: AcquisitionName = "automatic"
    """How much an experiment promises; see docs/OPTIMISATION.md."""
    per: Outlay = "experiment"
    """Whether a promise counts as it is, or by the hour or the dollar that the recipe names; hours
    that it does not name are those that its jobs take on the bench."""
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
        WrongSettings: Some are unknown or have impossible values; each is named.
    """
    try:
        return PlannerSettings.model_validate(settings)
    except ValidationError as error:
        raise WrongSettings([_problem(entry) for entry in error.errors()]) from error


def _problem(entry: ErrorDetails) -> Problem:
    """Return one entry of a pydantic error as key, what it is and what is expected."""
    key = ".".join(str(part) for part in entry["loc"])
    field = PlannerSettings.model_fields.get(key)
    if field is None:
        return Problem(key, key, one_of(list(PlannerSettings.model_fields), key))
    got = entry["input"]
    if get_origin(field.annotation) is Literal:
        return Problem(key, got, one_of(list(get_args(field.annotation)), str(got)))
    return Problem(key, got, _EXPECTED.get(key, entry["msg"]))


def problems_with(settings: PlannerSettings, campaign: CampaignSpec) -> Iterator[Problem]:
    """Yield why settings do not suit a campaign: the key, what it is, what is expected."""
    name = settings.acquisition
    expected = _expected_acquisition(name, campaign)
    if expected:
        yield Problem("acquisition", name, expected)
    if settings.risk and name not in _WITH_RISK:
        yield Problem(
            "risk",
            settings.risk,
            f"0 with acquisition {name!r}; improvements can be discounted: {', '.join(_WITH_RISK)}",
        )
    if settings.replicates == "when_worth" and name not in _WITH_REPEATS:
        yield Problem(
            "replicates",
            settings.replicates,
            f"'never' with acquisition {name!r}; repeats go with {', '.join(_WITH_REPEATS)}",
        )
    if settings.per != "experiment" and not campaign.measured_names:
        yield Problem(
            "per",
            settings.per,
            "'experiment': nothing is measured, the best points are known without experiments",
        )
    yield from _outlay_problems(settings.per, campaign.recipe)


def _expected_acquisition(name: AcquisitionName, campaign: CampaignSpec) -> str:
    """Return what would suit a campaign better than an acquisition; empty if it suits."""
    n = 1 if campaign.is_traded else len(campaign.objectives)
    if name != "automatic" and not campaign.measured_names:
        return "'automatic': nothing is measured, so that there is nothing to learn"
    if name in _OF_ONE and n > 1:
        several = "log_nehvi, nparego" if n <= _MOST_OF_VOLUME else "nparego"
        return (
            f"one that knows several objectives (automatic, {several}, ucb, thompson), or "
            "campaign.trade_off weighted or desirability"
        )
    if name in _OF_SEVERAL and n == 1:
        return f"one for a single goal (automatic, {', '.join(_OF_ONE)}, ucb, thompson)"
    if name == "log_nehvi" and n > _MOST_OF_VOLUME:
        return (
            f"automatic, nparego, ucb or thompson: with {n} objectives a hypervolume takes too "
            f"long, {_MOST_OF_VOLUME} are the most"
        )
    return ""


def _outlay_problems(per: Outlay, recipe: Recipe | None) -> Iterator[Problem]:
    if per == "hour" and recipe is None:
        yield Problem("per", per, "'experiment', or recipe.hours_per_experiment")
    if per == "dollar" and (recipe is None or not _costs(recipe)):
        yield Problem("per", per, "'experiment', or recipe.cost_usd_per_experiment above 0")


def _costs(recipe: Recipe) -> bool:
    form = recipe.cost_usd_per_experiment.linear_form()
    return form is None or bool(form.constant) or any(form.coefficients.values())
