"""Records of the log as an operator reads them: one line each, or JSON for a script."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, JsonValue

from orchestrator.core import events as facts
from orchestrator.core.point import Observation
from orchestrator.log.event_log import Record

__all__ = ["EventView", "event_view", "summary"]


class EventView(BaseModel):
    """One record of the log."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seq: int
    stream: str
    version: int
    time: datetime
    actor: str
    is_simulated: bool
    kind: str
    summary: str
    """What happened, in words."""
    event: dict[str, JsonValue]
    """The whole fact."""
    hash: str


def event_view(record: Record) -> EventView:
    """Return a record as it is shown."""
    return EventView(
        seq=record.seq,
        stream=record.stream,
        version=record.version,
        time=record.time,
        actor=record.actor,
        is_simulated=record.is_simulated,
        kind=record.event.kind,
        summary=summary(record.event),
        event=record.event.model_dump(mode="json"),
        hash=record.hash,
    )


def summary(event: facts.Event) -> str:
    """Return what an event says, in one line.

    Example:
        >>> summary(facts.JobFailed(job_id="E0001/tare", error="LineError",
        ...                         message="line is down", has_acted=False))
        'E0001/tare failed: LineError: line is down'
    """
    said = _job_summary(event) or _experiment_summary(event) or _campaign_summary(event)
    return " ".join(said.split())


def _job_summary(event: facts.Event) -> str:
    match event:
        case facts.JobStarted():
            again = f", attempt {event.attempt}" if event.attempt > 1 else ""
            other = f" on {event.instrument}" if event.instrument else ""
            load = f" together with {event.led_by}" if event.led_by else ""
            slots = "".join(f", {place} slot {slot}" for place, slot in event.slots.items())
            return f"{event.job_id} started{other}{load}{slots}{again}"
        case facts.JobSkipped():
            return f"{event.job_id} skipped: {event.reason}"
        case facts.JobFinished():
            readings = ", ".join(_reading(reading) for reading in event.readings)
            return f"{event.job_id} done" + (f": {readings}" if readings else "")
        case facts.JobFailed():
            return f"{event.job_id} failed: {event.error}: {event.message}"
        case facts.JobOutcomeUnknown():
            return f"{event.job_id} is in doubt: {event.evidence}"
        case facts.JobInterrupted():
            return f"{event.job_id} interrupted: {event.reason}"
        case facts.DoubtAnswered():
            return f"{event.job_id} answered: {event.answer}: {event.reason}"
        case _:
            return ""


def _experiment_summary(event: facts.Event) -> str:
    match event:
        case facts.ExperimentStarted():
            return f"{event.experiment_id} started at {_point(event.candidate.point)}"
        case facts.AnalysisFinished():
            values = ", ".join(f"{name} {value:.6g}" for name, value in event.values.items())
            said = "; ".join(text for text in (values, event.reason) if text)
            return f"{event.experiment_id} {event.analysis} is {event.quality}" + (
                f": {said}" if said else ""
            )
        case facts.ObservationRecorded():
            return f"{event.experiment_id} observed {_observation(event.observation)}"
        case _ if isinstance(event, facts.CorrectionEvent):
            return _correction_summary(event)
        case facts.SampleSpoilt():
            return f"{event.experiment_id}: its sample is spoilt: {event.reason}"
        case facts.ExperimentFinished():
            return f"{event.experiment_id} finished"
        case facts.ExperimentFailed():
            return f"{event.experiment_id} failed ({event.cause}): {event.reason}"
        case _:
            return ""


def _correction_summary(event: facts.CorrectionEvent) -> str:
    match event:
        case facts.ObservationGiven():
            return f"{event.experiment_id} given {_observation(event.observation)}: {event.remark}"
        case facts.ObservationAmended():
            said = _observation(event.observation)
            return f"{event.experiment_id} amended to {said}: {event.reason}"
        case facts.ObservationRetracted():
            return f"{event.experiment_id} retracted: {event.reason}"


def _campaign_summary(event: facts.Event) -> str:
    match event:
        case facts.CampaignOpened():
            why = f": {event.reason}" if event.reason else ""
            return f"{event.campaign_id} opened on rig {event.rig_name}, seed {event.seed}{why}"
        case facts.CandidatesProposed():
            n = len(event.candidates)
            return f"proposal {event.proposal}: {n} by {event.planner} ({event.method})"
        case facts.PrioritySet():
            return f"priority {event.priority}, share {event.share:g}: {event.reason}"
        case facts.PointAdded():
            own = f"{event.candidate_id} added by {event.person}"
            return f"{own} at {_point(event.point)}: {event.reason}"
        case facts.ProposalFailed():
            return f"proposal {event.proposal} by {event.planner} failed: {event.error}"
        case facts.ReferencePointFrozen():
            return f"reference point {_point(event.reference_point)}"
        case facts.CandidateApproved() | facts.CandidateEdited() | facts.CandidateRejected():
            word = event.kind.removeprefix("Candidate").lower()
            return f"{event.candidate_id} {word}: {event.reason}".removesuffix(": ")
        case _:
            return _lab_summary(event) or _plain_summary(event)


