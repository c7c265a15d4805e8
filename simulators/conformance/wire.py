"""Silver and gold: the codec holds against the transcript and against noise."""

import dataclasses
import functools
import importlib
import json
import random
from collections.abc import Mapping
from types import ModuleType

from drivers.card import dialogues_of
from drivers.clock import VirtualClock
from drivers.dialogue import Dialogue
from drivers.errors import ProtocolError
from simulators.conformance.examinee import Examinee, demand
from simulators.errors import CheckSkipped

__all__ = [
    "refuses_frames_cut_short",
    "speaks_as_the_transcript",
    "takes_no_noise_for_an_error_of_ours",
    "the_pretend_device_follows_the_transcript",
    "understands_the_transcript",
]

_N_NOISES = 3_000
_SEED = 20_260_101


def _codec_of(examinee: Examinee) -> ModuleType:
    """Return the codec beside a driver.

    Raises:
        CheckSkipped: The device speaks no bytes of its own.
    """
    if examinee.card.device.codec == "none":
        raise CheckSkipped(examinee.card.device.why_no_codec)
    package = examinee.driver.__module__.rpartition(".")[0]
    return importlib.import_module(f"{package}.codec")


def _frames(
    examinee: Examinee, *, is_from_host: bool
) -> list[tuple[bytes, Mapping[str, object] | None]]:
    return [
        (frame.data, frame.meaning)
        for dialogue in dialogues_of(examinee.driver)
        for frame in dialogue.frames
        if frame.data and frame.is_from_host is is_from_host
    ]


def speaks_as_the_transcript(examinee: Examinee, _: str) -> None:
    """Check that each explained request of the transcript is made byte for byte."""
    codec = _codec_of(examinee)
    explained = [(raw, m) for raw, m in _frames(examinee, is_from_host=True) if m is not None]
    demand(bool(explained), "the transcript explains no request")
    for raw, meaning in explained:
        fields = {name: tuple(v) if isinstance(v, list) else v for name, v in meaning.items()}
        made = codec.encode(codec.Request(**fields))
        demand(made == raw, f"{meaning} is made into {made!r}, the transcript has {raw!r}")


def understands_the_transcript(examinee: Examinee, _: str) -> None:
    """Check that each reply of the transcript is read, and means what the transcript says."""
    codec = _codec_of(examinee)
    replies = _frames(examinee, is_from_host=False)
    demand(bool(replies), "the transcript has no reply")
    for raw, meaning in replies:
        demand(raw.endswith(codec.REPLY_END), f"{raw!r} does not end as the codec says")
        read = json.loads(json.dumps(dataclasses.asdict(codec.decode(raw))))
        demand(meaning in (None, read), f"{raw!r} is read as {read}, the transcript has {meaning}")


def refuses_frames_cut_short(examinee: Examinee, _: str) -> None:
    """Check that no beginning of a reply is taken for the whole."""
    codec = _codec_of(examinee)
    for raw, _meaning in _frames(examinee, is_from_host=False):
        for n_bytes in range(len(raw)):
            try:
                codec.decode(raw[:n_bytes])
            except ProtocolError:
                continue
            demand(is_so=False, text=f"{raw[:n_bytes]!r} is taken for a whole reply")


def the_pretend_device_follows_the_transcript(examinee: Examinee, _: str) -> None:
    """Check that the pretend device answers as the transcript, fresh for each dialogue.

    Dialogues that begin in a state of their own, or that are for the codec only, are left out.

    Raises:
        CheckSkipped: All are, or the rig is not the one that the transcript belongs to.
    """
    if not examinee.is_example:
        raise CheckSkipped("the transcript belongs to the example rig")
    played = [one for one in dialogues_of(examinee.driver) if not (one.given or one.is_codec_only)]
    if not played:
        raise CheckSkipped("every dialogue begins in a state of its own, or is for the codec only")
    for dialogue in played:
        examinee.in_virtual_time(functools.partial(_play, examinee, dialogue))


async def _play(examinee: Examinee, dialogue: Dialogue, clock: VirtualClock) -> None:
    device = examinee.bench(clock).device(examinee.instrument_name)
    heard: list[bytes] = []
    for frame in dialogue.frames:
        if frame.wait_s:
            await clock.sleep(frame.wait_s)
        elif frame.is_from_host:
            _demand_silence(heard, dialogue.title)
            heard = [reply.data for reply in device.receive(frame.data)]
        else:
            said = heard.pop(0) if heard else b"nothing"
            text = f"{dialogue.title!r}: it answers {said!r}, the transcript has {frame.data!r}"
            demand(said == frame.data, text)
    _demand_silence(heard, dialogue.title)


def _demand_silence(left: list[bytes], title: str) -> None:
    demand(not left, f"{title!r}: it also answers {left}, which the transcript does not have")


def takes_no_noise_for_an_error_of_ours(examinee: Examinee, _: str) -> None:
    """Check that noise makes the codec raise `ProtocolError` and nothing else."""
    codec, chance = _codec_of(examinee), random.Random(_SEED)
    true_frames = [raw for raw, _meaning in _frames(examinee, is_from_host=False)]
    for _count in range(_N_NOISES):
        noise = _damaged(chance.choice(true_frames), chance)
        try:
            reply = codec.decode(noise)
        except ProtocolError:
            continue
        for reader in codec.READERS:
            _read(reader, reply)


def _read(reader: object, reply: object) -> None:
    try:
        reader(reply)  # type: ignore[operator]  # READERS holds functions of one reply
    except ProtocolError:
        return


def _damaged(true: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.2:
        return chance.randbytes(chance.randrange(40))
    damaged = bytearray(true)
    for _ in range(chance.randrange(1, 4)):
        place = chance.randrange(len(damaged) + 1)
        damaged[place : place + chance.randrange(2)] = chance.randbytes(chance.randrange(2))
    return bytes(damaged)
