"""Whether any sample met traces that spoil it, told from the records alone."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from orchestrator.core.campaign import CampaignState
from orchestrator.core.contamination import ContaminationRule
from orchestrator.core.events import (
    Event,
    JobFailed,
    JobFinished,
    JobInterrupted,
    JobOutcomeUnknown,
    JobSkipped,
    JobStarted,
    PlacesCleaned,
    PlannedJob,
)
from orchestrator.core.experiment import experiment_id_of

__all__ = ["cleaning_violations"]


@dataclass
class Dirt:
    """What is left at one place since it was cleaned."""

    is_known: bool = False
    """Whether it was ever cleaned."""
    points: dict[str, dict[str, float]] = field(default_factory=dict)
    """Of the samples that were there, by experiment."""
    doubtful: set[str] = field(default_factory=set)
    """Jobs there that went wrong, or may have."""

    def clean(self) -> None:
        """Forget everything."""
        self.is_known = True
        self.points.clear()
        self.doubtful.clear()


def cleaning_violations(
    events: Iterable[tuple[str, Event]], states: Iterable[CampaignState]
) -> Iterator[str]:
    """Yield every sample that came to a place that would spoil it, and every false skip.

    Places that no recipe cleans are not judged.

    Args:
        events: Of all campaigns of a bench and of the laboratory, in order, with the campaign's id.
        states: The campaigns' folds.
    """
    jobs: dict[str, PlannedJob] = {}
    points: dict[str, dict[str, float]] = {}
    rules: dict[str, tuple[ContaminationRule, ...]] = {}
    for state in states:
        for experiment in state.experiments:
            owner = f"{state.campaign_id}:{experiment.experiment_id}"
            made = experiment.candidate.point
            points[owner] = {name: float(made[name]) for name in state.spec.space.components}
            rules[owner] = state.contamination
            jobs |= {f"{owner}/{name}": job.planned for name, job in experiment.jobs.items()}
    places = {job.cleans: Dirt() for job in jobs.values() if job.cleans}
    past: set[str] = set()
    for campaign_id, event in events:
        if isinstance(event, PlacesCleaned):
            for place in {*event.places} & places.keys():
                places[place].clean()
            continue
        name = f"{campaign_id}:{getattr(event, 'job_id', '')}"
        planned, owner = jobs.get(name), experiment_id_of(name)
        if planned is None:
            continue
        if isinstance(event, JobFinished | JobSkipped):
            past.add(name)
        before = {f"{owner}/{one}" for one in planned.after}
        forgotten = {one for one in before - past if one in jobs and jobs[one].cleans}
        if isinstance(event, JobStarted) and forgotten and not planned.is_cleanup:
            yield f"{name}: begun before {', '.join(sorted(forgotten))}"
        for place in {*planned.positions} & places.keys():
            dirt = places[place]
            is_coming = isinstance(event, JobStarted) and not planned.is_cleanup
            if (is_coming and not planned.cleans) or isinstance(event, JobSkipped):
                local = [rule for rule in rules[owner] if not rule.places or place in rule.places]
                yield from (
                    f"{name}: {what} at {place}" for what in _met(owner, points, dirt, local)
                )
            _note(event, name, planned, dirt, points[owner])


def _note(
    event: Event, name: str, planned: PlannedJob, dirt: Dirt, point: dict[str, float]
) -> None:
    """Keep what a job leaves behind."""
    owner = experiment_id_of(name)
    if planned.cleans:
        if isinstance(event, JobFinished):
            dirt.clean()
        return
    if isinstance(event, JobStarted):
        dirt.points[owner] = point
    if planned.recovery == "pure" or owner not in dirt.points:
        return
    match event:
        case JobOutcomeUnknown() | JobInterrupted() | JobFailed(has_acted=True):
            dirt.doubtful.add(name)
        case JobFinished() | JobFailed():
            dirt.doubtful.discard(name)
        case _:
            pass


def _met(
    owner: str,
    points: dict[str, dict[str, float]],
    dirt: Dirt,
    rules: Sequence[ContaminationRule],
) -> Iterator[str]:
    """Yield what a sample met that it must not meet."""
    own = points[owner]
    if not dirt.is_known:
        yield "nobody knows what was left"
    for other in sorted(one for one in dirt.doubtful if experiment_id_of(one) != owner):
        yield f"nobody knows what {other} left"
    for other, point in dirt.points.items():
        if other == owner:
            continue
        if not rules and point != own:
            yield f"{other} of another composition was"
        for rule in rules:
            for name in rule.of:
                if point.get(name, 0.0) > rule.above >= own.get(name, 0.0):
                    yield f"{name} of {other} was left"
