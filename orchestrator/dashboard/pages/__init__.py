"""The pages, each in a module of its own."""

from typing import Final

from fastapi import APIRouter

from orchestrator.dashboard.pages import (
    account,
    admin,
    alarms,
    audit,
    campaign,
    campaigns,
    doubts,
    experiments,
    lab,
    model,
    new,
    plan,
    plots,
    samples,
    stock,
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
    plan.router,
    tasks.router,
    samples.router,
    stock.router,
    doubts.router,
    alarms.router,
    audit.router,
    account.router,
    new.router,
    admin.router,
)
"""The routers of all pages."""
