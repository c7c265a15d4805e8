"""Experiments of a campaign as light rows, kept up to date from the log's tables.

What an experiment gave stands in the log's ``experiment`` table as it counts, corrections included,
so that nothing of ten thousand ended experiments has to be folded to be shown.
"""

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from campaigns.spec import CampaignSpec
from orchestrator.core.events import ObservationRecorded
from orchestrator.core.point import Observation
from orchestrator.core.results import meets_specifications, objective_values
from orchestrator.errors import LogError
from orchestrator.service.views import ExperimentView

__all__ = ["LiveRow", "LiveRows"]

_KEPT_VIEWS: Final = 4000
"""Rows that are kept as they are shown: those of a plot and some pages."""
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LiveRow:
    """One experiment as the log's table has it."""

    experiment_id: str
    number: int
    state: str
    purpose: str
    started_time: datetime
    ended_time: datetime | None
    cost_usd: float
    n_jobs: int
    asked: Mapping[str, float | str]
    predictions: Mapping[str, Mapping[str, float]]
    record: ObservationRecorded | None
    """What it gave, as amended."""
    is_retracted: bool
    cause: str
    reason: str
    correction: str
    objectives: tuple[float, ...] | None
    """Value of each objective, if it was observed and counts as evidence; None if one is missing.
    """
    meets: bool
    """Whether it has all objectives and keeps the specifications."""

    @property
    def is_evidence(self) -> bool:
        """Whether it gave something that the search learns from."""
        return self.record is not None and self.purpose == "search" and not self.is_retracted

    def value(self, name: str) -> float | None:
        """Return an objective, an outcome, or a component or parameter as made or else as asked."""
        if self.record is not None:
            for known in (self.record.observation.values, self.record.computed):
                if name in known:
                    return known[name]
        found = (self.record.observation.point if self.record else {}).get(name)
        found = self.asked.get(name) if found is None else found
        return None if found is None or isinstance(found, str) else float(found)


