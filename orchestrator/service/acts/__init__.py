"""Everything that a person may do, each as a model: the command layer, where roles are enforced."""

from orchestrator.service.acts.act import Act, ActDesk, Told
from orchestrator.service.acts.performing import perform_act
from orchestrator.service.acts.registry import ACTS

__all__ = ["ACTS", "Act", "ActDesk", "Told", "perform_act"]
