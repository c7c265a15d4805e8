"""The states of one log, and what a person decides on them, for the modules of the service."""

from collections.abc import Callable, Sequence
from datetime import datetime

from drivers.clock import Clock
from orchestrator.core.campaign import CampaignState
from orchestrator.core.events import Event, LabEvent
from orchestrator.core.lab import LabState
from orchestrator.service.decisions import Acting, Decisions
from orchestrator.service.lab_reads import LabLog, LabReads

__all__ = ["LabLog", "LabStates"]


class LabStates(LabReads):
    """One log as it stands, and as a person changes it.

    Args:
        log: Whose records are folded; closed with this.
        actor: The person who decides.
        clock: The wall clock.
        source: What the log is called in messages.
        acting: The act that all decisions are part of; None where nobody keeps a key.
    """

    def __init__(
        self,
        log: LabLog,
        *,
        actor: str,
        clock: Clock,
        source: str,
        acting: Acting | None = None,
    ) -> None:
        super().__init__(log, source=source)
        self._actor = actor
        self._clock = clock
        self._decisions = Decisions(log, self._folds, actor=actor, clock=clock, acting=acting)

    @property
    def actor(self) -> str:
        """The person who decides; stands in every record of theirs."""
        return self._actor

    def bench_now(self) -> datetime:
        """Return the time on the bench's own clock, which is virtual where all is simulated."""
        return self._decisions.lab_time()[1]

    def refuse_stale(self, stream: str) -> None:
        """Refuse an act that was asked for on a page that is too old.

        Args:
            stream: What it is about.

        Raises:
            StaleView: A person did something that the page does not show yet.
        """
        self._decisions.refuse_stale(stream)

    def decide(
        self, campaign_id: str, events_for: Callable[[CampaignState], Sequence[Event]]
    ) -> CampaignState:
        """Append what a person decided about a campaign, on the state that it rests on.

        Args:
            campaign_id: Which.
            events_for: Says what follows from the state, and is asked again if the campaign moved
                on meanwhile; no events append nothing.

        Returns:
            The campaign after it.

        Raises:
            RequestRefused: `events_for` refuses, or there is no such campaign.
            IllegalTransition: The events cannot follow what is known; nothing was appended.
            LogError: The log cannot be written; nothing was appended.
        """
        return self._decisions.of_campaign(campaign_id, events_for)

    def decide_in_lab(self, events_for: Callable[[LabState], Sequence[LabEvent]]) -> LabState:
        """Append what a person decided about the laboratory, on the state that it rests on.

        Args:
            events_for: Says what follows from the state, and is asked again if the laboratory moved
                on meanwhile; no events append nothing.

        Returns:
            The laboratory after it.

        Raises:
            RequestRefused: `events_for` refuses.
            IllegalTransition: The events cannot follow what is known; nothing was appended.
            LogError: The log cannot be written; nothing was appended.
        """
        return self._decisions.of_laboratory(events_for)
