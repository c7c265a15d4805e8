"""Which of several equal instruments does a job; pure.

What an experiment began on an instrument it ends there: a balance that was tared, a syringe that
was filled. Only an experiment that has not used the instrument yet may take an equal one.
"""

from collections.abc import Collection

from orchestrator.core.campaign import CampaignState
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.job import JobState
from orchestrator.core.lab import LabState

__all__ = ["choices_for", "instrument_for", "why_none_usable"]


def instrument_for(
    state: CampaignState,
    lab: LabState,
    experiment: ExperimentState,
    job: JobState,
    busy: Collection[str] = (),
) -> str:
    """Return the instrument that is to do a job: the planned one, or an equal one.

    Args:
        state: The campaign, which knows the equal ones.
        lab: Says which of them can be used.
        experiment: The job's.
        job: One that is to be started.
        busy: Instruments that have another job; a free one is preferred.
    """
    choices = choices_for(state, experiment, job)
    usable = [name for name in choices if not lab.why_unusable(name)]
    free = [name for name in usable if name not in busy]
    return next(iter([*free, *usable]), choices[0])


def choices_for(
    state: CampaignState, experiment: ExperimentState, job: JobState
) -> tuple[str, ...]:
    """Return the instruments that may do a job, at least one.

    Args:
        state: The campaign, which knows the equal ones.
        experiment: The job's.
        job: One that is to be started.
    """
    planned = job.planned.instrument
    for other in experiment.jobs.values():
        if other.planned.instrument == planned and other.has_touched:
            return (other.instrument,)
    return (planned, *state.equal_instruments.get(planned, ()))


def why_none_usable(state: CampaignState, lab: LabState, instrument: str) -> str:
    """Say why neither an instrument nor one equal to it can be used; empty if one can.

    Args:
        state: The campaign, which knows the equal ones.
        lab: Says which of them can be used.
        instrument: As a recipe names it.
    """
    choices = (instrument, *state.equal_instruments.get(instrument, ()))
    reasons = [lab.why_unusable(name) for name in choices]
    return "" if not all(reasons) else "; ".join(dict.fromkeys(reasons))
