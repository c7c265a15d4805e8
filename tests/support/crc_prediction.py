"""How much damage the checksum of Modbus RTU lets pass, by its algebra.

The checksum is linear: which damage it misses depends on the bits that differ alone, and not on
where in the frame they lie, only on how far from each other. Damage of one byte or of two
neighbours is always found; two bytes with one between them pass more often than one in 65,536,
because x^16 is no more than x^2 + x by the larger factor of the polynomial, x^15 + x + 1.

References:
    MODBUS over serial line, specification and implementation guide V1.02 (2006), 6.2.2:
    polynomial 0xA001, bits reversed.
"""

import functools
from collections.abc import Sequence

__all__ = ["is_missed", "missed_share", "remainder"]

_POLYNOMIAL = 0xA001
_CHANGES = range(1, 256)
_MOST_COUNTED = 3


def remainder(damage: bytes) -> int:
    """Return what damage changes in the checksum; 0 is missed.

    Args:
        damage: The exclusive or of a damaged frame with the true one.
    """
    register = 0
    for byte in damage:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (_POLYNOMIAL if register & 1 else 0)
    return register


def is_missed(damaged: bytes, true: bytes) -> bool:
    """Tell whether the checksum holds in spite of the damage.

    Args:
        damaged: As long as the true frame.
        true: The frame.
    """
    return not remainder(bytes(one ^ other for one, other in zip(damaged, true, strict=True)))


def missed_share(damaged: bytes, true: bytes) -> float:
    """Return how likely damage in the same places, of any size, is missed.

    Args:
        damaged: As long as the true frame and different from it.
        true: The frame.
    """
    places = [
        place for place, pair in enumerate(zip(damaged, true, strict=True)) if len({*pair}) > 1
    ]
    return _share(tuple(places[-1] - place for place in places))


@functools.cache
def _share(from_the_end: Sequence[int]) -> float:
    """Return the share of missed ones among all changes of the bytes at these places."""
    if len(from_the_end) > _MOST_COUNTED:
        return 2.0**-16
    first, *others = [
        [remainder(bytes([change]) + bytes(place)) for change in _CHANGES] for place in from_the_end
    ]
    sums = dict.fromkeys(first, 1)
    for others_of_one in others:
        added: dict[int, int] = {}
        for value, n in sums.items():
            for other in others_of_one:
                added[value ^ other] = added.get(value ^ other, 0) + n
        sums = added
    return sums.get(0, 0) / 255 ** len(from_the_end)
