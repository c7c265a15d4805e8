"""What a hundred watchers get, and cost: a real `athanor serve`, real sockets, real appends.

First appends alone; then 100 clients follow 20 appends a second, and now and then one of them goes
and comes back; then the same with one more that asks for everything and never reads.

    python -m tests.benchmarks.dashboard_stream
    python -m tests.benchmarks.dashboard_stream --seconds 10 --clients 20
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import socket
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event as Flag
from typing import Any

import psutil

from orchestrator.access.roles import Role, Scope
from orchestrator.core.events import PauseRequested, campaign_stream
from orchestrator.log.sql_log import open_sqlite_log
from tests.benchmarks.results import save
from tests.support.recorded_campaign import record_campaign
from tests.support.served_dashboard import ServedDashboard

STREAM = campaign_stream("small-1")
PER_S = 20.0
N_BEFORE = 20_000
"""So many records are there already: who asks for all of them and reads none is soon behind."""


def now_s() -> float:
    """Return the time that all processes of this machine share, in seconds."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def append_for(database: Path, duration_s: float, answer: Connection) -> None:
    """Append at a steady pace; tell for each record when its append began and ended."""
    log = open_sqlite_log(database, must_exist=True)
    told: list[tuple[int, float, float]] = []
    until_s = (due_s := now_s()) + duration_s
    while due_s < until_s:
        Flag().wait(max(0.0, due_s - now_s()))
        begun_s = now_s()
        (record,) = log.append(
            STREAM,
            [PauseRequested(reason="one of twenty a second")],
            time=datetime.now(UTC),
            actor="engine",
            is_simulated=True,
        )
        told.append((record.seq, begun_s, now_s()))
        due_s += 1.0 / PER_S
    log.close()
    answer.send(told)


@dataclass
class Watcher:
    """One client of the stream, which may go and come back."""

    port: int
    token: str
    after_seq: int
    seqs: list[int] = field(default_factory=list)
    received_s: list[float] = field(default_factory=list)
    n_connections: int = 0
    writer: asyncio.StreamWriter | None = None

    async def watch(self, until: asyncio.Event) -> None:
        """Follow, and come back whenever the connection has ended."""
        while not until.is_set():
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._follow()
            if self.writer is not None:
                self.writer.close()

    def go(self) -> None:
        """Let the line break, without a word."""
        if self.writer is not None:
            self.writer.transport.abort()

    async def _follow(self) -> None:
        reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.n_connections += 1
        last = self.seqs[-1] if self.seqs else self.after_seq
        self.writer.write(asked(self.port, self.token, last))
        await self.writer.drain()
        status = await reader.readline()
        assert b"200" in status, status
        seq = 0
        while line := await reader.readline():
            if line.startswith(b"id: "):
                seq = int(line[4:])
            elif line.startswith(b"data: ") and seq:
                self.seqs.append(seq)
                self.received_s.append(now_s())
                seq = 0


