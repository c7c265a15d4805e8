"""A watched folder: takes up what vendor software drops there, once it is whole and right."""

import fnmatch
import math
import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator
from typing_extensions import override

from drivers.clock import Clock
from drivers.devices.watched_folder import codec
from drivers.devices.watched_folder.codec import File, Reply, Request
from drivers.errors import DeviceFault, ProtocolError
from drivers.instrument import Instrument, Reading, RecoveryClass, Within, action, settings_in
from drivers.line import Conversation, Line

__all__ = ["WatchedFolder", "WatchedFolderSettings"]

REPLY_TIMEOUT_S: Final = 20.0
LONGEST_REPLY_BYTES: Final = 28_000_000
POLL_S: Final = 1.0
WithinS = Annotated[float, Within(1.0, 604_800.0)]
_KEY: Final = re.compile(r"[^/]+/(?P<experiment>[^/]+)/")


class WatchedFolderSettings(BaseModel):
    """The table ``[instruments.<name>.settings]`` of a folder."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    pattern: str = Field(min_length=1)
    """Which files are results: ``{experiment}*.xy``; the sample's id stands for {experiment}."""
    settle_s: float = Field(default=5.0, ge=1.0, le=3600.0)
    """A file is whole when size and time have not changed for so long."""
    takes_what_is_there: bool = False
    """Whether a file that is there already counts; only with {experiment} in the pattern."""
    id_pattern: str | None = None
    """A regular expression whose first group is the sample's id inside the file; it must agree."""
    separator: str = Field(default="", max_length=1)
    """Between the columns; any white space if left out."""
    decimal_comma: bool = False
    """Whether 1,5 means one and a half."""
    encoding: str = "utf-8"
    """Of the text."""

    @field_validator("id_pattern")
    @classmethod
    def _has_a_group(cls, value: str | None) -> str | None:
        try:
            n_groups = None if value is None else re.compile(value).groups
        except re.error as error:
            raise ValueError(f"expected a regular expression: {error}") from error
        if n_groups == 0:
            raise ValueError("expected a group that holds the id")
        return value

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError as error:
            raise ValueError("expected the name of an encoding") from error
        return value


def _duration_s(*, within_s: float) -> float:
    return within_s


def _duration_of_value_s(*, column: str, within_s: float) -> float:
    del column
    return within_s


