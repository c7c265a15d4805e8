"""A small campaign as an engine would have recorded it, for tests of what is shown of it."""

from datetime import UTC, datetime, timedelta

from campaigns.loading import campaign_from_text
from orchestrator.core.events import (
    LAB_STREAM,
    AnalysisFinished,
    CampaignFinished,
    CampaignHeld,
    CampaignOpened,
    CandidatesProposed,
    EngineAttached,
    EngineDetached,
    Event,
    ExperimentFailed,
    ExperimentFinished,
    ExperimentStarted,
    InstrumentConnected,
    JobFailed,
    JobFinished,
    JobOutcomeUnknown,
    JobStarted,
    LoggedReading,
    ObservationRecorded,
    PlannedJob,
    ReferencePointFrozen,
    campaign_stream,
)
from orchestrator.core.point import Candidate, Observation, Prediction
from orchestrator.log.event_log import EventLog

__all__ = ["CAMPAIGN_ID", "CAMPAIGN_TEXT", "OPENED", "RecordedCampaign", "record_campaign"]

CAMPAIGN_ID = "small-1"
OPENED = datetime(2026, 1, 1, tzinfo=UTC)
CAMPAIGN_TEXT = """
[campaign]
name = "small"
description = "Three oxides <b>and</b> a furnace"
[space.composition]
components = ["Ni", "Fe", "Co"]
basis = "atomic_fraction"
step = 0.1
[[space.parameter]]
name = "furnace_c"
kind = "range"
low = 300
high = 600
step = 50
[computed]
cost_usd_per_mol = "12*Ni + 2*Fe + 30*Co"
[[objective]]
name = "overpotential_v"
direction = "minimise"
[[objective]]
name = "cost_usd_per_mol"
direction = "minimise"
[[outcome]]
name = "adhesion_fraction"
at_least = 0.5
[stopping]
max_experiments = 40
max_cost_usd = 2000
[[stopping.target]]
objective = "overpotential_v"
at_most = 0.30
"""

_JOBS = (
    ("tare", "balance", "tare", 0.5),
    ("dose", "pump_x1", "transfer", 8.0),
    ("sweep", "source_meter", "measure_current_sweep", 15.0),
)
_IDENTITIES = {"balance": "SICS 1", "pump_x1": "NE1000 V3.9", "source_meter": "2450"}


