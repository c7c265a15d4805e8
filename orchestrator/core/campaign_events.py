"""Facts about a campaign as a whole, its candidates and its engines; they go to its stream."""

from typing import Literal

from pydantic import Field

from orchestrator.core.contamination import ContaminationRule
from orchestrator.core.point import Candidate, Fact

__all__ = [
    "AbortRequested",
    "CampaignAborted",
    "CampaignFinished",
    "CampaignHeld",
    "CampaignOpened",
    "CampaignPaused",
    "CampaignStopped",
    "CampaignWentOn",
    "CandidateApproved",
    "CandidateEdited",
    "CandidateRejected",
    "CandidatesProposed",
    "EngineAttached",
    "EngineDetached",
    "HoldRequested",
    "PauseRequested",
    "PointAdded",
    "PrioritySet",
    "ProposalFailed",
    "ReferencePointFrozen",
    "ResumeRequested",
    "SpaceExhausted",
    "StopRequested",
]


class CampaignOpened(Fact):
    """A campaign file and a rig file were accepted."""

    kind: Literal["CampaignOpened"] = "CampaignOpened"
    campaign_id: str
    name: str
    campaign_text: str
    """The campaign in canonical form; a replay reads this, never the file."""
    rig_name: str
    rig_sha256: str
    """Fingerprint of the rig's canonical form."""
    cost_usd_per_hour: float = Field(default=0.0, ge=0)
    """What the rig costs for every hour that the campaign is open."""
    seed: int
    is_simulated: bool
    athanor_version: str
    equal_instruments: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """By instrument, the others of the rig that may be used instead."""
    slots: dict[str, int] = Field(default_factory=dict)
    """By place of the rig that holds several samples, how many."""
    capacities: dict[str, int] = Field(default_factory=dict)
    """By instrument of the rig that does a job for several samples at once, for how many."""
    contamination: tuple[ContaminationRule, ...] = ()
    """What traces of one sample spoil another, by the rig; where no rule says it, those of any
    other composition do."""
    shelf: str = ""
    """From where its stock comes: a dry-run's own shelf; empty: the one that all campaigns of its
    rig share (`orchestrator.core.stock.shelf_of`)."""
    reason: str = ""
    """Why, in the words of who opened it."""


class EngineAttached(Fact):
    """An engine took the campaign over; facts of an older epoch are evidence, never decisions."""

    kind: Literal["EngineAttached"] = "EngineAttached"
    epoch: int = Field(ge=1)


class EngineDetached(Fact):
    """The engine let go in an orderly way."""

    kind: Literal["EngineDetached"] = "EngineDetached"
    epoch: int = Field(ge=1)
    reason: str


class PauseRequested(Fact):
    """An operator asked: finish the running experiments, start no other."""

    kind: Literal["PauseRequested"] = "PauseRequested"
    reason: str = ""


class HoldRequested(Fact):
    """An operator asked: finish the running jobs, start no other; samples wait where they are."""

    kind: Literal["HoldRequested"] = "HoldRequested"
    reason: str = ""


class ResumeRequested(Fact):
    """An operator asked to go on."""

    kind: Literal["ResumeRequested"] = "ResumeRequested"
    reason: str = ""


class PrioritySet(Fact):
    """A person said anew how the campaign stands beside others on its rig."""

    kind: Literal["PrioritySet"] = "PrioritySet"
    priority: int = Field(ge=-10, le=10)
    """The higher goes first."""
    share: float = Field(ge=0.01, le=100)
    """Its part of the instrument-hours among campaigns of equal priority."""
    reason: str


class StopRequested(Fact):
    """An operator asked: finish the running jobs, bring everything to its safe state, end."""

    kind: Literal["StopRequested"] = "StopRequested"
    reason: str = ""


class AbortRequested(Fact):
    """An operator asked: safe state now; running jobs are interrupted."""

    kind: Literal["AbortRequested"] = "AbortRequested"
    reason: str = ""


