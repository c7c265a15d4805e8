"""Checks the whole log in a thread of its own, once at a time, for whoever asks how it goes."""

from threading import Lock, Thread

from orchestrator.dashboard.api.models import VerificationView
from orchestrator.dashboard.parts import DashboardParts
from orchestrator.errors import LogError

__all__ = ["Verifier"]


class Verifier:
    """The checks of the log of one web process.

    Args:
        parts: Whose log.
    """

    def __init__(self, parts: DashboardParts) -> None:
        self._parts = parts
        self._lock = Lock()
        self._view = VerificationView(state="never")
        self._thread: Thread | None = None

    def view(self) -> VerificationView:
        """Return the last check, or the one that runs."""
        with self._lock:
            return self._view

    def start(self, by: str) -> VerificationView:
        """Begin a check, unless one runs, and return the one that runs.

        Args:
            by: Who asks.
        """
        with self._lock:
            if self._view.state != "running":
                now = self._parts.clock.now()
                self._view = VerificationView(state="running", by=by, started_time=now)
                self._thread = Thread(target=self._verify, args=(self._view,), daemon=True)
                self._thread.start()
            return self._view

    def wait(self, wait_s: float) -> VerificationView:
        """Wait for the check that runs, and return it.

        Args:
            wait_s: How long at most, in real seconds.
        """
        if self._thread is not None:
            self._thread.join(wait_s)
        return self.view()

    def _verify(self, begun: VerificationView) -> None:
        found: dict[str, object]
        try:
            with self._parts.open_lab(begun.by, None) as lab:
                self._change(n_to_check=lab.last_seq())
                verification = lab.verify(lambda n: self._change(n_checked=n))
        except LogError as error:
            found = {"state": "failed", "reason": str(error)}
        else:
            found = {
                "state": "done",
                "is_whole": verification.is_whole,
                "n_records": verification.n_records,
                "first_bad_seq": verification.first_bad_seq,
                "reason": verification.reason,
                "damage": verification.damage,
                "last_hash": verification.last_hash,
            }
        self._change(**found, ended_time=self._parts.clock.now())

    def _change(self, **news: object) -> None:
        """Say more of the check that runs."""
        with self._lock:
            self._view = self._view.model_copy(update=news)
