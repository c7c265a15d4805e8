"""What holds for the codec of every driver found."""

import dataclasses
import json
import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.catalog import DRIVERS, names
from drivers.errors import ProtocolError
from tests.support.codec_fuzz import codec_of, dialogues_of, fuzz, replies_in

DEVICES = names(DRIVERS)
FUZZ_SEED = 20_260_101


def read_all(device: str, raw: bytes) -> None:
    """Decode a frame and read its fields in every way; only `ProtocolError` may come of it."""
    codec = codec_of(device)
    try:
        reply = codec.decode(raw)
    except ProtocolError:
        return
    for reader in codec.READERS:
        try:
            reader(reply)
        except ProtocolError:
            continue


def frames_with_meaning(*, is_from_host: bool) -> list[tuple[str, bytes, object]]:
    """Return device, bytes and meaning of every explained frame of every transcript."""
    return [
        (device, frame.data, frame.meaning)
        for device in DEVICES
        for dialogue in dialogues_of(device)
        for frame in dialogue.frames
        if frame.meaning is not None and frame.is_from_host is is_from_host
    ]


def _as_fields(meaning: Mapping[str, object]) -> dict[str, object]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in meaning.items()}


@pytest.mark.parametrize(("device", "raw", "meaning"), frames_with_meaning(is_from_host=False))
def test_a_reply_means_what_the_transcript_says(device: str, raw: bytes, meaning: object) -> None:
    reply = codec_of(device).decode(raw)

    assert json.loads(json.dumps(dataclasses.asdict(reply))) == meaning


@pytest.mark.parametrize(("device", "raw", "meaning"), frames_with_meaning(is_from_host=True))
def test_a_request_is_the_bytes_of_the_transcript(
    device: str, raw: bytes, meaning: dict[str, object]
) -> None:
    codec = codec_of(device)

    assert codec.encode(codec.Request(**_as_fields(meaning))) == raw


@pytest.mark.parametrize("device", DEVICES)
def test_every_reply_of_the_transcript_can_be_read(device: str) -> None:
    codec = codec_of(device)

    for raw in replies_in(device):
        assert raw.endswith(codec.REPLY_END)
        codec.decode(raw)


@pytest.mark.parametrize("device", DEVICES)
@given(raw=st.binary(max_size=80))
def test_garbage_raises_nothing_but_protocol_errors(device: str, raw: bytes) -> None:
    read_all(device, raw)


@pytest.mark.parametrize("device", DEVICES)
@given(data=st.data())
def test_mutated_frames_raise_nothing_but_protocol_errors(device: str, data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(replies_in(device))))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(raw)))
        raw[place : place + data.draw(st.integers(0, 1))] = data.draw(st.binary(max_size=2))

    read_all(device, bytes(raw))


@pytest.mark.parametrize("device", DEVICES)
@given(data=st.data())
def test_a_frame_cut_short_is_refused(device: str, data: st.DataObject) -> None:
    codec = codec_of(device)
    raw = data.draw(st.sampled_from(replies_in(device)))

    with pytest.raises(ProtocolError):
        codec.decode(raw[: data.draw(st.integers(0, len(raw) - 1))])


def with_text(fields: dict[str, object], text: str) -> list[dict[str, object]]:
    """Return the fields of a request with each of its words in turn replaced by a text."""
    found: list[dict[str, object]] = []
    for name, value in fields.items():
        if isinstance(value, str):
            found.append({**fields, name: text})
        elif isinstance(value, tuple):
            found += [
                {**fields, name: (*value[:place], text, *value[place + 1 :])}
                for place, word in enumerate(value)
                if isinstance(word, str)
            ]
    return found


@pytest.mark.parametrize("device", DEVICES)
@given(data=st.data(), text=st.text(min_size=1, max_size=20))
def test_no_control_character_reaches_the_wire(device: str, data: st.DataObject, text: str) -> None:
    codec = codec_of(device)
    ends: bytes = getattr(codec, "REQUEST_ENDS", b"\r\n")
    explained = [
        frame.meaning
        for dialogue in dialogues_of(device)
        for frame in dialogue.frames
        if frame.meaning is not None and frame.is_from_host
    ]
    meaning = data.draw(st.sampled_from(explained))
    for fields in with_text(_as_fields(meaning), text):
        try:
            raw = codec.encode(codec.Request(**fields))
        except ValueError:
            continue
        if raw.partition(b" HTTP/1.1\r\n")[1]:
            assert_one_http_request(raw, codec.encode(codec.Request(**_as_fields(meaning))))
            continue
        inner = raw.removeprefix(getattr(codec, "REQUEST_BEGIN", b"")).rstrip(ends)
        assert all(0x20 <= byte <= 0x7E for byte in inner)
        assert len(raw) - len(inner) <= 4


def assert_one_http_request(raw: bytes, meant: bytes) -> None:
    """Check that a text has brought no line into the head, and that the body is as long as said."""
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    lengths = [int(line.split(b": ")[1]) for line in lines if line.startswith(b"Content-Length")]

    assert all(0x20 <= byte <= 0x7E for line in lines for byte in line)
    assert len(lines) == meant.partition(b"\r\n\r\n")[0].count(b"\r\n") + 1
    assert lengths == ([len(body)] if body or lengths else [])


@pytest.mark.parametrize("device", ["keithley_2450", "new_era_ne1000"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_number_that_is_not_finite_reaches_the_wire(device: str, value: float) -> None:
    with pytest.raises(ValueError, match="expected"):
        codec_of(device).text_from_number(value)


@given(value=st.floats(0.0005, 9999.49, exclude_max=True))
def test_four_digits_of_a_pump_survive_the_round_trip(value: float) -> None:
    codec = codec_of("new_era_ne1000")

    text = codec.text_from_number(value)

    assert sum(letter.isdigit() for letter in text) <= 4
    assert codec.number_from_text(text) == pytest.approx(value, rel=5.1e-4, abs=5e-4)


@given(value=st.floats(-1e30, 1e30, allow_subnormal=False))
def test_seven_digits_of_a_source_meter_survive_the_round_trip(value: float) -> None:
    codec = codec_of("keithley_2450")

    reply = codec.decode(codec.text_from_number(value).encode() + b"\n")

    assert codec.number_from(reply) == pytest.approx(value, rel=1e-6, abs=1e-99)


@given(
    address=st.integers(0, 99),
    status=st.sampled_from("IWSPTUX"),
    text=st.from_regex(r"[A-Z0-9][A-Z0-9. ]{0,14}", fullmatch=True),
)
def test_a_pumps_reply_survives_the_round_trip(address: int, status: str, text: str) -> None:
    codec = codec_of("new_era_ne1000")

    reply = codec.decode(f"\x02{address:02d}{status}{text}\x03".encode())

    assert reply == codec.Reply(address, status, "", "", text)


@given(mass_g=st.floats(-999.0, 99_999.0), is_stable=st.booleans())
def test_a_balances_weight_survives_the_round_trip(mass_g: float, is_stable: bool) -> None:
    codec = codec_of("mettler_toledo_sics")

    reply = codec.decode(f"S {'S' if is_stable else 'D'} {mass_g:10.4f} g\r\n".encode())

    assert codec.weight_from(reply).is_stable is is_stable
    assert codec.weight_from(reply).mass_g == pytest.approx(mass_g, abs=5.1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
def test_ten_thousand_random_frames_raise_nothing_but_protocol_errors(device: str) -> None:
    outcome = fuzz(device, 10_000, seed=FUZZ_SEED)

    assert outcome.n_refused > 5_000
    assert outcome.n_read > 0
