"""The state of a stream after a restart: from a snapshot and the records behind it.

Folding knows nothing of snapshots. One is used only if the same code folded it and if the record
that it stands at is in the log, with the same hash; else everything is folded from the records.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any, Final, Generic, TypeVar, get_origin, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError, create_model

from campaigns.spec import CampaignSpec
from orchestrator.core.campaign import CampaignState, fold
from orchestrator.core.events import (
    LAB_STREAM,
    CampaignOpened,
    ObservationRecorded,
    campaign_stream,
)
from orchestrator.core.lab import LabState
from orchestrator.core.ledger import Ledger
from orchestrator.errors import LogCorrupt, LogError
from orchestrator.log.event_log import EventLog, Record
from orchestrator.log.late_ledger import LateItems, LateLedger
from orchestrator.log.snapshots import Snapshot

__all__ = [
    "KEEP_EVERY",
    "Recovered",
    "StateKeeper",
    "recovered_lab",
    "recovered_state",
]

logger = logging.getLogger(__name__)

S = TypeVar("S", CampaignState, LabState)

KEEP_EVERY: Final = 1000
"""After how many events of its stream a state is kept again."""
_PART: Final = 1000
"""Items of a ledger in one part of a snapshot."""
_PARTED: Final = ("observations", "references")
"""Ledgers that are kept item by item; the others are folded again when somebody looks."""
_KINDS: Final[dict[str, type[Any]]] = {"CampaignState": CampaignState, "LabState": LabState}
"""By name, of either kind; the type checker lets no cache be keyed by a frozen class."""
_Items = TypeAdapter(list[ObservationRecorded])


@dataclass(frozen=True, slots=True)
class Recovered(Generic[S]):
    """A state and the record that it stands at."""

    state: S
    seq: int
    """0 for a stream without records."""
    hash: str
    kept_version: int
    """How many events the snapshot had that it came from; 0 without one."""


def recovered_state(
    log: EventLog,
    campaign_id: str,
    *,
    slim: Callable[[CampaignState], CampaignState] | None = None,
) -> Recovered[CampaignState] | None:
    """Return what a campaign's events add up to, or None if there is no such campaign.

    Args:
        log: With its stream.
        campaign_id: Which.
        slim: Drops what is not needed of the state after an event; None keeps all.

    Raises:
        LogCorrupt: A record that had to be read cannot be read.
        IllegalTransition: An event cannot follow those before it.
    """
    stream = campaign_stream(campaign_id)
    begun = _from_snapshot(log, stream, CampaignState)
    if begun is not None:
        return _caught_up(log, stream, begun, slim)
    first = next(log.read(stream=stream, limit=1), None)
    state = None if first is None else fold([(first.event, first.time)])
    if first is None or state is None:
        return None
    return _caught_up(log, stream, Recovered(state, first.seq, first.hash, 0), slim)


def recovered_lab(log: EventLog) -> Recovered[LabState]:
    """Return what the laboratory's events add up to.

    Raises:
        LogCorrupt: A record that had to be read cannot be read.
        IllegalTransition: An event cannot follow those before it.
    """
    begun = _from_snapshot(log, LAB_STREAM, LabState)
    if begun is not None:
        return _caught_up(log, LAB_STREAM, begun)
    return _caught_up(log, LAB_STREAM, Recovered(LabState(), 0, "", 0))


def _caught_up(
    log: EventLog, stream: str, begun: Recovered[S], slim: Callable[[S], S] | None = None
) -> Recovered[S]:
    state, seq, last_hash = begun.state, begun.seq, begun.hash
    for record in log.read(after_seq=seq, stream=stream):
        state, seq, last_hash = state.after(record.event, record.time), record.seq, record.hash
        state = state if slim is None else slim(state)
    return Recovered(state, seq, last_hash, begun.kept_version)


class StateKeeper(Generic[S]):
    """Keeps a stream's state from time to time; that it cannot be kept harms nobody.

    Args:
        log: Where.
        stream: Which.
        kept_version: `Recovered.kept_version`.
        every: After how many events.
    """

    def __init__(
        self, log: EventLog, stream: str, kept_version: int, *, every: int = KEEP_EVERY
    ) -> None:
        self._log = log
        self._stream = stream
        self._kept_version = kept_version
        self._every = every
        self._parts: dict[str, tuple[Sequence[object], list[str]]] = {}

    def note(self, state: S, record: Record) -> None:
        """Keep the state if it is time.

        Args:
            state: After the record.
            record: The last one of the stream that was folded.
        """
        if state.version - self._kept_version < self._every:
            return
        self._kept_version = state.version
        try:
            self._log.keep_snapshots(self._snapshots(state, record))
        except LogError as error:
            logger.warning("%s: its state could not be kept: %s", self._stream, error)

    def _snapshots(self, state: S, record: Record) -> list[Snapshot]:
        found: list[Snapshot] = []
        parts: dict[str, list[str]] = {}

        def snapshot(key: str, body: bytes) -> None:
            found.append(Snapshot(key, record.seq, record.hash, _form(type(state).__name__), body))

        for name in _ledgers(type(state).__name__):
            parts[name] = []
            if name in _PARTED:
                for number, body in self._new_parts(name, getattr(state, name)):
                    snapshot(f"{self._stream}#{name}/{number:06d}", body)
                parts[name] = self._parts[name][1]
        kept = {name: getattr(state, name) for name in _head_fields(type(state).__name__)}
        lengths = {name: len(getattr(state, name)) for name in parts}
        head = _head_model(type(state).__name__)(**kept, ledger_lengths=lengths, ledger_parts=parts)
        snapshot(self._stream, head.model_dump_json().encode())
        return found

    def _new_parts(self, name: str, ledger: Ledger[ObservationRecorded]) -> list[tuple[int, bytes]]:
        """Return the parts of a ledger that are not kept yet; a corrected ledger is all new."""
        items = list(ledger)
        before, digests = self._parts.get(name, ((), []))
        is_longer = len(before) <= len(items)
        if not is_longer or any(a is not b for a, b in zip(before, items, strict=False)):
            before, digests = (), []
        n_whole = len(before) // _PART
        digests = digests[:n_whole]
        found = []
        for number in range(n_whole, -(-len(items) // _PART)):
            body = _Items.dump_json(items[number * _PART : (number + 1) * _PART])
            digests.append(hashlib.sha256(body).hexdigest())
            found.append((number, body))
        self._parts[name] = (items, digests)
        return found


def _from_snapshot(log: EventLog, stream: str, kind: type[S]) -> Recovered[S] | None:
    """Return the state of a snapshot that fits the log and this code, or None."""
    try:
        found = log.snapshot(stream)
        if found is None or found.form != _form(kind.__name__):
            return None
        at = next(log.read(after_seq=found.seq - 1, stream=stream, limit=1), None)
        if at is None or (at.seq, at.hash) != (found.seq, found.hash):
            logger.warning("%s: a snapshot of another log is not used", stream)
            return None
        head = _head_model(kind.__name__).model_validate_json(found.body)
    except (LogCorrupt, ValidationError) as error:
        logger.warning("%s: a damaged snapshot is not used: %s", stream, error)
        return None
    values = {name: getattr(head, name) for name in _head_fields(kind.__name__)}
    values |= _late_ledgers(log, stream, found.seq, head)
    if kind is CampaignState:
        values["spec"] = _spec_of(log, stream)
    state = kind(**values)
    return Recovered(state, found.seq, found.hash, state.version)


def _late_ledgers(
    log: EventLog, stream: str, seq: int, head: BaseModel
) -> dict[str, LateLedger[Any]]:
    """Return the ledgers of a snapshot; their items are of several types."""
    lengths: Mapping[str, int] = getattr(head, "ledger_lengths")  # noqa: B009 - the model is made at run time
    parts: Mapping[str, list[str]] = getattr(head, "ledger_parts")  # noqa: B009 - likewise

    def loader(name: str) -> Callable[[], Sequence[Any]]:
        def load() -> Sequence[Any]:
            found = _parts_of(log, stream, name, parts[name]) if name in _PARTED else None
            if found is None or len(found) != lengths[name]:
                return list(_folded_ledger(log, stream, seq, name))
            return found

        return load

    return {name: LateLedger(LateItems(n, loader(name))) for name, n in lengths.items()}


def _parts_of(
    log: EventLog, stream: str, name: str, digests: Sequence[str]
) -> list[ObservationRecorded] | None:
    """Return the items of a ledger from its parts, or None if one is missing or another's."""
    items: list[ObservationRecorded] = []
    for number, digest in enumerate(digests):
        try:
            part = log.snapshot(f"{stream}#{name}/{number:06d}")
        except LogCorrupt:
            return None
        if part is None or hashlib.sha256(part.body).hexdigest() != digest:
            return None
        items += _Items.validate_json(part.body)
    return items


