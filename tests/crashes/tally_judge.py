"""Compares what the log says was done with what the devices' tallies say they did.

The tallies are the truth: the simulated devices write each act down, synced, before they answer.
An attempt's acts are those that begin after its `JobStarted` and before the next attempt on the
same instrument. Four things can be wrong:

- *lost*: the log says done, and no full act is there;
- *duplicated*: more than one act was begun for one attempt, or for one job that was done;
- *unreported*: matter was touched and the log says that it was not;
- *stray*: an act that belongs to no attempt.

A stroke that was begun and stopped before anything moved, with 0 in its last line, touched nothing.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from orchestrator.core.events import (
    ExperimentStarted,
    JobFailed,
    JobFinished,
    JobInterrupted,
    JobOutcomeUnknown,
    JobStarted,
    PlannedJob,
)
from orchestrator.log.event_log import Record

__all__ = [
    "Act",
    "Attempt",
    "Counted",
    "Verdict",
    "acts_in",
    "attempts_in",
    "judged",
    "truth_about",
]

BEGIN = "begin "
FULL = 0.9
"""A valve is closed over a wire, at a sped-up time; less than this share is no whole act."""


@dataclass(slots=True)
class Act:
    """One physical act: begun, and ended unless it is still going on."""

    instrument: str
    act: str
    began: datetime
    asked: float | None
    done: float | None = None
    job_key: str | None = None


@dataclass(slots=True)
class Attempt:
    """One attempt at one job, as the log tells it."""

    key: str
    planned: PlannedJob
    started: datetime
    end: str = "open"
    """done, not_acted, acted, doubt, interrupted or open."""
    acts: list[Act] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Counted:
    """The act that one job of an instrument makes exactly once."""

    act: str
    argument: str | None
    """Of the job, that says how much; None if the act is whole or not at all."""
    factor: float
    """Amount of the act for 1 of the argument."""
    is_measured: bool = True
    """Whether the amount is judged; a drained vessel gives what there was."""
    spare: float = 0.0
    """How much more than asked the driver still calls done, in the act's unit."""

    def is_full(self, act: Act, attempt: Attempt) -> bool:
        """Tell whether an act is as the job asked."""
        asked = self.factor
        if self.argument is not None:
            asked *= float(attempt.planned.arguments[self.argument])
        if not self.is_measured:
            return act.done is not None
        return act.done is not None and FULL * asked <= act.done <= asked / FULL + self.spare


@dataclass(slots=True)
class Verdict:
    """What was found; the lists hold keys of attempts, for people."""

    n_attempts: int = 0
    n_done: int = 0
    n_acts: int = 0
    n_doubts: int = 0
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    unreported: list[str] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, repeated or kept quiet."""
        return not (self.lost or self.duplicated or self.unreported or self.stray)


def acts_in(folder: Path, counted: Mapping[str, Sequence[Counted]]) -> list[Act]:
    """Read the acts that count, in the order in which they began.

    Args:
        folder: With a tally for each instrument.
        counted: By instrument the acts that one job of it makes exactly once each.
    """
    acts: list[Act] = []
    for instrument, wanted in counted.items():
        path = folder / f"{instrument}.jsonl"
        if path.exists():
            lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            for one in wanted:
                acts.extend(_acts_of(instrument, one.act, lines))
    return sorted(acts, key=lambda act: act.began)


def _acts_of(instrument: str, wanted: str, lines: Iterable[Mapping[str, object]]) -> Iterator[Act]:
    is_open: Act | None = None
    for line in lines:
        time = datetime.fromisoformat(str(line["time"]))
        amount = line["amount"]
        size = None if amount is None else float(str(amount))
        key = None if line["job_id"] is None else str(line["job_id"])
        if line["act"] == BEGIN + wanted:
            if is_open is not None:
                yield is_open
            is_open = Act(instrument, wanted, time, size, job_key=key)
        elif line["act"] == wanted:
            ended = (
                is_open if is_open is not None else Act(instrument, wanted, time, size, None, key)
            )
            ended.done = size
            is_open = None
            yield ended
    if is_open is not None:
        yield is_open


def attempts_in(records: Iterable[Record], campaign_id: str) -> list[Attempt]:
    """Return every attempt of a campaign's log, in the order in which they were started."""
    planned: dict[str, PlannedJob] = {}
    latest: dict[str, Attempt] = {}
    attempts: list[Attempt] = []
    for record in records:
        event = record.event
        match event:
            case ExperimentStarted():
                planned.update((job.job_id, job) for job in event.jobs)
            case JobStarted():
                time = f"{record.time:%Y%m%dT%H%M%S%f}"
                key = f"{campaign_id}/{event.job_id}#{event.attempt}@{time}"
                attempt = Attempt(key, planned[event.job_id], record.time)
                latest[event.job_id] = attempt
                attempts.append(attempt)
            case JobFinished():
                latest[event.job_id].end = "done"
            case JobFailed():
                latest[event.job_id].end = "acted" if event.has_acted else "not_acted"
            case JobOutcomeUnknown():
                latest[event.job_id].end = "doubt"
            case JobInterrupted():
                latest[event.job_id].end = "interrupted"
            case _:
                pass
    return attempts