class RecordedCampaign:
    """Appends a campaign's facts to a log, minute by minute.

    Args:
        log: Where they go.
        campaign_id: Which campaign.
        is_simulated: Whether the bench is pretended.
    """

    def __init__(
        self, log: EventLog, campaign_id: str = CAMPAIGN_ID, *, is_simulated: bool = True
    ) -> None:
        self.log = log
        self.campaign_id = campaign_id
        self.is_simulated = is_simulated
        self.time = OPENED
        self._n = 0

    def append(self, *events: Event, stream: str | None = None, minutes: float = 0.0) -> None:
        """Let some minutes pass, then append facts."""
        self.time += timedelta(minutes=minutes)
        self.log.append(
            stream or campaign_stream(self.campaign_id),
            events,
            time=self.time,
            actor="engine",
            is_simulated=self.is_simulated,
        )

    def open(self, text: str = CAMPAIGN_TEXT) -> None:
        """Open the campaign and attach an engine."""
        spec = campaign_from_text(text, file="small.toml")
        opened = CampaignOpened(
            campaign_id=self.campaign_id,
            name=spec.header.name,
            campaign_text=spec.canonical_text(),
            rig_name="small-bench",
            rig_sha256="ab" * 32,
            cost_usd_per_hour=12.0,
            seed=7,
            is_simulated=self.is_simulated,
            athanor_version="0.1.0",
        )
        self.append(opened, EngineAttached(epoch=1))
        connected = [
            InstrumentConnected(instrument=name, driver="some_driver", identity=identity)
            for name, identity in _IDENTITIES.items()
        ]
        self.append(*connected, stream=LAB_STREAM)

    def start(self) -> str:
        """Propose one candidate and start its experiment; return the experiment's id."""
        self._n += 1
        nickel, iron = self._n * 3 % 8, self._n * 5 % 3
        point: dict[str, float | str] = {
            "Ni": nickel / 10,
            "Fe": iron / 10,
            "Co": (10 - nickel - iron) / 10,
            "furnace_c": 300.0 + 50.0 * (self._n % 7),
        }
        candidate = Candidate(
            point=point, predictions={"overpotential_v": Prediction(mean=0.35, sd=0.02)}
        )
        experiment_id = f"E{self._n:04d}"
        self.append(
            CandidatesProposed(
                proposal=self._n,
                planner="sobol",
                method="initial_design",
                reason="no model yet",
                n_observations=0,
                candidates=(candidate,),
            ),
            ExperimentStarted(
                experiment_id=experiment_id,
                number=self._n,
                candidate=candidate,
                jobs=tuple(_planned(experiment_id, *job) for job in _JOBS),
                cost_usd=9.5,
            ),
        )
        return experiment_id

    def do_jobs(self, experiment_id: str, *names: str) -> None:
        """Do some jobs, one after the other."""
        for name, _, _, minutes in _JOBS:
            if name in names:
                job_id = f"{experiment_id}/{name}"
                self.append(JobStarted(job_id=job_id, attempt=1, epoch=1))
                reading = LoggedReading(name="mass_g", value=1.25)
                self.append(JobFinished(job_id=job_id, readings=(reading,)), minutes=minutes)

    def finish(self, experiment_id: str, overpotential_v: float, adhesion: float = 0.9) -> None:
        """Do all jobs of an experiment and record what it gave."""
        self.do_jobs(experiment_id, "tare", "dose", "sweep")
        number = int(experiment_id[1:])
        nickel, iron = number * 3 % 8 / 10 + 0.002, number * 5 % 3 / 10
        made: dict[str, float | str] = {
            "Ni": nickel,
            "Fe": iron,
            "Co": 1.0 - nickel - iron,
            "furnace_c": 300.0 + 50.0 * (number % 7),
        }
        values = {"overpotential_v": overpotential_v, "adhesion_fraction": adhesion}
        self.append(
            AnalysisFinished(
                experiment_id=experiment_id,
                analysis="overpotential_from_sweep",
                version=1,
                quality="good",
                values=values,
                sds={"overpotential_v": 0.001},
            ),
            ObservationRecorded(
                experiment_id=experiment_id,
                observation=Observation(point=made, values=values, sds={"overpotential_v": 0.001}),
                computed={"cost_usd_per_mol": 12 * nickel + 2 * iron + 30 * (1 - nickel - iron)},
            ),
            ExperimentFinished(experiment_id=experiment_id),
        )

    def fail(self, experiment_id: str) -> None:
        """Let the first job of an experiment fail, and the experiment with it."""
        job_id = f"{experiment_id}/tare"
        self.append(JobStarted(job_id=job_id, attempt=1, epoch=1))
        failed = JobFailed(job_id=job_id, error="DeviceFault", message="S +", has_acted=False)
        ended = ExperimentFailed(
            experiment_id=experiment_id, cause="instrument", reason="tare failed: <overload>"
        )
        self.append(failed, ended, minutes=1.0)

    def leave_in_doubt(self, experiment_id: str) -> None:
        """Let the dosing of an experiment end in doubt, and the campaign be held."""
        self.do_jobs(experiment_id, "tare")
        job_id = f"{experiment_id}/dose"
        self.append(JobStarted(job_id=job_id, attempt=1, epoch=1))
        self.append(JobOutcomeUnknown(job_id=job_id, evidence="no reply in 62 s"), minutes=2.0)
        self.append(
            CampaignHeld(reason=f"in doubt: {job_id} on pump_x1"),
            EngineDetached(epoch=1, reason="held"),
        )

    def end(self) -> None:
        """Finish the campaign in an orderly way."""
        self.append(
            CampaignFinished(rule="max_experiments", reason="enough were made"),
            EngineDetached(epoch=1, reason="finished"),
        )


def _planned(
    experiment_id: str, name: str, instrument: str, action: str, minutes: float
) -> PlannedJob:
    return PlannedJob(
        job_id=f"{experiment_id}/{name}",
        name=name,
        instrument=instrument,
        action=action,
        arguments={"volume_ul": 600.0} if action == "transfer" else {},
        recovery="blind",
        expected_s=60 * minutes,
    )


def record_campaign(
    log: EventLog, campaign_id: str = CAMPAIGN_ID, *, n: int = 12, ends: bool = True
) -> RecordedCampaign:
    """Record a campaign of `n` experiments; the fifth fails and the sixth does not adhere."""
    campaign = RecordedCampaign(log, campaign_id)
    campaign.open()
    for number in range(1, n + 1):
        experiment_id = campaign.start()
        if number == 5:
            campaign.fail(experiment_id)
            continue
        adhesion = 0.1 if number == 6 else 0.9
        campaign.finish(experiment_id, 0.42 - 0.004 * (number * 7 % 20), adhesion)
        if number == 4:
            point = {"overpotential_v": 0.45, "cost_usd_per_mol": 30.0}
            campaign.append(ReferencePointFrozen(reference_point=point))
    if ends:
        campaign.end()
    return campaign
