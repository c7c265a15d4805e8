"""What a station says when it does not do what it was asked."""

from typing import Final

from drivers.errors import DriverError
from orchestrator.errors import LogError
from orchestrator.execution.executor import Outcome, Refused, Unknown

__all__ = ["fault_in", "in_words", "journal_failed", "refused"]

_BLAMELESS: Final = frozenset(
    {"DoubtOpen", "InterlockTripped", "JournalError", "LimitError", "OrderExpired"}
)
"""Refusals that say nothing against the instrument."""


def refused(error: str, message: str) -> Refused:
    """Return the refusal of an order that has touched nothing.

    Args:
        error: One of `NOT_SENT` or a name of the drivers' errors.
        message: Why, for a person.
    """
    return Refused(error=error, message=message, has_acted=False)


def journal_failed(error: LogError) -> Refused:
    """Return the refusal of an order that could not be kept."""
    return refused("JournalError", f"the station's journal cannot be used: {error}")


def in_words(error: Exception) -> str:
    """Say why a device could not be asked."""
    return str(error) if isinstance(error, DriverError) else "no answer in time"


def fault_in(outcome: Outcome) -> str:
    """Return what an outcome says against the instrument; empty if nothing."""
    match outcome:
        case Refused(error=error) if error not in _BLAMELESS:
            return f"{error}: {outcome.message}"
        case Unknown():
            return outcome.evidence.strip().rpartition("\n")[2]
        case _:
            return ""
