"""How a line of the bench would be served; nothing here needs a terminal or a socket."""

from dataclasses import dataclass

__all__ = ["WirePlan"]


@dataclass(frozen=True, slots=True)
class WirePlan:
    """One line of the bench to be served."""

    kind: str
    """``serial`` becomes a pseudo-terminal; ``http``, ``tcp``, and a ``task_board`` with its
    pretend person, a listening socket."""
    baudrate: int | None
    instruments: tuple[str, ...]
    """Whose devices hang on it."""
