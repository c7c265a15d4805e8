"""Throws random bytes at every codec: ``python -m tests.support.codec_fuzz --n 10000``.

Three kinds of noise in turn: bytes of any value, bytes of the codec's own alphabet between its
own marks, and true frames of the transcripts with a few bytes changed, dropped or doubled. Then
damaged true frames alone, to count those that are taken for another answer.
"""

import argparse
import functools
import importlib
import json
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

from drivers import card
from drivers.catalog import DRIVERS, driver_named, names
from drivers.dialogue import Dialogue
from drivers.errors import ProtocolError
from tests.support.crc_prediction import is_missed, missed_share
from tests.support.fuzz_book import keep, origin

CHECKED = ("eurotherm_3200",)
"""Codecs whose frames carry a checksum; the others have nothing that a false digit would break."""


@dataclass(frozen=True)
class Outcome:
    """What a codec made of the noise."""

    device: str
    n: int
    n_refused: int
    n_read: int
    """Frames that it took for true ones."""
    n_fields_refused: int
    """Among those, refusals by the functions that read the fields."""
    seconds: float


@functools.cache
def codec_of(device: str) -> ModuleType:
    """Return the codec module beside a driver."""
    package = driver_named(device).__module__.rpartition(".")[0]
    return importlib.import_module(f"{package}.codec")


@functools.cache
def dialogues_of(device: str) -> tuple[Dialogue, ...]:
    """Return the transcript of a device."""
    return card.dialogues_of(driver_named(device))


@functools.cache
def replies_in(device: str) -> tuple[bytes, ...]:
    """Return every frame that the device sends in its transcript."""
    frames = [frame for dialogue in dialogues_of(device) for frame in dialogue.frames]
    return tuple(frame.data for frame in frames if frame.data and not frame.is_from_host)


def noise(chance: random.Random, true_frames: tuple[bytes, ...], index: int) -> bytes:
    """Return the next piece of noise."""
    if index % 3 == 0:
        return chance.randbytes(chance.randrange(0, 40))
    true = chance.choice(true_frames)
    if index % 3 == 1:
        alphabet = b"".join(true_frames)
        middle = bytes(chance.choice(alphabet) for _ in range(chance.randrange(0, 30)))
        return true[:3] + middle + true[-2:]
    return _damaged(chance, true)


def _damaged(chance: random.Random, true: bytes) -> bytes:
    damaged = bytearray(true)
    for _ in range(chance.randrange(1, 4)):
        place = chance.randrange(0, len(damaged) + 1)
        if chance.random() < 0.3:
            damaged[place:place] = chance.randbytes(1)
        else:
            damaged[place : place + 1] = chance.randbytes(chance.randrange(0, 2))
    return bytes(damaged)


def fuzz(device: str, n: int, *, seed: int) -> Outcome:
    """Decode noise and count; whatever is no `ProtocolError` flies out."""
    codec, true_frames, chance = codec_of(device), replies_in(device), random.Random(seed)
    n_refused = n_fields_refused = 0
    begun_s = time.perf_counter()
    for index in range(n):
        try:
            reply = codec.decode(noise(chance, true_frames, index))
        except ProtocolError:
            n_refused += 1
            continue
        for reader in codec.READERS:
            try:
                reader(reply)
            except ProtocolError:
                n_fields_refused += 1
    seconds = time.perf_counter() - begun_s
    return Outcome(device, n, n_refused, n - n_refused, n_fields_refused, seconds)


def false_accepts(device: str, n: int, *, seed: int) -> dict[str, float]:
    """Damage true frames and count what the codec makes of them.

    Args:
        device: The driver's name.
        n: Damaged frames, each different from the true one.
        seed: Of the chance.

    Returns:
        ``refused``; ``same``: read as what was sent; ``other``: read as another answer;
        ``other_value``: among those, a reader of the fields that reads the true answer reads a
        different value; and with a checksum ``missed``: those whose length fits and whose
        checksum holds all the same, whatever else shows, and ``predicted``: how many these should
        be.
    """
    codec, true_frames, chance = codec_of(device), replies_in(device), random.Random(seed)
    true_replies = {true: codec.decode(true) for true in true_frames}
    counts = Counter(damaged=n, refused=0, same=0, other=0, other_value=0)
    predicted = 0.0
    for _ in range(n):
        true = chance.choice(true_frames)
        while (damaged := _damaged(chance, true)) == true:
            true = chance.choice(true_frames)
        if device in CHECKED and len(damaged) == len(true):
            predicted += missed_share(damaged, true)
            counts["missed"] += is_missed(damaged, true)
        try:
            reply = codec.decode(damaged)
        except ProtocolError:
            counts["refused"] += 1
            continue
        if reply == true_replies[true]:
            counts["same"] += 1
            continue
        counts["other"] += 1
        counts["other_value"] += _reads_otherwise(codec, reply, true_replies[true])
    return {**counts, **({"predicted": predicted} if device in CHECKED else {})}


def _reads_otherwise(codec: ModuleType, reply: object, true_reply: object) -> bool:
    for reader in codec.READERS:
        try:
            if reader(true_reply) != reader(reply):
                return True
        except ProtocolError:
            continue
    return False


def _share(work: tuple[str, int, int]) -> dict[str, object]:
    device, n, seed = work
    outcome = asdict(fuzz(device, n, seed=seed))
    return {**outcome, **false_accepts(device, n, seed=seed), "seed": seed}


def table(found: Mapping[str, Mapping[str, object]]) -> str:
    """Return the figures of some codecs as a Markdown table.

    Args:
        found: Figures by device, as in the JSON file.
    """
    heads = (
        "codec",
        "noise",
        "taken for frames",
        "damaged frames",
        "read as another answer",
        "with another value",
        "checksum holds by chance",
        "as it should",
    )
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for device, one in sorted(found.items()):
        keys = ("n", "n_read", "damaged", "other", "other_value")
        numbers = " | ".join(f"{one[key]:,}" for key in keys)
        predicted, missed = one.get("predicted"), one.get("missed", 0)
        checked = "no checksum |"
        if isinstance(predicted, float):
            checked = f"{missed} | {predicted:.1f}"
        lines.append(f"| `{device}` | {numbers} | {checked} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Fuzz codecs and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--n", type=int, default=10_000, help="frames of each sort for each codec")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--devices", nargs="*", default=names(DRIVERS))
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--out", type=Path, help="a JSON file that keeps the figures")
    given = parser.parse_args(arguments)
    since = origin()
    work = [(device, given.n, given.seed) for device in given.devices]
    with ProcessPoolExecutor(given.workers) as pool:
        found = {
            device: {**one, **since}
            for (device, _, _), one in zip(work, pool.map(_share, work), strict=True)
        }
    if given.out is not None:
        keep(given.out, "codecs", found)
    print(json.dumps(found, indent=1) if given.json else table(found))


if __name__ == "__main__":
    main()
