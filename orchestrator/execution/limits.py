"""The rig's own limits of arguments: narrower than the driver's, and no campaign widens them."""

from collections.abc import Mapping
from dataclasses import replace

from drivers.instrument import Action, Argument

__all__ = ["limited"]


def limited(action: Action, limits: Mapping[str, Mapping[str, tuple[float, float]]]) -> Action:
    """Return an action with the rig's limits put on its arguments.

    Args:
        action: The driver's.
        limits: Of the instrument, by action and argument; both ends are allowed.
    """
    own = limits.get(action.name, {})
    if not own:
        return action
    return replace(
        action,
        arguments=tuple(
            _narrowed(argument, *own[argument.name]) if argument.name in own else argument
            for argument in action.arguments
        ),
    )


def _narrowed(argument: Argument, low: float, high: float) -> Argument:
    return replace(argument, low=max(low, argument.low), high=min(high, argument.high))
