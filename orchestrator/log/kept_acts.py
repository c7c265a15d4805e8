"""Acts of people that are done once however often they are asked for: their keys beside the log.

A key is kept in the transaction that appends what the act says. Whoever got no answer asks again
with the same key and learns that it was done, or has it done now.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

__all__ = ["ActKey", "KeptAct", "KeptActs"]


@dataclass(frozen=True, slots=True)
class ActKey:
    """What makes one act of one person recognisable."""

    key: str
    """Chosen by whoever asks, unique among all acts."""
    actor: str
    """Who asks."""
    request: str
    """Fingerprint of what is asked, so that a key is not used for something else."""


@dataclass(frozen=True, slots=True)
class KeptAct:
    """An act that was done."""

    key: str
    actor: str
    request: str
    seq: int
    """Of the last record in the log when it was done; its own, if it appended any."""
    time: datetime
    """With zone UTC."""


class KeptActs(Protocol):
    """The keys of the acts that were done, in the same store as the log."""

    def kept_act(self, key: str) -> KeptAct | None:
        """Return what is kept under a key, or None."""
        ...

    def keep_act(self, act: ActKey, *, time: datetime) -> None:
        """Keep the key of an act that appends nothing, durable on return.

        Raises:
            ActRepeated: It is kept already.
            LogError: It could not be made durable.
        """
        ...
