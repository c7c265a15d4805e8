"""The pages, each in a module of its own."""

from typing import Final

from fastapi import APIRouter

__all__ = ["PAGE_ROUTERS"]

PAGE_ROUTERS: Final[tuple[APIRouter, ...]] = ()
"""The routers of all pages."""
