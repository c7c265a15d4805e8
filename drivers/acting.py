"""What goes wrong after a device has acted: told so that nobody takes it for nothing done."""

from collections.abc import Iterator
from contextlib import contextmanager

from drivers.errors import DeviceFault, LineError, NothingDone, OutcomeUnknown, ProtocolError

__all__ = ["acting", "having_acted"]


@contextmanager
def acting(name: str) -> Iterator[None]:
    """Hold the one request that may touch matter: an answer that cannot be read tells nothing.

    What the line or the device refuses was not done, and stays as it is.

    Args:
        name: The instrument's.

    Raises:
        OutcomeUnknown: Instead of a `ProtocolError` inside.
    """
    try:
        yield
    except ProtocolError as error:
        raise OutcomeUnknown(f"{name} was told to act; its answer is none", str(error)) from error


@contextmanager
def having_acted(name: str) -> Iterator[None]:
    """Hold what follows the first request that may have touched matter, such as reading back.

    Inside, a fault of the device counts as one after acting, and an answer that cannot be read, a
    line that is down or something that was not done leave the outcome unknown.

    Args:
        name: The instrument's.

    Raises:
        DeviceFault: As inside, with `acted`.
        OutcomeUnknown: As inside, and instead of every other error of drivers.
    """
    try:
        yield
    except DeviceFault as error:
        raise DeviceFault(error.device, code=error.code, text=error.text, acted=True) from error
    except LineError as error:
        reason = f"{name} has acted; then the line was down"
        raise OutcomeUnknown(reason, str(error), is_line_down=True) from error
    except (NothingDone, ProtocolError) as error:
        raise OutcomeUnknown(f"{name} has acted; then this happened", str(error)) from error
