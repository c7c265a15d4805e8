"""One campaign as it is watched for weeks: folded once, then moved on by what comes."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Final

from orchestrator.core.campaign import CampaignState
from orchestrator.core.events import (
    Event,
    ExperimentEvent,
    ExperimentStarted,
    JobEvent,
    JobStarted,
    ObservationRecorded,
    campaign_stream,
)
from orchestrator.core.experiment import ExperimentStatus, experiment_id_of
from orchestrator.core.front import is_exact
from orchestrator.core.ledger import Ledger
from orchestrator.core.results import directions, judged_values, reference_point_of
from orchestrator.core.slimming import slimmed, without_past
from orchestrator.errors import RequestRefused
from orchestrator.log.event_log import EventLog
from orchestrator.log.recovered import Recovered, StateKeeper, recovered_state
from orchestrator.service.campaign_view import Learnt, job_view
from orchestrator.service.live_front import RunningFront, RunningVolume
from orchestrator.service.live_pages import Sought, chosen_rows, orders_of
from orchestrator.service.live_rows import LiveRow, LiveRows
from orchestrator.service.live_views import SpecFilter
from orchestrator.service.own_points import owners
from orchestrator.service.results_view import best_trade_off, best_views, hypervolume_now
from orchestrator.service.views import CountsView, HypervolumeView, JobView

__all__ = ["FilteredFront", "LiveCampaign"]

_MOST_TOUCHED: Final = 500
"""With more changed experiments the whole table is read again: that is quicker then."""
_WORTH_KEEPING: Final = 20_000
"""Events that take a second to fold. What took so long is kept, for the next process to begin with;
no engine keeps a campaign that ended before this version was installed."""
_KEPT_FRONTS: Final = 16
"""Filters whose fronts are kept."""
_KEPT_ORDERS: Final = 16
"""Orders and filters of the table that are kept."""


class FilteredFront:
    """The front of the observations that a filter lets through, as far as it was asked for.

    Args:
        campaign: Whose.
        spec_filter: Which observations count.
    """

    def __init__(self, campaign: "LiveCampaign", spec_filter: SpecFilter) -> None:
        self._campaign = campaign
        self._filter = spec_filter
        self._epoch = -1
        self._n_seen = 0
        self._front = RunningFront(())
        self.counting: list[LiveRow] = []
        """Those that the filter lets through, in the order of the observations."""

    def names(self) -> tuple[str, ...]:
        """Return the ids of the experiments on the front, in order of the first objective."""
        rows, spec = self._campaign.rows, self._campaign.state.spec
        if self._epoch != rows.epoch:
            self._epoch, self._n_seen, self.counting = rows.epoch, 0, []
            self._front = RunningFront(directions(spec))
        found = [rows.by_id[name] for name in rows.observed[self._n_seen :]]
        counting = [row for row in found if self._lets_through(row)]
        self._n_seen = len(rows.observed)
        self.counting += counting
        self._front.extend(
            [
                (row.experiment_id, tuple(judged_values(spec, row.objectives or ())))
                for row in counting
            ]
        )
        return self._front.names

    def _lets_through(self, row: LiveRow) -> bool:
        if row.objectives is None or (self._filter.must_meet and not row.meets):
            return False
        for bound in self._filter.bounds:
            value = row.value(bound.name)
            if value is None or not bound.holds(value):
                return False
        return True


class LiveCampaign:
    """A campaign's state without its past, its experiments as rows, and what was made of them.

    What ended experiments gave comes from the log's tables; their part of the state is dropped.

    Args:
        log: Whose campaign; it stays the caller's.
        campaign_id: Which.
        source: What the log is called in messages.

    Raises:
        RequestRefused: There is no such campaign.
    """

    def __init__(self, log: EventLog, campaign_id: str, source: str) -> None:
        recovered = recovered_state(log, campaign_id, slim=slimmed)
        if recovered is None:
            raise RequestRefused(f"no campaign {campaign_id!r} in {source}")
        if not recovered.kept_version and recovered.state.version > _WORTH_KEEPING:
            _keep(log, recovered)
        self._log = log
        self.state: CampaignState = without_past(recovered.state)
        self.seq = recovered.seq
        self.rows = LiveRows(self.state.spec, self.state.opened_time)
        self.rows.owners.update(owners(log, recovered.state))
        self._read_rows()
        self.used = self._instruments_used()
        self._sought: tuple[int, dict[Sought, list[LiveRow]]] = (-1, {})
        self._fronts: dict[SpecFilter, FilteredFront] = {}
        self._learnt: tuple[object, Learnt] | None = None
        self._volume: tuple[object, RunningVolume] | None = None
        self._ended_jobs = lru_cache(maxsize=256)(self._read_jobs)

    def catch_up(self) -> None:
        """Take what the log has got since."""
        touched: set[str] = set()
        stream = campaign_stream(self.state.campaign_id)
        for record in self._log.read(after_seq=self.seq, stream=stream):
            touched.update(self._follow(record.event, record.time))
            self.seq = record.seq
        self.state = without_past(self.state)
        if len(touched) > _MOST_TOUCHED:
            self._read_rows()
        else:
            for experiment_id in sorted(touched):
                self._read_rows(experiment_id)

    def _follow(self, event: Event, time: datetime) -> set[str]:
        """Move the state on, and return the ids of the experiments that look different now."""
        experiment_id = ""
        if isinstance(event, JobEvent):
            experiment_id = experiment_id_of(event.job_id)
        elif isinstance(event, ExperimentEvent | ExperimentStarted):
            experiment_id = event.experiment_id
        if isinstance(event, JobStarted) and event.instrument:
            self.used.add(event.instrument)
        is_start = isinstance(event, ExperimentStarted)
        if isinstance(event, ExperimentStarted):
            self.used.update(job.instrument for job in event.jobs)
        if experiment_id and not is_start and experiment_id not in self.state.open_experiments:
            version = self.state.version + 1
            self.state = replace(self.state, version=version, last_time=time, progress_time=time)
        else:
            self.state = self.state.after(event, time)
        if is_start and (owner := self.state.open_experiments[experiment_id].added_by):
            self.rows.owners[experiment_id] = owner
        return {experiment_id} if experiment_id else set()

    def _read_rows(self, experiment_id: str = "") -> None:
        where = {"campaign_id": self.state.campaign_id}
        if experiment_id:
            where["experiment_id"] = experiment_id
        self.rows.take(self._log.projection("experiment", where=where))

    def _instruments_used(self) -> set[str]:
        """Return the instruments of the jobs of the first experiment and of the last twenty."""
        by_number = sorted(self.rows.by_id.values(), key=lambda row: row.number)
        ids = {row.experiment_id for row in [*by_number[:1], *by_number[-20:]]}
        cells = [one for name in sorted(ids) for one in self._job_cells(name)]
        return {str(one["instrument"]) for one in cells}

    def row(self, experiment_id: str) -> LiveRow:
        """Return one experiment.

        Raises:
            RequestRefused: There is no such experiment.
        """
        found = self.rows.by_id.get(experiment_id)
        if found is None:
            name = self.state.campaign_id
            raise RequestRefused(f"no experiment {experiment_id!r} in campaign {name}")
        return found

    def names(self) -> tuple[str, ...]:
        """Return the names of all numbers of an experiment: asked for, measured and computed."""
        spec = self.state.spec
        composition = spec.space.composition
        components = composition.names if composition is not None else ()
        parameters = (one.name for one in spec.space.parameters)
        judged = [one.name for one in spec.objectives] + [one.name for one in spec.outcomes]
        return tuple(dict.fromkeys([*components, *parameters, *judged]))

    def sought(self, sought: Sought) -> list[LiveRow]:
        """Return the experiments that are sought, in the order wanted; kept until one changes.

        Raises:
            RequestRefused: There is no such order or state.
        """
        kept, chosen = self._sought
        if kept != self.rows.revision:
            chosen = {}
        if sought not in chosen:
            rows, front = list(self.rows.by_id.values()), frozenset(self.learnt().front)
            orders = orders_of(self.names())
            while len(chosen) >= _KEPT_ORDERS:
                del chosen[next(iter(chosen))]
            chosen[sought] = chosen_rows(rows, sought, orders=orders, front=front)
        self._sought = (self.rows.revision, chosen)
        return chosen[sought]

    def front(self, spec_filter: SpecFilter) -> FilteredFront:
        """Return the front of what a filter lets through; the last sixteen filters are kept."""
        found = self._fronts.pop(spec_filter, None) or FilteredFront(self, spec_filter)
        while len(self._fronts) >= _KEPT_FRONTS:
            del self._fronts[next(iter(self._fronts))]
        self._fronts[spec_filter] = found
        return found

    def learnt(self) -> Learnt:
        """Return what came of the campaign; made anew only after an observation or a start."""
        reference_point = reference_point_of(self.state)
        key = (self.rows.revision, len(self.state.queue), repr(reference_point))
        if self._learnt is None or self._learnt[0] != key:
            self._learnt = (key, self._learn())
        return self._learnt[1]

    def _learn(self) -> Learnt:
        front = self.front(SpecFilter())
        names = front.names()
        rows = [(row.experiment_id, list(row.objectives or ())) for row in front.counting]
        state = replace(self.state, observations=Ledger(self._records()))
        return Learnt(
            rows=rows,
            front=names,
            counts=self._counts(),
            best=best_views(state, rows),
            best_trade_off=best_trade_off(state, rows),
            hypervolume=hypervolume_now(state, rows, frozenset(names)),
            used=self.used,
        )

    def _records(self) -> list[ObservationRecorded]:
        found = (self.rows.by_id[name].record for name in self.rows.observed)
        return [record for record in found if record is not None]

    def _counts(self) -> CountsView:
        states = Counter(row.state for row in self.rows.by_id.values())
        return CountsView(
            started=len(self.rows.by_id),
            running=states[ExperimentStatus.RUNNING],
            in_doubt=states[ExperimentStatus.IN_DOUBT],
            done=states[ExperimentStatus.DONE],
            failed=states[ExperimentStatus.FAILED],
            observed=sum(not record.observation.is_failed for record in self._records()),
            queued=len(self.state.queue),
        )

    def hypervolume_series(self) -> tuple[HypervolumeView, ...]:
        """Return the hypervolume after some observations, evenly chosen; the last one is there.

        Returns:
            Nothing without a reference point.
        """
        reference_point, spec = reference_point_of(self.state), self.state.spec
        if reference_point is None or not self.learnt().rows:
            return ()
        names = [objective.name for objective in spec.objectives]
        is_approximated = not is_exact(len(self.learnt().rows), len(names))
        reference = [reference_point[name] for name in names]
        key = (self.rows.epoch, tuple(reference), is_approximated)
        if self._volume is None or self._volume[0] != key:
            fresh = RunningVolume(directions(spec), reference, is_approximated=is_approximated)
            self._volume = (key, fresh)
        volume = self._volume[1]
        later = (self.rows.by_id[name] for name in self.rows.observed[volume.n_seen :])
        volume.extend(
            [
                tuple(judged_values(spec, row.objectives)) if row.meets and row.objectives else None
                for row in later
            ]
        )
        return self._series(volume.points())

    def _series(self, points: list[tuple[int, float]]) -> tuple[HypervolumeView, ...]:
        chosen = [self.rows.by_id[self.rows.observed[n - 1]] for n, _ in points]
        hours = [self.rows.hours(row.ended_time or self.state.last_time) for row in chosen]
        costs = self.rows.costs_until(hours)
        return tuple(
            HypervolumeView(
                experiment_id=row.experiment_id,
                n_observed=n,
                hours=at_h,
                cost_usd=cost_usd + self.state.cost_usd_per_hour * at_h,
                hypervolume=volume,
            )
            for row, (n, volume), at_h, cost_usd in zip(chosen, points, hours, costs, strict=True)
        )

    def jobs(self, row: LiveRow) -> tuple[JobView, ...]:
        """Return the jobs of one experiment in the recipe's order."""
        experiment = self.state.open_experiments.get(row.experiment_id)
        if experiment is not None:
            return tuple(job_view(self.state, experiment, job) for job in experiment.jobs.values())
        has_ended = row.ended_time is not None
        return (self._ended_jobs if has_ended else self._read_jobs)(row.experiment_id)

    def _read_jobs(self, experiment_id: str) -> tuple[JobView, ...]:
        number = self.rows.by_id[experiment_id].number
        return tuple(self._job(number, cells) for cells in self._job_cells(experiment_id))

    def _job_cells(self, experiment_id: str) -> list[dict[str, object]]:
        campaign_id = self.state.campaign_id
        where = {"campaign_id": campaign_id, "experiment_id": experiment_id}
        return self._log.projection("job", where=where)

    def _job(self, number: int, cells: Mapping[str, object]) -> JobView:
        error, evidence = str(cells["error"]), str(cells["evidence"])
        return JobView(
            experiment_id=str(cells["experiment_id"]),
            number=number,
            name=str(cells["job_id"]).partition("/")[2],
            instrument=str(cells["instrument"]),
            action=str(cells["action"]),
            state=str(cells["state"]),
            attempt=int(str(cells["attempt"])),
            started_h=self._hours_or_none(cells["started_time"]),
            ended_h=self._hours_or_none(cells["ended_time"]),
            note=f"{error}: {evidence}" if error else evidence,
        )

    def _hours_or_none(self, cell: object) -> float | None:
        return self.rows.hours(cell) if isinstance(cell, datetime) else None


def _keep(log: EventLog, recovered: Recovered[CampaignState]) -> None:
    stream = campaign_stream(recovered.state.campaign_id)
    last = next(log.read(after_seq=recovered.seq - 1, stream=stream, limit=1))
    StateKeeper(log, stream, 0, every=1).note(recovered.state, last)
