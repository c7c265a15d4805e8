"""The dashboard behind a real socket, in a thread of the test's own process."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from threading import Event, Thread

import uvicorn
from fastapi import FastAPI

from orchestrator.dashboard.app import make_app
from orchestrator.dashboard.parts import DashboardParts

__all__ = ["web_server"]


@contextmanager
def web_server(
    parts: DashboardParts, change: Callable[[FastAPI], None] = lambda app: None
) -> Iterator[str]:
    """Serve a dashboard, and give its address.

    Args:
        parts: What it works with; its follower is used up.
        change: Changes the application before it is served.
    """
    app = make_app(parts)
    change(app)
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)
        config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            while not server.started and thread.is_alive():
                Event().wait(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
