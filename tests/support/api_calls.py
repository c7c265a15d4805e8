"""Requests to the API as somebody who has signed in sends them."""

from typing import Any

from httpx2 import Response

from orchestrator.dashboard.rendering import new_key
from tests.support.dashboard import Browser

__all__ = ["get", "post", "write"]


def write(
    browser: Browser, method: str, path: str, body: object = None, *, key: str | None = None
) -> Response:
    """Send a change under a key; None is a new one."""
    headers = {"X-CSRF-Token": browser.csrf, "Idempotency-Key": key or new_key()}
    return browser.request(method, f"/api/v1{path}", json=body, headers=headers)


def post(browser: Browser, path: str, body: object, **more: Any) -> Response:
    """Post a change."""
    return write(browser, "POST", path, body, **more)


def get(browser: Browser, path: str) -> Any:
    """Return what is answered."""
    answer = browser.get(f"/api/v1{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()
