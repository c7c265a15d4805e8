"""How often somebody may write or sign in; what makes the bench safer is never slowed down."""

import math
from dataclasses import dataclass

from starlette.requests import Request

from drivers.clock import Clock
from orchestrator.dashboard.limiter import Limiter
from orchestrator.errors import RequestRefused

__all__ = ["Limits", "TooOften", "client_of", "limits_of", "slow_down"]


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
    """By address, and by the name that is tried."""

    @classmethod
    def usual(cls, clock: Clock) -> "Limits":
        """Return 120 writes and 10 attempts to sign in a minute, after a burst of as many."""
        return cls(Limiter(120, 60, clock), Limiter(10, 10, clock))


def limits_of(request: Request) -> Limits:
    """Return the limits of the app that a request came to."""
    found: Limits = request.app.state.limits
    return found


def client_of(request: Request) -> str:
    """Return the address that a request came from."""
    return "unknown" if request.client is None else request.client.host


def slow_down(request: Request, name: str) -> None:
    """Count a write.

    Raises:
        TooOften: There were too many.
    """
    wait_s = limits_of(request).writes.wait_s(name)
    if wait_s > 0:
        raise TooOften(wait_s)
