"""What a person's correction of a result changes in a campaign; pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from orchestrator.core.events import CorrectionEvent, ObservationGiven, ObservationRecorded
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.ledger import Ledger
from orchestrator.errors import IllegalTransition

__all__ = ["corrected"]


def corrected(
    ended: Iterable[ExperimentState],
    still_open: Iterable[ExperimentState],
    event: CorrectionEvent,
    time: datetime,
) -> dict[str, Any]:
    """Return the fields of a campaign that change when a person corrects what an experiment gave.

    Args:
        ended: Experiments that have ended, in the order in which they did.
        still_open: The others.
        event: The correction, or what is given to an experiment that ended without a result.
        time: When.

    Raises:
        IllegalTransition: The experiment has not ended, or has no result to correct, or has one
            already.
    """
    closed = list(ended)
    found = [i for i, one in enumerate(closed) if one.experiment_id == event.experiment_id]
    is_given = isinstance(event, ObservationGiven)
    if not found or (closed[found[0]].observed is None) is not is_given:
        stands = "with an observation, or none that ended" if is_given else "without an observation"
        raise IllegalTransition(f"experiment {event.experiment_id}", stands, event.kind)
    closed[found[0]] = closed[found[0]].after(event, time)
    counted: dict[str, list[ObservationRecorded]] = {"search": [], "reference": []}
    for one in [*closed, *still_open]:
        if one.observed is not None and not one.is_retracted:
            counted[one.purpose].append(one.observed)
    return {
        "closed_experiments": Ledger(closed),
        "observations": Ledger(counted["search"]),
        "references": Ledger(counted["reference"]),
    }
