"""Events for tests of the log: one of each kind, and the whole life of a small campaign."""

from datetime import UTC, date, datetime, timedelta

from orchestrator.core.events import (
    LAB_STREAM,
    AbortRequested,
    AccessChanged,
    AlarmAcknowledged,
    AlarmNotified,
    AlarmRaised,
    AlarmReturned,
    AlarmShelved,
    AlarmUnshelved,
    AnalysisFinished,
    CampaignAborted,
    CampaignFinished,
    CampaignHeld,
    CampaignJoined,
    CampaignOpened,
    CampaignPaused,
    CampaignStopped,
    CampaignWentOn,
    CandidateApproved,
    CandidateEdited,
    CandidateRejected,
    CandidatesProposed,
    DoubtAnswered,
    EngineAttached,
    EngineDetached,
    Event,
    ExperimentFailed,
    ExperimentFinished,
    ExperimentStarted,
    HoldRequested,
    InstrumentCalibrated,
    InstrumentConnected,
    InstrumentLost,
    InstrumentPutBack,
    InstrumentTakenOut,
    InterlockReleased,
    InterlockTripped,
    JobFailed,
    JobFinished,
    JobInterrupted,
    JobOutcomeUnknown,
    JobSkipped,
    JobStarted,
    LatchCleared,
    LatchSet,
    LoggedReading,
    ObservationAmended,
    ObservationGiven,
    ObservationRecorded,
    ObservationRetracted,
    PauseRequested,
    PlacesCleaned,
    PlacesLeftUnclean,
    PlannedJob,
    PointAdded,
    PrioritySet,
    ProposalFailed,
    ReferencePointFrozen,
    ResumeRequested,
    SampleSpoilt,
    Severity,
    SpaceExhausted,
    StationAttached,
    StationDetached,
    StockCounted,
    StockDiscarded,
    StockReceived,
    StopRequested,
    WatchdogActed,
    campaign_stream,
)
from orchestrator.core.point import Candidate, Observation, Prediction
from orchestrator.log.event_log import EventLog, Record

__all__ = [
    "CAMPAIGN_ID",
    "CANDIDATE",
    "MADE",
    "MORNING",
    "POINT",
    "STREAM",
    "append",
    "events_of_every_kind",
    "events_of_the_first_schema",
    "life",
    "observed",
    "opened",
    "planned",
    "started",
]

CAMPAIGN_ID = "oer-plate-1"
STREAM = campaign_stream(CAMPAIGN_ID)
MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

POINT: dict[str, float | str] = {"Ni": 0.7, "Fe": 0.3, "solvent": "water"}
MADE: dict[str, float | str] = {"Ni": 0.7012, "Fe": 0.2988, "solvent": "water"}
CANDIDATE = Candidate(point=POINT, predictions={"overpotential_v": Prediction(mean=0.35, sd=0.012)})


def opened(campaign_id: str = CAMPAIGN_ID) -> CampaignOpened:
    """Return the opening of a campaign."""
    return CampaignOpened(
        campaign_id=campaign_id,
        name="oer-plate",
        campaign_text='{"campaign":{"name":"oer-plate"}}',
        rig_name="oer-bench",
        rig_sha256="ab" * 32,
        cost_usd_per_hour=12.0,
        seed=7,
        is_simulated=True,
        athanor_version="0.1.0",
    )


def planned(experiment_id: str, name: str, after: tuple[str, ...] = ()) -> PlannedJob:
    """Return one job of an experiment."""
    return PlannedJob(
        job_id=f"{experiment_id}/{name}",
        name=name,
        instrument="balance",
        action="measure_mass",
        arguments={"volume_ul": 1400.5, "n_points": 3, "mode": "fast", "is_stirred": False},
        after=after,
        positions=("mixing_vessel",),
        recovery="pure",
        expected_s=12.5,
    )


def started(experiment_id: str = "E0001", number: int = 1) -> ExperimentStarted:
    """Return the start of an experiment of two jobs, ``tare`` and ``weigh``."""
    jobs = (planned(experiment_id, "tare"), planned(experiment_id, "weigh", ("tare",)))
    return ExperimentStarted(
        experiment_id=experiment_id, number=number, candidate=CANDIDATE, jobs=jobs, cost_usd=8.5
    )


