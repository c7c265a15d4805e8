"""Dry-runs in the background: processes of their own, two at once, into databases of their own.

Each holds its own lock and one of the places as long as it lives; so every server, also one that
was started after the first one died, knows which live, and the limit holds for all of them.
"""

import logging
import os
import secrets
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event as Flag
from threading import Lock, Thread
from typing import Final

import psutil
from pydantic import ValidationError

from drivers.clock import SystemClock
from orchestrator.errors import RequestRefused
from orchestrator.service.launching.folder import FilesFolder, errors_of_disk, write_new
from orchestrator.service.launching.processes import (
    DetachedProcess,
    PassedLock,
    is_held,
    let_go_first,
    spawn,
)
from orchestrator.service.launching.rehearsal_views import Rehearsal, RehearsalHome, shown
from orchestrator.service.launching.rigs import NamedRig
from orchestrator.service.launching.views import DryRunView
from orchestrator.settings import Settings

__all__ = ["Rehearsals"]

logger = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 2
MOST_QUEUED: Final = 20
KEPT_FOR: Final = timedelta(days=30)
_LOOK_S: Final = 0.5
_LOOK_AFTER_ERROR_S: Final = 10.0
_LONGEST_END_S: Final = 10.0


class Rehearsals:
    """The dry-runs of one laboratory.

    Args:
        folder: Of the laboratory.
        settings: Of the server.
    """

    def __init__(self, folder: FilesFolder, settings: Settings) -> None:
        self._root = folder.dry_runs
        self._settings = settings
        self._clock = SystemClock()
        self._children: list[DetachedProcess] = []
        self._shown: dict[str, DryRunView] = {}
        self._lock = Lock()
        self._wanted = Flag()
        self._is_closed = False
        self._thread = Thread(target=self._work, name="dry-runs", daemon=True)

    def open(self) -> None:
        """Begin to look after them; those that waited when a server died are begun in turn."""
        self.clean_up()
        self._wanted.set()
        self._thread.start()

    def close(self) -> None:
        """Look after them no more; those that run go on, those that wait are begun by the next."""
        self._is_closed = True
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join()

    def ask(
        self,
        campaign: tuple[str, Path],
        rig: NamedRig,
        *,
        seed: int,
        max_experiments: int | None,
        by: str,
    ) -> DryRunView:
        """Have a dry-run made as soon as there is a place for it.

        Args:
            campaign: File id and path of the campaign file.
            rig: On which it is pretended.
            seed: Same seed, same dry-run.
            max_experiments: After which it ends at the latest; None leaves it to the file.
            by: Who asks.

        Raises:
            RequestRefused: Too many wait already.
            LogUnavailable: The disk does not take it.
        """
        self.clean_up()
        n_queued = sum(self._state(home).state == "queued" for home in self._homes())
        if n_queued >= MOST_QUEUED:
            raise RequestRefused(f"{n_queued} dry-runs wait already: cancel one, or wait")
        now = self._clock.now()
        home = RehearsalHome(self._root / f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}")
        asked = Rehearsal(
            dry_run_id=home.path.name,
            file_id=campaign[0],
            campaign_file=str(campaign[1]),
            rig=rig.spec.header.name,
            seed=seed,
            max_experiments=max_experiments,
            by=by,
            asked_time=now,
        )
        with errors_of_disk(home.path):
            home.path.mkdir(mode=0o700)
            write_new(home.rig, rig.text.encode(), mode=0o400)
            write_new(home.asked, asked.model_dump_json().encode())
        self._wanted.set()
        return self._state(home)

    def views(self) -> tuple[DryRunView, ...]:
        """Return every dry-run as far as it is, the newest first."""
        found = [self._state(home) for home in self._homes()]
        return tuple(sorted(found, key=lambda one: one.asked_time, reverse=True))

    def view(self, dry_run_id: str) -> DryRunView:
        """Return one dry-run as far as it is.

        Raises:
            RequestRefused: There is none of this id.
        """
        return self._state(self._home(dry_run_id))

    def cancel(self, dry_run_id: str, *, by: str) -> DryRunView:
        """End a dry-run; one that is over stays as it is.

        Args:
            dry_run_id: Which.
            by: Who says so.

        Raises:
            RequestRefused: There is none of this id.
            LogUnavailable: The disk does not take the note.
        """
        home = self._home(dry_run_id)
        if self._state(home).is_over:
            return self._state(home)
        with self._lock, errors_of_disk(home.path):
            write_new(home.cancelled, by.encode())
        until_s = self._clock.monotonic_s() + _LONGEST_END_S
        while is_held(home.lock) and self._clock.monotonic_s() < until_s:
            for pid in _processes_of(home):
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
            self._reap()
            Flag().wait(0.02)
        self._wanted.set()
        return self._state(home)

    def report(self, dry_run_id: str) -> Path:
        """Return where the report of a dry-run is.

        Raises:
            RequestRefused: There is no such dry-run, or no report of it.
        """
        home = self._home(dry_run_id)
        if not home.report.is_file():
            raise RequestRefused(
                f"dry-run {dry_run_id} has no report: it is {self._state(home).state}"
            )
        return home.report

    def clean_up(self) -> None:
        """Remove dry-runs that were asked for too long ago, unless they still run."""
        oldest = self._clock.now() - KEPT_FOR
        for home in self._homes():
            asked = home.read()
            if asked is not None and asked.asked_time < oldest and not is_held(home.lock):
                self._shown.pop(home.path.name, None)
                shutil.rmtree(home.path, ignore_errors=True)

    def _homes(self) -> Iterator[RehearsalHome]:
        for path in sorted(self._root.iterdir()):
            home = RehearsalHome(path)
            if home.asked.is_file():
                yield home

    def _home(self, dry_run_id: str) -> RehearsalHome:
        for home in self._homes():
            if home.path.name == dry_run_id:
                return home
        raise RequestRefused(f"no dry-run {dry_run_id[:100]!r} is known here")

    def _state(self, home: RehearsalHome) -> DryRunView:
        """Return one as far as it is; what is over is put together once."""
        known = self._shown.get(home.path.name)
        if known is not None:
            return known
        try:
            view = shown(home, self._clock.now())
        except (OSError, ValidationError) as error:
            raise RequestRefused(f"dry-run {home.path.name} cannot be read: {error}") from error
        if view.is_over and not is_held(home.lock):
            self._shown[home.path.name] = view
        if view.state == "queued":  # the server that was asked for it may have died
            self._wanted.set()
        return view

    def _work(self) -> None:
        """Begin what waits whenever there is a place; sleep while nothing waits or runs."""
        pause_s: float | None = None
        while True:
            self._wanted.wait(pause_s)
            self._wanted.clear()
            if self._is_closed:
                return
            try:
                n_waiting = self._begin_some()
            except OSError as error:
                logger.warning("dry-runs cannot be begun now: %s", error)
                pause_s = _LOOK_AFTER_ERROR_S
                continue
            self._reap()
            pause_s = _LOOK_S if n_waiting or self._children else None

    def _begin_some(self) -> int:
        """Begin as many as there are places for; return how many still wait."""
        with self._lock:
            queued = [home for home in self._homes() if home.is_queued and home.read() is not None]
            for home in queued:
                place = self._free_place()
                if place is None:
                    break
                try:
                    self._begin(home, place)
                finally:
                    place.close()
        return sum(home.is_queued for home in queued)

    def _free_place(self) -> PassedLock | None:
        for number in range(1, MOST_AT_ONCE + 1):
            place = PassedLock.take(self._root / f"place-{number}.lock")
            if place is not None:
                return place
        return None

    def _begin(self, home: RehearsalHome, place: PassedLock) -> None:
        """Begin one, unless another server has just begun it."""
        lock = PassedLock.take(home.lock)
        if lock is None:
            return
        try:
            asked = home.read()
            if asked is None or not home.is_queued:
                return
            write_new(home.begun, _text(self._clock.now()))
            words: list[object] = ["run", asked.campaign_file, "--rig", home.rig, "--dry-run"]
            words += ["--seed", asked.seed, "--database", home.database, "--plain"]
            words += ["--report", home.report]
            if asked.max_experiments is not None:
                words += ["--max-experiments", asked.max_experiments]
            settings = self._settings.model_copy(update={"actor": asked.by})
            child = spawn(words, settings, output=home.output, locks=[lock, place])
            let_go_first(child.pid)
            self._children.append(child)
        finally:
            lock.close()

    def _reap(self) -> None:
        self._children[:] = [child for child in self._children if child.poll() is None]


def _processes_of(home: RehearsalHome) -> list[int]:
    """Return the processes that lead a session and write into a dry-run's database."""
    wanted, found = {"run", str(home.database)}, []
    for process in psutil.process_iter(["pid", "cmdline"]):
        words = process.info["cmdline"] or []
        pid = int(process.info["pid"])
        if wanted <= {*words} and _leads_session(pid):
            found.append(pid)
    return found


def _leads_session(pid: int) -> bool:
    try:
        return os.getsid(pid) == pid
    except ProcessLookupError:
        return False


def _text(time: datetime) -> bytes:
    return time.isoformat().encode()
