"""Whether the log is what it was: a check that takes its time, and how it goes."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request

from orchestrator.access.roles import Principal, Scope
from orchestrator.dashboard.api.answers import PREFIX, for_scope
from orchestrator.dashboard.api.models import VerificationView
from orchestrator.dashboard.api.verifying import Verifier
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.rate import slow_down

__all__ = ["router", "verifier_of"]

router = APIRouter(prefix=PREFIX, tags=["audit"])

_READ: Final = for_scope(Scope.READ)
Person = Annotated[Principal, Depends(needs(Scope.READ))]


def verifier_of(request: Request) -> Verifier:
    """Return who checks the log of the app that a request came to."""
    found: Verifier = request.app.state.verifier
    return found


@router.get(
    "/audit/verify", operation_id="verification", summary="The last check", openapi_extra=_READ
)
def verification(request: Request, me: Person) -> VerificationView:
    """Return the last check of the log by this process, or the one that runs."""
    return verifier_of(request).view()


@router.post(
    "/audit/verify",
    operation_id="verify",
    summary="Check the log",
    status_code=202,
    openapi_extra=_READ,
)
def verify(request: Request, me: Person) -> VerificationView:
    """Recompute the hash of every record, unless that is being done; ask how it goes by GET."""
    slow_down(request, me.name)
    return verifier_of(request).start(me.name)
