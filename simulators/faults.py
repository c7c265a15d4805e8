"""What goes wrong on the wire of one instrument, and when."""

from collections import deque
from collections.abc import Sequence
from enum import StrEnum
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["Fault", "FaultKind", "FaultPlan", "garbled"]


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
    delay_s: float | None = Field(default=None, gt=0.0)
    """How much later a late reply comes, in seconds; 5 if not said."""

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if (self.exchange is None) == (self.probability is None):
            raise ValueError("expected either exchange or probability")
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
        self.rng = rng

    def strike_next(self, fault: Fault) -> None:
        """Let a fault strike the next request, or the next that none strikes yet.

        Args:
            fault: What goes wrong; when it would have struck by itself does not matter.
        """
        self._summoned.append(fault)

    def next_fault(self) -> Fault | None:
        """Count one request and return what goes wrong with it, if anything."""
        self._n_requests += 1
        found = self._summoned.popleft() if self._summoned else None
        for fault in self._faults:
            if fault.probability is not None:
                strikes = bool(self.rng.random() < fault.probability)
            else:
                strikes = fault.exchange == self._n_requests
            if strikes and found is None:
                found = fault
        return found


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
