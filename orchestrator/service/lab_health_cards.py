"""A campaign at a glance: where it stands, how far it is to each end, what may be asked of it."""

from typing import Final

from pydantic import BaseModel, ConfigDict

from orchestrator.service.labels import label_from_name, number_text
from orchestrator.service.requests import possible_requests
from orchestrator.service.views import BestView, CampaignSummary, LimitView, TargetView

__all__ = ["CampaignCard", "RuleView", "campaign_card", "rule_views"]

_LIMITS: Final = {
    "experiments": ("experiments", ""),
    "hours": ("hours", " h"),
    "cost_usd": ("money", " USD"),
}
_BOUNDS: Final = {"at_least": "at least", "at_most": "at most", "within": "within"}


class RuleView(BaseModel):
    """How far a campaign is from one of the rules that end it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    said: str
    """How far it is, in words with units."""
    fraction: float | None
    """How much of a limit is used, 0 to 1; None for a target."""
    is_met: bool


class CampaignCard(BaseModel):
    """One campaign with what may be asked of it now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    summary: CampaignSummary
    rules: tuple[RuleView, ...]
    requests: tuple[str, ...]
    """Acts that would change something, the mildest first; ``start_again`` where no engine is."""


def campaign_card(summary: CampaignSummary) -> CampaignCard:
    """Return a campaign as a card.

    Args:
        summary: The campaign.
    """
    requests = [str(request) for request in possible_requests(summary.status)]
    if summary.state == "unattended":
        requests.insert(0, "start_again")
    return CampaignCard(summary=summary, rules=rule_views(summary), requests=tuple(requests))


def rule_views(summary: CampaignSummary) -> tuple[RuleView, ...]:
    """Return how far a campaign is from each rule that ends it.

    Args:
        summary: The campaign.
    """
    limits = [_limit(one, one.limit) for one in summary.limits if one.limit is not None]
    best = {one.objective: one for one in summary.best}
    targets = [_target(one, best.get(one.objective)) for one in summary.targets]
    return (*limits, *targets)


def _limit(view: LimitView, limit: float) -> RuleView:
    name, unit = _LIMITS[view.name]
    digits = 0 if view.name == "experiments" else 1 if view.name == "hours" else 2
    return RuleView(
        name=name,
        said=f"{view.used:,.{digits}f} of {limit:,.{digits}f}{unit}",
        fraction=min(1.0, view.used / limit) if limit else 1.0,
        is_met=view.used >= limit,
    )


def _target(target: TargetView, best: BestView | None) -> RuleView:
    label, _, unit = label_from_name(target.objective).partition(" (")
    unit = f" {unit.removesuffix(')')}" if unit and unit != "fraction)" else ""
    wanted = f"{_BOUNDS[target.bound]} {number_text(target.value)}{unit}"
    if best is None:
        return RuleView(name=label, said=f"{wanted}; nothing yet", fraction=None, is_met=False)
    value = best.value
    if target.bound == "within":
        value = best.value if best.deviation is None else abs(best.deviation)
    is_met = value >= target.value if target.bound == "at_least" else value <= target.value
    return RuleView(
        name=label,
        said=f"{wanted}; best {number_text(value)}{unit}",
        fraction=None,
        is_met=is_met,
    )
