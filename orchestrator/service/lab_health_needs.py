"""What needs a person now: each with what to do, and the act or the page where it is done; pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.service.alarms import AlarmView
from orchestrator.service.laboratory_view import LaboratoryView
from orchestrator.service.tasks import TaskView
from orchestrator.service.views import CampaignSummary

__all__ = ["LabNeed", "Urgency", "lab_needs"]

Urgency: TypeAlias = Literal["now", "soon", "later"]
"""``now``: people, plant or samples may be in danger; ``soon``: something stands still."""

_RANK: Final[Mapping[Urgency, int]] = {"now": 0, "soon": 1, "later": 2}
_MOST_ALARMS: Final = 12
_SHOWN_OTHERWISE: Final = frozenset(
    {
        "latch",
        "interlock",
        "unsafe",
        "in_doubt",
        "held",
        "approval",
        "manual_task",
        "engine_silent",
        "lost",
        "unclean",
        "waiting",
        "out_of_service",
    }
)
"""Kinds of alarms whose cause is itself among the needs."""


class LabNeed(BaseModel):
    """One thing that waits for a person."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    """``latch``, ``unsafe``, ``interlock``, ``station``, ``doubt``, ``unattended``, ``waiting``,
    ``approval``, ``instrument``, ``place``, ``task`` or ``alarm``."""
    urgency: Urgency
    title: str
    detail: str
    what_to_do: str
    since: datetime | None = None
    link: str = ""
    """A page where more is to be seen or done; empty for none."""
    link_text: str = ""
    act: str = ""
    """The act that settles it; empty where no single act does."""
    act_label: str = ""
    fields: Mapping[str, str | tuple[str, ...]] = Field(default_factory=dict)
    """The act's own."""


def lab_needs(
    laboratory: LaboratoryView,
    campaigns: Sequence[CampaignSummary],
    alarms: Sequence[AlarmView],
    *,
    waiting: Mapping[str, Sequence[str]],
    tasks: Sequence[TaskView] = (),
) -> tuple[LabNeed, ...]:
    """Return what needs a person, the urgent first.

    Args:
        laboratory: With the signs of its stations.
        campaigns: Those that have not ended.
        alarms: The active ones.
        waiting: By campaign, the candidates that wait for approval.
        tasks: Of manual stations, those without an answer.
    """
    found = [
        *_of_bench(laboratory),
        *(need for one in campaigns for need in _of_campaign(one, waiting)),
        *_of_instruments(laboratory),
        *_of_places(laboratory),
        *(_of_task(task) for task in tasks),
        *_of_alarms(alarms),
    ]
    return tuple(sorted(found, key=lambda need: _RANK[need.urgency]))


def _of_bench(laboratory: LaboratoryView) -> Iterator[LabNeed]:
    for name, reason in laboratory.unsafe.items():
        yield LabNeed(
            kind="unsafe",
            urgency="now",
            title=f"{name} could not be made safe",
            detail=reason,
            what_to_do=f"Go to {name} and make it safe by hand; it may still pump, heat or move",
        )
    if laboratory.latch:
        yield LabNeed(
            kind="latch",
            urgency="now",
            title="The stop latch is set",
            detail=laboratory.latch,
            what_to_do="Look at the bench; when it is safe, clear the latch under your name",
            act="clear_latch",
            act_label="Clear the latch",
        )
    for name, reason in laboratory.tripped.items():
        yield LabNeed(
            kind="interlock",
            urgency="now",
            title=f"Interlock {name} tripped",
            detail=reason,
            what_to_do="Put right what it watches; it releases by itself once it holds again",
        )
    for sign in laboratory.signs:
        if not sign.is_answering:
            yield LabNeed(
                kind="station",
                urgency="now",
                title=f"Station {sign.station} does not answer",
                detail="nobody knows what its instruments do, and interlocks may not be watched",
                what_to_do="Look at the bench first, then at station.log of this rig",
            )


def _of_campaign(
    campaign: CampaignSummary, waiting: Mapping[str, Sequence[str]]
) -> Iterator[LabNeed]:
    name = campaign.campaign_id
    for doubt in campaign.in_doubt:
        if doubt.needs_person:
            yield LabNeed(
                kind="doubt",
                urgency="soon",
                title=f"{doubt.job_id} on {doubt.instrument} is in doubt",
                detail=f"nobody knows whether it happened: {doubt.evidence}",
                what_to_do="Look at the sample, then say what became of it",
                since=doubt.since,
                link="/doubts",
                link_text="Evidence and answers",
            )
    if campaign.state == "unattended":
        yield LabNeed(
            kind="unattended",
            urgency="soon",
            title=f"{name} is unattended",
            detail=f"it is {campaign.status}, and no engine drives it",
            what_to_do="Find out why its engine ended, then start it again",
            link=f"/campaigns/{name}",
            link_text="Campaign",
            act="start_again",
            act_label="Start it again",
            fields={"campaign_id": name},
        )
    elif campaign.status in ("paused", "held"):
        why = campaign.status_reason or "somebody asked for it without a reason; the audit says who"
        yield LabNeed(
            kind="waiting",
            urgency="soon",
            title=f"{name} is {campaign.state}",
            detail=why,
            what_to_do="Put right what it waits for, then let it go on",
            link=f"/campaigns/{name}",
            link_text="Campaign",
            act="resume",
            act_label="Resume",
            fields={"campaign_id": name},
        )
    ids = waiting.get(name, ())
    if ids:
        n = len(ids)
        yield LabNeed(
            kind="approval",
            urgency="soon",
            title=f"{n} candidate{'' if n == 1 else 's'} of {name} wait{'s' if n == 1 else ''} "
            "for approval",
            detail=_listed(ids),
            what_to_do="Look at what is predicted; approve, edit or reject",
            link=f"/campaigns/{name}/why",
            link_text="Predictions and answers",
        )


