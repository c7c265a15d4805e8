"""A web process's teller of webhooks, alone in a process that a test can kill.

python -m tests.support.hook_process FOLDER SPEED
"""

import sys
from pathlib import Path

from drivers.clock import SystemClock
from orchestrator.access.webhooks import WebhookBook
from orchestrator.dashboard.webhooks import Deliverer
from orchestrator.service.following import Follower
from orchestrator.settings import Settings

__all__ = ["main"]


def main(folder: Path, speed: float) -> None:
    """Deliver until the process is ended, on a clock that runs faster than the world's."""
    clock = SystemClock(speed)
    follower = Follower.open(Settings(database=folder / "lab.db", actor="test"), poll_s=0.01)
    book = WebhookBook(folder / "lab.db.access", clock)
    with follower, Deliverer(book, follower, clock=clock):
        sys.stdout.write("begun\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
