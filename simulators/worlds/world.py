"""What a world is: it turns a composition into what nature would give, and says how sure it is.

Worlds are found through the entry points `athanor.worlds`; each is a class without arguments.
"""

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import ClassVar, Literal, Protocol, cast

import numpy as np

from drivers.errors import RigError

__all__ = ["Transducer", "World", "world_named"]

Transducer = Literal["electrode", "thermocouple"]
"""How a source-meter sees a sample of the world."""


class World(Protocol):
    """A piece of nature, deterministic but for the noise that it declares."""

    name: ClassVar[str]
    """As the rig file calls it."""
    components: ClassVar[tuple[str, ...]]
    """What its compositions are made of; the stocks of a rig bear these names."""
    transducer: ClassVar[Transducer]
    """What stands between a sample and the source-meter."""
    noise_sd: ClassVar[Mapping[str, float]]
    """Standard deviation from sample to sample of each outcome, in the outcome's unit."""

    def true_outcomes(self, fractions: Mapping[str, float]) -> dict[str, float]:
        """Return the outcomes without noise.

        Args:
            fractions: Atomic fractions by component, each 0 to 1, sum 1; absent ones may be
                left out.

        Raises:
            OffTheMap: The world has no answer there.
        """
        ...

    def outcomes(
        self, fractions: Mapping[str, float], rng: np.random.Generator
    ) -> dict[str, float]:
        """Return the outcomes of one sample, with its noise.

        Args:
            fractions: As for `true_outcomes`.
            rng: Where the noise is drawn from.

        Raises:
            OffTheMap: The world has no answer there.
        """
        ...


def world_named(name: str) -> World:
    """Return the world that the rig file names.

    Args:
        name: A name from the entry points `athanor.worlds`.

    Raises:
        RigError: No world has this name.
    """
    known = {point.name: point for point in entry_points(group="athanor.worlds")}
    if name not in known:
        raise RigError("simulation.world", got=name, expected=f"one of {sorted(known)}")
    return cast(World, known[name].load()())
