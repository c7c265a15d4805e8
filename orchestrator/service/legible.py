"""Text that people and devices gave, as it may be shown: nothing in it steers a terminal.

Control characters and overrides of the direction of writing (Unicode TR 36) are spelt out.
"""

import re
from typing import Final

__all__ = ["legible"]

_STEERING: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def legible(text: str) -> str:
    r"""Return a text with what steers a terminal spelt out; line ends and tabs stay.

    JSON that goes through it says the same as before: that is how JSON spells such signs itself.

    Args:
        text: From anybody.

    Example:
        >>> print(legible("red \x1b[31m, turned \u202e"))
        red \u001b[31m, turned \u202e
    """
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
