"""Other campaigns on the same bench: where their samples stand, ours may not."""

from collections.abc import Callable, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Final

from orchestrator.core.campaign import CampaignState
from orchestrator.core.contamination import PlaceRecord
from orchestrator.core.events import CorrectionEvent, campaign_stream
from orchestrator.core.others import Others
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
        is_driven: Tells whether a campaign's engine is there; as the log says, by default.
    """

    def __init__(
        self,
        log: EventLog,
        own: CampaignState,
        is_driven: Callable[[CampaignState], bool] = attrgetter("is_attached"),
    ) -> None:
        self._log = log
        self._is_driven = is_driven
        self._own_id = own.campaign_id
        self._opened = own.opened_time
        self._bench = _bench_of(own)
        self._known: dict[str, tuple[CampaignState, int]] = {}
        """State and last record, by campaign."""
        self._past: dict[str, Mapping[str, PlaceRecord]] = {}
        """What those did to places that ended while the own campaign was open."""
        self._elsewhere: set[str] = set()
        """Campaigns on other benches."""

    @property
    def versions(self) -> Mapping[str, int]:
        """What a decision names that rests on `others`: the version of each stream."""
        return {campaign_stream(name): state.version for name, (state, _) in self._known.items()}

    def catch_up(self) -> None:
        """Read what they have appended.

        Raises:
            LogError: The log cannot be read.
        """
        rows = {str(row["campaign_id"]): row for row in self._log.projection("campaign")}
        ended = {name for name, row in rows.items() if row["state"] in _ENDED}
        open_now = rows.keys() - {self._own_id, *self._elsewhere, *ended}
        for name in [name for name in self._known if name not in open_now]:
            del self._known[name]
        for name in sorted(open_now):
            if name in self._known:
                self._read_on(name)
            else:
                self._get_to_know(name)
        for name in sorted(ended - self._elsewhere - self._past.keys()):
            last_time = rows[name]["last_time"]
            if isinstance(last_time, datetime) and last_time >= self._opened:
                self._remember(name)

    def others(self) -> Others:
        """Return what a decision needs to know of them."""
        states = tuple(state for _, (state, _) in sorted(self._known.items()))
        driven = {state.campaign_id for state in states if self._is_driven(state)}
        return Others(states, frozenset(driven), dict(self._past))

    def _read_on(self, name: str) -> None:
        state, seq = self._known[name]
        for record in self._log.read(after_seq=seq, stream=campaign_stream(name)):
            if isinstance(record.event, CorrectionEvent):
                self._get_to_know(name)  # what it corrects may be forgotten here
                return
            state, seq = without_past(state.after(record.event, record.time)), record.seq
        self._known[name] = state, seq

    def _remember(self, name: str) -> None:
        """Keep what an ended campaign did to places, if it was on this bench."""
        found = recovered_state(self._log, name)
        if found is None:
            return
        if _bench_of(found.state) == self._bench:
            self._past[name] = found.state.places
        else:
            self._elsewhere.add(name)

    def _get_to_know(self, name: str) -> None:
        found = recovered_state(self._log, name)
        if found is None:
            return
        if _bench_of(found.state) == self._bench:
            self._known[name] = without_past(found.state), found.seq
        else:
            self._elsewhere.add(name)


def _bench_of(state: CampaignState) -> tuple[str, bool, str]:
    """Return what campaigns of one bench share; a dry-run pretends one anew, with a shelf."""
    return state.rig_name, state.is_simulated, state.shelf
