"""The pages, each in a module of its own."""

from typing import Final

from fastapi import APIRouter

from orchestrator.dashboard.pages import (
    campaign,
    campaigns,
    experiments,
    lab,
    model,
    plots,
    tasks,
    why,
)

__all__ = ["PAGE_ROUTERS"]

PAGE_ROUTERS: Final[tuple[APIRouter, ...]] = (
    lab.router,
    campaigns.router,
    campaign.router,
    experiments.router,
    why.router,
    model.router,
    plots.router,
    tasks.router,
)
"""The routers of all pages."""
