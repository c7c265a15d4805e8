"""Engines that are started for a person: each once under its act's key, each a process of its own.

The key travels into the very append that opens the campaign. Whoever got no answer asks again with
the same key and finds the campaign that the first one opened; two processes never both open one.
"""

import hashlib
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Event as Flag
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from drivers.clock import SystemClock
from orchestrator.errors import LogUnavailable, RequestRefused
from orchestrator.log.kept_acts import ActKey
from orchestrator.service.lab import Lab
from orchestrator.service.launching.folder import FilesFolder, errors_of_disk, write_new
from orchestrator.service.launching.processes import DetachedProcess, PassedLock, last_words, spawn
from orchestrator.service.launching.rigs import NamedRig
from orchestrator.service.launching.views import StartedFrom
from orchestrator.settings import Settings

__all__ = ["StartFiles", "Starts"]

START_S: Final = 60.0
"""How long a campaign may take until it stands in the log, in real seconds."""
_LOOK_S: Final = 0.1
_ASKED: Final = "asked.json"
_OPENED: Final = "opened"
_OUTPUT: Final = "output.log"
_MOST_SHOWN: Final = 600


class StartFiles(BaseModel):
    """What an engine was started with; kept beside its output."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    """Of the act."""
    request: str
    """Fingerprint of what was asked in it."""
    by: str
    time: datetime
    file_id: str
    campaign_file: str
    rig: str
    rig_file: str
    """A copy, as it was at the start."""
    campaign_id: str = ""
    """Which campaign was taken over; empty where one was to be opened."""


class Starts:
    """The engines that were started here.

    Args:
        folder: Of the laboratory.
        settings: Where the log is.
    """

    def __init__(self, folder: FilesFolder, settings: Settings) -> None:
        self._folder = folder
        self._settings = settings
        self._clock = SystemClock()
        self._children: list[DetachedProcess] = []

    def open_new(
        self,
        campaign: tuple[str, Path],
        rig: NamedRig,
        act: ActKey,
        words: Sequence[object],
    ) -> str:
        """Start an engine that opens a campaign, and wait until it stands in the log.

        Args:
            campaign: File id and path of the campaign file.
            rig: With what.
            act: Whose act it is, and which.
            words: More of its command line.

        Returns:
            The campaign's id.

        Raises:
            RequestRefused: The process ended without opening it, or takes too long.
            LogUnavailable: The disk does not take what is kept of it.
        """
        home = self._home(act)
        asked = StartFiles(
            key=act.key,
            request=act.request,
            by=act.actor,
            time=self._clock.now(),
            file_id=campaign[0],
            campaign_file=str(campaign[1]),
            rig=rig.spec.header.name,
            rig_file=str(home / "rig.toml"),
        )
        return self._started(self._kept(home, asked, rig), rig, act, words)

    def take_over(self, before: StartFiles, rig: NamedRig, act: ActKey, reason: str = "") -> str:
        """Start an engine that goes on with a campaign, and wait until it has said so in the log.

        Args:
            before: What the campaign was started with; with its id.
            rig: The same rig.
            act: Whose act it is, and which.
            reason: Why, in their words.

        Raises:
            RequestRefused: The process ended before it took it over, or takes too long.
            LogUnavailable: The disk does not take what is kept of it.
        """
        of_act = {"key": act.key, "request": act.request, "by": act.actor}
        asked = before.model_copy(update={**of_act, "time": self._clock.now()})
        words = ["--resume", "--campaign-id", before.campaign_id]
        words += ["--reason", reason] if reason else []
        return self._started(self._kept(self._home(act), asked, None), rig, act, words)

    def done_under(self, act: ActKey) -> str:
        """Return the id of the campaign that was opened or taken over by an act; empty if none was.

        Raises:
            LogError: The log cannot be read.
        """
        asked = _read_asked(self._home(act))
        return "" if asked is None else self._campaign_of(asked)

    def known(self, campaign_id: str) -> tuple[StartFiles, StartedFrom] | None:
        """Return what a campaign was started with here, and its last start; None if it was not.

        Args:
            campaign_id: Which.

        Raises:
            LogError: The log cannot be read.
        """
        found = [
            (asked, home)
            for home, asked in self._all()
            if (_read_opened(home) or self._campaign_of(asked)) == campaign_id
        ]
        if not found:
            return None
        asked, home = max(found, key=lambda one: one[0].time)
        view = StartedFrom(
            campaign_id=campaign_id,
            file_id=asked.file_id,
            rig=asked.rig,
            by=asked.by,
            time=asked.time,
            output=str(home / _OUTPUT),
        )
        return asked.model_copy(update={"campaign_id": campaign_id}), view

    def _home(self, act: ActKey) -> Path:
        name = hashlib.sha256(act.key.encode()).hexdigest()[:32]
        return self._folder.starts / name

    def _all(self) -> Iterator[tuple[Path, StartFiles]]:
        for home in self._folder.starts.iterdir():
            asked = _read_asked(home)
            if asked is not None:
                yield home, asked

    @staticmethod
    def _kept(home: Path, asked: StartFiles, rig: NamedRig | None) -> StartFiles:
        """Keep with what an engine is started; what an earlier try of this act kept stays.

        Raises:
            RequestRefused: The key was used for something else.
        """
        with errors_of_disk(home):
            home.mkdir(mode=0o700, exist_ok=True)
            earlier = _read_asked(home)
            if earlier is not None and earlier.request != asked.request:
                raise RequestRefused(
                    f"idempotency key {asked.key}: it was used for another start; use a new one"
                )
            if earlier is not None:
                return earlier
            if rig is not None:
                write_new(home / "rig.toml", rig.text.encode(), mode=0o400)
            write_new(home / _ASKED, asked.model_dump_json().encode())
        return asked

    def _started(
        self, asked: StartFiles, rig: NamedRig, act: ActKey, words: Sequence[object]
    ) -> str:
        home, until_s = self._home(act), self._clock.monotonic_s() + START_S
        process: DetachedProcess | None = None
        while True:
            has_ended = process is not None and process.poll() is not None
            campaign_id = self._campaign_now(asked)
            if campaign_id:
                with suppress(OSError):  # it is found again by the act's key
                    write_new(home / _OPENED, campaign_id.encode())
                return campaign_id
            if process is not None and has_ended:
                raise RequestRefused(_how_it_ended(process.returncode, home))
            if process is None:
                process = self._begun(home, asked, rig, act, words)
            if self._clock.monotonic_s() > until_s:
                raise RequestRefused(
                    f"the campaign does not stand in the log after {START_S:g} s, but its process "
                    f"goes on; look at the campaigns in a moment. It says: {_said(home)}"
                )
            Flag().wait(_LOOK_S)

    def _begun(
        self,
        home: Path,
        asked: StartFiles,
        rig: NamedRig,
        act: ActKey,
        words: Sequence[object],
    ) -> DetachedProcess | None:
        """Begin the process, unless one of the same act lives: perhaps of another server."""
        self._children[:] = [child for child in self._children if child.poll() is None]
        settings = self._settings.model_copy(update={"actor": act.actor})
        command = ["run", asked.campaign_file, "--rig", asked.rig_file, "--plain"]
        command += ["--database", str(self._settings.database.absolute())]
        command += ["--speed", f"{rig.offer.speed:g}"]
        command += ["--act-key", act.key, "--act-request", act.request]
        with errors_of_disk(home):
            lock = PassedLock.take(home / "lock")
            if lock is None:
                return None
            try:
                process = spawn([*command, *words], settings, output=home / _OUTPUT, locks=[lock])
            finally:
                lock.close()
        self._children.append(process)
        return process

    def _campaign_now(self, asked: StartFiles) -> str:
        """Return the campaign of an act; empty while the log cannot be read."""
        try:
            return self._campaign_of(asked)
        except LogUnavailable:
            return ""

    def _campaign_of(self, asked: StartFiles) -> str:
        """Return the id of the campaign that an act opened or took over; empty if it did not."""
        with Lab.open(self._settings) as lab:
            kept = lab.kept_act(asked.key)
            if kept is None:
                return ""
            if asked.campaign_id:
                return asked.campaign_id
            (record,) = lab.events(after_seq=kept.seq - 1, limit=1)
            return str(record.event.get("campaign_id", ""))


def _read_asked(home: Path) -> StartFiles | None:
    try:
        return StartFiles.model_validate_json((home / _ASKED).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None


def _read_opened(home: Path) -> str:
    try:
        return (home / _OPENED).read_text(encoding="utf-8")
    except OSError:
        return ""


def _how_it_ended(code: int, home: Path) -> str:
    how = f"was killed ({signal.Signals(-code).name})" if code < 0 else f"ended with {code}"
    return f"no campaign was started: its process {how}. It says: {_said(home)}"


def _said(home: Path) -> str:
    return " / ".join(last_words(home / _OUTPUT))[-_MOST_SHOWN:] or "nothing"
