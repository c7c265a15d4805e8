"""Campaign files that come with Athanor, to begin from."""

from importlib.resources import files
from importlib.resources.abc import Traversable

from orchestrator.errors import RequestRefused
from orchestrator.service.launching.views import CampaignText

__all__ = ["shipped_campaign", "shipped_campaigns"]

_LIBRARY = "campaigns.library"


def shipped_campaigns() -> tuple[str, ...]:
    """Return the names of the campaign files that come with Athanor: ``oer/oer_plate.toml``."""
    return tuple(sorted(_found()))


def shipped_campaign(name: str) -> CampaignText:
    """Return one of them.

    Args:
        name: As `shipped_campaigns` says it.

    Raises:
        RequestRefused: There is none of this name.
    """
    found = _found()
    if name not in found:
        there = ", ".join(sorted(found))
        raise RequestRefused(f"no shipped campaign {name[:100]!r}; there are: {there}")
    text = found[name].read_text(encoding="utf-8")
    return CampaignText(file_name=found[name].name, text=text)


def _found() -> dict[str, Traversable]:
    return {
        f"{field.name}/{file.name}": file
        for field in files(_LIBRARY).iterdir()
        if field.is_dir()
        for file in field.iterdir()
        if file.name.endswith(".toml") and "\n[campaign]" in "\n" + file.read_text(encoding="utf-8")
    }