def _of_instruments(laboratory: LaboratoryView) -> Iterator[LabNeed]:
    for one in laboratory.lost:
        is_out = one.status == "out"
        yield LabNeed(
            kind="instrument",
            urgency="later" if is_out else "soon",
            title=f"{one.name} is out of service" if is_out else f"{one.name} does not answer",
            detail=one.reason,
            what_to_do="Put it back once it is in order"
            if is_out
            else "Look at its power and its cable; it is connected again by itself",
            since=one.since,
            act="put_back" if is_out else "take_out",
            act_label="Put it back into service" if is_out else "Take it out of service",
            fields={"instrument": one.name},
        )


def _of_places(laboratory: LaboratoryView) -> Iterator[LabNeed]:
    by_owner: dict[tuple[str, str], list[str]] = {}
    for one in laboratory.unclean:
        by_owner.setdefault((one.campaign_id, one.experiment_id), []).append(one.place)
    for (campaign_id, experiment_id), places in by_owner.items():
        times = [one.since for one in laboratory.unclean if one.place in places and one.since]
        yield LabNeed(
            kind="place",
            urgency="later",
            title=f"{_listed(places)} {'is' if len(places) == 1 else 'are'} not clean",
            detail=f"left by {experiment_id} of {campaign_id}; no other sample is put there",
            what_to_do="Clean it, then say so" if len(places) == 1 else "Clean them, then say so",
            since=min(times, default=None),
            act="clean_places",
            act_label="They are clean" if len(places) > 1 else "It is clean",
            fields={"places": tuple(places)},
        )


def _of_task(task: TaskView) -> LabNeed:
    job = task.task.partition("#")[0]
    taken = f"taken by {task.by}" if task.by else "nobody has taken it"
    is_late = " and is late" if task.is_late else ""
    return LabNeed(
        kind="task",
        urgency="soon" if task.is_late or not task.by or task.is_recalled else "later",
        title=f"Task: {task.instruction}",
        detail=f"{job}: {taken}{is_late}",
        what_to_do="It is not wanted any more: stop, and say how far you got"
        if task.is_recalled
        else "Do it, then say so",
        since=task.posted_at,
        link="/tasks",
        link_text="Task board",
    )


def _of_alarms(alarms: Sequence[AlarmView]) -> Iterator[LabNeed]:
    """Yield what nobody has acknowledged and no other need says; the causes come in `lab_needs`."""
    waiting = [one for one in alarms if one.status in ("raised", "returned")]
    own = [one for one in waiting if one.alarm.partition("/")[0] not in _SHOWN_OTHERWISE]
    for one in own[:_MOST_ALARMS]:
        is_over = one.status == "returned"
        yield LabNeed(
            kind="alarm",
            urgency=_urgency(one.severity, is_over=is_over),
            title=one.message,
            detail=f"it is over, and nobody has said that they saw it ({one.alarm})"
            if is_over
            else f"{one.consequence} ({one.alarm})",
            what_to_do=one.what_to_do,
            since=one.raised_time,
            link="/alarms",
            link_text="Alarms",
            act="acknowledge_alarm",
            act_label="Acknowledge",
            fields={"alarm": one.alarm},
        )
    n_more = len(waiting) - min(len(own), _MOST_ALARMS)
    if n_more:
        yield LabNeed(
            kind="alarm",
            urgency="later",
            title=f"{n_more} {'other ' if own else ''}alarm{'' if n_more == 1 else 's'} "
            f"{'has' if n_more == 1 else 'have'} not been acknowledged",
            detail="people are told of them until somebody says that they take care",
            what_to_do="Acknowledge what you take care of",
            link="/alarms",
            link_text="Alarms",
        )


def _urgency(severity: str, *, is_over: bool) -> Urgency:
    if is_over or severity == "low":
        return "later"
    return "now" if severity == "critical" else "soon"


def _listed(names: Iterable[str], most: int = 4) -> str:
    shown = list(names)
    more = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + more
