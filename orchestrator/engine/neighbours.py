"""Other campaigns on the same bench: where their samples stand, ours may not."""

from collections.abc import Mapping
from typing import Final

from orchestrator.core.campaign import CampaignState
from orchestrator.core.events import CorrectionEvent, campaign_stream
from orchestrator.core.slimming import without_past
from orchestrator.log.event_log import EventLog
from orchestrator.log.recovered import recovered_state

__all__ = ["Neighbours"]

_ENDED: Final = frozenset({"stopped", "aborted", "finished"})


class Neighbours:
    """The unfinished campaigns of one rig beside one of them.

    Args:
        log: With all of them.
        own: The campaign whose neighbours they are.
    """

    def __init__(self, log: EventLog, own: CampaignState) -> None:
        self._log = log
        self._own_id = own.campaign_id
        self._bench = (own.rig_name, own.is_simulated)
        self._known: dict[str, tuple[CampaignState, int]] = {}
        """State and last record, by campaign."""
        self._elsewhere: set[str] = set()
        """Campaigns on other benches."""

    @property
    def versions(self) -> Mapping[str, int]:
        """What a decision names that rests on `taken`: the version of each stream."""
        return {campaign_stream(name): state.version for name, (state, _) in self._known.items()}

    def catch_up(self) -> None:
        """Read what they have appended.

        Raises:
            LogError: The log cannot be read.
        """
        open_now = {
            str(row["campaign_id"])
            for row in self._log.projection("campaign")
            if row["state"] not in _ENDED
        } - {self._own_id, *self._elsewhere}
        for name in [name for name in self._known if name not in open_now]:
            del self._known[name]
        for name in sorted(open_now):
            if name in self._known:
                self._read_on(name)
            else:
                self._get_to_know(name)

    def taken(self) -> dict[str, str]:
        """Return the places that their samples occupy, with whose: ``oer-plate-1/E0007``."""
        return {
            place: f"{name}/{experiment.experiment_id}"
            for name, (state, _) in self._known.items()
            for experiment in state.open_experiments.values()
            for place in experiment.places_held()
        }

    def _read_on(self, name: str) -> None:
        state, seq = self._known[name]
        for record in self._log.read(after_seq=seq, stream=campaign_stream(name)):
            if isinstance(record.event, CorrectionEvent):
                self._get_to_know(name)  # what it corrects may be forgotten here
                return
            state, seq = without_past(state.after(record.event, record.time)), record.seq
        self._known[name] = state, seq

    def _get_to_know(self, name: str) -> None:
        found = recovered_state(self._log, name)
        if found is None:
            return
        if (found.state.rig_name, found.state.is_simulated) == self._bench:
            self._known[name] = without_past(found.state), found.seq
        else:
            self._elsewhere.add(name)
