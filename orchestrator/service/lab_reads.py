"""The states of one log, folded and kept up to date, for the modules of the service."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Protocol

from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.lab import LabState
from orchestrator.errors import RequestRefused
from orchestrator.log.event_log import EventLog, Record
from orchestrator.log.kept_acts import KeptAct
from orchestrator.log.side_tables import SideTables, TelemetrySample
from orchestrator.service.folds import Folds
from orchestrator.service.laboratory_view import LaboratoryView, laboratory_view

__all__ = ["LabLog", "LabReads"]


class LabLog(EventLog, SideTables, Protocol):
    """What a lab needs of a log: records, projections and signs of life."""

    def projection(
        self, table: str, *, where: Mapping[str, object] | None = None
    ) -> list[dict[str, object]]:
        """Return rows of a projection table, in the order in which they first came."""
        ...


class LabReads:
    """One log as it stands.

    Args:
        log: Whose records are folded; closed with this.
        source: What the log is called in messages.
    """

    def __init__(self, log: LabLog, *, source: str) -> None:
        self._log = log
        self._source = source
        self._folds = Folds(log, source)

    def close(self) -> None:
        """Let go of the log; closing twice does nothing."""
        self._log.close()

    def last_seq(self) -> int:
        """Return the seq of the last record; cheap enough to poll."""
        return self._log.last_seq()

    def kept_act(self, key: str) -> KeptAct | None:
        """Return the act that was done under a key, or None."""
        return self._log.kept_act(key)

    def state(self, campaign_id: str | None = None) -> CampaignState:
        """Return one campaign as it stands, for other modules of the service.

        Args:
            campaign_id: Which; None is the only unfinished one, or else the one last written to.

        Raises:
            RequestRefused: There is no such campaign, or several could be meant.
        """
        return self._folds.campaign(self._resolve(campaign_id))

    def meant(self, campaign_id: str | None) -> str:
        """Return the id of the campaign that is meant; nothing is folded.

        Args:
            campaign_id: Which; None is the only unfinished one, or else the one last written to.

        Raises:
            RequestRefused: There is no such campaign.
        """
        return self._resolve(campaign_id)

    def unfinished(self) -> tuple[CampaignState, ...]:
        """Return every campaign that has not ended, the one last written to at the end."""
        return tuple(self._folds.campaign(campaign_id) for campaign_id in self._unfinished())

    def only_unfinished(self) -> str:
        """Return the id of the campaign that is meant when none is named.

        Raises:
            RequestRefused: None is unfinished, or several are.
        """
        unfinished = self._unfinished()
        if not unfinished:
            raise RequestRefused(f"no unfinished campaign in {self._source}")
        if len(unfinished) > 1:
            raise RequestRefused(
                f"several unfinished campaigns in {self._source}, name one: {', '.join(unfinished)}"
            )
        return unfinished[0]

    def laboratory(self) -> LabState:
        """Return the laboratory as it stands, for other modules of the service."""
        return self._folds.laboratory()

    def laboratory_view(self) -> LaboratoryView:
        """Return everything that is shown of the laboratory."""
        folds = self._folds
        return laboratory_view(folds.laboratory(), folds.lab_time, folds.left_times)

    def records(
        self, stream: str | None, *, after_seq: int = 0, limit: int | None = None
    ) -> Iterator[Record]:
        """Yield records in order, for other modules of the service.

        Args:
            stream: Which one's; None is all of them.
            after_seq: Only records after this one.
            limit: At most so many.
        """
        yield from self._log.read(after_seq=after_seq, stream=stream, limit=limit)

    def rows(self, table: str, where: Mapping[str, object]) -> list[dict[str, object]]:
        """Return rows of one of the log's tables, for other modules of the service.

        Args:
            table: ``experiment``, ``job`` or ``candidate``.
            where: Only rows whose columns have these values.
        """
        return self._log.projection(table, where=where)

    def telemetry(
        self, instrument: str, *, since: datetime, until: datetime
    ) -> tuple[TelemetrySample, ...]:
        """Return what an instrument showed in passing, in order of time.

        Args:
            instrument: Which.
            since: From when on, with zone UTC.
            until: Until when.
        """
        return self._log.telemetry(instrument, since=since, until=until)

    def _rows(self) -> list[dict[str, object]]:
        return sorted(self._log.projection("campaign"), key=lambda row: _number(row["last_seq"]))

    def _resolve(self, campaign_id: str | None) -> str:
        rows = self._rows()
        ids = [str(row["campaign_id"]) for row in rows]
        if campaign_id is None:
            unfinished = self._unfinished()
            if len(unfinished) == 1:
                return unfinished[0]
            if not ids:
                raise RequestRefused(f"no campaign in {self._source}")
            return ids[-1]
        if campaign_id not in ids:
            there = f"; there are: {', '.join(ids)}" if ids else ""
            raise RequestRefused(f"no campaign {campaign_id!r} in {self._source}{there}")
        return campaign_id

    def _unfinished(self) -> list[str]:
        return [
            str(row["campaign_id"])
            for row in self._rows()
            if not CampaignStatus(str(row["state"])).has_ended
        ]


def _number(cell: object) -> int:
    return int(str(cell))
