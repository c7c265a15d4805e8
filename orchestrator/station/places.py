"""Where a station keeps its things, and where its socket is found."""

import hashlib
import os
import re
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import RequestRefused

__all__ = ["StationFolder", "station_folder"]


@dataclass(frozen=True, slots=True)
class StationFolder:
    """The folder of one rig at one database; nothing is made before `make`."""

    path: Path

    @property
    def journal(self) -> Path:
        """What the station keeps of every order."""
        return self.path / "journal.db"

    @property
    def log_mark(self) -> Path:
        """The hash of the first record of the log that the journal belongs to."""
        return self.path / "log-mark"

    @property
    def lock(self) -> Path:
        """Held by the station as long as it lives."""
        return self.path / "lock"

    @property
    def watchdog_lock(self) -> Path:
        """Held by the station's watchdog as long as it lives."""
        return self.path / "watchdog.lock"

    @property
    def rig(self) -> Path:
        """The rig file as the station read it, for its watchdog."""
        return self.path / "rig.toml"

    @property
    def facts(self) -> Path:
        """Facts that the database could not take yet."""
        return self.path / "facts.jsonl"

    @property
    def unclean(self) -> Path:
        """There while a station works; found at the start it says that the last one was killed."""
        return self.path / "unclean"

    @property
    def log(self) -> Path:
        """What the station says."""
        return self.path / "station.log"

    @property
    def watchdog_log(self) -> Path:
        """What the watchdog says."""
        return self.path / "watchdog.log"

    @property
    def socket(self) -> Path:
        """Where the station listens: short, because the path of a socket may not be long."""
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:24]
        return Path(tempfile.gettempdir()) / f"athanor-{os.getuid()}" / f"{digest}.sock"

    def last_words(self, n_lines: int = 12) -> list[str]:
        """Return the last lines of what the station said that hold anything; none without a log.

        Args:
            n_lines: At most so many.
        """
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        return [line for line in text.splitlines() if line.strip()][-n_lines:]

    def make(self) -> None:
        """Make the folder and the socket's.

        Raises:
            RequestRefused: The socket's folder belongs to somebody else or is open to others.
            OSError: One of them cannot be made.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        folder = self.socket.parent
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
        if not is_ours or stat.S_IMODE(found.st_mode) & 0o077:
            raise RequestRefused(
                f"{folder}: got {stat.filemode(found.st_mode)} of user {found.st_uid}, expected a "
                f"folder of user {os.getuid()} that is closed to all others (mode 0700)"
            )


def station_folder(database: Path, rig_name: str) -> StationFolder:
    """Return where the station of a rig keeps its things.

    Args:
        database: The laboratory's log.
        rig_name: As the rig file says it.

    Example:
        >>> station_folder(Path("/lab/athanor.db"), "OER plate").path
        PosixPath('/lab/athanor.db.station/oer-plate')
    """
    slug = re.sub(r"[^a-z0-9]+", "-", rig_name.lower()).strip("-") or "rig"
    whole = database.resolve()
    return StationFolder(whole.with_name(f"{whole.name}.station") / slug)
