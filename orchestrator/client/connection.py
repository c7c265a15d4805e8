r"""Requests and answers over HTTP: keys for writes, and what becomes of them when a line breaks.

```
AthanorError
└── ClientError
    ├── NoAnswer     nobody knows whether a write was done; ask again with its key
    ├── Refused      the server said no, and why
    └── Unreadable   the answer is none of this version
```
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from ssl import SSLContext
from threading import Event as Flag
from typing import Final, TypeAlias, TypeVar

import httpx2
from pydantic import BaseModel, TypeAdapter, ValidationError

from orchestrator.dashboard.api.models import Problem
from orchestrator.errors import AthanorError

__all__ = ["ClientError", "Connection", "NoAnswer", "Refused", "Unreadable", "Waiting"]

T = TypeVar("T")

Query: TypeAlias = Mapping[str, str | float | Sequence[str] | None]
Waiting: TypeAlias = Callable[[float], object]
"""Waits so many seconds."""

_ASKED_AGAIN_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
"""How long is waited before each further attempt, in seconds."""
_LONGEST_S: Final = 60.0
"""Whoever is told to wait longer gives up."""
_NOT_NOW: Final = (429, 502, 503, 504)


class ClientError(AthanorError):
    """The laboratory did not do, or say, what was asked."""


class Refused(ClientError):
    """The server said no.

    Args:
        problem: What it said.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.status} {problem.title}: {problem.detail}")
        self.problem = problem


class NoAnswer(ClientError):
    """There was no answer, however often it was asked.

    Args:
        what: The request.
        why: What became of the last attempt.
        key: Of a write: whoever asks again with it has it done once. Empty for a look.
    """

    def __init__(self, what: str, why: str, key: str = "") -> None:
        doubt = f"; nobody knows whether it was done: ask again with the key {key}" if key else ""
        super().__init__(f"{what}: no answer: {why}{doubt}")
        self.key = key


class Unreadable(ClientError):
    """The answer is not what this version of the client knows."""


