"""What a world is: it turns a composition into what nature would give, and says how sure it is.

Worlds are found through the entry points `athanor.worlds`; each is a class without arguments.
"""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import ClassVar, Literal, Protocol, cast

import numpy as np

from drivers.errors import RigError

__all__ = ["Transducer", "World", "world_named"]

Transducer = Literal["electrode", "thermocouple", "four_point_probe", "redox_couple", "none"]
"""How a source-meter sees a sample of the world; ``none`` if it cannot, as with a strength."""


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
    tolerance: ClassVar[float] = 0.0
    """How far from a row of its data it still answers, in every fraction; 0 if it has none."""
    made_sd: ClassVar[float] = 0.0
    """Standard deviation of each fraction made from the fraction asked for, where no pump of the
    bench makes the error itself; `simulators.worlds.making` uses it."""
    failure_region: ClassVar[str] = ""
    """Where nothing usable comes out of the oven, in words; empty if it always does."""

    def true_outcomes(self, fractions: Mapping[str, float]) -> dict[str, float]:
        """Return the outcomes without noise.

        Args:
            fractions: Atomic fractions by component, each 0 to 1, sum 1; absent ones may be
                left out.

        Raises:
            OffTheMap: The world has no answer there.
            SynthesisFailed: The composition lies in the failure region.
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
            SynthesisFailed: The composition lies in the failure region.
        """
        ...

    def temperature_factor(self, fractions: Mapping[str, float], temperature_c: float) -> float:
        """Return what the outcomes of a sample are multiplied by where it is that warm.

        A world whose outcomes do not change with the temperature of the position says 1.

        Args:
            fractions: As for `true_outcomes`.
            temperature_c: Of the position, in degrees Celsius.

        Raises:
            OffTheMap: The world has no answer there.
            SynthesisFailed: The composition lies in the failure region.
        """
        return 1.0


def world_named(name: str) -> World:
    """Return the world that the rig file names.

    Args:
        name: A name from the entry points `athanor.worlds`.

    Raises:
        RigError: No world has this name.
    """
    return _world_class(name)()


@cache
def _world_class(name: str) -> type[World]:
    known = {point.name: point for point in entry_points(group="athanor.worlds")}
    if name not in known:
        raise RigError("simulation.world", got=name, expected=f"one of {sorted(known)}")
    return cast(type[World], known[name].load())