class CampaignPaused(Fact):
    """Nothing runs any more and nothing will start until someone resumes."""

    kind: Literal["CampaignPaused"] = "CampaignPaused"
    reason: str = ""
    """Why the engine paused by itself; empty if an operator asked for it."""


class CampaignHeld(Fact):
    """No job runs and none will start until someone resumes; open experiments wait."""

    kind: Literal["CampaignHeld"] = "CampaignHeld"
    reason: str
    """Why; what the operator said, or why the engine held by itself."""
    lacks: Literal["", "stock"] = ""
    """``stock``: that is all it lacks, and it goes on by itself once there is enough."""


class CampaignWentOn(Fact):
    """What it was held for is there again; nobody had to resume it."""

    kind: Literal["CampaignWentOn"] = "CampaignWentOn"
    reason: str


class CampaignStopped(Fact):
    """The campaign ended because somebody stopped it; the bench is in its safe state."""

    kind: Literal["CampaignStopped"] = "CampaignStopped"
    reason: str


class CampaignAborted(Fact):
    """The campaign ended in the middle of jobs; the bench was brought to its safe state."""

    kind: Literal["CampaignAborted"] = "CampaignAborted"
    reason: str


class CampaignFinished(Fact):
    """A stopping rule was met and everything that was running has ended."""

    kind: Literal["CampaignFinished"] = "CampaignFinished"
    rule: Literal["max_experiments", "max_hours", "max_cost_usd", "target", "plateau", "exhausted"]
    reason: str


class CandidatesProposed(Fact):
    """A planner's answer, recorded, so that a replay never plans."""

    kind: Literal["CandidatesProposed"] = "CandidatesProposed"
    proposal: int = Field(ge=1)
    """Counted from 1."""
    planner: str
    method: str
    """How the points were chosen: ``initial_design``, ``log_nehvi``…"""
    reason: str
    """Why this method, and what had to be left out; for people."""
    n_observations: int = Field(ge=0)
    candidates: tuple[Candidate, ...] = Field(min_length=1)


class SpaceExhausted(Fact):
    """The planner was asked and no feasible point was left."""

    kind: Literal["SpaceExhausted"] = "SpaceExhausted"
    reason: str


class ProposalFailed(Fact):
    """The planner raised; the campaign goes on with what is running and then pauses."""

    kind: Literal["ProposalFailed"] = "ProposalFailed"
    proposal: int = Field(ge=1)
    planner: str
    error: str


class ReferencePointFrozen(Fact):
    """The hypervolume's reference point, fixed once the initial design was observed."""

    kind: Literal["ReferencePointFrozen"] = "ReferencePointFrozen"
    reference_point: dict[str, float]
    """By objective, in the file's units and direction."""


class CandidateApproved(Fact):
    """A person let a candidate be made."""

    kind: Literal["CandidateApproved"] = "CandidateApproved"
    candidate_id: str
    reason: str = ""


class CandidateEdited(Fact):
    """A person changed a candidate before it is made, and thereby approved it."""

    kind: Literal["CandidateEdited"] = "CandidateEdited"
    candidate_id: str
    point: dict[str, float | str]
    reason: str = Field(min_length=1)


class CandidateRejected(Fact):
    """A person refused a candidate; it is not made."""

    kind: Literal["CandidateRejected"] = "CandidateRejected"
    candidate_id: str
    reason: str = Field(min_length=1)


class PointAdded(Fact):
    """A person put a candidate of their own into the queue, and thereby approved it.

    It stands before what planners proposed, behind what people added earlier.
    """

    kind: Literal["PointAdded"] = "PointAdded"
    candidate_id: str
    """``P0001``, counted over the whole campaign."""
    point: dict[str, float | str]
    person: str = Field(min_length=1)
    """Whose point it is: the record's actor, said here because states are folded from events
    alone."""
    reason: str = Field(min_length=1)
