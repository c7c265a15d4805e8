"""What a campaign brings to its safe state when it ends; the one rule for station and dry-run."""

from collections.abc import Collection, Mapping
from typing import Literal, Protocol

__all__ = ["Rig", "make_safe_beside"]


class Rig(Protocol):
    """What can bring all of a rig to rest, or what one campaign worked with."""

    async def make_safe(self) -> Mapping[str, str]:
        """Bring every instrument to its safe state; see `Executor.make_safe`."""
        ...

    async def stop_campaign(
        self, campaign_id: str, how: Literal["hold", "stop", "abort"]
    ) -> Mapping[str, str]:
        """Refuse a campaign's orders; an abort cuts its running ones off and makes safe."""
        ...


async def make_safe_beside(
    rig: Rig, campaign_id: str, others: Collection[str]
) -> Mapping[str, str]:
    """Bring to its safe state what a campaign leaves that ends while others go on.

    What works for another campaign, or last worked for one, is theirs and left alone; without
    others that is nothing.

    Args:
        rig: With the instruments.
        campaign_id: The one that ends; what runs for it is cut off.
        others: Whose engines are there.

    Returns:
        For every instrument made safe why it could not be reached; empty text when it is safe.
    """
    if others:
        return await rig.stop_campaign(campaign_id, "abort")
    return await rig.make_safe()