def asked(port: int, token: str, last: int) -> bytes:
    """Return a request for the stream after a record."""
    lines = (
        "GET /stream HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Authorization: Bearer {token}",
        f"Last-Event-ID: {last}",
        "Accept: text/event-stream",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def one_that_never_reads(port: int, token: str) -> socket.socket:
    """Ask for everything, and take nothing."""
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.connect(("127.0.0.1", port))
    deaf.sendall(asked(port, token, 0))
    return deaf


def end_of(deaf: socket.socket) -> dict[str, Any]:
    """Read at last what was sent; return how much it was, and whether the server had let go."""
    n_bytes, is_let_go = 0, False
    deaf.settimeout(3.0)
    with closing(deaf), suppress(TimeoutError):
        while some := deaf.recv(1 << 16):
            n_bytes += len(some)
        is_let_go = True
    return {"bytes": n_bytes, "is_let_go": is_let_go}


async def phase(
    served: ServedDashboard, token: str, n_clients: int, seconds: float, *, has_deaf: bool
) -> dict[str, Any]:
    """Let clients follow appends; return what they got and what it cost."""
    with closing(open_sqlite_log(served.database, must_exist=True)) as log:
        first = log.last_seq()
    assert served.process is not None
    server = psutil.Process(served.process.pid)
    ended, dice = asyncio.Event(), random.Random(7)
    watchers = [Watcher(served.port, token, first) for _ in range(n_clients)]
    tasks = [asyncio.create_task(one.watch(ended)) for one in watchers]
    await asyncio.sleep(3.0)
    assert all(one.n_connections for one in watchers)
    deaf = one_that_never_reads(served.port, token) if has_deaf else None
    cpu_s, begun_s, rss = sum(server.cpu_times()[:2]), now_s(), [server.memory_info().rss]
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    appender = multiprocessing.get_context("spawn").Process(
        target=append_for, args=(served.database, seconds, theirs)
    )
    appender.start()
    while appender.is_alive() and not ours.poll():
        await asyncio.sleep(dice.uniform(0.2, 0.6))
        dice.choice(watchers).go()
        rss.append(server.memory_info().rss)
    told = ours.recv()
    appender.join()
    lasted_s, used_s = now_s() - begun_s, sum(server.cpu_times()[:2]) - cpu_s
    await asyncio.sleep(3.0)
    n_open = len(server.net_connections())
    ended.set()
    for one, task in zip(watchers, tasks, strict=True):
        one.go()
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    let_go = {} if deaf is None else {"the_deaf_one": await asyncio.to_thread(end_of, deaf)}
    return {
        **judged(watchers, told),
        **let_go,
        "connections_open_at_the_end": n_open,
        "server_rss_mb": {"first": round(rss[0] / 2**20, 1), "most": round(max(rss) / 2**20, 1)},
        "server_cpu_percent": round(100 * used_s / lasted_s, 1),
    }


def judged(watchers: Sequence[Watcher], told: Sequence[tuple[int, float, float]]) -> dict[str, Any]:
    """Return what came late, twice, or not at all."""
    begun = {seq: begun_s for seq, begun_s, _ in told}
    expected = [seq for seq, _, _ in told]
    late_ms = [
        (received_s - begun[seq]) * 1e3
        for one in watchers
        for seq, received_s in zip(one.seqs, one.received_s, strict=True)
    ]
    return {
        "events": len(expected),
        "receipts": len(late_ms),
        "reconnections": sum(one.n_connections - 1 for one in watchers),
        "missed": sum(len(set(expected) - set(one.seqs)) for one in watchers),
        "doubled": sum(len(one.seqs) - len(set(one.seqs)) for one in watchers),
        "out_of_order": sum(one.seqs != sorted(one.seqs) for one in watchers),
        "from_append_to_receipt_ms": percentiles(late_ms),
        "append_ms": percentiles([(ended_s - begun_s) * 1e3 for _, begun_s, ended_s in told]),
    }


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Return the middle, the slowest hundredth, and the slowest."""
    cuts = statistics.quantiles(values, n=100)
    return {"p50": round(cuts[49], 1), "p99": round(cuts[98], 1), "max": round(max(values), 1)}


def alone(database: Path, seconds: float) -> dict[str, float]:
    """Return what an append takes while nobody watches, in milliseconds."""
    ours, theirs = multiprocessing.Pipe()
    appender = multiprocessing.get_context("spawn").Process(
        target=append_for, args=(database, seconds, theirs)
    )
    appender.start()
    told = ours.recv()
    appender.join()
    return percentiles([(ended_s - begun_s) * 1e3 for _, begun_s, ended_s in told])


def measured(database: Path, n_clients: int, seconds: float) -> dict[str, Any]:
    """Measure all of it on one log."""
    with closing(open_sqlite_log(database)) as log:
        record_campaign(log, ends=False)
        for _ in range(N_BEFORE // 1000):
            events = [PauseRequested(reason="long ago")] * 1000
            log.append(STREAM, events, time=datetime.now(UTC), actor="ada", is_simulated=True)
    load = os.getloadavg()[0]
    found: dict[str, Any] = {"append_ms_alone": alone(database, seconds / 3)}
    with ServedDashboard(database) as served:
        token = served.token("watcher", Role.VIEWER, [Scope.READ])
        for name, has_deaf in (("watched", False), ("with_one_that_never_reads", True)):
            found[name] = asyncio.run(phase(served, token, n_clients, seconds, has_deaf=has_deaf))
    return {"clients": n_clients, "per_s": PER_S, "seconds": seconds, "load_before": load, **found}


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--keep", action="store_true", help="for the page of benchmarks")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder) / "lab.db", chosen.clients, chosen.seconds)
    print(json.dumps(found, indent=1))
    if chosen.keep:
        keep(found)


def keep(found: Mapping[str, Any]) -> None:
    """Keep the figures as a table."""
    phases = {
        "100 watch": found["watched"],
        "100 watch, one more never reads": found["with_one_that_never_reads"],
    }
    rows = [["nobody watches", "", triple(found["append_ms_alone"]), "", "", ""]]
    for name, one in phases.items():
        wrong = f"{one['missed']} / {one['doubled']} / {one['out_of_order']}"
        rows.append(
            [
                name,
                triple(one["from_append_to_receipt_ms"]),
                triple(one["append_ms"]),
                f"{wrong} in {one['reconnections']}",
                f"{one['server_rss_mb']['most']:.0f}",
                f"{one['server_cpu_percent']:.0f}",
            ]
        )
    save(
        "dashboard_sockets",
        "The stream of a real server",
        f"`athanor serve` in a process of its own, {found['clients']} clients in another, "
        f"{found['per_s']:g} appends a second by a third, {found['seconds']:g} s each; "
        "`python -m tests.benchmarks.dashboard_stream --keep`. Times are p50 / p99 / slowest.",
        [
            "",
            "append to receipt (ms)",
            "append (ms)",
            "missed / doubled / out of order, in so many reconnections",
            "server memory (MB)",
            "server CPU (% of a core)",
        ],
        rows,
    )


def triple(times: Mapping[str, float]) -> str:
    """Return three times as they stand in the table."""
    return " / ".join(f"{times[name]:g}" for name in ("p50", "p99", "max"))


if __name__ == "__main__":
    main()
