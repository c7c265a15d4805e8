"""All of the API, added to an app."""

from typing import Final

from fastapi import APIRouter, FastAPI

from orchestrator.dashboard.api import (
    account_routes,
    audit_routes,
    campaign_routes,
    lab_routes,
    launch_routes,
    plan_routes,
    webhook_routes,
)
from orchestrator.dashboard.api.description import describe
from orchestrator.dashboard.api.verifying import Verifier
from orchestrator.dashboard.parts import DashboardParts

__all__ = ["add_api"]

_ROUTERS: Final[tuple[APIRouter, ...]] = (
    lab_routes.open_router,
    lab_routes.router,
    plan_routes.router,
    campaign_routes.router,
    launch_routes.router,
    audit_routes.router,
    account_routes.router,
    webhook_routes.router,
)


def add_api(app: FastAPI, parts: DashboardParts) -> None:
    """Add the API to an app, and have the app describe itself.

    Args:
        app: With `app.state.parts`.
        parts: What it works with.
    """
    app.state.verifier = Verifier(parts)
    for router in _ROUTERS:
        app.include_router(router)
    describe(app)
