"""Acts on a whole campaign: go on, pause, hold, stop, abort."""

from abc import ABC
from typing import ClassVar, Final

from orchestrator.core.campaign import CampaignState
from orchestrator.core.events import (
    AbortRequested,
    Event,
    HoldRequested,
    PauseRequested,
    ResumeRequested,
    StopRequested,
)
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.job import JobStatus
from orchestrator.service.acts.act import ActDesk, CampaignAct, Told
from orchestrator.service.asking import ask_campaign
from orchestrator.service.lab import Lab
from orchestrator.service.requests import Request

__all__ = ["Abort", "Hold", "Pause", "Resume", "Stop"]

_REQUESTS: Final = (
    PauseRequested,
    HoldRequested,
    ResumeRequested,
    StopRequested,
    AbortRequested,
)
_N_NAMED: Final = 3


class _Ask(CampaignAct, ABC):
    """A request to the engine of a campaign, which stations hear first where it makes safer."""

    request: ClassVar[Request]

    def concerns(self, event: Event) -> bool:
        """Any other request to this campaign."""
        return isinstance(event, _REQUESTS)

    def perform(self, desk: ActDesk) -> Told:
        """Ask stations, then the engine through the log."""
        asked = ask_campaign(
            desk.open_lab, desk.door, self.request, self.campaign_id, reason=self.reason
        )
        message = f"{self.campaign_id}: {self.request} requested, now {asked.line.state}"
        return Told(message=message, stations=asked.replies)


class Resume(_Ask):
    """Go on with a paused or held campaign."""

    name = "resume"
    request = Request.RESUME

    def consequence(self, lab: Lab) -> str:
        """Say which samples go on."""
        state = lab.state(self.campaign_id)
        goes = "goes" if len(state.open_experiments) == 1 else "go"
        samples = _samples(state)
        waiting = f"{samples} {goes} on, then" if samples else "no sample waits;"
        return f"{waiting} others are begun"


class Pause(_Ask):
    """Finish the running experiments, start no other."""

    name = "pause"
    makes_safer = True
    request = Request.PAUSE

    def consequence(self, lab: Lab) -> str:
        """Say which samples are finished."""
        samples = _samples(lab.state(self.campaign_id))
        first = f"finishes {samples}" if samples else "no sample is running; none"
        return f"{first}, begins no other" if samples else f"{first} is begun"


class Hold(_Ask):
    """Finish the running jobs, start no other; samples wait where they are."""

    name = "hold"
    makes_safer = True
    request = Request.HOLD

    def consequence(self, lab: Lab) -> str:
        """Say which jobs are finished and which samples wait."""
        state = lab.state(self.campaign_id)
        samples = _samples(state) or "no sample"
        waits = "waits as it is" if len(state.open_experiments) <= 1 else "wait as they are"
        return f"{_to_jobs(state, 'finishes {},')} then holds: {samples} {waits}"


class Stop(_Ask):
    """Finish the running jobs, bring everything to its safe state, end the campaign."""

    name = "stop"
    is_dangerous = True
    makes_safer = True
    request = Request.STOP

    def consequence(self, lab: Lab) -> str:
        """Say what is finished and what is lost."""
        state = lab.state(self.campaign_id)
        jobs = _to_jobs(state, "finishes {},")
        return f"{jobs} makes the bench safe and ends the campaign for good; {_lost(state)}"


class Abort(_Ask):
    """Bring everything to its safe state now, in the middle of jobs, and end the campaign."""

    name = "abort"
    is_dangerous = True
    makes_safer = True
    request = Request.ABORT

    def consequence(self, lab: Lab) -> str:
        """Say what is cut off and what is lost."""
        state = lab.state(self.campaign_id)
        jobs = _to_jobs(state, "cuts off {} now,")
        return f"{jobs} makes the bench safe and ends the campaign for good; {_lost(state)}"


def _samples(state: CampaignState) -> str:
    """Return the samples that are on the bench, in words; empty if there is none."""
    running: list[ExperimentState] = sorted(
        state.open_experiments.values(), key=lambda one: one.number
    )
    names = [one.experiment_id for one in running[:_N_NAMED]]
    more = "…" if len(running) > _N_NAMED else ""
    if not running:
        return ""
    word = "sample" if len(running) == 1 else "samples"
    return f"{len(running)} {word} ({', '.join(names)}{more})"


def _to_jobs(state: CampaignState, what: str) -> str:
    """Return the beginning of a sentence: what becomes of the jobs that run."""
    n = sum(
        job.status is JobStatus.STARTED
        for experiment in state.open_experiments.values()
        for job in experiment.jobs.values()
    )
    return what.format(f"{n} running job{'' if n == 1 else 's'}") if n else "no job runs;"


def _lost(state: CampaignState) -> str:
    samples = _samples(state)
    if not samples:
        return "no sample is on the bench"
    is_one = len(state.open_experiments) == 1
    return f"{samples} {'is' if is_one else 'are'} lost, and what is left in places must be cleaned"