def observed(experiment_id: str = "E0001", *, is_failed: bool = False) -> ObservationRecorded:
    """Return an observation."""
    return ObservationRecorded(
        experiment_id=experiment_id,
        observation=Observation(
            point=MADE,
            values={} if is_failed else {"overpotential_v": 0.3471},
            sds={} if is_failed else {"overpotential_v": 0.0008},
            is_failed=is_failed,
        ),
        computed={"cost_usd_per_kg": 12.25},
    )


def events_of_every_kind() -> tuple[Event, ...]:
    """Return one event of each kind, every field filled; a new kind belongs here."""
    return (*events_of_the_first_schema(), *_later_campaign_events(), *_later_lab_events())


def events_of_the_first_schema() -> tuple[Event, ...]:
    """Return one event of each kind that the first logs could hold, every field filled."""
    readings = (
        LoggedReading(name="mass_g", value=1.2345),
        LoggedReading(name="voltage_v", value=(1.5, 1.0e-7, -0.0)),
        LoggedReading(name="note", value='µ "quoted" \\ \n\u2028'),
    )
    return (
        opened(),
        EngineAttached(epoch=1),
        InstrumentConnected(instrument="balance", driver="mettler_toledo_sics", identity="B1"),
        CandidatesProposed(
            proposal=1,
            planner="botorch",
            method="initial_design",
            reason="no observation yet",
            n_observations=0,
            candidates=(CANDIDATE,),
        ),
        started(),
        JobStarted(job_id="E0001/tare", attempt=1, epoch=1),
        JobFinished(job_id="E0001/tare", readings=readings),
        JobFailed(job_id="E0001/weigh", error="DeviceFault", message="S I", has_acted=True),
        JobOutcomeUnknown(job_id="E0001/weigh", evidence="no reply in 5 s"),
        JobInterrupted(job_id="E0001/weigh", reason="abort"),
        AnalysisFinished(
            experiment_id="E0001",
            analysis="overpotential_from_sweep",
            version=1,
            quality="good",
            values={"overpotential_v": 0.3471},
            sds={"overpotential_v": 0.0008},
            reason="as expected",
        ),
        observed(),
        ExperimentFinished(experiment_id="E0001"),
        ExperimentFailed(experiment_id="E0002", cause="synthesis", reason="it foamed"),
        ReferencePointFrozen(reference_point={"overpotential_v": 0.6}),
        ProposalFailed(proposal=2, planner="botorch", error="ValueError: no"),
        SpaceExhausted(reason="all 12 points are known"),
        InstrumentLost(instrument="balance", reason="no reply"),
        PauseRequested(reason="lunch"),
        CampaignPaused(),
        ResumeRequested(reason="fed"),
        StopRequested(reason="enough"),
        CampaignStopped(reason="enough"),
        AbortRequested(reason="smoke"),
        CampaignAborted(reason="smoke"),
        CampaignFinished(rule="target", reason="0.3471 V is below 0.35 V"),
        EngineDetached(epoch=1, reason="finished"),
    )


def _later_campaign_events() -> tuple[Event, ...]:
    amended = observed().observation.model_copy(update={"values": {"overpotential_v": 0.3502}})
    return (
        HoldRequested(reason="the door is open"),
        PrioritySet(priority=5, share=2.0, reason="the review is on Friday"),
        CampaignHeld(reason="5 experiments in a row failed"),
        CampaignWentOn(reason="there is enough of everything again"),
        DoubtAnswered(job_id="E0001/weigh", answer="did_not_run", reason="the pan is empty"),
        CandidateApproved(candidate_id="C0001", reason="looks right"),
        CandidateEdited(candidate_id="C0002", point=POINT, reason="less iron"),
        CandidateRejected(candidate_id="C0003", reason="it would crack"),
        PointAdded(candidate_id="P0001", point=POINT, person="ada", reason="a hunch"),
        JobSkipped(job_id="E0001/tare", reason="the vessel is clean", spares={"water": 5_000_000}),
        SampleSpoilt(experiment_id="E0001", job_id="E0001/fire", reason="it settled"),
        ObservationAmended(
            experiment_id="E0001",
            observation=amended,
            computed={"cost_usd_per_kg": 12.25},
            reason="the reference electrode drifted",
        ),
        ObservationRetracted(experiment_id="E0001", reason="the wrong bottle"),
        ObservationGiven(
            experiment_id="E0002",
            observation=amended,
            computed={"cost_usd_per_kg": 12.25},
            composition="given",
            reason="a hand-held meter",
        ),
    )


