"""Events to canonical JSON and back, one schema number a kind; no storage and no hash here.

Canonical means: one text per fact. Keys are sorted, nothing is padded, floats have their shortest
form that reads back exactly, and NaN does not exist. The hash chain is computed over these bytes.
A payload once written is never rewritten: what an older schema meant is said by its upcaster.
"""

import json
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from pydantic import JsonValue, ValidationError

from orchestrator.core.events import EVENT_KINDS, Event, EventAdapter
from orchestrator.errors import LogCorrupt, LogError, LogTooNew

__all__ = [
    "SCHEMAS",
    "UPCASTERS",
    "Fields",
    "Upcaster",
    "canonical_json",
    "event_from_payload",
    "payload_from_event",
    "upcast",
]

Fields: TypeAlias = dict[str, JsonValue]
"""One event as JSON reads it."""

Upcaster: TypeAlias = Callable[[Fields], Fields]
"""Turns the fields of one schema into those of the next."""

SCHEMAS: Final[Mapping[str, int]] = {
    **dict.fromkeys(EVENT_KINDS, 1),
    "CampaignHeld": 2,
    "CampaignOpened": 4,
    "CampaignPaused": 2,
    "CandidatesProposed": 2,
    "ExperimentStarted": 4,
    "JobStarted": 4,
}
"""Schema number that is written, by kind."""


def _held_if_nobody_asked(fields: Fields) -> Fields:
    """Schema 1 said of a campaign that held by itself that it was paused, with the reason."""
    return {**fields, "kind": "CampaignHeld"} if fields["reason"] else fields


def _as_before(fields: Fields) -> Fields:
    """Schema 1 had fewer fields; what the others are by default is what they were."""
    return fields


UPCASTERS: Final[Mapping[tuple[str, int], Upcaster]] = {
    ("CampaignPaused", 1): _held_if_nobody_asked,
    ("CampaignHeld", 1): _as_before,
    ("CampaignOpened", 1): _as_before,
    ("CampaignOpened", 2): _as_before,
    ("CampaignOpened", 3): _as_before,
    ("CandidatesProposed", 1): _as_before,
    ("ExperimentStarted", 1): lambda fields: {**fields, "purpose": "search"},
    ("ExperimentStarted", 2): _as_before,
    ("ExperimentStarted", 3): _as_before,
    ("JobStarted", 1): _as_before,
    ("JobStarted", 2): _as_before,
    ("JobStarted", 3): _as_before,
}
"""By kind and the schema that is left behind; a kind at schema n needs all of 1 to n - 1."""


def canonical_json(value: object) -> bytes:
    """Return the one JSON text of a value, as UTF-8.

    Raises:
        LogError: The value holds something that JSON cannot say: NaN, an infinity, an object.

    Example:
        >>> canonical_json({"b": 0.1, "a": (1, True)})
        b'{"a":[1,true],"b":0.1}'
    """
    try:
        return json.dumps(
            value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        ).encode()
    except (TypeError, ValueError) as error:
        raise LogError(f"cannot be written as JSON: {error}") from error


def payload_from_event(event: Event) -> bytes:
    """Return the canonical JSON of an event, with its schema number.

    Raises:
        LogError: The event holds something that JSON cannot say.

    Example:
        >>> from orchestrator.core.events import PauseRequested
        >>> payload_from_event(PauseRequested(reason="lunch"))
        b'{"kind":"PauseRequested","reason":"lunch","schema":1}'
    """
    return canonical_json({**event.model_dump(mode="json"), "schema": SCHEMAS[event.kind]})


def event_from_payload(payload: bytes) -> Event:
    """Read an event in any schema that was ever written.

    Raises:
        LogTooNew: Its kind or its schema is not known yet.
        LogCorrupt: It is not the JSON of an event.
    """
    try:
        fields = json.loads(payload)
    except ValueError as error:
        raise LogCorrupt(f"not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise LogCorrupt(f"got a JSON {type(fields).__name__}, expected an object")
    try:
        return EventAdapter.validate_python(upcast(fields))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise LogCorrupt(f"not an event: {place}: {first['msg']}") from error


def upcast(
    fields: Fields,
    schemas: Mapping[str, int] = SCHEMAS,
    upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS,
) -> Fields:
    """Return the fields of an event in the schema of today, without the schema number.

    Args:
        fields: As they were written, with ``kind`` and ``schema``.
        schemas: Today's schema number by kind.
        upcasters: The way from each older schema to its next.

    Raises:
        LogTooNew: The kind or the schema is not known yet.
        LogCorrupt: There is no kind or no schema number.

    Example:
        >>> fields = {"kind": "Weighed", "schema": 1, "mass_mg": 12.0}
        >>> to_g = {("Weighed", 1): lambda old: {"kind": "Weighed", "mass_g": old["mass_mg"] / 1e3}}
        >>> upcast(fields, {"Weighed": 2}, to_g)
        {'kind': 'Weighed', 'mass_g': 0.012}
    """
    kind = fields.get("kind")
    schema = fields.get("schema")
    if not isinstance(kind, str) or type(schema) is not int or schema < 1:
        raise LogCorrupt(f"got kind {kind!r} and schema {schema!r}, expected a name and a number")
    known = schemas.get(kind)
    if known is None:
        raise LogTooNew(f"this Athanor knows no event {kind!r}; a later one wrote it")
    if schema > known:
        raise LogTooNew(f"{kind} has schema {schema}, this Athanor reads up to {known}")
    current = {name: value for name, value in fields.items() if name != "schema"}
    for older in range(schema, known):
        current = upcasters[kind, older](current)
    return current
