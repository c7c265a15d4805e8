"""The errors of the pretend world.

```
SimulatorError
├── OffTheMap           the world has no answer for this composition
│   └── SynthesisFailed what was made is no sample: the instrument finds nothing to read
├── CheckFailed         a driver does not do what the conformance kit demands
└── CheckSkipped        there is nothing that the kit could check
```

A rig that cannot be simulated is a `drivers.errors.RigError`, as on the real bench.
"""

__all__ = ["CheckFailed", "CheckSkipped", "OffTheMap", "SimulatorError", "SynthesisFailed"]


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


class SynthesisFailed(OffTheMap):
    """The composition lies in the world's declared failure region."""


class CheckFailed(SimulatorError):
    """The driver does not do what the check demands; the text says what and where."""


class CheckSkipped(SimulatorError):
    """There is nothing to check; the text says why."""
