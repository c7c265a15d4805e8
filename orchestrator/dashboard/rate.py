"""How often somebody may write or sign in; what makes the bench safer is never slowed down."""

import ipaddress
import math
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request

from drivers.clock import Clock
from orchestrator.dashboard.limiter import Limiter
from orchestrator.errors import RequestRefused

__all__ = [
    "Limits",
    "TooOften",
    "client_of",
    "limits_of",
    "remember_sign_in",
    "slow_down",
    "slow_down_sign_in",
]

_IPV6_NETWORK_BITS: Final = 64
"""One house has so many of an address's bits in common, and may change all others at will."""
_MOST_KNOWN: Final = 10_000


class TooOften(RequestRefused):
    """Somebody asks too often.

    Args:
        wait_s: How long to wait, in seconds.
    """

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"too often; try again in {math.ceil(wait_s)} s")
        self.wait_s = math.ceil(wait_s)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one web process."""

    writes: Limiter
    """By person."""
    sign_ins: Limiter
    """By address."""
    names: Limiter
    """By the name that is tried, from wherever: wide, so that nobody shuts others out."""
    known: dict[tuple[str, str], None] = field(default_factory=dict)
    """Addresses and the names that were signed in with from there, the latest last: what others
    try on a name is not held against these."""

    @classmethod
    def usual(cls, clock: Clock) -> "Limits":
        """Return 120 writes, 10 attempts to sign in from one address, 60 on one name a minute."""
        return cls(Limiter(120, 60, clock), Limiter(10, 10, clock), Limiter(60, 60, clock))


def limits_of(request: Request) -> Limits:
    """Return the limits of the app that a request came to."""
    found: Limits = request.app.state.limits
    return found


def client_of(request: Request) -> str:
    """Return the address that a request came from; of IPv6, the network that one house has."""
    host = "unknown" if request.client is None else request.client.host
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address), _IPV6_NETWORK_BITS), strict=False))


def slow_down_sign_in(request: Request, name: str) -> None:
    """Count an attempt to show who one is by a password.

    Args:
        request: Where it comes from.
        name: Of the account that is tried.

    Raises:
        TooOften: There were too many.
    """
    limits, client, name = limits_of(request), client_of(request), name.strip().lower()
    wait_s = limits.sign_ins.wait_s(client)
    if not wait_s and (client, name) not in limits.known:
        wait_s = limits.names.wait_s(name)
    if wait_s > 0:
        raise TooOften(wait_s)


def remember_sign_in(request: Request, name: str) -> None:
    """Remember that somebody has shown who they are: nobody elsewhere keeps them out from there.

    Args:
        request: Where it came from.
        name: Of the account, as it was typed.
    """
    known, place = limits_of(request).known, (client_of(request), name.strip().lower())
    known.pop(place, None)
    known[place] = None
    if len(known) > _MOST_KNOWN:
        known.pop(next(iter(known)))


def slow_down(request: Request, name: str) -> None:
    """Count a write.

    Raises:
        TooOften: There were too many.
    """
    wait_s = limits_of(request).writes.wait_s(name)
    if wait_s > 0:
        raise TooOften(wait_s)
