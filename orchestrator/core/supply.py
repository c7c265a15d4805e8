"""What decisions need to know of the stock: what stands on the shelf, and who would take what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from orchestrator.core.campaign import CampaignState
from orchestrator.core.job import JobState
from orchestrator.core.lab import LabState
from orchestrator.core.starts import why_not_start
from orchestrator.core.stock import Lots

__all__ = ["Supply"]


@dataclass(frozen=True, slots=True)
class Supply:
    """The shelf, and what is asked of it."""

    shelf: Lots = field(default_factory=Lots)
    needs: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """What each candidate of the queue would take, in millionths by stock."""
    reference_needs: Mapping[str, int] = field(default_factory=dict)
    """What a reference sample would take."""
    forbidden: Mapping[str, str] = field(default_factory=dict)
    """Candidates that can never be made, with the reason: stocks would meet that never may."""

    def why_not(self, candidate_id: str, today: date) -> str:
        """Say why a candidate cannot be made of what there is; empty if it can.

        Args:
            candidate_id: Of the queue.
            today: In UTC.
        """
        never = self.forbidden.get(candidate_id, "")
        return never or self.shelf.why_not_start(self.needs.get(candidate_id, {}), today)

    def why_no_reference(self, today: date) -> str:
        """Say why a reference sample cannot be made of what there is; empty if it can.

        Args:
            today: In UTC.
        """
        return self.shelf.why_not_start(self.reference_needs, today)

    def why_not_job(self, experiment_id: str, job: JobState, today: date) -> str:
        """Say why a job cannot draw what it needs; empty if it can.

        Args:
            experiment_id: Whose job it is.
            job: Not started, or to be tried again.
            today: In UTC.
        """
        if not job.planned.draws:
            return ""
        return self.shelf.why_not_draw(experiment_id, job.planned.draws, today)

    def short_of(self, state: CampaignState, lab: LabState, today: date) -> str:
        """Say what candidates that lack nothing but stock lack; empty if there are none.

        Args:
            state: The campaign.
            lab: The laboratory.
            today: In UTC.
        """
        ready = [one.candidate_id for one in state.queue if not why_not_start(state, lab, one)]
        short = (
            f"{name} cannot start: {reason}"
            for name in ready
            if name not in self.forbidden and (reason := self.why_not(name, today))
        )
        return next(short, "")
