"""The errors of the pretend world.

```
SimulatorError
└── OffTheMap           the world has no answer for this composition
```

A rig that cannot be simulated is a `drivers.errors.RigError`, as on the real bench.
"""

__all__ = ["OffTheMap", "SimulatorError"]


class SimulatorError(Exception):
    """Anything that the pretend world raises on purpose."""


class OffTheMap(SimulatorError):
    """The world was asked about a composition that nobody has measured.

    Args:
        world: The world's name.
        fractions: The composition asked about, written out.
        reason: What is wrong with it.
    """

    def __init__(self, world: str, fractions: str, reason: str) -> None:
        super().__init__(f"{world} has no answer for {fractions}: {reason}")
        self.world = world
        self.fractions = fractions
        self.reason = reason
