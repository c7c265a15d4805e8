"""Bringing several outputs of one device to their safe values: one that fails spares no other."""

from collections.abc import Awaitable, Iterable

from drivers.errors import LineError, OutcomeUnknown

__all__ = ["try_all"]


async def try_all(attempts: Iterable[Awaitable[None]]) -> None:
    """Await every attempt, one after the other, and raise only then.

    Args:
        attempts: Each brings one output to its safe value, or raises `LineError` or
            `OutcomeUnknown`.

    Raises:
        LineError: One attempt heard that the line is down; the last such error.
        OutcomeUnknown: Some outputs are not proved to be at their safe values; names them all.
    """
    down: LineError | None = None
    unproved: list[OutcomeUnknown] = []
    for attempt in attempts:
        try:
            await attempt
        except LineError as error:
            down = error
        except OutcomeUnknown as error:
            unproved.append(error)
    if down is not None:
        raise down
    if unproved:
        reasons = "; ".join(error.reason for error in unproved)
        evidence = "; ".join(error.evidence for error in unproved if error.evidence)
        is_line_down = any(error.is_line_down for error in unproved)
        raise OutcomeUnknown(reasons, evidence, is_line_down=is_line_down)
