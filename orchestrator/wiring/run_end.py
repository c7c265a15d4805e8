"""How a run ended, and the handle on it for whoever started it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.events import LAB_STREAM
from orchestrator.core.lab import fold_lab
from orchestrator.log.event_log import last_hash
from orchestrator.log.sql_log import SqliteLog

if TYPE_CHECKING:
    from orchestrator.engine.loop import Engine

__all__ = ["RunEnd", "RunHandle", "end_of"]


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended."""

    campaign_id: str
    status: str
    reason: str
    in_doubt: tuple[str, ...]
    """Jobs whose outcome nobody knows."""
    unclean: tuple[str, ...]
    """Places that no sample may use, with who left them so: ``vessel (oer-plate-1/E0007)``."""
    exit_code: int
    """0 done, 3 held or in doubt, 4 aborted."""
    last_hash: str
    """Of the log."""


@dataclass(slots=True)
class RunHandle:
    """Lets whoever started a run tell it that nobody will wait for a resume."""

    campaign_id: str
    _engine: "Engine" = field(repr=False)

    @property
    def is_waiting(self) -> bool:
        """Whether the campaign is paused or held."""
        return self._engine.state.status.is_waiting

    @property
    def has_ended(self) -> bool:
        """Whether the campaign is finished, stopped or aborted."""
        return self._engine.state.status.has_ended

    def leave_when_paused(self) -> None:
        """Let a pause or a hold end the run, also one that is there already."""
        self._engine.habits.leaves_when_paused = True
        self._engine.habits.leaves_when_held = True


def end_of(log: SqliteLog, state: CampaignState) -> RunEnd:
    """Return how a run ended.

    Args:
        log: As it stands after the run.
        state: The campaign as its engine left it.
    """
    in_doubt = tuple(
        job_id for experiment in state.experiments for job_id in experiment.jobs_in_doubt()
    )
    exit_code = 3 if in_doubt or not state.status.has_ended else 0
    if state.status is CampaignStatus.ABORTED:
        exit_code = 4
    return RunEnd(
        campaign_id=state.campaign_id,
        status=str(state.status),
        reason=state.status_reason,
        in_doubt=in_doubt,
        unclean=tuple(f"{place} ({who})" for place, who in _unclean(log).items()),
        exit_code=exit_code,
        last_hash=last_hash(log),
    )


def _unclean(log: SqliteLog) -> Mapping[str, str]:
    records = log.read(stream=LAB_STREAM)
    return fold_lab((record.event, record.time) for record in records).unclean
