"""Which acquisition function has which name."""

from orchestrator.optimise.acquisition.improvement import Improvement
from orchestrator.optimise.acquisition.information_seeking import (
    ExpectedModelChange,
    IntegratedVariance,
    QueryByCommittee,
    Uncertainty,
)
from orchestrator.optimise.acquisition.knowledge import KnowledgeGradient
from orchestrator.optimise.acquisition.protocol import Acquisition
from orchestrator.optimise.acquisition.territory import Territory
from orchestrator.optimise.acquisition.value_seeking import (
    ExpectedImprovement,
    NoisyHypervolumeImprovement,
    NoisyImprovement,
    RandomScalarisation,
    Thompson,
    UpperConfidenceBound,
)
from orchestrator.optimise.planner_settings import PlannerSettings

__all__ = ["acquisition_for"]


def acquisition_for(settings: PlannerSettings, territory: Territory) -> Acquisition:
    """Return the acquisition function that the settings name.

    Args:
        settings: Suiting the campaign, see `problems_with`.
        territory: Where the campaign may go.
    """
    match settings.acquisition:
        case "automatic":
            return Improvement(risk=settings.risk)
        case "log_ei":
            return ExpectedImprovement(risk=settings.risk)
        case "log_nei":
            return NoisyImprovement(risk=settings.risk)
        case "log_nehvi":
            return NoisyHypervolumeImprovement(risk=settings.risk)
        case "nparego":
            return RandomScalarisation(risk=settings.risk)
        case "ucb":
            return UpperConfidenceBound()
        case "thompson":
            return Thompson()
        case _:
            return _knowing_the_territory(settings, territory)


def _knowing_the_territory(settings: PlannerSettings, territory: Territory) -> Acquisition:
    match settings.acquisition:
        case "knowledge_gradient":
            return KnowledgeGradient(territory)
        case "integrated_variance":
            return IntegratedVariance(territory)
        case "expected_model_change":
            return ExpectedModelChange(territory)
        case "query_by_committee":
            return QueryByCommittee()
        case "uncertainty":
            return Uncertainty()
        case _:
            raise ValueError(f"no acquisition function is called {settings.acquisition!r}")
