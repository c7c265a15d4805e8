"""Acts on what was measured, and on jobs of which nobody knows whether they happened."""

from abc import ABC

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.access.roles import Scope
from orchestrator.core.events import (
    CorrectionEvent,
    DoubtAnswered,
    Event,
    JobFailed,
    JobFinished,
)
from orchestrator.service.acts.act import ActDesk, CampaignAct, Finite, Told
from orchestrator.service.corrections import Amended, amend, give_result, retract
from orchestrator.service.doubt_answers import answer_doubt, open_doubts
from orchestrator.service.doubts import Answer
from orchestrator.service.lab import Lab
from orchestrator.service.quantities import quantity_from

__all__ = ["Amend", "AnswerDoubt", "GiveResult", "MeasuredQuantity", "MeasuredValue", "Retract"]


class MeasuredValue(BaseModel):
    """What a person says a measured value is."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    value: float
    """In the unit that the name's suffix says."""
    sd: float | None = Field(default=None, ge=0)
    """Its standard error, in the same unit; None leaves the one that was known."""


class MeasuredQuantity(MeasuredValue):
    """What a person measured, in a unit that may be another than the name's."""

    unit: str = Field(default="", max_length=30)
    """Of value and standard error: ``mV``; empty for the one that the name's suffix says."""

    def in_unit_of(self, name: str) -> Amended:
        """Return it in the unit that a name says.

        Raises:
            RequestRefused: The unit is unknown or does not measure what the name's does.
        """
        sd = "" if self.sd is None else f"±{self.sd!r}"
        found = quantity_from(name, f"{self.value!r}{sd} {self.unit}")
        return Amended(found.value, found.sd)


class _OnResult(CampaignAct, ABC):
    scope = Scope.RESULTS

    experiment_id: str = Field(min_length=1, max_length=50)

    def concerns(self, event: Event) -> bool:
        """What somebody else corrected in this experiment."""
        return isinstance(event, CorrectionEvent) and event.experiment_id == self.experiment_id


class Amend(_OnResult):
    """Correct what an experiment measured; the next proposal learns from it."""

    name = "amend"
    needs_reason = True

    values: dict[str, MeasuredValue] = Field(min_length=1)
    """By measured objective or outcome; all others stay."""

    def consequence(self, lab: Lab) -> str:
        """Say what is learnt from instead."""
        said = ", ".join(f"{name} = {one.value:g}" for name, one in self.values.items())
        return (
            f"{self.experiment_id} counts with {said} from the next proposal on; "
            "what was recorded first stays in the log"
        )

    def perform(self, desk: ActDesk) -> Told:
        """Append the correction."""
        values = {name: Amended(one.value, one.sd) for name, one in self.values.items()}
        with desk.open_lab() as lab:
            amend(
                lab,
                self.experiment_id,
                values,
                reason=self.reason,
                campaign_id=self.campaign_id,
            )
        return Told(message=f"{self.experiment_id} is amended")


class GiveResult(_OnResult):
    """Give the result of an experiment that ended without one, measured by hand."""

    name = "give_result"
    needs_reason = True

    values: dict[str, MeasuredQuantity] = Field(min_length=1)
    """By measured objective or outcome."""
    point: dict[str, Finite | str] = Field(default_factory=dict)
    """What was really made: all fractions, and parameters that differ from what was asked; nothing
    is what the analyses say that succeeded, or else what was asked."""

    def consequence(self, lab: Lab) -> str:
        """Say what is learnt from."""
        said = ", ".join(f"{name} = {one.value:g}" for name, one in self._values.items())
        return (
            f"{self.experiment_id} counts with {said} from the next proposal on, marked as given "
            "by hand"
        )

    def perform(self, desk: ActDesk) -> Told:
        """Append the result."""
        with desk.open_lab() as lab:
            give_result(
                lab,
                self.experiment_id,
                self._values,
                reason=self.reason,
                made=self.point or None,
                campaign_id=self.campaign_id,
            )
        return Told(message=f"{self.experiment_id} has the result that you gave")

    @property
    def _values(self) -> dict[str, Amended]:
        return {name: one.in_unit_of(name) for name, one in self.values.items()}


class Retract(_OnResult):
    """Take a result back: the next proposal is made without it."""

    name = "retract"
    is_dangerous = True

    def consequence(self, lab: Lab) -> str:
        """Say that nothing learns from it any more."""
        return (
            f"no model learns from {self.experiment_id} any more and no stopping rule counts it; "
            "it stays in the log, and can be amended back"
        )

    def perform(self, desk: ActDesk) -> Told:
        """Append that it was taken back."""
        with desk.open_lab() as lab:
            retract(lab, self.experiment_id, reason=self.reason, campaign_id=self.campaign_id)
        return Told(message=f"{self.experiment_id} is retracted")


class AnswerDoubt(CampaignAct):
    """Say what became of a job in doubt."""

    name = "answer_doubt"
    is_dangerous = True

    job_id: str = Field(min_length=1, max_length=200)
    answer: Answer
    resumes: bool = False
    """Whether a campaign that waits goes on with it."""

    def consequence(self, lab: Lab) -> str:
        """Say what the answer does to the sample."""
        found = [one for one in open_doubts(lab, self.campaign_id) if one.job_id == self.job_id]
        follows = found[0].answers[self.answer.value] if found else "it is not in doubt any more"
        goes_on = "; a campaign that waits goes on" if self.resumes else ""
        return f"{self.job_id} {self.answer.value.replace('_', ' ')}: {follows}{goes_on}"

    def concerns(self, event: Event) -> bool:
        """What somebody else said of this job."""
        said = (DoubtAnswered, JobFinished, JobFailed)
        return isinstance(event, said) and event.job_id == self.job_id

    def perform(self, desk: ActDesk) -> Told:
        """Append the answer and what follows from it."""
        with desk.open_lab() as lab:
            answer_doubt(
                lab,
                self.job_id,
                self.answer,
                reason=self.reason,
                campaign_id=self.campaign_id,
                resumes=self.resumes,
            )
        desk.door.wake(self.campaign_id)
        if self.resumes:
            desk.door.end_campaign(self.campaign_id, "go_on", self.reason)
        return Told(message=f"{self.job_id}: {self.answer.value}")
