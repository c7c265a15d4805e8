"""With what dice are thrown: instruments and places of a bench that does not exist."""

import random
from collections.abc import Sequence

from orchestrator.core.events import Event, JobFailed, JobFinished, JobOutcomeUnknown, PlannedJob

__all__ = [
    "CAPACITIES",
    "EQUAL",
    "INSTRUMENTS",
    "SLOTS",
    "STANDS_S",
    "how_a_load_ends",
    "racked",
    "with_policy",
]

INSTRUMENTS = ("balance", "doser", "doser_b", "mover", "meter", "drain")
"""What the planned jobs need, with a second doser."""
EQUAL = {"doser": ("doser_b",), "doser_b": ("doser",)}
SLOTS = {"vessel": 3, "cell": 3}
CAPACITIES = {"meter": 3, "drain": 2, "mover": 2}
STANDS_S = 150.0


def racked(job: PlannedJob) -> PlannedJob:
    """Return a job as the recipe has it where samples stand in racks: reading is urgent."""
    return job.model_copy(update={"max_wait_s": STANDS_S}) if job.name == "read" else job


def with_policy(job: PlannedJob, dice: random.Random, trouble: float) -> PlannedJob:
    """Return a job of which the recipe says something about its failures, in trouble."""
    if dice.random() >= trouble:
        return job
    policy = dice.choice(["fail_sample", "retry", "hold"])
    return job.model_copy(update={"on_failure": policy, "max_attempts": 2})


def how_a_load_ends(job_ids: Sequence[str], dice: random.Random, trouble: float) -> list[Event]:
    """Return what becomes of an order, said of each job that it does."""
    roll = dice.random()
    if roll < trouble / 4:
        return [JobOutcomeUnknown(job_id=name, evidence="no answer") for name in job_ids]
    if roll < trouble / 2:
        error = dice.choice(["LineError", "Latched", "NothingDone", "DeviceFault"])
        how = {"error": error, "message": "down", "has_acted": False}
        return [JobFailed(job_id=name, **how) for name in job_ids]
    if roll < trouble:
        how = {"error": "DeviceFault", "message": "stall", "has_acted": True}
        return [JobFailed(job_id=name, **how) for name in job_ids]
    return [JobFinished(job_id=name) for name in job_ids]
