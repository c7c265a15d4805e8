"""`athanor serve` as a process of its own, which may be killed, stopped and started again."""

import http.client
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

from drivers.clock import SystemClock
from orchestrator.access.keys import KeyBook
from orchestrator.access.roles import Role, Scope
from orchestrator.access.store import access_path
from tests.support.source_tree import ROOT

__all__ = ["PASSWORD", "ServedDashboard", "free_port"]

PASSWORD = "the pumps hum at night"
"""Of every account that `ServedDashboard.person` makes."""


def free_port() -> int:
    """Return a port of this machine that nobody uses now."""
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class ServedDashboard:
    """A dashboard over a log, on a port of this machine that stays the same.

    Args:
        database: The log; an empty one is made if there is none.
        options: More words of the command: ``--rig``, ``--speed``.
    """

    def __init__(self, database: Path, options: Sequence[object] = ()) -> None:
        self.database = database
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.options = [str(option) for option in options]
        self.output = database.with_name("serve.log")
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def keys(self) -> KeyBook:
        """The accounts."""
        return KeyBook(access_path(self.database))

    @property
    def first_token(self) -> str:
        """The token that the first run has made, and left where its owner alone can read it."""
        path = self.database.with_name(f"{self.database.name}.first-token")
        return path.read_text(encoding="utf-8").strip()

    def person(self, name: str, role: Role = Role.OPERATOR) -> str:
        """Make an account with a password, and return its name."""
        self.keys.add_account(name, role, by="test", password=PASSWORD)
        return name

    def token(self, name: str, role: Role, scopes: Sequence[Scope] = ()) -> str:
        """Make an account for a program, and return a token of it."""
        keys = self.keys
        if all(one.name != name for one in keys.accounts()):
            keys.add_account(name, role, by="test")
        return keys.make_token(name, label="test", scopes=[*(scopes or role.scopes)], by="test")

    def spawn(self) -> "subprocess.Popen[bytes]":
        """Start it without waiting until it answers."""
        command = [sys.executable, "-m", "orchestrator", "serve", "--port", str(self.port)]
        command += ["--database", str(self.database), *self.options]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self.process

    def start(self) -> float:
        """Start it; return after how many seconds it answered."""
        begun_s = SystemClock().monotonic_s()
        process = self.spawn()
        while not self.answers():
            assert process.poll() is None, self.output.read_text(encoding="utf-8")
            assert SystemClock().monotonic_s() < begun_s + 60.0, "it does not answer"
            select.select([], [], [], 0.02)
        return SystemClock().monotonic_s() - begun_s

    def answers(self) -> bool:
        """Tell whether somebody who asks for the first page gets it."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as asked:
            try:
                asked.request("GET", "/login")
                return asked.getresponse().status == 200
            except OSError:
                return False

    def kill(self) -> None:
        """End it by SIGKILL, if it runs."""
        process, self.process = self.process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()

    def stand_still(self) -> None:
        """Have it do nothing, its sockets open."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Have it go on after `stand_still`."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)
