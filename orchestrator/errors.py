"""The errors of the orchestrator.

```
AthanorError
├── IllegalTransition     a fact that cannot follow what is known: the log or our code is wrong
├── LoadError             campaign file and rig file, with every mistake of both
├── LogError              the log cannot be read or written; nothing was appended
│   ├── ActRepeated       this very act was done before: it is not done again
│   ├── VersionConflict   somebody else appended first: read again, decide again
│   ├── LogCorrupt        a record is not what it was
│   ├── LogTooNew         written by a later Athanor
│   └── LogUnavailable    not now: the disk is full, or another program has locked the file
├── ObservationError      a table of observations or pending points is wrong
├── RecipeError           the recipe does not fit the rig (campaign is wrong)
├── RigFileError          the rig file is wrong (operator fixes)
├── RequestRefused        what was asked cannot be done in the present state
│   ├── NotPermitted      whoever asks may not do that
│   └── StaleView         somebody else did something that the page did not show yet
└── SettingsError         a setting is unknown or has an impossible value
```
"""

import copyreg
from collections.abc import Sequence
from datetime import datetime

from campaigns.errors import Problem

__all__ = [
    "ActRepeated",
    "AthanorError",
    "IllegalTransition",
    "LoadError",
    "LogCorrupt",
    "LogError",
    "LogTooNew",
    "LogUnavailable",
    "NotPermitted",
    "ObservationError",
    "RecipeError",
    "RequestRefused",
    "RigFileError",
    "SettingsError",
    "StaleView",
    "VersionConflict",
]


class AthanorError(Exception):
    """Anything that the orchestrator raises on purpose."""

    def __reduce__(self) -> tuple[object, ...]:
        """Let it travel between processes whatever its arguments: a planner may raise it."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]  # the type stubs lack it


class IllegalTransition(AthanorError):
    """A fact cannot follow what is known.

    Args:
        subject: Whose life it is about, for example ``job E0001/tare``.
        state: Where it stands.
        event: What is said to have happened.
    """

    def __init__(self, subject: str, state: str, event: str) -> None:
        super().__init__(f"{subject} is {state}: {event} cannot happen to it")
        self.subject = subject
        self.state = state
        self.event = event


class LoadError(AthanorError):
    """Files that a run needs are wrong; nothing was written.

    Args:
        errors: One for each wrong file, each with every mistake in it.
    """

    def __init__(self, errors: Sequence[Exception]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = tuple(errors)


class LogError(AthanorError):
    """The log cannot be read or written; nothing was appended."""


class ActRepeated(LogError):
    """An act of a person has been done before, under the same key; nothing was appended.

    Args:
        key: Its idempotency key.
        seq: Of the last record that stood in the log when it was done.
        request: Fingerprint of what was asked then.
    """

    def __init__(self, key: str, *, seq: int, request: str) -> None:
        super().__init__(f"act {key}: done before, by seq {seq}")
        self.key = key
        self.seq = seq
        self.request = request


class VersionConflict(LogError):
    """A stream has moved on since it was read; nothing was appended.

    Args:
        stream: Which.
        expected: The version that the decision read.
        found: The version that it has.
    """

    def __init__(self, stream: str, *, expected: int, found: int) -> None:
        super().__init__(f"stream {stream}: read at version {expected}, now at {found}")
        self.stream = stream
        self.expected = expected
        self.found = found


class LogCorrupt(LogError):
    """A record is not what it was."""


class LogTooNew(LogError):
    """The log was written by a later version of Athanor."""


class LogUnavailable(LogError):
    """The log cannot be used now: the disk is full, or the file is locked or gone."""


class ObservationError(AthanorError):
    """A table of observations or pending points is wrong; nothing was told.

    Args:
        where: File or frame, row and column.
        got: What stands there.
        expected: What would have been right.
    """

    def __init__(self, where: str, *, got: object, expected: str) -> None:
        super().__init__(f"{where}: got {got!r}, expected {expected}")
        self.where = where
        self.got = got
        self.expected = expected


class RequestRefused(AthanorError):
    """What was asked cannot be done in the present state."""


class NotPermitted(RequestRefused):
    """Whoever asks may not do that.

    Args:
        name: Who asks.
        what: What they asked for.
        scope: What they would have to be allowed.
    """

    def __init__(self, name: str, what: str, scope: str) -> None:
        super().__init__(f"{name} may not do that: {what} needs the scope {scope}")
        self.scope = scope


class StaleView(RequestRefused):
    """Somebody else did something that the page did not show yet; look again, then decide.

    Args:
        actor: Who.
        kind: What, as an event's kind.
        time: When.
        seq: Of the record that says so.
    """

    def __init__(self, actor: str, kind: str, time: datetime, *, seq: int) -> None:
        at = time.isoformat(timespec="seconds")
        super().__init__(
            f"nothing was done: {actor} acted on this at {at} ({kind}), after your page was made; "
            "look again and decide anew"
        )
        self.actor = actor
        self.kind = kind
        self.time = time
        self.seq = seq


class SettingsError(AthanorError):
    """A setting is unknown or has an impossible value.

    Args:
        key: Name of the setting or of the environment variable.
        got: What was given.
        expected: What would have been right.
    """

    def __init__(self, key: str, *, got: object, expected: str) -> None:
        super().__init__(f"{key}: got {got!r}, expected {expected}")
        self.key = key
        self.got = got
        self.expected = expected


class _ProblemsError(AthanorError):
    """A file with mistakes; all of them are listed, one a line.

    Args:
        file: The file's name.
        problems: At least one.
    """

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(f"{file}: {problem}" for problem in problems))
        self.file = file
        self.problems = tuple(problems)


class RecipeError(_ProblemsError):
    """The campaign's recipe does not fit the rig; every mistake is listed."""


class RigFileError(_ProblemsError):
    """The rig file cannot be used; every mistake in it is listed."""
