"""Whether what stood at a place before would spoil the next sample there; pure.

A place remembers what stood at it since it was cleaned. Of every component it keeps the most that
any sample brought, not only what the last one brought: who uses a place without cleaning it does
not take the traces of the sample before away.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from pydantic import Field

from orchestrator.core.point import Fact

__all__ = [
    "ContaminationRule",
    "LastSample",
    "PlaceRecord",
    "Trace",
    "Verdict",
    "verdict_on",
    "with_sample",
]


class ContaminationRule(Fact):
    """Traces of some components spoil a sample that is to hold none of them."""

    of: tuple[str, ...] = Field(min_length=1)
    """Names of components."""
    places: tuple[str, ...] = ()
    """Where it counts; empty: everywhere."""
    above: float = Field(default=0.0, ge=0, lt=1)
    """The fraction up to which a sample counts as holding none, and leaves none behind."""

    def counts_at(self, place: str) -> bool:
        """Tell whether it says anything of a place."""
        return not self.places or place in self.places


@dataclass(frozen=True, slots=True)
class LastSample:
    """The sample that came to a place last."""

    experiment_id: str
    """``E0007``, or ``oer-plate-1/E0007`` for one of another campaign."""
    fractions: Mapping[str, float]
    """Of its components, above 0; empty if its composition says nothing."""
    time: datetime
    """When the last job began that it was there for."""
    doubt: str = ""
    """Which of its jobs there went wrong, so that nobody knows what was left behind."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What may be left of one component."""

    fraction: float
    """The most that one sample held."""
    experiment_id: str
    """Which."""
    time: datetime
    """When a sample with it was there last."""


@dataclass(frozen=True, slots=True)
class PlaceRecord:
    """What one campaign did to a place since it cleaned it last, or ever."""

    cleaned_time: datetime | None = None
    last: LastSample | None = None
    traces: Mapping[str, Trace] = field(default_factory=dict)
    """By component."""
    is_mixed: bool = False
    """Whether a sample before the last had another composition."""
    doubt: str = ""
    """Why nobody knows what a sample before the last left behind."""

    def named(self, campaign_id: str) -> "PlaceRecord":
        """Return the same in the words of another campaign: ``oer-plate-1/E0007``."""
        traces = {
            name: replace(one, experiment_id=f"{campaign_id}/{one.experiment_id}")
            for name, one in self.traces.items()
        }
        last, doubt = self.last, f"{campaign_id}/{self.doubt}" if self.doubt else ""
        if last is not None:
            last = replace(last, experiment_id=f"{campaign_id}/{last.experiment_id}")
        return replace(self, last=last, traces=traces, doubt=doubt)


class Verdict(NamedTuple):
    """Whether a place must be cleaned before a sample comes."""

    is_needed: bool
    reason: str


def with_sample(record: PlaceRecord, sample: LastSample) -> PlaceRecord:
    """Return what is known of a place after a sample came, or one more job was begun for it.

    Args:
        record: Before.
        sample: It, or what is known of it by then.
    """
    before = record.last
    is_mixed, doubt = record.is_mixed, record.doubt
    if before is not None and before.experiment_id != sample.experiment_id:
        is_mixed |= before.fractions != sample.fractions
        doubt = doubt or _doubt_of(before)
    traces = dict(record.traces)
    for name, fraction in sample.fractions.items():
        known = traces.get(name)
        if known is None or fraction >= known.fraction:
            traces[name] = Trace(fraction, sample.experiment_id, sample.time)
        else:
            traces[name] = replace(known, time=max(known.time, sample.time))
    return replace(record, last=sample, traces=traces, is_mixed=is_mixed, doubt=doubt)


def _doubt_of(sample: LastSample) -> str:
    """Say why nobody knows what a sample left behind; empty if it is known."""
    if sample.doubt:
        return f"{sample.experiment_id}: {sample.doubt}"
    return "" if sample.fractions else f"{sample.experiment_id}: its composition is not known"


def verdict_on(
    place: str,
    fractions: Mapping[str, float],
    records: Iterable[PlaceRecord],
    rules: Sequence[ContaminationRule],
    *,
    cleaned_time: datetime | None,
    since: datetime,
) -> Verdict:
    """Return whether a place must be cleaned before a sample comes, and why or why not.

    Args:
        place: Which; no sample is at it.
        fractions: Of the coming sample's components, above 0; empty if nobody knows.
        records: What each campaign did to it, as far as that is known.
        rules: What spoils what. If none counts at the place, any other composition does.
        cleaned_time: When a person cleaned it last; None if nobody knows.
        since: From when on all that was done to the place is known.
    """
    known = list(records)
    times = [one.cleaned_time for one in known if one.cleaned_time is not None]
    times += [] if cleaned_time is None else [cleaned_time]
    clean_time = max(times, default=None)
    if clean_time is None or clean_time < since:
        return Verdict(True, f"nobody knows what was left at {place}: it was not cleaned yet")
    live = [one for one in known if one.last is not None and one.last.time >= clean_time]
    samples = [one.last for one in live if one.last is not None]
    if not samples:
        return Verdict(False, f"{place} is clean since {clean_time:%H:%M:%S} UTC")
    last = max(samples, key=lambda sample: sample.time)
    doubts = [one.doubt for one in live] + [_doubt_of(sample) for sample in samples]
    doubt = next(filter(None, doubts), "" if fractions else "the composition to come is not known")
    if doubt:
        return Verdict(True, f"nobody knows what traces at {place} would do: {doubt}")
    local = [rule for rule in rules if rule.counts_at(place)]
    if not local:
        return _same_or_not(place, fractions, live, last)
    spoils = next(_spoiling(fractions, live, local, clean_time), "")
    if spoils:
        return Verdict(True, f"traces at {place} would spoil it: {spoils}")
    return Verdict(False, f"{last.experiment_id} was at {place} last and left nothing that spoils")


def _same_or_not(
    place: str, fractions: Mapping[str, float], live: Sequence[PlaceRecord], last: LastSample
) -> Verdict:
    """Judge a place of which no rule says anything: any other composition spoils."""
    others = [
        one.last.experiment_id
        for one in live
        if one.last is not None and (one.is_mixed or one.last.fractions != fractions)
    ]
    if others:
        return Verdict(True, f"another composition was at {place}: {others[0]}")
    return Verdict(False, f"{last.experiment_id} was at {place} last, of the same composition")


def _spoiling(
    fractions: Mapping[str, float],
    live: Sequence[PlaceRecord],
    rules: Sequence[ContaminationRule],
    clean_time: datetime,
) -> Iterator[str]:
    for rule in rules:
        for name in rule.of:
            if fractions.get(name, 0.0) > rule.above:
                continue
            for record in live:
                trace = record.traces.get(name)
                if trace is None or trace.time < clean_time or trace.fraction <= rule.above:
                    continue
                yield f"{name} {trace.fraction:g} in {trace.experiment_id}"
