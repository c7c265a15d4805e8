"""What goes wrong on the wire of one instrument, and when."""

from collections import deque
from collections.abc import Sequence
from enum import StrEnum
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["Fault", "FaultKind", "FaultPlan", "corrupted", "garbled", "truncated"]


class FaultKind(StrEnum):
    """How an exchange goes wrong."""

    LOST = "lost"
    """The device acts; its reply never comes."""
    LATE = "late"
    """The device acts; its reply comes after a delay."""
    GARBLED = "garbled"
    """The device acts; its reply is corrupted."""
    STALLED = "stalled"
    """The device takes the request, does nothing and says nothing."""
    REFUSED = "refused"
    """The device answers with its own error and does nothing."""
    TRUNCATED = "truncated"
    """The device acts; its reply breaks off somewhere."""
    DOUBLED = "doubled"
    """The device acts; its reply comes twice."""
    CORRUPTED = "corrupted"
    """The device acts; one to three bits of its reply are flipped, wherever they are."""
    REBOOTED = "rebooted"
    """The device loses its power instead of answering, and is back at once as one that was
    switched on."""
    WRONG_IDENTITY = "wrong_identity"
    """Another one of its kind stands in its place from this request on, which says so when it is
    asked who it is; the same once more brings the first one back."""


class Fault(BaseModel):
    """One line ``[[simulation.fault]]`` of the rig file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    instrument: str
    """Its name in the rig file."""
    kind: FaultKind
    exchange: int | None = Field(default=None, ge=1)
    """The how-many-eth request to that instrument, counted from 1."""
    probability: float | None = Field(default=None, ge=0.0, le=1.0)
    """Chance at every request, instead of `exchange`."""
    after_s: float | None = Field(default=None, ge=0.0)
    """Seconds of the bench after which the next request is struck, instead of `exchange`."""
    delay_s: float | None = Field(default=None, gt=0.0)
    """How much later a late reply comes, in seconds; 5 if not said."""

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        said = (self.exchange, self.probability, self.after_s)
        if sum(one is not None for one in said) != 1:
            raise ValueError("expected one of exchange, probability and after_s")
        return self


class FaultPlan:
    """The faults of one instrument, dealt out request by request.

    Args:
        faults: Those of this instrument only.
        rng: From which chances and garbled bytes are drawn; the instrument's own.
    """

    def __init__(self, faults: Sequence[Fault], rng: np.random.Generator) -> None:
        self._faults = tuple(faults)
        self._summoned: deque[Fault] = deque()
        self._n_requests = 0
        self._spent: list[Fault] = []
        self.rng = rng

    @property
    def n_requests(self) -> int:
        """How many requests there have been."""
        return self._n_requests

    def strike_next(self, fault: Fault) -> None:
        """Let a fault strike the next request, or the next that none strikes yet.

        Args:
            fault: What goes wrong; when it would have struck by itself does not matter.
        """
        self._summoned.append(fault)

    def next_fault(self, age_s: float = 0.0) -> Fault | None:
        """Count one request and return what goes wrong with it, if anything.

        Args:
            age_s: Seconds since the bench was built.
        """
        self._n_requests += 1
        found = self._summoned.popleft() if self._summoned else None
        for fault in self._faults:
            if self._strikes(fault, age_s) and found is None:
                found = fault
        return found

    def _strikes(self, fault: Fault, age_s: float) -> bool:
        if fault.probability is not None:
            return bool(self.rng.random() < fault.probability)
        if fault.after_s is None:
            return fault.exchange == self._n_requests
        if age_s < fault.after_s or fault in self._spent:
            return False
        self._spent.append(fault)
        return True


def garbled(data: bytes, rng: np.random.Generator) -> bytes:
    """Return bytes with the highest bit flipped in one to three places, the last two spared.

    A flipped high bit makes a byte that no text protocol uses, so that the damage can be seen;
    the end is spared, so that the frame still ends.
    """
    if not data:
        return data
    n_open = max(1, len(data) - 2)
    places = rng.choice(n_open, size=min(n_open, int(rng.integers(1, 4))), replace=False)
    damaged = bytearray(data)
    for place in places:
        damaged[int(place)] ^= 0x80
    return bytes(damaged)


def corrupted(data: bytes, rng: np.random.Generator) -> bytes:
    """Return bytes with one to three bits flipped, the ends and the frame's marks not spared."""
    damaged = bytearray(data)
    if damaged:
        for place in rng.integers(0, 8 * len(damaged), size=int(rng.integers(1, 4))):
            damaged[int(place) // 8] ^= 1 << int(place) % 8
    return bytes(damaged)


def truncated(data: bytes, rng: np.random.Generator) -> bytes:
    """Return a beginning of bytes, without the last one at least."""
    return data[: int(rng.integers(0, len(data)))] if data else data
