"""What an engine does first: it takes the campaign over and says what it does not know."""

from orchestrator.core.events import EngineAttached, Event, JobOutcomeUnknown
from orchestrator.core.job import JobStatus
from orchestrator.engine.journal import Journal
from orchestrator.errors import VersionConflict
from orchestrator.landmarks import reach

__all__ = ["attach"]


def attach(journal: Journal) -> int:
    """Record that this engine drives the campaign now.

    A job that an earlier engine started and never reported becomes in doubt: the intent was
    durable before the first byte went out, so it may or may not have happened. The executor is
    asked about it next; whatever kills this engine meanwhile, the doubt is on record.

    Returns:
        This engine's epoch.
    """
    reach("engine: before it attaches")
    while True:
        try:
            epoch = _attach_now(journal)
        except VersionConflict:
            journal.catch_up()
        else:
            reach("engine: after it attached")
            return epoch


def _attach_now(journal: Journal) -> int:
    state = journal.state
    epoch = state.epoch + 1
    events: list[Event] = [EngineAttached(epoch=epoch)]
    for experiment in state.open_experiments.values():
        for job in experiment.jobs.values():
            if job.status is JobStatus.STARTED:
                evidence = (
                    f"engine {job.epoch} ended after it started attempt {job.attempt} of "
                    f"{job.planned.action} on {job.instrument} and before it reported"
                )
                events.append(JobOutcomeUnknown(job_id=job.planned.job_id, evidence=evidence))
    journal.decide(events)
    journal.take(epoch)
    return epoch