class LiveRows:
    """All experiments of one campaign, and those observed in the order in which they ended.

    Args:
        spec: The campaign, which says what counts.
        opened_time: From which hours are counted.
    """

    def __init__(self, spec: CampaignSpec, opened_time: datetime) -> None:
        self._spec = spec
        self._opened_time = opened_time
        self.by_id: dict[str, LiveRow] = {}
        self.revision = 0
        """Counts the changes; what was made of the rows holds as long as it stays."""
        self.epoch = 0
        """Counts the changes that were more than one more observation at the end."""
        self.observed: list[str] = []
        """Ids of the experiments that gave evidence; grows at its end within one epoch."""
        self.owners: dict[str, str] = {}
        """By experiment that was a person's own point, whose."""
        self._keys: list[tuple[datetime, int]] = []
        self._starts: list[tuple[float, int, float]] = []
        self._views: dict[str, tuple[LiveRow, ExperimentView]] = {}

    def take(self, table: Iterable[Mapping[str, Any]]) -> None:
        """Put in rows of the log's table in place of those with the same id.

        Args:
            table: As `EventLog.projection` gives them; their cells are of many types.
        """
        found = [_row(self._spec, cells) for cells in table]
        for row in sorted(found, key=_key):
            before = self.by_id.get(row.experiment_id)
            if before == row:
                continue
            self.revision += 1
            self.by_id[row.experiment_id] = row
            if before is None:
                insort(self._starts, (self.hours(row.started_time), row.number, row.cost_usd))
            self._note_observation(row, before)

    def _note_observation(self, row: LiveRow, before: LiveRow | None) -> None:
        was = before is not None and before.is_evidence
        if not was and not row.is_evidence:
            return
        if not was and (not self._keys or self._keys[-1] <= _key(row)):
            self.observed.append(row.experiment_id)
            self._keys.append(_key(row))
            return
        evidence = sorted((one for one in self.by_id.values() if one.is_evidence), key=_key)
        self.observed = [one.experiment_id for one in evidence]
        self._keys = [_key(one) for one in evidence]
        self.epoch += 1

    def hours(self, time: datetime) -> float:
        """Return the time in hours since the opening."""
        return (time - self._opened_time).total_seconds() / 3600.0

    def costs_until(self, places: Iterable[float]) -> list[float]:
        """Return what the experiments cost that had started by each of some times.

        Args:
            places: Hours since the opening.
        """
        sums, total = [0.0], 0.0
        for _, _, cost_usd in self._starts:
            total += cost_usd
            sums.append(total)
        end = float("inf")
        return [sums[bisect_right(self._starts, (hours, end, end))] for hours in places]

    def view(self, row: LiveRow, front: frozenset[str]) -> ExperimentView:
        """Return a row as it is shown; kept until the row or its place on the front changes.

        Args:
            row: One of these.
            front: Ids of the experiments on the Pareto front.
        """
        is_on_front = row.experiment_id in front
        kept_row, view = self._views.get(row.experiment_id, (None, None))
        if view is None or kept_row is not row or view.is_on_front != is_on_front:
            if len(self._views) >= _KEPT_VIEWS:
                self._views.clear()
            view = self._view(row, is_on_front=is_on_front)
            self._views[row.experiment_id] = (row, view)
        return view

    def _view(self, row: LiveRow, *, is_on_front: bool) -> ExperimentView:
        record, nothing = row.record, dict[str, float]()
        return ExperimentView(
            experiment_id=row.experiment_id,
            number=row.number,
            state=row.state,
            asked=row.asked,
            made=record.observation.point if record else {},
            values=record.observation.values if record else nothing,
            sds=record.observation.sds if record else nothing,
            computed=record.computed if record else nothing,
            predicted={name: one["mean"] for name, one in row.predictions.items()},
            predicted_sds={name: one["sd"] for name, one in row.predictions.items()},
            meets_outcomes=row.meets,
            is_on_front=is_on_front,
            cost_usd=row.cost_usd,
            started_time=row.started_time,
            ended_time=row.ended_time,
            started_h=self.hours(row.started_time),
            ended_h=None if row.ended_time is None else self.hours(row.ended_time),
            cause=row.cause,
            reason=row.reason,
            purpose=row.purpose,
            is_retracted=row.is_retracted,
            correction=row.correction,
            added_by=self.owners.get(row.experiment_id, ""),
        )


def _row(spec: CampaignSpec, cells: Mapping[str, Any]) -> LiveRow:
    """Return a row of the log's ``experiment`` table as it is kept.

    Args:
        spec: The campaign.
        cells: By column.
    """
    record = _record(cells)
    counts = record is not None and cells["purpose"] == "search" and not cells["is_retracted"]
    values = objective_values(spec, record) if record is not None and counts else None
    return LiveRow(
        experiment_id=cells["experiment_id"],
        number=cells["number"],
        state=cells["state"],
        purpose=cells["purpose"],
        started_time=cells["started_time"],
        ended_time=cells["ended_time"],
        cost_usd=cells["cost_usd"],
        n_jobs=cells["n_jobs"],
        asked=cells["point"],
        predictions=cells["predictions"],
        record=record,
        is_retracted=cells["is_retracted"],
        cause=cells["cause"],
        reason=cells["reason"],
        correction=cells["correction"],
        objectives=None if values is None else tuple(values),
        meets=values is not None and record is not None and meets_specifications(spec, record),
    )


def _record(cells: Mapping[str, Any]) -> ObservationRecorded | None:
    if cells["made"] is None:
        return None
    if not isinstance(cells["made"], dict):
        raise LogError(f"table experiment: {cells['experiment_id']} has no point as made")
    return ObservationRecorded(
        experiment_id=cells["experiment_id"],
        observation=Observation(
            point=cells["made"],
            values=cells["values"],
            sds=cells["sds"],
            is_failed=not cells["values"],
        ),
        computed=cells["computed"],
    )


def _key(row: LiveRow) -> tuple[datetime, int]:
    return (row.ended_time or _NEVER, row.number)
