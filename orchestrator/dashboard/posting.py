"""Sends one delivery to one address: within a time, to no other host, with nothing believed.

The host's name is asked for at each delivery, its addresses are checked, and the connection goes to
the address that was checked: a name that changes its mind in between (DNS rebinding) gains nothing.
Neither redirects nor the environment's proxies are followed.
"""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from typing import Final

import httpx2

from orchestrator.access.hook_urls import refuse_addresses
from orchestrator.errors import RequestRefused

__all__ = ["post"]

TIMEOUT_S: Final = 10.0
"""How long a delivery may take in all, in real seconds."""


def post(url: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float = TIMEOUT_S) -> str:
    """Send a delivery, and return why it was not taken; empty if it was.

    Args:
        url: Where to.
        body: JSON.
        headers: Beside the usual ones.
        timeout_s: How long it may take in all, in real seconds.
    """
    try:
        status = asyncio.run(_status(httpx2.URL(url), body, headers, timeout_s))
    except TimeoutError:
        return f"no answer within {timeout_s:g} s"
    except RequestRefused as error:
        return str(error)
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, UnicodeError) as error:
        return f"{type(error).__name__}: {error}".removesuffix(": ")
    if 300 <= status < 400:
        return f"answered {status}, a redirection, which is not followed"
    return "" if 200 <= status < 300 else f"answered {status}"


async def _status(
    url: httpx2.URL, body: bytes, headers: Mapping[str, str], timeout_s: float
) -> int:
    """Return the status of the answer.

    Raises:
        TimeoutError: There was none in time.
        RequestRefused: The host is at an address where nobody should be sent to.
        HTTPError: It cannot be reached, or does not speak HTTP.
    """
    async with asyncio.timeout(timeout_s):
        addresses = await _addresses_of(url)
        refuse_addresses(url.host, addresses)
        client = httpx2.AsyncClient(
            verify=ssl.create_default_context() if url.scheme == "https" else False,
            timeout=timeout_s,
            follow_redirects=False,
            trust_env=False,
        )
        async with client:
            for address in addresses[:-1]:
                try:
                    return await _posted(client, url, address, body, headers)
                except httpx2.ConnectError:
                    continue  # the host has another address, and may listen there
            return await _posted(client, url, addresses[-1], body, headers)


async def _addresses_of(url: httpx2.URL) -> list[str]:
    port = url.port or (443 if url.scheme == "https" else 80)
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


async def _posted(
    client: httpx2.AsyncClient,
    url: httpx2.URL,
    address: str,
    body: bytes,
    headers: Mapping[str, str],
) -> int:
    """Post to one address under the host's own name; what is answered is not read."""
    request = client.build_request(
        "POST",
        url.copy_with(host=address),
        content=body,
        headers={**headers, "host": url.netloc.decode()},
        extensions={"sni_hostname": url.host},
    )
    answer = await client.send(request, stream=True)
    try:
        return answer.status_code
    finally:
        await answer.aclose()
