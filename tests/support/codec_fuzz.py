"""Throws random bytes at every codec: ``python -m tests.support.codec_fuzz --n 10000``.

Three kinds of noise in turn: bytes of any value, bytes of the codec's own alphabet between its
own marks, and true frames of the transcripts with a few bytes changed, dropped or doubled.
"""

import argparse
import functools
import importlib
import random
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from drivers.catalog import DRIVERS, driver_named, names
from drivers.errors import ProtocolError
from drivers.testing import Dialogue, read_dialogues

DIALOGUES = Path(__file__).resolve().parents[1] / "dialogues"


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
    return read_dialogues(DIALOGUES / f"{device}.txt")


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


def main() -> None:
    """Fuzz every codec and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    for device in names(DRIVERS):
        print(fuzz(device, arguments.n, seed=arguments.seed))


if __name__ == "__main__":
    main()
