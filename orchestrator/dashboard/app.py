"""The web application: its parts, its routes, and what guards them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.staticfiles import StaticFiles

from orchestrator.access.webhooks import WebhookBook
from orchestrator.dashboard import act_routes, sign_in, stream
from orchestrator.dashboard.api.routes import add_api
from orchestrator.dashboard.pages import PAGE_ROUTERS
from orchestrator.dashboard.parts import DashboardParts
from orchestrator.dashboard.rate import Limits
from orchestrator.dashboard.refused import add_error_handlers
from orchestrator.dashboard.rendering import STATIC, make_renderer
from orchestrator.dashboard.security import Guard
from orchestrator.dashboard.threads import ThreadPools
from orchestrator.dashboard.webhooks import Deliverer

__all__ = ["make_app"]


def make_app(parts: DashboardParts) -> FastAPI:
    """Return the application.

    Args:
        parts: What it works with; they stay the caller's to close.
    """

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        book = WebhookBook(parts.keys.path, parts.clock)
        await run_in_threadpool(parts.tell_changes)
        deliverer = Deliverer(
            book, parts.follower, clock=parts.clock, on_given_up=parts.tell_changes
        )
        with closing(app.state.pools), parts.follower, deliverer:
            yield

    app = FastAPI(
        title="Athanor",
        version=version("athanor"),
        description="The laboratory: what it does, what was learnt, and what people may ask of it.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        lifespan=running,
    )
    app.state.parts = parts
    app.state.render = make_renderer()
    app.state.limits = Limits.usual(parts.clock)
    app.state.pools = ThreadPools()
    app.add_middleware(Guard, hosts=parts.hosts, is_secure=parts.is_secure)
    add_error_handlers(app)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    routers: tuple[APIRouter, ...] = (
        sign_in.router,
        stream.router,
        act_routes.api_router(),
        act_routes.page_router(),
        *PAGE_ROUTERS,
    )
    for router in routers:
        app.include_router(router)
    add_api(app, parts)
    return app
