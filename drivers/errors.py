"""The errors of drivers; they answer the one question that matters before a retry: did it happen?

```
DriverError
├── RigError            the rig file is wrong: nobody can go on           (operator fixes)
├── LimitError          asked beyond limits; nothing was sent             (campaign is wrong)
├── LineError           the line is down; nothing was sent                (retry is safe)
│   └── LineTimeout     the line did not take it in time; nothing was sent
├── NothingDone         only settings were sent, and not all confirmed    (retry is safe)
├── DeviceFault         the device answered with an error: code, text     (device decides)
├── ProtocolError       the device answered nonsense: raw bytes kept      (our bug or noise)
└── OutcomeUnknown      sent, no trustworthy answer                       (never retry blindly)
```
"""

from typing import TYPE_CHECKING, get_args

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

__all__ = [
    "DeviceFault",
    "DriverError",
    "LimitError",
    "LineError",
    "LineTimeout",
    "NothingDone",
    "OutcomeUnknown",
    "ProtocolError",
    "RigError",
    "rig_error_from",
]


class DriverError(Exception):
    """Anything that a driver or a line raises on purpose."""


class RigError(DriverError):
    """The rig file asks for something that cannot be; nothing was opened.

    Args:
        key: Dotted key in the rig file, for example ``instruments.balance.line``.
        got: What the file says.
        expected: What would have been right.
    """

    def __init__(self, key: str, *, got: object, expected: str) -> None:
        super().__init__(f"{key}: got {got!r}, expected {expected}")
        self.key = key
        self.got = got
        self.expected = expected


class LimitError(DriverError):
    """An argument lies outside the limits of the action; nothing was sent.

    Args:
        where: ``instrument.action.argument``.
        got: The value asked for.
        expected: The permitted range or type, with its unit.
    """

    def __init__(self, where: str, *, got: object, expected: str) -> None:
        super().__init__(f"{where}: got {got!r}, expected {expected}; nothing was sent")
        self.where = where
        self.got = got
        self.expected = expected


class LineError(DriverError):
    """The line is down; nothing was sent."""


class LineTimeout(LineError):
    """The line did not take the bytes in time; nothing was sent."""


class NothingDone(DriverError):
    """Preparing an action failed before the request that acts: matter was not touched."""


class DeviceFault(DriverError):
    """The device understood and refused, or reported that it failed.

    Args:
        device: The instrument's name or its model.
        code: The device's own error code.
        text: What the code means, from the manual.
        acted: Whether the device may already have acted on matter when it reported the fault.
    """

    def __init__(self, device: str, *, code: str, text: str, acted: bool = False) -> None:
        super().__init__(f"{device} reports {code}: {text}")
        self.device = device
        self.code = code
        self.text = text
        self.acted = acted


class ProtocolError(DriverError):
    """The bytes are not what the manual says a reply looks like.

    Args:
        reason: What is wrong with them.
        raw: The bytes as they came.
    """

    def __init__(self, reason: str, raw: bytes) -> None:
        super().__init__(f"{reason}: {raw!r}")
        self.reason = reason
        self.raw = raw


class OutcomeUnknown(DriverError):
    """A request went out and no trustworthy answer came back: it may have happened.

    Args:
        reason: What was sent and what is missing, in words an operator can use.
        evidence: The bytes or readings at hand.
        is_line_down: Whether the line went down meanwhile; nothing more can come over it.
    """

    def __init__(self, reason: str, evidence: str = "", *, is_line_down: bool = False) -> None:
        super().__init__(f"{reason} [{evidence}]" if evidence else reason)
        self.reason = reason
        self.evidence = evidence
        self.is_line_down = is_line_down


def rig_error_from(
    table: str, error: "ValidationError", model: type["BaseModel"] | None = None
) -> RigError:
    """Turn a pydantic error about settings into a `RigError` that names the first wrong key.

    Args:
        table: Where the settings stand in the rig file, for example ``lines.balance``.
        error: What pydantic found.
        model: What the settings should have been; an unknown key is answered with those it has.
    """
    first = error.errors(include_url=False)[0]
    key = ".".join([table, *map(str, first["loc"])])
    expected = first["msg"]
    if first["type"] == "extra_forbidden" and model is not None:
        known = _known_keys(model, first["loc"][:-1])
        expected = f"one of {', '.join(known)}" if known else expected
    return RigError(key, got=first.get("input"), expected=expected)


def _known_keys(model: type["BaseModel"], way: tuple[int | str, ...]) -> list[str]:
    """Return the keys of the table at the end of a way through a model's tables."""
    found: object = model
    for step in way:
        fields = getattr(found, "model_fields", None)
        if fields is None:
            arguments = [one for one in get_args(found) if one is not Ellipsis]
            found = arguments[-1] if arguments else None
        else:
            found = fields[step].annotation if step in fields else None
    return sorted(getattr(found, "model_fields", {}))
