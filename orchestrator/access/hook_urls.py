"""Which addresses may be told of what happens: the laboratory's own network, nobody's metadata.

An address of the link-local range is where cloud machines keep their keys; it is refused. Loopback
and private ones are allowed: laboratories are private.
"""

import ipaddress
import socket
from collections.abc import Iterable
from typing import Final, TypeAlias
from urllib.parse import SplitResult, urlsplit

from orchestrator.errors import RequestRefused

__all__ = ["checked_url", "refuse_addresses"]

_LONGEST: Final = 2000
_EMBEDDING: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address."""
_METADATA: Final = frozenset(
    ipaddress.ip_address(text)
    for text in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")
)
"""Where some clouds keep a machine's keys outside the link-local range (Alibaba Cloud, Azure,
Oracle Cloud and AWS say so in their manuals)."""

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


def checked_url(url: str) -> str:
    """Return an address for a webhook as it is kept.

    Args:
        url: As it was given.

    Raises:
        RequestRefused: It is no http or https address of a host, it has a name or a password in
            it, or it is of the link-local range.

    Example:
        >>> checked_url("http://127.0.0.1:9000/hook#top")
        'http://127.0.0.1:9000/hook'
    """
    if len(url) > _LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        raise _not_a_url(url, f"at most {_LONGEST} ASCII characters without blanks")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _not_a_url(url, f"an address ({error})") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise _not_a_url(url, "http:// or https:// and a host")
    if "@" in parts.netloc or "\\" in parts.netloc:
        raise RequestRefused(
            "url: got a name or a password in it, expected none: the signature shows who sends"
        )
    refuse_addresses(parts.hostname, _numbers_of(parts))
    return parts._replace(fragment="").geturl()


def refuse_addresses(host: str, addresses: Iterable[str]) -> None:
    """Refuse a host any of whose addresses nobody should be sent to.

    Args:
        host: Its name.
        addresses: What it stands for, as numbers.

    Raises:
        RequestRefused: One is link-local, a group's or nobody's.
    """
    for text in addresses:
        address = _inner(ipaddress.ip_address(text.partition("%")[0]))
        is_nobodys = address.is_multicast or address.is_unspecified
        if address.is_link_local or is_nobodys or address in _METADATA:
            raise RequestRefused(
                f"url: got {host}, which is {address}: expected no link-local address, no cloud's "
                "metadata, no group's and none that is no host's"
            )


def _numbers_of(parts: SplitResult) -> list[str]:
    """Return the address of a host that is written as a number, in any of its forms."""
    try:
        found = socket.getaddrinfo(parts.hostname, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return []  # a name: it is asked for at each delivery
    return [str(one[4][0]) for one in found]


def _inner(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _EMBEDDING:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _not_a_url(url: str, expected: str) -> RequestRefused:
    return RequestRefused(f"url: got {url[:200]!r}, expected {expected}")
