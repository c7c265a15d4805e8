"""What is made when a composition is asked for, in a world that no pump doses for."""

from collections.abc import Mapping

import numpy as np

from simulators.worlds.world import World

__all__ = ["made_fractions", "outcomes_as_asked"]


def made_fractions(
    world: World, asked: Mapping[str, float], rng: np.random.Generator
) -> dict[str, float]:
    """Return a composition made for the one asked for.

    Every component that is asked for misses its fraction by the world's `made_sd`, none goes
    below 0, and what comes out is closed to the sum that was asked for. What is not asked for is
    not in it. A world whose `made_sd` is 0 makes what is asked for.

    Args:
        world: Its `made_sd` decides.
        asked: Atomic fractions by component, each 0 to 1.
        rng: Where the misses are drawn from.
    """
    if world.made_sd <= 0.0:
        return dict(asked)
    made = {
        name: max(0.0, value + rng.normal(0.0, world.made_sd)) if value > 0.0 else value
        for name, value in asked.items()
    }
    total = sum(made.values())
    if total <= 0.0:
        return dict(asked)
    closing = sum(asked.values()) / total
    return {name: value * closing for name, value in made.items()}


def outcomes_as_asked(
    world: World, asked: Mapping[str, float], rng: np.random.Generator
) -> dict[str, float]:
    """Return the outcomes of one sample made for the composition asked for.

    Args:
        world: What the sample is made in.
        asked: Atomic fractions by component, each 0 to 1, sum 1.
        rng: Where the misses and then the noise are drawn from.

    Raises:
        OffTheMap: The world has no answer for what was made.
        SynthesisFailed: What was made lies in the failure region.
    """
    return world.outcomes(made_fractions(world, asked, rng), rng)