class WatchedFolder(Instrument):
    """One folder; it is only read, so `stop` and `make_safe` have nothing to do."""

    model: ClassVar[str] = "Watched folder"
    reading_limits: ClassVar[Mapping[str, Within]] = {
        "position_deg": Within(-180.0, 360.0),
        "intensity_counts": Within(-1e12, 1e12),
    }

    def __init__(
        self, name: str, line: Line, clock: Clock, settings: WatchedFolderSettings
    ) -> None:
        super().__init__(name, line, clock)
        self.settings = settings
        self._conversation = Conversation(
            line, clock, reply_end=codec.REPLY_END, max_bytes=LONGEST_REPLY_BYTES
        )

    @classmethod
    @override
    def from_settings(
        cls, name: str, line: Line, clock: Clock, settings: Mapping[str, object]
    ) -> "WatchedFolder":
        return cls(name, line, clock, settings_in(WatchedFolderSettings, name, settings))

    @override
    async def connect(self) -> str:
        return f"{self.model} at an {codec.greeting_in(await self._ask(Request('hello')))}"

    @override
    async def stop(self) -> None:
        """Do nothing: a folder is only read."""

    @action(
        recovery=RecoveryClass.PURE,
        duration_s=_duration_s,
        readings=("position_deg", "intensity_counts"),
    )
    async def read_diffractogram(self, *, within_s: WithinS) -> tuple[Reading, ...]:
        """Read the two columns of the next file that belongs to this sample.

        Args:
            within_s: How long it is waited for, in seconds.

        Raises:
            DeviceFault: It does not come, two come, or it belongs to another sample.
            ProtocolError: It holds no two columns of numbers.
            OutcomeUnknown: The folder does not answer.
        """
        _, rows = await self._table(within_s)
        if not rows or any(len(row) != 2 for row in rows):
            raise ProtocolError("expected two columns of numbers", repr(rows[:3]).encode())
        positions, intensities = zip(*rows, strict=True)
        return (
            Reading("position_deg", tuple(positions)),
            Reading("intensity_counts", tuple(intensities)),
        )

    @action(recovery=RecoveryClass.PURE, duration_s=_duration_of_value_s, readings=("value",))
    async def read_value(self, *, column: str, within_s: WithinS) -> tuple[Reading, ...]:
        """Read one number, in the last row of the next file that belongs to this sample.

        Args:
            column: Its heading; it ends in the unit.
            within_s: How long the file is waited for, in seconds.

        Raises:
            DeviceFault: It does not come, two come, or it belongs to another sample.
            ProtocolError: It has no such column, or no number there.
            OutcomeUnknown: The folder does not answer.
        """
        headings, rows = await self._table(within_s)
        if column not in headings or not rows or len(rows[-1]) != len(headings):
            raise ProtocolError(f"no column {column} with numbers", repr(headings).encode())
        return (Reading("value", rows[-1][headings.index(column)]),)

    async def _table(self, within_s: float) -> tuple[list[str], list[tuple[float, ...]]]:
        """Wait for the file, read it, and return its headings and its rows."""
        file = await self._whole_file(self.clock.monotonic_s() + within_s)
        data = codec.bytes_in(await self._ask(Request("read", file.name)))
        if len(data) != file.size_bytes:
            text = f"{file.name} has {len(data)} bytes, {file.size_bytes} were listed"
            raise DeviceFault(self.name, code="changing", text=text)
        try:
            text = data.decode(self.settings.encoding)
        except UnicodeDecodeError as error:
            raise ProtocolError(f"{file.name}: {error}", data[:100]) from error
        self._refuse_strangers(file.name, text)
        return self._parsed(text)

    async def _whole_file(self, deadline_s: float) -> File:
        """Return the one file that is new and has stopped changing."""
        known: set[File] = set()
        if not self.settings.takes_what_is_there:
            known = set(await self._matching())
        seen: dict[str, tuple[File, float]] = {}
        while True:
            now_s = self.clock.monotonic_s()
            new = [one for one in await self._matching() if one not in known]
            seen = {
                one.name: seen[one.name]
                if one.name in seen and seen[one.name][0] == one
                else (one, now_s)
                for one in new
            }
            if len(new) > 1:
                text = f"{len(new)} files: {', '.join(sorted(seen))[:200]}; expected one"
                raise DeviceFault(self.name, code="several", text=text)
            for file, since_s in seen.values():
                if now_s - since_s >= self.settings.settle_s and file.size_bytes:
                    return file
            if now_s > deadline_s:
                raise DeviceFault(self.name, code="late", text=f"no whole {self._wanted()}")
            await self.clock.sleep(POLL_S)

    async def _matching(self) -> list[File]:
        files = codec.files_in(await self._ask(Request("list")))
        return [one for one in files if fnmatch.fnmatchcase(one.name, self._wanted())]

    def _experiment(self) -> str:
        match = _KEY.match(self.ticket.key)
        return match["experiment"] if match else ""

    def _wanted(self) -> str:
        sample = self._experiment().translate({ord(mark): f"[{mark}]" for mark in "*?["})
        return self.settings.pattern.replace("{experiment}", sample or "*")

    def _refuse_strangers(self, name: str, text: str) -> None:
        pattern, sample = self.settings.id_pattern, self._experiment()
        if pattern is None or not sample:
            return
        match = re.search(pattern, text[:10_000])
        got = match[1] if match else None
        if got != sample:
            words = f"{name} says that it is of sample {got}, expected {sample}"
            raise DeviceFault(self.name, code="sample", text=words)

    def _parsed(self, text: str) -> tuple[list[str], list[tuple[float, ...]]]:
        """Return the last line before the numbers as headings, and the rows of numbers."""
        headings: list[str] = []
        rows: list[tuple[float, ...]] = []
        for line in text.splitlines():
            cells = [cell.strip() for cell in line.split(self.settings.separator or None)]
            numbers = [self._number(cell) for cell in cells if cell]
            if numbers and all(number is not None for number in numbers):
                rows.append(tuple(number for number in numbers if number is not None))
            elif not rows and line.strip():
                headings = [cell for cell in (one.lstrip("#").strip() for one in cells) if cell]
            elif line.strip():
                raise ProtocolError("a row that is no numbers", line[:100].encode())
        return headings, rows

    def _number(self, cell: str) -> float | None:
        try:
            number = float(cell.replace(",", ".") if self.settings.decimal_comma else cell)
        except ValueError:
            return None
        if not math.isfinite(number):
            raise ProtocolError("a number that is not finite", cell[:50].encode())
        return number

    async def _ask(self, request: Request) -> Reply:
        frame = await self._conversation.ask(codec.encode(request), timeout_s=REPLY_TIMEOUT_S)
        reply = codec.decode(frame)
        if reply.error:
            raise DeviceFault(self.name, code=request.do, text=reply.error)
        return reply
