"""The strokes of a plunger: where each begins and ends, and the note that outlives a crash."""

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["Stroke", "noted", "strokes_of"]

_NOTE: Final = re.compile(r"(first|later) (in|out) (\d+) to (\d+)( last)?")


@dataclass(frozen=True, slots=True)
class Stroke:
    """One movement of the plunger."""

    is_in: bool
    begin: int
    end: int
    """Positions in steps, 0 is empty."""
    is_first: bool
    is_last: bool

    @property
    def note(self) -> str:
        """What is made durable before it begins."""
        words = ("first" if self.is_first else "later", "in" if self.is_in else "out")
        return f"{' '.join(words)} {self.begin} to {self.end}" + " last" * self.is_last


def noted(note: str) -> Stroke | None:
    """Return the stroke that a note tells of, None if it tells of none.

    >>> noted("later out 3000 to 0 last")
    Stroke(is_in=False, begin=3000, end=0, is_first=False, is_last=True)
    """
    match = _NOTE.fullmatch(note)
    if match is None:
        return None
    begin, end = int(match[3]), int(match[4])
    return Stroke(match[2] == "in", begin, end, match[1] == "first", bool(match[5]))


def strokes_of(n_steps: int, whole: int) -> list[Stroke]:
    """Return the strokes that move an amount through an empty syringe.

    Args:
        n_steps: The amount.
        whole: Steps of a whole stroke.
    """
    parts = [min(whole, n_steps - done) for done in range(0, n_steps, whole)]
    return [
        Stroke(
            is_in,
            0 if is_in else part,
            part if is_in else 0,
            is_first=place == 0 and is_in,
            is_last=place == len(parts) - 1 and not is_in,
        )
        for place, part in enumerate(parts)
        for is_in in (True, False)
    ]
