"""Logs damaged at random, as a power cut or a bad disk leaves them; each must be told or harmless.

Run it with ``python -m tests.support.log_torture --n 10000``. Every case copies the files of a real
log, damages one place, opens what is left and judges: an intact prefix of the records, a refusal
of the `LogError` family, a finding of `verify`, or a change that nothing which can be read shows.
"""

import argparse
import multiprocessing
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Final

import apsw

from orchestrator.errors import LogError
from orchestrator.log.chain import StoredRecord
from orchestrator.log.side_tables import TelemetrySample
from orchestrator.log.sql_log import SqliteLog, open_sqlite_log
from orchestrator.log.tables import TABLES
from tests.support.recorded_campaign import OPENED, RecordedCampaign

__all__ = ["DAMAGES", "Case", "Verdict", "every_byte", "main", "torture"]

PAGE: Final = 4096
DEADLINE_S: Final = 20
N_TEMPLATES: Final = 12
EVERY_BYTE_OF: Final = 2
"""The template whose every byte may be changed: closed, all in one file."""

DAMAGES: Final = (
    "bit flipped in the database",
    "byte changed in the database",
    "database cut off",
    "page of the database zeroed",
    "page of the database from before",
    "bit flipped in the write-ahead log",
    "write-ahead log cut off",
    "sector of the write-ahead log zeroed",
)
"""What is done to the files; the first two change exactly one byte of the database."""


@dataclass(frozen=True)
class Files:
    """The two files of a log: the database and its write-ahead log, empty if there is none."""

    database: bytes
    wal: bytes


@dataclass(frozen=True)
class Content:
    """Everything that can be read in a log."""

    records: tuple[StoredRecord, ...]
    tables: tuple[object, ...]
    """Projections, signs of life and telemetry."""


@dataclass(frozen=True)
class Template:
    """A log as it was written, and as it was some time before."""

    files: Files
    older: Files
    content: Content


@dataclass(frozen=True)
class Case:
    """One damage; the seed says which log, which damage and where."""

    seed: int
    damage: str
    place: str


@dataclass(frozen=True)
class Verdict:
    """What came of one case."""

    case: Case
    kind: str
    """``refused``, ``found``, ``prefix``, ``without meaning``, or ``SILENT``, ``BROKEN``."""
    told: str

    @property
    def is_bad(self) -> bool:
        """Whether damage went unnoticed, or was met with anything but a `LogError`."""
        return self.kind in ("SILENT", "BROKEN")


def _copied(folder: Path) -> Files:
    wal = folder / "lab.db-wal"
    return Files((folder / "lab.db").read_bytes(), wal.read_bytes() if wal.exists() else b"")


def _content(log: SqliteLog) -> Content:
    day = timedelta(days=1)
    telemetry = log.telemetry("balance", since=OPENED - day, until=OPENED + 30 * day)
    tables = [*(log.projection(name) for name in TABLES), log.heartbeats(), telemetry]
    return Content(tuple(log.stored()), tuple(tables))


@cache
def template(number: int) -> Template:
    """Write a small campaign's log and copy its files, open (odd number) or closed."""
    dice = random.Random(number)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = open_sqlite_log(folder / "lab.db")
        campaign = RecordedCampaign(log)
        campaign.open()
        half = dice.randint(1, 3)
        for _ in range(half):
            campaign.finish(campaign.start(), dice.uniform(0.3, 0.5))
        samples = [
            TelemetrySample(OPENED + timedelta(seconds=s), "balance", "mass_g", dice.random())
            for s in range(30)
        ]
        log.append_telemetry(samples)
        log.beat("engine/small-1", pid=4711, host="bench-pc", time=OPENED)
        if dice.random() < 0.7:
            log.close()
            log = open_sqlite_log(folder / "lab.db")
        older = _copied(folder)
        for _ in range(dice.randint(1, 4)):
            campaign.log = log
            campaign.finish(campaign.start(), dice.uniform(0.3, 0.5))
        content = _content(log)
        if number % 2:
            files = _copied(folder)
            log.close()
        else:
            log.close()
            files = _copied(folder)
    return Template(files, older, content)


def _damaged(seed: int) -> tuple[Case, Template, Files]:
    dice = random.Random(seed)
    number = dice.randrange(N_TEMPLATES)
    whole = template(number)
    has_wal = bool(whole.files.wal)
    damage = dice.choice(DAMAGES if has_wal else DAMAGES[:5])
    database, wal = bytearray(whole.files.database), bytearray(whole.files.wal)
    file = wal if "write-ahead" in damage else database
    place = dice.randrange(len(file))
    if damage.startswith("bit flipped"):
        file[place] ^= 1 << dice.randrange(8)
    elif damage.startswith("byte changed"):
        file[place] = (file[place] + dice.randint(1, 255)) % 256
    elif damage.endswith("cut off"):
        del file[place:]
    else:
        size = 512 if damage.startswith("sector") else PAGE
        place -= place % size
        before = whole.older.database[place : place + size] if "from before" in damage else b""
        file[place : place + size] = (before or bytes(size))[: len(file) - place]
    return Case(seed, damage, f"{number}:{place}"), whole, Files(bytes(database), bytes(wal))


