"""A composition as numbers, checked, for the worlds that have no table of their own."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from simulators.errors import OffTheMap

__all__ = ["CLOSURE", "fractions_in_order", "written_out"]

CLOSURE = 0.03
"""Fractions whose sum is within this of 1 are closed to 1: real ones never add up exactly."""


def written_out(fractions: Mapping[str, float]) -> str:
    """Return a composition in words, for messages."""
    return " ".join(f"{name}={value:.4f}" for name, value in sorted(fractions.items()))


def fractions_in_order(
    world: str, components: tuple[str, ...], fractions: Mapping[str, float]
) -> npt.NDArray[np.float64]:
    """Return a composition in the order of the components, closed to a sum of 1.

    Args:
        world: The world's name, for messages.
        components: The order; what is absent from the composition is 0.
        fractions: Atomic or other fractions by component, each 0 to 1, sum 1 within `CLOSURE`.

    Raises:
        OffTheMap: A component is unknown, or a fraction or the sum is not what it must be.
    """
    strangers = [name for name in fractions if name not in components]
    if strangers:
        raise OffTheMap(world, written_out(fractions), f"unknown component {strangers[0]}")
    asked = np.array([fractions.get(name, 0.0) for name in components], dtype=np.float64)
    if not np.isfinite(asked).all():
        raise OffTheMap(world, written_out(fractions), "a fraction is not a finite number")
    if asked.min() < 0.0:
        raise OffTheMap(world, written_out(fractions), "a fraction is below 0")
    total = float(asked.sum())
    if abs(total - 1.0) > CLOSURE:
        reason = f"the fractions sum to {total:.4f}, expected 1 within {CLOSURE}"
        raise OffTheMap(world, written_out(fractions), reason)
    return asked / total
