"""What a planner is told of the bench: what experiments take there, and how long it runs."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from orchestrator.core.point import Point

__all__ = ["BenchTime"]


@dataclass(frozen=True, slots=True)
class BenchTime:
    """What experiments take on a bench, by the recipe as it is compiled for it."""

    hours: Callable[[Point], float]
    """Hours from begin to end at a point, with the bench to itself."""
    hours_apart: Callable[[Point], float]
    """Hours by which one more experiment at a point makes the whole longer."""
    hours_left: float = inf
    """For how long experiments may still be under way."""
