"""What is kept of accounts, tokens, sessions and webhooks; frozen, and without any secret."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.access.roles import Role, Scope

__all__ = ["Account", "Session", "Token", "Webhook"]


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Account(_Kept):
    """One person, or one program that acts for itself."""

    name: str
    role: Role
    has_password: bool
    """Without one it can only be used with tokens."""
    is_disabled: bool
    made_time: datetime
    made_by: str


class Token(_Kept):
    """A key for scripts, without its secret."""

    token_id: str
    account: str
    label: str
    scopes: tuple[Scope, ...]
    made_time: datetime
    made_by: str
    expires_time: datetime | None
    last_used_time: datetime | None
    is_revoked: bool


class Session(_Kept):
    """Somebody who has signed in."""

    account: str
    role: Role
    csrf: str = Field(repr=False)
    """What a form of this session has to bring back."""
    made_time: datetime
    seen_time: datetime


class Webhook(_Kept):
    """An address that is told of what happens."""

    hook_id: str
    url: str
    topics: tuple[str, ...]
    """``lab``, ``campaign``, ``alarms``; none stands for all."""
    made_by: str
    is_off: bool
    told_seq: int
    """The last record that was delivered."""
    sending_seq: int | None
    """The last record of what is being delivered; None if nothing is."""
    n_failed: int
    """Attempts in a row that failed."""
    failed_since: datetime | None
    """When the first of them was; None if there is none."""
    next_time: datetime | None
    """When the next attempt may be made; None is at once."""
    last_error: str
