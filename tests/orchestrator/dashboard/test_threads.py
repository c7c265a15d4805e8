"""However busy the pages are, a stop gets through, and passwords do not take every core."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Semaphore

import httpx2
import pytest
from fastapi import FastAPI

from orchestrator.access.roles import Role, Scope
from orchestrator.dashboard.parts import DashboardParts
from orchestrator.dashboard.rate import TooOften
from orchestrator.dashboard.threads import KeptThreads
from tests.support.dashboard import dashboard_parts
from tests.support.web_server import web_server

N_SLOW = 60
"""More than the pages have threads."""


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[DashboardParts]:
    with dashboard_parts(tmp_path) as made:
        yield made


def test_an_emergency_stop_gets_through_when_every_thread_of_the_pages_is_taken(
    parts: DashboardParts,
) -> None:
    parts.keys.add_account("ada", Role.OPERATOR, by="test")
    token = parts.keys.make_token("ada", label="x", scopes=[Scope.CONTROL], by="test")
    begun, may_end = Semaphore(0), Event()

    def slow() -> None:
        begun.release()
        may_end.wait(30)

    def add_slow_page(app: FastAPI) -> None:
        app.get("/slow")(slow)

    with web_server(parts, add_slow_page) as url, ThreadPoolExecutor(N_SLOW) as pool:
        asking = [pool.submit(httpx2.get, f"{url}/slow", timeout=30) for _ in range(N_SLOW)]
        for _ in range(40):
            assert begun.acquire(timeout=10)
        try:
            answer = httpx2.post(
                f"{url}/api/v1/acts/emergency_stop",
                json={"reason": "smoke"},
                headers={"authorization": f"Bearer {token}", "idempotency-key": "stop-0001"},
                timeout=10,
            )
        finally:
            may_end.set()
        assert all(one.result().status_code == 200 for one in asking)

    assert answer.status_code == 200, answer.text
    assert "latch is set" in answer.json()["message"]


def test_only_so_much_may_wait() -> None:
    may_end = Event()

    async def asked() -> None:
        threads = KeptThreads("test", 1, most=2)
        first = asyncio.ensure_future(threads.run(may_end.wait, 10))
        second = asyncio.ensure_future(threads.run(may_end.wait, 10))
        await asyncio.sleep(0)
        with pytest.raises(TooOften):
            await threads.run(may_end.wait, 10)
        may_end.set()
        assert await first
        assert await second
        assert await threads.run(may_end.wait, 10), "who ended makes room"

    asyncio.run(asked())
