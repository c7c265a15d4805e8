"""How log lines of the packages reach a person: one line each on stderr, without tracebacks."""

import logging
import sys
from types import TracebackType

from typing_extensions import override

__all__ = ["show_warnings"]


class _OneLine(logging.Formatter):
    """Puts a message and the error behind it on one line."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    @override
    def formatException(
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        """Return the error's name and message."""
        kind, error, _ = ei
        return "" if kind is None else f"{kind.__name__}: {error}"

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        return super().format(record).replace("\n", " – ")


def show_warnings() -> None:
    """Send warnings and worse to stderr, whatever stderr is at the time; twice does no more."""
    root = logging.getLogger()
    if any(isinstance(handler.formatter, _OneLine) for handler in root.handlers):
        return
    handler = _Stderr()
    handler.setLevel(logging.WARNING)
    handler.setFormatter(_OneLine())
    root.addHandler(handler)


class _Stderr(logging.Handler):
    """Writes to what is stderr now: a live table puts its own stream there."""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        sys.stderr.write(self.format(record) + "\n")
