"""What the API says and takes beside the views of the service: frozen models, nothing else."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from orchestrator.access.records import Account, Token, Webhook
from orchestrator.access.roles import Role, Scope
from orchestrator.service.events import EventView
from orchestrator.service.following import Topic
from orchestrator.service.tasks import TaskView
from orchestrator.service.views import CampaignLine

__all__ = [
    "AccountChange",
    "AccountDone",
    "CampaignPage",
    "Done",
    "EventPage",
    "Health",
    "MadeToken",
    "MadeWebhook",
    "Me",
    "NewAccount",
    "NewPassword",
    "NewToken",
    "NewWebhook",
    "Problem",
    "Sample",
    "TasksView",
    "TelemetryPage",
    "TokenDone",
    "VerificationView",
    "VersionView",
    "WebhookChange",
    "WebhookDone",
]


class _Model(BaseModel):
    """Frozen, with unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Problem(_Model):
    """Why something was refused: problem details of RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    """For a person, one line for each problem."""


class Health(_Model):
    """Whether the log can be read; all but that is said only to who may look."""

    is_ok: bool
    seq: int | None = None
    """Of the newest record that was seen."""
    trouble: str = ""
    trouble_since: datetime | None = None
    database: str = ""


class VersionView(_Model):
    """What answers here."""

    athanor: str
    api: str


class Me(_Model):
    """Who asks, and what they may do."""

    name: str
    """As it stands in the log."""
    role: Role
    scopes: tuple[Scope, ...]
    via: Literal["session", "token", "terminal"]


class CampaignPage(_Model):
    """Some campaigns, the one last written to first."""

    items: tuple[CampaignLine, ...]
    next_after: str | None
    """The campaign after which the next page begins; None on the last one."""


class EventPage(_Model):
    """Some records of the log, in order of seq."""

    items: tuple[EventView, ...]
    next_after_seq: int
    """Where to go on: the last record that was looked at, whether or not it is in `items`."""
    is_last: bool
    """Whether the end of the log was reached."""


class Sample(_Model):
    """One value that an instrument showed in passing."""

    time: datetime
    name: str
    """With its unit as the suffix."""
    value: float


class TelemetryPage(_Model):
    """What an instrument showed in a stretch of time."""

    instrument: str
    since: datetime
    until: datetime
    items: tuple[Sample, ...]
    n_left_out: int
    """How many of the oldest were too many to be shown."""


class TasksView(_Model):
    """What the boards of tasks say."""

    items: tuple[TaskView, ...]
    """In the order of posting."""
    troubles: tuple[str, ...]
    """Why boards cannot be read; what stands on them is not in `items`."""


class VerificationView(_Model):
    """The last check of the log, or the one that runs."""

    state: Literal["never", "running", "done", "failed"]
    """``failed``: the log could not be read to its end; `reason` says why."""
    by: str = ""
    started_time: datetime | None = None
    ended_time: datetime | None = None
    is_whole: bool | None = None
    """None until it is done."""
    n_records: int | None = None
    n_to_check: int | None = None
    """Records that there were when it began."""
    n_checked: int = 0
    """How far it is."""
    first_bad_seq: int | None = None
    reason: str = ""
    damage: str = ""
    last_hash: str = ""


class Done(_Model):
    """Something was done."""

    message: str
    was_done_before: bool = False
    """Whether it had been done under this very key: nothing was done again."""


class NewAccount(_Model):
    """An account to be made."""

    name: str = Field(max_length=64)
    role: Role
    password: SecretStr | None = None
    """None makes one that is used with tokens alone."""


class AccountChange(_Model):
    """What is to be changed of an account; what is not given stays."""

    role: Role | None = None
    is_disabled: bool | None = None
    password: SecretStr | None = None


class AccountDone(Done):
    """An account as it is after a change."""

    account: Account


class NewPassword(_Model):
    """One's own password is to be changed."""

    old: SecretStr = SecretStr("")
    """Empty where there is none."""
    new: SecretStr


class NewToken(_Model):
    """A token to be made."""

    account: str = Field(max_length=64)
    label: str = Field(min_length=1, max_length=100)
    """What it is for."""
    scopes: tuple[Scope, ...] = Field(min_length=1, max_length=4)
    lasts_days: float | None = Field(default=None, gt=0, le=3650, allow_inf_nan=False)
    """None is until it is revoked."""


class TokenDone(Done):
    """A token after a change."""

    token: Token


class MadeToken(TokenDone):
    """A token that was made."""

    secret: str | None
    """All of it, shown this once; None where it was made before under the same key."""


class NewWebhook(_Model):
    """An address that is to be told of what happens."""

    url: str = Field(max_length=2000)
    topics: tuple[Topic, ...] = Field(default=(), max_length=4)
    """None stands for all."""
    after_seq: int | None = Field(default=None, ge=0, le=2**62)
    """The record after which it begins; None is now."""


class WebhookChange(_Model):
    """A webhook is to be switched off or on."""

    is_off: bool
    skips_missed: bool = False
    """Whether what it missed so far is not delivered."""


class WebhookDone(Done):
    """A webhook after a change."""

    webhook: Webhook


class MadeWebhook(WebhookDone):
    """A webhook that was added."""

    secret: str | None
    """What deliveries are signed with, shown this once; None where it was added before."""