def _later_lab_events() -> tuple[Event, ...]:
    alarm = "in_doubt/oer-plate-1/E0003/tare"
    return (
        InstrumentTakenOut(instrument="balance", reason="the draught shield is cracked"),
        InstrumentPutBack(instrument="balance", reason="mended"),
        InstrumentCalibrated(instrument="balance", certificate="2026-031"),
        StationAttached(rig_name="oer-bench", rig_sha256="ab" * 32, host="bench-pc", pid=4711),
        StationDetached(rig_name="oer-bench", reason="stopped"),
        CampaignJoined(campaign_id="oer-plate-1", rig_name="oer-bench"),
        AccessChanged(
            change_id=1,
            done_time=datetime(2026, 1, 5, 7, 0, tzinfo=UTC),
            what="account made",
            about="ada (operator)",
        ),
        LatchSet(source="operator", reason="smoke"),
        LatchCleared(reason="a burnt toast"),
        InterlockTripped(interlock="pan", reason="mass_g = 210", instruments=("pump_x1",)),
        InterlockReleased(interlock="pan"),
        WatchdogActed(reason="the station was silent", unsafe={"pump_x1": "no reply"}),
        PlacesLeftUnclean(
            places=("mixing_vessel",), campaign_id=CAMPAIGN_ID, experiment_id="E0002"
        ),
        PlacesCleaned(places=("mixing_vessel",), reason="rinsed by hand"),
        StockReceived(
            shelf="oer-bench",
            stock="Ni",
            lot="N-17",
            amount=250.0,
            unit="ml",
            purity=0.998,
            expires=date(2027, 1, 31),
        ),
        StockCounted(shelf="oer-bench", stock="Ni", lot="N-17", amount=241.5, unit="ml"),
        StockDiscarded(shelf="oer-bench", stock="Ni", lot="N-17", reason="cloudy"),
        AlarmRaised(
            alarm=alarm,
            severity=Severity.HIGH,
            message="E0003/tare is in doubt",
            consequence="the sample waits and nothing else starts",
            what_to_do="look at the bench, then: athanor doubt answer",
        ),
        AlarmAcknowledged(alarm=alarm, reason="on my way"),
        AlarmShelved(alarm=alarm, until=MORNING + timedelta(hours=8), reason="night shift"),
        AlarmUnshelved(alarm=alarm, reason="its time is over"),
        AlarmNotified(alarm=alarm, level=1, channel="night", error="no route"),
        AlarmReturned(alarm=alarm),
    )


def life(campaign_id: str = CAMPAIGN_ID) -> tuple[Event, ...]:
    """Return the life of a campaign: one experiment done, one failed, one in doubt, paused."""
    return (
        opened(campaign_id),
        EngineAttached(epoch=1),
        started("E0001", 1),
        JobStarted(job_id="E0001/tare", attempt=1, epoch=1),
        JobFinished(job_id="E0001/tare"),
        JobStarted(job_id="E0001/weigh", attempt=1, epoch=1),
        started("E0002", 2),
        JobStarted(job_id="E0002/tare", attempt=1, epoch=1),
        JobFinished(job_id="E0001/weigh", readings=(LoggedReading(name="mass_g", value=1.25),)),
        observed("E0001"),
        ExperimentFinished(experiment_id="E0001"),
        JobFailed(job_id="E0002/tare", error="DeviceFault", message="S +", has_acted=False),
        ExperimentFailed(experiment_id="E0002", cause="instrument", reason="overload"),
        started("E0003", 3),
        JobStarted(job_id="E0003/tare", attempt=1, epoch=1),
        JobOutcomeUnknown(job_id="E0003/tare", evidence="no reply"),
        PauseRequested(reason="lunch"),
        CampaignPaused(),
    )


def append(
    log: EventLog, *events: Event, stream: str = LAB_STREAM, minute: int = 0
) -> tuple[Record, ...]:
    """Append facts, some minutes after eight in the morning."""
    time = MORNING + timedelta(minutes=minute)
    return log.append(stream, events, time=time, actor="engine", is_simulated=True)