def judged(
    attempts: Sequence[Attempt], acts: Sequence[Act], counted: Mapping[str, Sequence[Counted]]
) -> Verdict:
    """Compare attempts with acts.

    Args:
        attempts: From `attempts_in`.
        acts: From `acts_in`.
        counted: By instrument the acts that one job of it makes exactly once each.
    """
    verdict = Verdict(n_acts=len(acts))
    ours = [one for one in attempts if _counts(one, counted)]
    verdict.n_attempts = len(ours)
    for act in acts:
        owner = _owner(act, ours)
        if owner is None:
            verdict.stray.append(f"{act.instrument} {act.act} at {act.began.isoformat()}")
        else:
            owner.acts.append(act)
    for attempt in ours:
        _judge(attempt, counted[attempt.planned.instrument], verdict)
    return verdict


def _counts(attempt: Attempt, counted: Mapping[str, Sequence[Counted]]) -> bool:
    return attempt.planned.instrument in counted and attempt.planned.recovery != "pure"


def _owner(act: Act, attempts: Sequence[Attempt]) -> Attempt | None:
    """Return the attempt that an act belongs to: by its key, else the latest begun before it."""
    if act.job_key is not None:
        return next((one for one in attempts if one.key == act.job_key), None)
    before = [
        one
        for one in attempts
        if one.planned.instrument == act.instrument and one.started <= act.began
    ]
    return before[-1] if before else None


def _judge(attempt: Attempt, counted: Sequence[Counted], verdict: Verdict) -> None:
    if attempt.end == "done":
        verdict.n_done += 1
    if attempt.end == "doubt":
        verdict.n_doubts += 1
    if attempt.end == "open":
        verdict.unreported.append(f"{attempt.key}: its end was never reported")
    for one in counted:
        acts = [act for act in attempt.acts if act.act == one.act]
        found = f"{attempt.key}: said {attempt.end}, {one.act} {[act.done for act in acts]}"
        touched = [act for act in acts if act.done != 0.0]
        if len(touched) > 1:
            verdict.duplicated.append(found)
        if attempt.end == "done" and not any(one.is_full(act, attempt) for act in acts):
            verdict.lost.append(found)
        if attempt.end == "not_acted" and touched:
            verdict.unreported.append(found)


def truth_about(attempt: Attempt, counted: Sequence[Counted]) -> str | None:
    """Return what a person who looks at the bench would say of an attempt; None while it goes on.

    Args:
        attempt: With its acts.
        counted: Of its instrument.
    """
    if not any(act.done != 0.0 for act in attempt.acts):
        return "did_not_run"
    if any(act.done is None for act in attempt.acts):
        return None
    is_whole = all(
        any(one.is_full(act, attempt) for act in attempt.acts if act.act == one.act)
        for one in counted
    )
    return "ran" if is_whole else "scrap_sample"
