"""Where a person's door to a log opens it: nothing is created by looking."""

from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import LogError
from orchestrator.settings import Settings

if TYPE_CHECKING:
    from orchestrator.log.sql_log import SqliteLog

__all__ = ["open_log_file"]


def open_log_file(settings: Settings) -> "SqliteLog":
    """Open the log that the settings name.

    Args:
        settings: Where it is.

    Raises:
        LogError: There is no such log, or it cannot be read.
    """
    from orchestrator.log.sql_log import open_sqlite_log

    path = Path(settings.database)
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise LogError(
            f"{path}: got {found}, expected the log of a laboratory; "
            "`athanor run` makes one, --database or ATHANOR_DATABASE names it"
        )
    return open_sqlite_log(path, must_exist=True)
