"""Does an act: only for whom it is allowed, only on what they saw, and only once."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from orchestrator.access.roles import Principal
from orchestrator.core.events import Event
from orchestrator.errors import ActRepeated, LogError, NotPermitted, RequestRefused
from orchestrator.log.kept_acts import ActKey
from orchestrator.service.acts.act import Act, ActDesk, Told
from orchestrator.service.acts.heard_door import HeardDoor
from orchestrator.service.decisions import Acting
from orchestrator.service.lab import Lab
from orchestrator.service.launching.launcher import Launcher
from orchestrator.service.station_door import StationDoor, log_error_after
from orchestrator.service.task_boards import TaskBoards

__all__ = ["OpenLab", "fingerprint_of", "perform_act"]

OpenLab = Callable[[str, Acting | None], Lab]
"""Opens the log under a person's name, for one act or for looking."""

_KEY: Final = re.compile(r"[A-Za-z0-9._:-]{8,128}")


def fingerprint_of(act: Act, by: str) -> str:
    """Return what makes two requests the same: SHA-256 of who asks, the act's name and fields.

    Args:
        act: What is asked.
        by: Who asks.
    """
    said = {"by": by, "act": act.name, "fields": act.model_dump(mode="json")}
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
    heard = HeardDoor(door)

    def is_stale_by(event: Event) -> bool:
        return not heard.has_done and act.concerns(event)  # what stations did must be recorded

    acting = Acting(asked, None if act.makes_safer else seen_seq, is_stale_by)
    desk = ActDesk(
        principal,
        lambda: open_lab(principal.name, acting),
        heard,
        asked,
        launcher,
        boards or TaskBoards(),
    )
    return _done_once(act, desk, heard, acting, open_lab)


def _done_once(
    act: Act, desk: ActDesk, heard: HeardDoor, acting: Acting, open_lab: OpenLab
) -> Told:
    """Do an act unless it was done before, and say what became of it."""
    try:
        if not act.makes_safer:
            _look_first(act, acting, desk.principal, open_lab)
        told = act.perform(desk)
    except ActRepeated as repeated:
        return _told_again(act, desk, heard, repeated, open_lab)
    except RequestRefused:
        repeated_now = _done_before(desk.asked, desk.principal, open_lab)
        if repeated_now is None:
            raise
        return _told_again(act, desk, heard, repeated_now, open_lab)
    except LogError as error:
        if act.makes_safer or not heard.has_done:
            raise
        raise log_error_after(error, heard.replies) from error
    return _with_seq(told, desk.principal, open_lab)


def _asked(act: Act, principal: Principal, key: str) -> ActKey:
    """Return what the log keeps of an act.

    Raises:
        RequestRefused: The key is none.
    """
    if _KEY.fullmatch(key) is None:
        raise RequestRefused(
            f"idempotency key: got {key[:140]!r}, expected 8 to 128 letters, digits or . _ : -"
        )
    return ActKey(key=key, actor=principal.name, request=fingerprint_of(act, principal.name))


def _look_first(act: Act, acting: Acting, principal: Principal, open_lab: OpenLab) -> None:
    """Refuse, before any station is told, what was done before or what the page is too old for.

    Raises:
        ActRepeated: It was done before.
        StaleView: The page is too old.
        RequestRefused: The page is of another log.
    """
    with open_lab(principal.name, acting) as lab:
        kept = lab.kept_act(acting.key.key)
        if kept is not None:
            raise ActRepeated(kept.key, seq=kept.seq, request=kept.request)
        last = lab.last_seq()
        if acting.seen_seq is not None and acting.seen_seq > last:
            raise RequestRefused(
                f"nothing was done: your page shows record {acting.seen_seq} and the log ends with "
                f"{last}: it is another one; look again and decide anew"
            )
        lab.refuse_stale(act.stream)


def _done_before(asked: ActKey, principal: Principal, open_lab: OpenLab) -> ActRepeated | None:
    """Return that an act was done; what was done once may well be impossible now."""
    with open_lab(principal.name, None) as lab:
        kept = lab.kept_act(asked.key)
    return None if kept is None else ActRepeated(kept.key, seq=kept.seq, request=kept.request)


def _told_again(
    act: Act, desk: ActDesk, heard: HeardDoor, repeated: ActRepeated, open_lab: OpenLab
) -> Told:
    """Say that an act was done before.

    What makes the bench safer has reached the stations by now, once more: if somebody undid it
    meanwhile, it is done again, and the log says so.

    Raises:
        RequestRefused: The key was used for another act; the message says what stations did.
    """
    is_same = repeated.request == desk.asked.request
    again = _recorded_again(act, desk, heard, open_lab) if heard.has_done else None
    if not is_same:
        did = f"; {heard.in_words()}" if heard.has_done else ""
        raise RequestRefused(
            f"idempotency key {repeated.key}: it was used for another act; use a new one for "
            f"each{did}"
        ) from repeated
    if again is not None:
        return _with_seq(again, desk.principal, open_lab)
    return Told(
        message=f"{act.name} was done before, under this very key",
        stations=heard.replies,
        seq=repeated.seq,
        was_done_before=True,
        campaign_id="" if desk.launcher is None else desk.launcher.started_under(desk.asked),
    )


def _recorded_again(act: Act, desk: ActDesk, heard: HeardDoor, open_lab: OpenLab) -> Told | None:
    """Have the log say what stations were made to do again; None if it says so still."""
    name = desk.principal.name
    heard.repeat()
    with open_lab(name, None) as lab:
        before = lab.last_seq()
    try:
        told = act.perform(replace(desk, open_lab=lambda: open_lab(name, None)))
    except RequestRefused:
        return None
    with open_lab(name, None) as lab:
        later = lab.records(act.stream, after_seq=before)
        return told if any(record.actor == name for record in later) else None


def _with_seq(told: Told, principal: Principal, open_lab: OpenLab) -> Told:
    """Add up to where the log has come; an act that is done stays done if it cannot be read."""
    try:
        with open_lab(principal.name, None) as lab:
            return told.model_copy(update={"seq": lab.last_seq()})
    except LogError:
        return told
