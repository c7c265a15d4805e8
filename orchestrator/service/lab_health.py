"""Whether the laboratory is well, in one word; what happens next; who has control; pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from orchestrator.service.lab_health_jobs import RunningJob, SampleView
from orchestrator.service.lab_health_needs import LabNeed
from orchestrator.service.laboratory_view import LaboratoryView
from orchestrator.service.recent_past import PersonAct
from orchestrator.service.views import CampaignSummary, EngineState, EngineView

__all__ = [
    "ControlView",
    "EngineSign",
    "LabHealth",
    "LabWord",
    "NextView",
    "control_view",
    "duration_text",
    "lab_health",
    "next_view",
]


class LabWord(StrEnum):
    """The whole laboratory in one word, the worst first."""

    UNSAFE = "unsafe"
    """An instrument could not be made safe."""
    STOPPED = "stopped"
    """The stop latch is set: nothing is sent."""
    UNATTENDED = "unattended"
    """A campaign should go on, and no engine drives it."""
    NEEDS_SOMEBODY = "needs somebody"
    """Something waits for a person."""
    WELL = "well"
    """Campaigns run, and nobody is needed soon."""
    IDLE = "idle"
    """Nothing runs, and nobody is needed soon."""


class LabHealth(BaseModel):
    """How the laboratory is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    word: LabWord
    level: Literal["good", "neutral", "attention", "bad"]
    sentence: str
    """Why, in one sentence."""
    n_now: int
    """How many things need a person now."""
    n_soon: int
    n_later: int


class NextView(BaseModel):
    """What happens next by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    at: datetime | None
    """When it should be; None where nobody knows."""
    overdue_s: float
    """How much later it is already, in seconds; 0 if it is not."""
    is_virtual: bool
    """Whether `at` is on a simulated bench's own clock."""
    result: str
    """Which sample should be done next, in words; empty if none is on the bench."""
    result_at: datetime | None
    """When that should be, after which the next decision is made."""


class EngineSign(BaseModel):
    """The engine of one campaign."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    campaign_id: str
    state: str
    engine: EngineView

    @property
    def said(self) -> str:
        """Who drives it, in words.

        Example:
            >>> from orchestrator.service.views import EngineState, EngineView
            >>> gone = EngineView(state=EngineState.DETACHED, epoch=2, heartbeat_age_s=None)
            >>> EngineSign(campaign_id="a", state="unattended", engine=gone).said
            'no engine; the last one, number 2, let go in order'
        """
        engine = self.engine
        if not engine.epoch:
            return "no engine has taken it yet"
        age_s = engine.heartbeat_age_s
        heard = "never heard of" if age_s is None else f"last heard {duration_text(age_s)} ago"
        where = f", process {engine.pid} on {engine.host}" if engine.pid else ""
        match engine.state:
            case EngineState.ALIVE:
                return f"engine {engine.epoch}{where}, {heard}"
            case EngineState.SILENT:
                return f"no engine: number {engine.epoch}{where} is silent, {heard}"
            case EngineState.DETACHED:
                return f"no engine; the last one, number {engine.epoch}, let go in order"


class ControlView(BaseModel):
    """Who has control of the laboratory."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    station: str
    """Which process holds the lines, in words."""
    is_answering: bool | None
    """Whether every station that is there answered when it was asked now; None without one."""
    engines: tuple[EngineSign, ...]
    person: PersonAct | None
    """Who acted last; None if nobody did lately."""


def lab_health(
    laboratory: LaboratoryView, campaigns: Sequence[CampaignSummary], needs: Iterable[LabNeed]
) -> LabHealth:
    """Return how the laboratory is.

    Args:
        laboratory: With the signs of its stations.
        campaigns: Those that have not ended.
        needs: What needs a person.
    """
    found = list(needs)
    urgent = [need for need in found if need.urgency == "now"]
    soon = [need for need in found if need.urgency == "soon"]
    unattended = [one.campaign_id for one in campaigns if one.state == "unattended"]
    word, level, sentence = _verdict(laboratory, campaigns, urgent + soon, unattended)
    return LabHealth(
        word=word,
        level=level,
        sentence=sentence,
        n_now=len(urgent),
        n_soon=len(soon),
        n_later=len(found) - len(urgent) - len(soon),
    )


