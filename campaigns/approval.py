"""Which candidates a person looks at before they are made."""

from typing import Literal

from campaigns.fields import Natural, Section

__all__ = ["Approval", "Gate"]

Gate = Literal["off", "first", "out_of_distribution", "all"]


class Approval(Section):
    """The table [approval]."""

    gate: Gate = "off"
    """``off``: none. ``first``: the first `n_first`. ``out_of_distribution``: those where the model
    had to guess, as the planner says. ``all``: every one."""
    n_first: Natural = 8
    """How many candidates the gate ``first`` stops, counted over the whole campaign."""
