"""Which acquisition function has which name."""

from orchestrator.optimise.acquisition.improvement import Improvement
from orchestrator.optimise.acquisition.protocol import Acquisition
from orchestrator.optimise.planner_settings import PlannerSettings

__all__ = ["acquisition_for"]


def acquisition_for(settings: PlannerSettings) -> Acquisition:
    """Return the acquisition function that the settings name."""
    return {"automatic": Improvement}[settings.acquisition]()