class Connection:
    """Asks one server, and asks again where that cannot do harm.

    Args:
        url: Of the dashboard.
        token: As `athanor tokens add` shows it.
        timeout_s: How long one answer may take, in seconds.
        verify: Which certificates are believed; a context with a laboratory's own authority.
        transport: How requests travel; None is by the network.
        wait: Waits before a further attempt.

    Raises:
        ClientError: The address or the token is none.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout_s: float = 30.0,
        verify: SSLContext | bool = True,
        transport: httpx2.BaseTransport | None = None,
        wait: Waiting | None = None,
    ) -> None:
        _refuse_bad(url, token)
        self._http = httpx2.Client(
            base_url=url.rstrip("/"),
            headers={"authorization": f"Bearer {token}", "user-agent": "athanor-client"},
            timeout=timeout_s,
            verify=verify,
            transport=transport,
        )
        self._wait: Waiting = wait or Flag().wait

    @property
    def http(self) -> httpx2.Client:
        """What the requests go through, for streams."""
        return self._http

    def pause(self, duration_s: float) -> None:
        """Wait.

        Args:
            duration_s: How long, in seconds.
        """
        self._wait(duration_s)

    def close(self) -> None:
        """Let go of the network."""
        self._http.close()

    def get(self, path: str, form: type[T], query: Query | None = None) -> T:
        """Look at something.

        Args:
            path: After ``/api/v1``.
            form: Of the answer.
            query: Words of the query; those that are None are not sent.

        Raises:
            Refused: The server said no.
            NoAnswer: There was no answer.
            Unreadable: The answer is none of this version.
        """
        words = {name: value for name, value in (query or {}).items() if value is not None}
        return _read(self._answer("GET", path, params=words), form)

    def write(
        self,
        method: str,
        path: str,
        form: type[T],
        body: BaseModel | Mapping[str, object] | None = None,
        *,
        key: str | None = None,
        seen_seq: int | None = None,
    ) -> T:
        """Have something done once, however often the line breaks.

        Args:
            method: ``POST`` or ``DELETE``.
            path: After ``/api/v1``.
            form: Of the answer.
            body: What is said.
            key: The idempotency key; None makes one.
            seen_seq: The newest record that was known when this was decided.

        Raises:
            Refused: The server said no; nothing was done.
            NoAnswer: There was no answer: nobody knows.
            Unreadable: The answer is none of this version.
        """
        own_key = key or secrets.token_hex(16)
        headers = {"idempotency-key": own_key}
        if seen_seq is not None:
            headers["athanor-seen-seq"] = str(seen_seq)
        said = body.model_dump(mode="json") if isinstance(body, BaseModel) else body
        answer = self._answer(method, path, key=own_key, headers=headers, json=said)
        return _read(answer, form)

    def download(self, path: str, query: Query | None = None) -> bytes:
        """Return a file.

        Args:
            path: After ``/api/v1``.
            query: Words of the query.

        Raises:
            Refused: The server said no.
            NoAnswer: There was no answer.
        """
        return self._answer("GET", path, params=dict(query or {})).content

    def _answer(
        self,
        method: str,
        path: str,
        *,
        key: str = "",
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str | float | Sequence[str] | None] | None = None,
        json: object = None,
    ) -> httpx2.Response:
        """Return the first answer that is one; a write is repeated under the same key."""
        why = ""
        for wait_s in (*_ASKED_AGAIN_S, None):
            again_s = wait_s
            try:
                answer = self._http.request(
                    method, f"/api/v1{path}", headers=headers, params=params, json=json
                )
            except httpx2.TransportError as error:
                why = f"{type(error).__name__}: {error}".removesuffix(": ")
            else:
                if answer.status_code not in _NOT_NOW:
                    return _good(answer)
                why = f"{answer.status_code} {answer.text[:200]}"
                again_s = _told_to_wait(answer, wait_s)
                if again_s is None:
                    _refuse_if_said(answer)
                    break
            if again_s is not None:
                self._wait(again_s)
        raise NoAnswer(f"{method} {path}", why, key)


def _refuse_bad(url: str, token: str) -> None:
    """Refuse what cannot be an address or a token, before anything is sent.

    Raises:
        ClientError: It cannot.
    """
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise ClientError(f"got {url!r}, expected the address of a dashboard: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ClientError(f"got {url!r}, expected the address of a dashboard: http://HOST:PORT")
    if not (token.isascii() and token.isprintable() and token):
        raise ClientError("got a token of other signs, expected one as it was shown: ath_…")


def _told_to_wait(answer: httpx2.Response, wait_s: float | None) -> float | None:
    """Return how long to wait before asking again; None if nobody should."""
    told = answer.headers.get("retry-after", "")
    if wait_s is None or not told.isdecimal():
        return wait_s
    return float(told) if float(told) <= _LONGEST_S else None


def _good(answer: httpx2.Response) -> httpx2.Response:
    """Return an answer that is no refusal.

    Raises:
        Refused: It is one.
        Unreadable: It is one, but says it in no form that is known.
    """
    if answer.is_success:
        return answer
    _refuse_if_said(answer)
    said = f"{answer.status_code} {answer.text[:200]!r}"
    raise Unreadable(f"{answer.request.url}: got {said}, expected a problem")


def _refuse_if_said(answer: httpx2.Response) -> None:
    """Raise what the server itself said; a proxy before it says something else.

    Raises:
        Refused: It said a problem.
    """
    try:
        problem = Problem.model_validate_json(answer.content)
    except ValidationError:
        return
    raise Refused(problem)


def _read(answer: httpx2.Response, form: type[T]) -> T:
    """Return an answer as the model that it is.

    Raises:
        Unreadable: It is not.
    """
    adapter: TypeAdapter[T] = TypeAdapter(form)
    try:
        return adapter.validate_json(answer.content)
    except ValidationError as error:
        raise Unreadable(f"{answer.request.url}: {error}") from error
