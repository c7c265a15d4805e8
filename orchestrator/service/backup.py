"""A checked copy of the laboratory's log, for whoever asks through the service."""

from pathlib import Path

from orchestrator.errors import LogError
from orchestrator.log import backup
from orchestrator.log.backup import Backup
from orchestrator.settings import Settings

__all__ = ["back_up"]


def back_up(settings: Settings, to: Path) -> Backup:
    """Copy the log that the settings name.

    Args:
        settings: Where the log is.
        to: The copy; nothing may be there.

    Raises:
        LogError: There is no log, something is at `to`, or the copy is not whole.
    """
    if not settings.database.is_file():
        raise LogError(f"{settings.database}: got no such file, expected the log of a laboratory")
    return backup.back_up(settings.database, to)
