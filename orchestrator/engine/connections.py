"""What the engine says of the instruments that answered and of those that did not."""

from collections.abc import Sequence

from orchestrator.core.events import Event, InstrumentConnected, InstrumentLost
from orchestrator.execution.executor import Connection
from orchestrator.execution.rig_spec import RigSpec

__all__ = ["fact_of", "in_words"]


def fact_of(found: Connection) -> Event:
    """Return the fact that an instrument answered, or that it did not."""
    if found.is_connected:
        return InstrumentConnected(
            instrument=found.instrument, driver=found.driver, identity=found.identity
        )
    return InstrumentLost(instrument=found.instrument, reason=found.error)


def in_words(lost: Sequence[Connection], rig: RigSpec) -> str:
    """Name instruments without a connection, those on one line with one error together.

    Args:
        lost: None of them is connected.
        rig: That they belong to.
    """
    together: dict[tuple[str, str], list[str]] = {}
    for found in lost:
        line = rig.instruments[found.instrument].line
        together.setdefault((line, found.error), []).append(found.instrument)
    return "; ".join(f"{', '.join(names)}: {error}" for (_, error), names in together.items())
