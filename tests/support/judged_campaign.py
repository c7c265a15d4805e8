"""A campaign whose candidates wait for a person, with predictions that can be held against results.

judged = record_judged(log)      # 14 were made, and the two candidates of proposal 15 wait
"""

from orchestrator.core.events import (
    CandidateApproved,
    CandidatesProposed,
    ExperimentFinished,
    ExperimentStarted,
    ObservationRecorded,
    ReferencePointFrozen,
)
from orchestrator.core.point import Candidate, Observation, Prediction
from orchestrator.log.event_log import EventLog
from tests.support.recorded_campaign import CAMPAIGN_TEXT, RecordedCampaign

__all__ = ["JUDGED_TEXT", "JudgedCampaign", "record_judged"]

JUDGED_TEXT = (
    CAMPAIGN_TEXT
    + '[[recipe.job]]\nname = "make"\ninstrument = "pump_x1"\naction = "transfer"\n'
    + '[approval]\ngate = "all"\n'
)


class JudgedCampaign(RecordedCampaign):
    """A campaign in which a person looks at every candidate."""

    def make(self, number: int, *, error_sds: float) -> str:
        """Propose one candidate, approve it, make it.

        Args:
            number: Of the experiment, from 1.
            error_sds: How far off the prediction is, in its own standard deviations.

        Returns:
            The experiment's id.
        """
        value = 0.42 - 0.004 * (number * 7 % 20)
        candidate = self.candidate(number, mean=value - 0.02 * error_sds, is_far=number % 4 == 0)
        method = "initial_design" if number <= 4 else "log_nehvi"
        self.append(self.proposal(number, method, candidate))
        self.append(CandidateApproved(candidate_id=f"C{number:04d}"))
        name = f"E{number:04d}"
        started = ExperimentStarted(
            experiment_id=name, number=number, candidate=candidate, jobs=(), cost_usd=9.5
        )
        self.append(started, minutes=1.0)
        values = {"overpotential_v": value, "adhesion_fraction": 0.9}
        observation = Observation(
            point=candidate.point, values=values, sds={"overpotential_v": 0.001}
        )
        nickel, iron = float(candidate.point["Ni"]), float(candidate.point["Fe"])
        cost = 12 * nickel + 2 * iron + 30 * (1 - nickel - iron)
        self.append(
            ObservationRecorded(
                experiment_id=name, observation=observation, computed={"cost_usd_per_mol": cost}
            ),
            ExperimentFinished(experiment_id=name),
            minutes=24.0,
        )
        if number == 4:
            point = {"overpotential_v": 0.45, "cost_usd_per_mol": 30.0}
            self.append(ReferencePointFrozen(reference_point=point))
        return name

    def proposal(self, number: int, method: str, *candidates: Candidate) -> CandidatesProposed:
        """Return a proposal."""
        return CandidatesProposed(
            proposal=number,
            planner="botorch",
            method=method,
            reason=f"{number - 1} observations are told",
            n_observations=number - 1,
            candidates=candidates,
        )

    def candidate(self, number: int, *, mean: float, is_far: bool) -> Candidate:
        """Return a candidate with predictions, but none in the initial design of four."""
        nickel, iron = number * 3 % 8, number * 5 % 3
        point: dict[str, float | str] = {
            "Ni": nickel / 10,
            "Fe": iron / 10,
            "Co": (10 - nickel - iron) / 10,
            "furnace_c": 300.0 + 50.0 * (number % 7),
        }
        if number <= 4:
            return Candidate(point=point)
        cost = 1.2 * nickel + 0.2 * iron + 3.0 * (10 - nickel - iron)
        predictions = {
            "overpotential_v": Prediction(mean=mean, sd=0.02),
            "adhesion_fraction": Prediction(mean=0.8, sd=0.2),
            "cost_usd_per_mol": Prediction(mean=cost, sd=0.0),
        }
        return Candidate(point=point, predictions=predictions, is_out_of_distribution=is_far)


def record_judged(log: EventLog, *, n: int = 14, n_waiting: int = 2) -> JudgedCampaign:
    """Record a campaign of which the last candidates wait for a person.

    Args:
        log: Where it goes.
        n: Experiments that were made; four of them before there was a model.
        n_waiting: Candidates of the last proposal, which wait.
    """
    campaign = JudgedCampaign(log)
    campaign.open(JUDGED_TEXT)
    for number in range(1, n + 1):
        campaign.make(number, error_sds=(-1) ** number * (number % 5) / 2)
    waiting = [
        campaign.candidate(n + 1 + i, mean=0.33 + 0.02 * i, is_far=bool(i))
        for i in range(n_waiting)
    ]
    if waiting:
        campaign.append(campaign.proposal(n + 1, "log_nehvi", *waiting), minutes=2.0)
    return campaign
