"""How log lines of the packages reach a person: one line each on stderr, without tracebacks."""

import logging
import sys
from contextlib import suppress

from typing_extensions import override

from orchestrator.service.legible import legible

__all__ = ["show_warnings"]


class _OneLine(logging.Formatter):
    """Puts a message and the error behind it on one line."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        text = f"{record.levelname} {record.name}: {record.getMessage()}"
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            text += f" – {type(error).__name__}: {error}"
        return legible(" ".join(text.split()))


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
        """Write one line; a terminal that was closed stops nobody."""
        with suppress(OSError):
            sys.stderr.write(self.format(record) + "\n")
