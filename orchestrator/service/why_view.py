"""Why each sample is made: a proposal's candidates with all that was stored and said of them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, TypeAdapter

from campaigns.spec import CampaignSpec
from orchestrator.core.point import Prediction
from orchestrator.service.chances import ChanceView, chance_views
from orchestrator.service.proposals import ProposalView
from orchestrator.service.speaking import Known, what_speaks
from orchestrator.service.views import CampaignView, ExperimentView

__all__ = [
    "CandidateCard",
    "PredictionLine",
    "ProposalCard",
    "candidate_card",
    "known_at",
    "prediction_lines",
    "proposal_card",
    "results_of",
    "stored_prediction_lines",
]

_Z95: Final = 1.959964
_PREDICTIONS: Final = TypeAdapter(dict[str, Prediction])
_POINT: Final = TypeAdapter(dict[str, float | str])


class _View(BaseModel):
    """Frozen, with unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PredictionLine(_View):
    """What was expected of one value, and what came."""

    name: str
    mean: float
    sd: float
    """0 where it is computed exactly."""
    low: float
    """Between `low` and `high` the noise-free value lies with 95 %, by the model."""
    high: float
    measured: float | None
    """None before the result."""

    @property
    def is_inside(self) -> bool | None:
        """Whether what was measured lies in the interval; None before, and for exact values."""
        if self.measured is None or self.sd == 0.0:
            return None
        return self.low <= self.measured <= self.high


class CandidateCard(_View):
    """One candidate, with why it was proposed and what became of it."""

    candidate_id: str
    state: str
    """``queued``, ``approved``, ``edited``, ``rejected``, ``started``."""
    point: Mapping[str, float | str]
    changed: Mapping[str, float | str]
    """What the planner had proposed instead, where a person changed it."""
    predictions: tuple[PredictionLine, ...]
    chances: tuple[ChanceView, ...]
    is_out_of_distribution: bool | None
    speaks: tuple[str, ...]
    waits_because: str
    judged_by: str
    judged_time: datetime | None
    reason: str
    experiment_id: str

    @property
    def is_open(self) -> bool:
        """Whether a person may still judge it."""
        return self.state in ("queued", "approved", "edited")


class ProposalCard(_View):
    """One proposal with its candidates."""

    proposal: ProposalView
    candidates: tuple[CandidateCard, ...]


def prediction_lines(
    predictions: Mapping[str, Prediction], measured: Mapping[str, float]
) -> tuple[PredictionLine, ...]:
    """Return what was expected, with its 95 % interval and what was measured.

    Args:
        predictions: By objective or outcome.
        measured: What came, computed values included; empty before.
    """
    return tuple(
        PredictionLine(
            name=name,
            mean=one.mean,
            sd=one.sd,
            low=one.mean - _Z95 * one.sd,
            high=one.mean + _Z95 * one.sd,
            measured=measured.get(name),
        )
        for name, one in predictions.items()
    )


def stored_prediction_lines(experiment: ExperimentView) -> tuple[PredictionLine, ...]:
    """Return what was expected of an experiment, and what it gave."""
    predictions = {
        name: Prediction(mean=mean, sd=experiment.predicted_sds.get(name, 0.0))
        for name, mean in experiment.predicted.items()
    }
    return prediction_lines(predictions, {**experiment.values, **experiment.computed})


def proposal_card(
    view: CampaignView,
    spec: CampaignSpec,
    proposal: ProposalView,
    rows: Sequence[Mapping[str, Any]],
    waits: Mapping[str, str],
) -> ProposalCard:
    """Return a proposal with its candidates.

    Args:
        view: The campaign, with the experiments that candidates are compared with.
        spec: Its file.
        proposal: Which proposal.
        rows: The log's rows of its candidates; their cells are of many types.
        waits: By candidate, why a person has to look at it.
    """
    known, results = known_at(view, proposal.time), results_of(view)
    cards = (candidate_card(spec, known, row, results, waits) for row in rows)
    return ProposalCard(proposal=proposal, candidates=tuple(cards))


def known_at(view: CampaignView, time: datetime | None) -> Known:
    """Return what was known at a time.

    Args:
        view: The campaign.
        time: When; None for all that is known.
    """
    made = [
        one
        for one in view.experiments
        if one.is_evidence
        and one.values
        and one.ended_time is not None
        and (time is None or one.ended_time <= time)
    ]
    return Known(view.objectives, made)


def results_of(view: CampaignView) -> dict[str, dict[str, float]]:
    """Return what each experiment gave, measured and computed."""
    return {one.experiment_id: {**one.values, **one.computed} for one in view.experiments}


def candidate_card(
    spec: CampaignSpec,
    known: Known,
    row: Mapping[str, Any],
    results: Mapping[str, Mapping[str, float]],
    waits: Mapping[str, str],
) -> CandidateCard:
    """Return one candidate.

    Args:
        spec: The campaign's file.
        known: What had been made when it was proposed.
        row: Of the log's ``candidate`` table; its cells are of many types.
        results: By experiment, what it gave.
        waits: By candidate, why a person has to look at it.
    """
    point = _ordered(spec.space.names, _POINT.validate_python(row["point"]))
    proposed = _POINT.validate_python(row["proposed"])
    predictions = _PREDICTIONS.validate_python(row["predictions"])
    is_far = row["is_out_of_distribution"]
    is_own = row["proposal"] == 0 or point != proposed
    person = row["judged_by"] if is_own else ""
    return CandidateCard(
        candidate_id=row["candidate_id"],
        state=row["state"],
        point=point,
        changed={
            name: proposed[name]
            for name in point
            if name in proposed and proposed[name] != point[name]
        },
        predictions=prediction_lines(predictions, results.get(row["experiment_id"], {})),
        chances=chance_views(spec, predictions),
        is_out_of_distribution=is_far,
        speaks=what_speaks(
            spec, point, predictions, known, is_out_of_distribution=is_far, person=person
        ),
        waits_because=waits.get(row["candidate_id"], ""),
        judged_by=row["judged_by"],
        judged_time=row["judged_time"],
        reason=row["reason"],
        experiment_id=row["experiment_id"],
    )


def _ordered(names: Iterable[str], point: Mapping[str, float | str]) -> dict[str, float | str]:
    return {name: point[name] for name in names}
