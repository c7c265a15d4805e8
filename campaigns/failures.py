"""What failures do to the whole campaign; what one does to its sample stands at its job."""

from typing import Literal

from campaigns.fields import Natural, Section

__all__ = ["FailureMeans", "Failures", "OnFailure"]

OnFailure = Literal["fail_sample", "retry", "hold"]
FailureMeans = Literal["instrument", "synthesis"]


class Failures(Section):
    """The table [failures]."""

    hold_after: Natural = 5
    """So many experiments failing one after the other hold the campaign."""