def _verdict(
    laboratory: LaboratoryView,
    campaigns: Sequence[CampaignSummary],
    pressing: Sequence[LabNeed],
    unattended: Sequence[str],
) -> tuple[LabWord, Literal["good", "neutral", "attention", "bad"], str]:
    running = [one for one in campaigns if one.state not in ("held", "paused", "unattended")]
    if laboratory.unsafe:
        names = ", ".join(laboratory.unsafe)
        return LabWord.UNSAFE, "bad", f"could not be made safe: {names}; go there now"
    if laboratory.latch:
        said = f"the stop latch is set ({laboratory.latch}): nothing is sent to any instrument"
        return LabWord.STOPPED, "bad", said
    if unattended:
        said = f"no engine drives {', '.join(unattended)}: nothing is begun"
        return LabWord.UNATTENDED, "attention", said
    if pressing:
        more = f", and {len(pressing) - 1} more" if len(pressing) > 1 else ""
        title = pressing[0].title.rstrip(".")
        return LabWord.NEEDS_SOMEBODY, "attention", f"{title}{more}"
    if running:
        n = sum(one.counts.running for one in running)
        names = ", ".join(f"{one.campaign_id} is {one.state}" for one in running)
        return LabWord.WELL, "good", f"{names}; {n} sample{'' if n == 1 else 's'} on the bench"
    return LabWord.IDLE, "neutral", "no campaign is under way"


def next_view(
    campaigns: Sequence[CampaignSummary],
    running: Sequence[RunningJob],
    samples: Sequence[SampleView],
) -> NextView:
    """Return what happens next by itself, and when the next result should be there.

    Args:
        campaigns: Those that have not ended.
        running: All jobs that run.
        samples: All that are on the bench.
    """
    going = [one for one in campaigns if one.state not in ("held", "paused", "unattended")]
    known = [job for job in running if job.is_watched and not job.is_in_doubt]
    jobs = sorted(known, key=lambda job: job.expected_end)
    timed = [(one.expected_end, one) for one in samples if one.expected_end is not None]
    result_at, sample = min(timed, key=lambda pair: pair[0], default=(None, None))
    result = "" if sample is None else f"{sample.experiment_id} of {sample.campaign_id}"
    if jobs:
        job = jobs[0]
        what = f"{job.experiment_id}/{job.name} on {job.instrument} should be done"
        at, overdue_s, is_virtual = job.expected_end, job.overdue_s, job.is_virtual
    else:
        at, overdue_s, is_virtual = None, 0.0, any(one.is_virtual for one in samples)
        what = _without_jobs(going, bool(campaigns), samples)
    return NextView(
        what=what,
        at=at,
        overdue_s=overdue_s,
        is_virtual=is_virtual,
        result=result if going else "",
        result_at=result_at if going else None,
    )


def _without_jobs(
    going: Sequence[CampaignSummary], has_campaign: bool, samples: Sequence[SampleView]
) -> str:
    """Say what happens next where no instrument does anything."""
    if not has_campaign:
        return "nothing, until somebody starts a campaign"
    if not going:
        return "nothing, until somebody acts"
    ending = [one for one in going if one.status in ("stopping", "aborting", "pausing", "holding")]
    if ending:
        return f"{ending[0].campaign_id} is {ending[0].status}: no job runs any more"
    if any(one.waits_for for one in going):
        return "somebody approves or rejects the candidates that wait"
    if samples:
        return "the next job of a sample on the bench is sent"
    return "the planner proposes the next samples"


def control_view(
    laboratory: LaboratoryView, campaigns: Sequence[CampaignSummary], person: PersonAct | None
) -> ControlView:
    """Return who has control.

    Args:
        laboratory: With the signs of its stations.
        campaigns: Those that have not ended.
        person: Who acted last.
    """
    signs = laboratory.signs
    living = [f"{one.station}, process {one.pid}" for one in signs if one.is_answering]
    silent = [f"{one.station} does not answer" for one in signs if not one.is_answering]
    is_dry = bool(campaigns) and all(one.is_simulated for one in campaigns)
    if signs:
        station = "; ".join([*living, *silent])
    elif laboratory.station:
        station = f"none answers; the last one was {laboratory.station}"
    else:
        station = "none: a dry-run drives its own bench" if is_dry else "none has attached"
    return ControlView(
        station=station,
        is_answering=not silent if signs else None,
        engines=tuple(
            EngineSign(campaign_id=one.campaign_id, state=one.state, engine=one.engine)
            for one in campaigns
        ),
        person=person,
    )


def duration_text(seconds: float) -> str:
    """Return a duration for people, with two units at most.

    Example:
        >>> [duration_text(s) for s in (0.4, 42.0, 95.0, 3900.0, 200_000.0)]
        ['0 s', '42 s', '1 min 35 s', '1 h 05 min', '2 days 8 h']
    """
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60:02} s"
    minutes = round(whole / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    hours = round(minutes / 60)
    return f"{hours // 24} days {hours % 24} h"
