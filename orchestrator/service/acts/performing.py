"""Does an act: only for whom it is allowed, only on what they saw, and only once."""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Final

from orchestrator.access.roles import Principal
from orchestrator.errors import ActRepeated, LogError, NotPermitted, RequestRefused
from orchestrator.log.kept_acts import ActKey
from orchestrator.service.acts.act import Act, ActDesk, Told
from orchestrator.service.decisions import Acting
from orchestrator.service.lab import Lab
from orchestrator.service.launching.launcher import Launcher
from orchestrator.service.station_door import StationDoor
from orchestrator.service.task_boards import TaskBoards

__all__ = ["OpenLab", "fingerprint_of", "perform_act"]

OpenLab = Callable[[str, Acting | None], Lab]
"""Opens the log under a person's name, for one act or for looking."""

_KEY: Final = re.compile(r"[A-Za-z0-9._:-]{8,128}")


def fingerprint_of(act: Act) -> str:
    """Return what makes two requests the same: SHA-256 of the act's name and fields."""
    said = {"act": act.name, **act.model_dump(mode="json")}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def perform_act(
    act: Act,
    principal: Principal,
    *,
    open_lab: OpenLab,
    door: StationDoor,
    key: str,
    seen_seq: int | None = None,
    launcher: Launcher | None = None,
    boards: TaskBoards | None = None,
) -> Told:
    """Do an act once.

    Args:
        act: What is asked.
        principal: Who asks.
        open_lab: Opens the log.
        door: The living stations.
        key: Unique for this act; whoever got no answer asks again with the same one.
        seen_seq: The last record that the page showed that asks; None does not mind what others
            did meanwhile. An act that makes the bench safer is obeyed however old the page is.
        launcher: Starts engines; None where this server starts none.
        boards: Of manual stations; None where this server shows none.

    Returns:
        What became of it, now or when it was done under this key.

    Raises:
        NotPermitted: Whoever asks may not do that.
        StaleView: Somebody else acted on the same thing after what the page showed.
        RequestRefused: It cannot be done in the present state, the key was used for something
            else, or a reason is missing.
        LogError: The log cannot be read or written; the message says what stations did.
    """
    if not principal.may(act.scope):
        raise NotPermitted(principal.name, act.name, act.scope)
    asked = _asked(act, principal, key)
    act.refuse_without_reason()
    acting = Acting(asked, None if act.makes_safer else seen_seq, act.concerns)
    try:
        if not act.makes_safer:
            _look_first(act, acting, principal, open_lab)
        desk = ActDesk(
            principal,
            lambda: open_lab(principal.name, acting),
            door,
            asked,
            launcher,
            boards or TaskBoards(),
        )
        told = act.perform(desk)
    except ActRepeated as repeated:
        return _told_again(act, asked, repeated, launcher)
    except RequestRefused:
        repeated_now = _done_before(asked, principal, open_lab)
        if repeated_now is None:
            raise
        return _told_again(act, asked, repeated_now, launcher)
    return _with_seq(told, principal, open_lab)


def _asked(act: Act, principal: Principal, key: str) -> ActKey:
    """Return what the log keeps of an act.

    Raises:
        RequestRefused: The key is none.
    """
    if _KEY.fullmatch(key) is None:
        raise RequestRefused(
            f"idempotency key: got {key[:140]!r}, expected 8 to 128 letters, digits or . _ : -"
        )
    return ActKey(key=key, actor=principal.name, request=fingerprint_of(act))


def _look_first(act: Act, acting: Acting, principal: Principal, open_lab: OpenLab) -> None:
    """Refuse, before any station is told, what was done before or what the page is too old for.

    Raises:
        ActRepeated: It was done before.
        StaleView: The page is too old.
    """
    with open_lab(principal.name, acting) as lab:
        kept = lab.kept_act(acting.key.key)
        if kept is not None:
            raise ActRepeated(kept.key, seq=kept.seq, request=kept.request)
        lab.refuse_stale(act.stream)


def _done_before(asked: ActKey, principal: Principal, open_lab: OpenLab) -> ActRepeated | None:
    """Return that an act was done; what was done once may well be impossible now."""
    with open_lab(principal.name, None) as lab:
        kept = lab.kept_act(asked.key)
    return None if kept is None else ActRepeated(kept.key, seq=kept.seq, request=kept.request)


def _told_again(act: Act, asked: ActKey, repeated: ActRepeated, launcher: Launcher | None) -> Told:
    if repeated.request != asked.request:
        raise RequestRefused(
            f"idempotency key {asked.key}: it was used for another act; use a new one for each"
        ) from repeated
    return Told(
        message=f"{act.name} was done before, under this very key",
        seq=repeated.seq,
        was_done_before=True,
        campaign_id="" if launcher is None else launcher.started_under(asked),
    )


def _with_seq(told: Told, principal: Principal, open_lab: OpenLab) -> Told:
    """Add up to where the log has come; an act that is done stays done if it cannot be read."""
    try:
        with open_lab(principal.name, None) as lab:
            return told.model_copy(update={"seq": lab.last_seq()})
    except LogError:
        return told