def _folded_ledger(log: EventLog, stream: str, seq: int, name: str) -> Ledger[Any]:
    """Return a ledger as the records up to one add up to it; the slow way."""
    records = (record for record in log.read(stream=stream) if record.seq <= seq)
    state = fold((record.event, record.time) for record in records)
    ledger: Ledger[Any] = getattr(state, name)
    return ledger


def _spec_of(log: EventLog, stream: str) -> CampaignSpec:
    opening = next(log.read(stream=stream, limit=1)).event
    if not isinstance(opening, CampaignOpened):
        raise LogCorrupt(f"{stream}: its first record is no opening")
    return CampaignSpec.from_canonical_text(opening.campaign_text)


@cache
def _ledgers(kind_name: str) -> list[str]:
    kind = _KINDS[kind_name]
    hints = get_type_hints(kind)
    return [one.name for one in fields(kind) if get_origin(hints[one.name]) is Ledger]


@cache
def _head_fields(kind_name: str) -> tuple[str, ...]:
    """Return the fields that a snapshot's head holds: all but the ledgers and the campaign file."""
    left_out = {*_ledgers(kind_name), "spec"}
    return tuple(one.name for one in fields(_KINDS[kind_name]) if one.name not in left_out)


@cache
def _head_model(kind_name: str) -> type[BaseModel]:
    hints = get_type_hints(_KINDS[kind_name])
    chosen: dict[str, Any] = {name: (hints[name], ...) for name in _head_fields(kind_name)}
    chosen["ledger_lengths"] = (dict[str, int], ...)
    chosen["ledger_parts"] = (dict[str, list[str]], ...)
    return create_model(f"{kind_name}Head", **chosen)


@cache
def _form(kind_name: str) -> str:
    """Return a fingerprint of the code that folds; what another code kept is not used."""
    digest = hashlib.sha256(kind_name.encode())
    for package in ("campaigns", "orchestrator.core"):
        sources = (file for file in files(package).iterdir() if file.name.endswith(".py"))
        for file in sorted(sources, key=lambda one: one.name):
            digest.update(file.read_bytes())
    return digest.hexdigest()
