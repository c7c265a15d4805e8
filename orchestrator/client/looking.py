"""What a client can look at: the same frozen models that the pages are made of."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal
from urllib.parse import quote

from orchestrator.client.connection import Connection
from orchestrator.dashboard.api.models import (
    CampaignPage,
    EventPage,
    Health,
    Me,
    TasksView,
    TelemetryPage,
    VerificationView,
    VersionView,
)
from orchestrator.service.alarms import AlarmView
from orchestrator.service.approvals import CandidateView
from orchestrator.service.events import EventView
from orchestrator.service.laboratory_view import LaboratoryView
from orchestrator.service.live_views import ExperimentDetail, ExperimentPage, FrontView, JobsView
from orchestrator.service.plan_view import PlanView
from orchestrator.service.proposals import ProposalPage, ProposalView
from orchestrator.service.views import (
    CampaignLine,
    CampaignSummary,
    DoubtView,
    ExperimentView,
    HypervolumeView,
)

__all__ = ["CampaignLooks", "LabLooks"]


class LabLooks:
    """What is shown of the laboratory.

    Args:
        connection: To the server.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def version(self) -> VersionView:
        """Return which Athanor answers."""
        return self._connection.get("/version", VersionView)

    def seq(self) -> int:
        """Return the seq of the newest record; 0 for an empty log."""
        return self._connection.get("/health", Health).seq or 0

    def me(self) -> Me:
        """Return who this client is, and what it may do."""
        return self._connection.get("/me", Me)

    def laboratory(self) -> LaboratoryView:
        """Return latch, interlocks, instruments, places and stations."""
        return self._connection.get("/lab", LaboratoryView)

    def alarms(self, *, with_past: bool = False) -> tuple[AlarmView, ...]:
        """Return the alarms: the unacknowledged, then the urgent, then the old ones first.

        Args:
            with_past: Also those that are over.
        """
        query = {"with_past": str(with_past).lower()}
        return self._connection.get("/alarms", tuple[AlarmView, ...], query)

    def doubts(self, campaign_id: str | None = None) -> tuple[DoubtView, ...]:
        """Return the jobs of which nobody knows whether they happened.

        Args:
            campaign_id: Only of this campaign.
        """
        query = {"campaign_id": campaign_id}
        return self._connection.get("/doubts", tuple[DoubtView, ...], query)

    def plans(self, *, rig: str = "") -> tuple[PlanView, ...]:
        """Return what runs when on every rig, why what waits is waiting, and expected ends.

        Args:
            rig: Only rigs of this name; empty: all.
        """
        return self._connection.get("/plan", tuple[PlanView, ...], {"rig": rig})

    def tasks(self, *, with_answered: bool = False) -> TasksView:
        """Return the tasks of manual stations.

        Args:
            with_answered: Also the answered and withdrawn ones.
        """
        query = {"with_answered": str(with_answered).lower()}
        return self._connection.get("/tasks", TasksView, query)

    def telemetry(
        self, instrument: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> TelemetryPage:
        """Return what an instrument showed in passing.

        Args:
            instrument: Its name.
            since: An hour before `until` unless given; a day before it at most.
            until: Now unless given.
        """
        query = {
            "since": None if since is None else since.isoformat(),
            "until": None if until is None else until.isoformat(),
        }
        path = f"/instruments/{quote(instrument, safe='')}/telemetry"
        return self._connection.get(path, TelemetryPage, query)

    def records(
        self,
        *,
        after_seq: int = 0,
        until_seq: int | None = None,
        campaign_id: str | None = None,
        kinds: Sequence[str] = (),
    ) -> Iterator[EventView]:
        """Yield records of the log as they stand, whole and with their hashes, up to its end.

        Args:
            after_seq: Only records after this one.
            until_seq: Only records up to this one.
            campaign_id: Only this campaign's.
            kinds: Only these, such as ``ObservationRecorded``.
        """
        seq = after_seq
        while True:
            query = {
                "after_seq": seq,
                "limit": 500,
                "campaign_id": campaign_id,
                "kinds": tuple(kinds),
            }
            page = self._connection.get("/events", EventPage, query)
            for record in page.items:
                if until_seq is not None and record.seq > until_seq:
                    return
                yield record
            seq = page.next_after_seq
            if page.is_last or (until_seq is not None and seq >= until_seq):
                return

    def verification(self) -> VerificationView:
        """Return the last check of the log, or the one that runs."""
        return self._connection.get("/audit/verify", VerificationView)


class CampaignLooks(LabLooks):
    """What is shown of the laboratory and its campaigns."""

    def campaigns(self) -> Iterator[CampaignLine]:
        """Yield the campaigns, the one last written to first."""
        after: str | None = None
        while True:
            page = self._connection.get("/campaigns", CampaignPage, {"after": after})
            yield from page.items
            after = page.next_after
            if after is None:
                return

    def campaign(self, campaign_id: str) -> CampaignSummary:
        """Return what is shown of a campaign at a glance."""
        return self._connection.get(_path(campaign_id), CampaignSummary)

    def experiments(
        self, campaign_id: str, *, order: str = "number", state: str = "", text: str = ""
    ) -> Iterator[ExperimentView]:
        """Yield a campaign's experiments, page by page.

        Args:
            campaign_id: Which.
            order: ``number``, ``started_h``, ``ended_h``, ``cost_usd``, ``state``, or the name of a
                component, parameter, objective or outcome; ``-`` before it turns it round.
            state: A state, ``front``, ``counting``, ``reference`` or ``retracted``; empty for all.
            text: Words that must all occur.
        """
        after: str | None = None
        path = _path(campaign_id, "experiments")
        while True:
            query = {"after": after, "limit": 500, "order": order, "state": state, "text": text}
            page = self._connection.get(path, ExperimentPage, query)
            yield from page.items
            after = page.next_after
            if after is None:
                return

    def experiment(self, campaign_id: str, experiment_id: str) -> ExperimentDetail:
        """Return one experiment with all of its jobs."""
        path = _path(campaign_id, "experiments", experiment_id)
        return self._connection.get(path, ExperimentDetail)

    def front(
        self, campaign_id: str, *, bounds: Sequence[str] = (), must_meet: bool = True
    ) -> FrontView:
        """Return the Pareto front of what keeps the specifications and some bounds.

        Args:
            campaign_id: Which.
            bounds: Such as ``overpotential_v<=0.3``.
            must_meet: Whether the campaign's own specifications count.
        """
        query = {"bound": tuple(bounds), "must_meet": str(must_meet).lower()}
        return self._connection.get(_path(campaign_id, "front"), FrontView, query)

    def hypervolume(self, campaign_id: str) -> tuple[HypervolumeView, ...]:
        """Return the hypervolume against experiments, hours and money."""
        path = _path(campaign_id, "hypervolume")
        return self._connection.get(path, tuple[HypervolumeView, ...])

    def jobs(
        self, campaign_id: str, *, from_h: float = 0.0, until_h: float = 1e6, limit: int = 5000
    ) -> JobsView:
        """Return the jobs of a stretch of time.

        Args:
            campaign_id: Which.
            from_h: Hours since its opening.
            until_h: Hours since its opening.
            limit: At most so many, of the latest experiments.
        """
        query = {"from_h": from_h, "until_h": until_h, "limit": limit}
        return self._connection.get(_path(campaign_id, "jobs"), JobsView, query)

    def candidates(self, campaign_id: str) -> tuple[CandidateView, ...]:
        """Return what was proposed or added and not started, in order."""
        return self._connection.get(_path(campaign_id, "candidates"), tuple[CandidateView, ...])

    def proposals(self, campaign_id: str) -> Iterator[ProposalView]:
        """Yield the planner's answers, the newest first."""
        before: int | None = None
        while True:
            query = {"before": before, "limit": 100}
            page = self._connection.get(_path(campaign_id, "proposals"), ProposalPage, query)
            yield from page.items
            before = page.next_before
            if before is None:
                return

    def export(self, campaign_id: str, form: Literal["csv", "json", "parquet"] = "csv") -> bytes:
        """Return all experiments as a table.

        Args:
            campaign_id: Which.
            form: Of the file.
        """
        return self._connection.download(_path(campaign_id, "export"), {"format": form})


def _path(campaign_id: str, *more: str) -> str:
    """Return a path in which names stand as they are.

    Example:
        >>> _path("a/b", "front")
        '/campaigns/a%2Fb/front'
    """
    return "/".join(["/campaigns", *(quote(part, safe="") for part in (campaign_id, *more))])
