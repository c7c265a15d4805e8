"""The buttons of the laboratory's page, each with what it will do to matter as things stand now."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from orchestrator.errors import AthanorError
from orchestrator.service.acts import ACTS
from orchestrator.service.lab import Lab
from orchestrator.service.lab_health_whole import WholeLab
from orchestrator.service.live import LiveLab

__all__ = ["Offer", "offers_of"]

Fields = Mapping[str, str | tuple[str, ...]]

_LOOKS: Final = {
    "resume": ("Resume", "primary", "run"),
    "start_again": ("Start it again", "primary", "run"),
    "pause": ("Pause", "neutral", "pause"),
    "hold": ("Hold", "neutral", "hold"),
    "stop": ("Stop for good", "danger", "stop"),
    "abort": ("Abort now", "danger", "abort"),
    "take_out": ("Take out of service", "quiet", "stop"),
    "put_back": ("Put back into service", "neutral", "plug"),
    "clear_latch": ("Clear the latch", "danger", "latch"),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """One button."""

    act: str
    label: str
    kind: str
    icon: str
    hint: str
    """What it will do to matter."""
    fields: Fields = field(default_factory=dict)


def offers_of(live: LiveLab, whole: WholeLab) -> dict[str, tuple[Offer, ...]]:
    """Return the buttons by what they are about: ``need/0``, ``campaign/ID``, ``instrument/NAME``.

    Args:
        live: The log.
        whole: The laboratory as the page shows it.
    """
    with live.using() as lab:
        found = [*_of_needs(lab, whole), *_of_campaigns(lab, whole), *_of_board(lab, whole)]
    return {about: tuple(offers) for about, offers in found}


def _of_needs(lab: Lab, whole: WholeLab) -> Iterator[tuple[str, list[Offer]]]:
    for place, need in enumerate(whole.needs):
        is_remedy = need.urgency != "later" and need.act != "take_out"
        kind = "primary" if is_remedy else "neutral"
        offer = _offer(lab, need.act, need.fields, label=need.act_label, kind=kind)
        yield f"need/{place}", [offer] if offer is not None else []


def _of_campaigns(lab: Lab, whole: WholeLab) -> Iterator[tuple[str, list[Offer]]]:
    for card in whole.campaigns:
        name = card.summary.campaign_id
        offers = [_offer(lab, act, {"campaign_id": name}) for act in card.requests]
        yield f"campaign/{name}", [offer for offer in offers if offer is not None]


def _of_board(lab: Lab, whole: WholeLab) -> Iterator[tuple[str, list[Offer]]]:
    for card in whole.instruments:
        name = card.instrument.name
        offer = _offer(lab, "put_back" if card.is_out else "take_out", {"instrument": name})
        yield f"instrument/{name}", [offer] if offer is not None else []


def _offer(lab: Lab, act: str, fields: Fields, *, label: str = "", kind: str = "") -> Offer | None:
    """Return a button; None where there is no such act, or where it is impossible meanwhile."""
    if act not in ACTS:
        return None
    try:
        hint = ACTS[act].model_validate(dict(fields)).consequence(lab)
    except AthanorError:
        return None
    own_label, own_kind, icon = _LOOKS.get(act, (label, "neutral", ""))
    if act in ("clear_latch", "stop", "abort"):
        kind = own_kind
    return Offer(act, label or own_label, kind or own_kind, icon, hint, fields)