def torture(seed: int, folder: Path) -> Verdict:
    """Damage one log and judge what is then told of it.

    Args:
        seed: Says which log and which damage.
        folder: Empty or from another case.
    """
    case, whole, files = _damaged(seed)
    for old in folder.iterdir():
        old.unlink()
    (folder / "lab.db").write_bytes(files.database)
    if files.wal:
        (folder / "lab.db-wal").write_bytes(files.wal)
    try:
        kind, told = _judged(folder / "lab.db", whole.content, case.damage)
    except Exception as error:
        return Verdict(case, "BROKEN", f"{type(error).__name__}: {error}")
    return Verdict(case, kind, told)


def _judged(path: Path, expected: Content, damage: str) -> tuple[str, str]:
    records: list[StoredRecord] = []
    try:
        log = open_sqlite_log(path, must_exist=True)
    except LogError as error:
        return "refused", str(error)
    try:
        verified = log.verify()
        if not verified.is_whole:
            if verified.n_records > len(expected.records):
                return "SILENT", "more records than there were"
            return "found", verified.reason or verified.damage
        records.extend(log.stored())
        n_read = sum(1 for _ in log.read())
        found = _content(log)
    except LogError as error:
        return "refused", str(error)
    finally:
        _closed(log)
    is_prefix = tuple(records) == expected.records[: len(records)]
    if not is_prefix or n_read != len(records):
        return "SILENT", "other records, and nothing is said"
    if len(records) < len(expected.records):
        is_torn = not damage.startswith(("bit", "byte"))
        n_lost = len(expected.records) - len(records)
        return "prefix" if is_torn else "SILENT", f"the newest {n_lost} records are missing"
    if found != expected:
        return "SILENT", "another projection or side table, and nothing is said"
    return "without meaning", ""


def _closed(log: SqliteLog) -> None:
    """Close a log; that its last checkpoint fails on a damaged file is no news."""
    try:
        log.close()
    except LogError:
        return


def every_byte(workers: int) -> int:
    """Change every byte of one closed log, one at a time, and print what is found and what not.

    Returns:
        0 if nothing went unnoticed, else 1.
    """
    size = len(template(EVERY_BYTE_OF).files.database)
    step = 500
    chunks = [range(place, min(place + step, size)) for place in range(0, size, step)]
    kinds: Counter[str] = Counter()
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        for found in pool.imap_unordered(_changed_bytes, chunks):
            kinds.update(found)
    print(f"one byte changed, {size} places, {_n_unused()} of them in no cell and no header:")
    for kind, n in kinds.most_common():
        print(f"{n:6d}  {kind}")
    return 1 if kinds["SILENT"] or kinds["BROKEN"] else 0


def _n_unused() -> int:
    """Return how many bytes of that log SQLite does not use, by its own count."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "lab.db"
        path.write_bytes(template(EVERY_BYTE_OF).files.database)
        connection = apsw.Connection(str(path))
        n_free = int(connection.pragma("freelist_count")) * PAGE  # type: ignore[call-overload]  # a pragma's value is an object
        n_unused = int(connection.execute("SELECT sum(unused) FROM dbstat").get)
        connection.close()
    return n_free + n_unused


def _changed_bytes(places: range) -> list[str]:
    whole = template(EVERY_BYTE_OF)
    kinds = []
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "lab.db"
        for place in places:
            changed = bytearray(whole.files.database)
            changed[place] ^= 0x55
            for old in Path(name).iterdir():
                old.unlink()
            path.write_bytes(changed)
            try:
                kind, _ = _judged(path, whole.content, "byte changed in the database")
            except Exception as error:
                kind = "BROKEN"
                print(f"BROKEN at {place}: {type(error).__name__}: {error}")
            kinds.append(kind)
    return kinds


def _hung(signum: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"no verdict within {DEADLINE_S} s")


def _verdicts_of(seeds: range) -> list[Verdict]:
    verdicts = []
    signal.signal(signal.SIGALRM, _hung)
    with tempfile.TemporaryDirectory() as name:
        for seed in seeds:
            signal.alarm(DEADLINE_S)
            verdicts.append(torture(seed, Path(name)))
            signal.alarm(0)
    return verdicts


def _verdicts(first: int, n: int, workers: int) -> Iterator[Verdict]:
    step = 50
    chunks = [range(s, min(s + step, first + n)) for s in range(first, first + n, step)]
    for number in range(N_TEMPLATES):
        template(number)
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        for verdicts in pool.imap_unordered(_verdicts_of, chunks):
            yield from verdicts


def main(arguments: list[str]) -> int:
    """Damage logs and print what came of it.

    Returns:
        0 if nothing went unnoticed, else 1.
    """
    parser = argparse.ArgumentParser(prog="log_torture", description=__doc__)
    parser.add_argument("--n", type=int, default=1, help="how many damaged logs")
    parser.add_argument("--seed", type=int, default=0, help="the first of them")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--every-byte", action="store_true", help="all bytes of one closed log")
    options = parser.parse_args(arguments)
    if options.every_byte:
        return every_byte(options.workers)
    began_s = time.perf_counter()
    kinds: Counter[tuple[str, str]] = Counter()
    bad = 0
    for verdict in _verdicts(options.seed, options.n, options.workers):
        kinds[verdict.case.damage, verdict.kind] += 1
        if verdict.is_bad:
            bad += 1
            case = verdict.case
            print(f"{verdict.kind}: {case.damage} at {case.place}: {verdict.told}")
            print(f"    replay: python -m tests.support.log_torture --seed {case.seed}")
    for (damage, kind), n in sorted(kinds.items()):
        print(f"{n:6d}  {damage}: {kind}")
    took_s = time.perf_counter() - began_s
    print(f"{options.n} damaged logs in {took_s:.0f} s; {bad} unnoticed or broken")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
