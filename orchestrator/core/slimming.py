"""A campaign's state without what nobody decides from: what experiments long ended were made of.

Whoever drives or watches a campaign for weeks folds it once and keeps it; pages fold it whole.
"""

from dataclasses import replace
from typing import Final

from orchestrator.core.campaign import CampaignState
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.ledger import Ledger
from orchestrator.core.point import Candidate

__all__ = ["slimmed", "without_past"]

_EVERY: Final = 50
"""How many experiments lose their jobs at once."""
_N_WHOLE: Final = 20
"""How many of the last ones keep their jobs at least; screens show them."""


def slimmed(state: CampaignState) -> CampaignState:
    """Return the state without jobs, analyses and predictions of experiments that ended long ago.

    One with a job in doubt keeps them: that must be told to the end. Experiments that a snapshot
    has not read yet are left alone. Most calls change nothing.

    Args:
        state: After an event.
    """
    closed = state.closed_experiments
    is_in_memory = type(closed) is Ledger
    if not is_in_memory or len(closed) < _N_WHOLE + _EVERY or not closed[-_N_WHOLE - _EVERY].jobs:
        return state
    items = list(closed)
    slim = [_slim(one) for one in items[:-_N_WHOLE]]
    return replace(state, closed_experiments=Ledger([*slim, *items[-_N_WHOLE:]]))


def _slim(experiment: ExperimentState) -> ExperimentState:
    if not experiment.jobs or experiment.jobs_in_doubt():
        return experiment
    candidate = experiment.candidate
    if candidate.predictions or candidate.is_out_of_distribution is not None:
        candidate = Candidate(point=candidate.point)
    return replace(experiment, candidate=candidate, jobs={}, analyses=())


def without_past(state: CampaignState) -> CampaignState:
    """Return the state without observations, and with the last ended experiments at most.

    For who asks whether something is amiss now, or what stands where, and never what was learnt.
    Whether references drift can still be told. Experiments that a snapshot has not read yet are
    dropped unread. An event that corrects an observation can no longer follow, and `n_started`
    counts what is left. Most calls change nothing.

    Args:
        state: After an event.
    """
    closed = state.closed_experiments
    is_in_memory = type(closed) is Ledger
    if is_in_memory and len(closed) < _N_WHOLE + _EVERY:
        return state
    last = closed[-_N_WHOLE:] if is_in_memory else ()
    return replace(state, closed_experiments=Ledger(last), observations=Ledger())