def _lab_summary(event: facts.Event) -> str:
    match event:
        case facts.InstrumentConnected():
            return f"{event.instrument} connected: {event.identity}"
        case facts.InstrumentLost():
            return f"{event.instrument} lost: {event.reason}"
        case facts.InstrumentTakenOut():
            return f"{event.instrument} taken out of service: {event.reason}"
        case facts.InstrumentPutBack():
            return f"{event.instrument} put back: {event.reason}".removesuffix(": ")
        case facts.InstrumentCalibrated():
            return f"{event.instrument} calibrated: {event.certificate}".removesuffix(": ")
        case facts.CampaignJoined():
            return f"{event.campaign_id} joined the bench {event.rig_name}"
        case _:
            return _guard_summary(event)


def _guard_summary(event: facts.Event) -> str:
    """Return what an event says of the station, the latch, interlocks or the watchdog."""
    match event:
        case facts.StationAttached():
            return f"station of {event.rig_name} attached: process {event.pid} on {event.host}"
        case facts.StationDetached():
            return f"station of {event.rig_name} let go: {event.reason}"
        case facts.AccessChanged():
            return f"{event.what}: {event.about}"
        case facts.LatchSet():
            return f"stop latch set by {event.source}: {event.reason}"
        case facts.InterlockTripped():
            return f"interlock {event.interlock} tripped: {event.reason}"
        case facts.InterlockReleased():
            return f"interlock {event.interlock} released"
        case facts.WatchdogActed():
            unsafe = ", ".join(f"{name}: {why}" for name, why in event.unsafe.items())
            return f"watchdog acted: {event.reason}" + (f"; not safe: {unsafe}" if unsafe else "")
        case _:
            return _place_or_alarm_summary(event)


def _place_or_alarm_summary(event: facts.Event) -> str:
    match event:
        case facts.PlacesLeftUnclean():
            who = f"{event.campaign_id}/{event.experiment_id}"
            return f"{', '.join(event.places)} left unclean by {who}"
        case facts.PlacesCleaned():
            return f"{', '.join(event.places)} cleaned: {event.reason}".removesuffix(": ")
        case facts.AlarmRaised():
            return f"alarm {event.alarm} ({event.severity}): {event.message}"
        case facts.AlarmNotified():
            said = f"failed: {event.error}" if event.error else "told"
            return f"alarm {event.alarm}: {event.channel}, level {event.level}: {said}"
        case _ if isinstance(event, facts.AlarmEvent):
            word = event.kind.removeprefix("Alarm").lower()
            reason = getattr(event, "reason", "")
            return f"alarm {event.alarm} {word}: {reason}".removesuffix(": ")
        case _:
            return ""


def _plain_summary(event: facts.Event) -> str:
    match event:
        case facts.CampaignFinished():
            return f"finished by {event.rule}: {event.reason}"
        case facts.EngineAttached():
            return f"engine attached, epoch {event.epoch}"
        case facts.AlarmRaised():
            return f"alarm {event.alarm} ({event.severity}): {event.message}"
        case facts.AlarmShelved():
            return f"alarm {event.alarm} shelved until {event.until:%Y-%m-%d %H:%M}: {event.reason}"
        case facts.AlarmNotified():
            end = f"failed: {event.error}" if event.error else "went out"
            return f"telling {event.channel} of alarm {event.alarm} {end}"
        case facts.AlarmAcknowledged() | facts.AlarmReturned() | facts.AlarmUnshelved():
            done = event.kind.removeprefix("Alarm").lower()
            reason = getattr(event, "reason", "")
            return f"alarm {event.alarm} {done}" + (f": {reason}" if reason else "")
        case _:
            reason = getattr(event, "reason", "")
            return f"{_words(event.kind)}: {reason}" if reason else _words(event.kind)


def _words(kind: str) -> str:
    return "".join(f" {c.lower()}" if c.isupper() else c for c in kind).strip()


def _reading(reading: facts.LoggedReading) -> str:
    value = reading.value
    if isinstance(value, tuple):
        return f"{reading.name} ({len(value)} values)"
    return f"{reading.name} {value:.6g}" if isinstance(value, float) else f"{reading.name} {value}"


def _point(point: Mapping[str, float | str]) -> str:
    parts = []
    for name, value in point.items():
        if isinstance(value, str):
            parts.append(f"{name}={value}")
        elif value != 0.0:
            parts.append(f"{name}={value:.4g}")
    return " ".join(parts)


def _observation(observation: Observation) -> str:
    if observation.is_failed:
        return f"no sample at {_point(observation.point)}"
    values = ", ".join(f"{name} {value:.6g}" for name, value in observation.values.items())
    return f"{values} at {_point(observation.point)}"
