"""What counts as bad input at the door: the errors that a person can put right."""

from typing import Final

from campaigns.errors import CampaignError
from drivers.errors import DriverError
from orchestrator.errors import AthanorError

__all__ = ["REFUSALS", "refusal_lines"]

REFUSALS: Final = (AthanorError, CampaignError, DriverError)
"""Every family of errors that is raised on purpose."""


def refusal_lines(error: BaseException) -> tuple[str, ...]:
    """Return an error as lines for a person, one for each problem.

    Example:
        >>> refusal_lines(AthanorError("no such file"))
        ('no such file',)
    """
    lines = tuple(line for line in str(error).splitlines() if line.strip())
    return lines or (type(error).__name__,)
