"""What a campaign that systemd keeps running needs when it is started, by what the log says.

Nobody is at the keyboard then: what a person paused, or what was held for a person, stays so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from campaigns.loading import load_campaign
from orchestrator.errors import LogError, RequestRefused
from orchestrator.service.lab import Lab
from orchestrator.settings import Settings

__all__ = ["Need", "Needed", "name_in", "needed_now", "wait_for_person"]


class Need(StrEnum):
    """What is to be done. Exactly one holds at a time."""

    OPEN = "open"
    """There never was a campaign of this name: begin it."""
    RESUME = "resume"
    """It is unfinished: an engine takes it over and recovers."""
    PERSON = "person"
    """It is paused or held: only a person lets it go on."""
    NOTHING = "nothing"
    """It has ended: another one is begun by a person."""


@dataclass(frozen=True, slots=True)
class Needed:
    """What is to be done about which campaign."""

    need: Need
    campaign_id: str = ""
    reason: str = ""
    """Why a person is waited for, or how it ended."""


def name_in(campaign_file: Path) -> str:
    """Return the name that a campaign file gives its campaigns.

    Raises:
        CampaignFileError: With every mistake in the file.
    """
    return load_campaign(campaign_file).header.name


def needed_now(settings: Settings, campaign_name: str) -> Needed:
    """Return what the newest campaign of a name needs.

    Args:
        settings: Where the log is.
        campaign_name: As the campaign file says it.

    Raises:
        RequestRefused: Several campaigns of this name are unfinished.
        LogError: The log is there and cannot be read.
    """
    if not Path(settings.database).exists():
        return Needed(Need.OPEN)
    with Lab.open(settings) as lab:
        found = [line for line in lab.campaigns() if line.name == campaign_name]
        open_ones = [state for state in lab.unfinished() if state.name == campaign_name]
        if len(open_ones) > 1:
            names = ", ".join(state.campaign_id for state in open_ones)
            raise RequestRefused(f"several unfinished campaigns named {campaign_name!r}: {names}")
        if open_ones:
            state = open_ones[0]
            need = Need.PERSON if state.status.is_waiting else Need.RESUME
            reason = f"{state.status}: {state.status_reason}".removesuffix(": ")
            return Needed(need, state.campaign_id, reason)
        if found:
            return Needed(Need.NOTHING, found[-1].campaign_id, found[-1].state)
        return Needed(Need.OPEN)


def wait_for_person(
    settings: Settings,
    campaign_name: str,
    *,
    pause: Callable[[], object],
    tell: Callable[[str], None],
) -> Needed:
    """Wait until a campaign needs something else than a person.

    Args:
        settings: Where the log is.
        campaign_name: As the campaign file says it.
        pause: Lets some time pass between two looks.
        tell: Says what is waited for, whenever that changes.

    Raises:
        RequestRefused: Several campaigns of this name are unfinished.
    """
    told = ""
    while True:
        try:
            needed = needed_now(settings, campaign_name)
            text = (
                f"{needed.campaign_id} is {needed.reason}; it waits for a person: "
                f"athanor resume {needed.campaign_id} --database {settings.database}"
            )
        except LogError as error:
            needed, text = Needed(Need.PERSON), f"the log cannot be read, waiting: {error}"
        if needed.need is not Need.PERSON:
            return needed
        if text != told:
            tell(text)
            told = text
        pause()
