"""HTTP as bytes: what cannot be sent, what is no reply, and noise."""

import random

import pytest

from drivers.errors import ProtocolError
from drivers.http_messages import (
    HttpReply,
    HttpRequest,
    decode,
    encode,
    json_in,
    json_text,
    n_bytes_missing,
    path_of,
    value_at,
)

REPLIES = [
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"a":[1,2.5]}',
    b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\n"
    + "é".encode(),
]


@pytest.mark.parametrize("frame", REPLIES)
def test_no_beginning_of_a_reply_is_taken_for_the_whole(frame):
    for n_bytes in range(len(frame)):
        assert n_bytes_missing(frame[:n_bytes]) > 0
        with pytest.raises(ProtocolError):
            decode(frame[:n_bytes])
    assert n_bytes_missing(frame) == 0
    decode(frame)


def test_what_is_read_is_what_was_said():
    assert decode(REPLIES[0]) == HttpReply(200, "application/json", '{"a":[1,2.5]}')
    assert value_at(json_in(decode(REPLIES[0])), "/a/1") == 2.5
    assert decode(REPLIES[1]).text == "hello"
    assert decode(REPLIES[3]) == HttpReply(200, "text/plain", "é")


@pytest.mark.parametrize(
    "frame",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 4000,
    ],
)
def test_what_does_not_say_its_length_is_refused(frame):
    with pytest.raises(ProtocolError):
        n_bytes_missing(frame)


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "{", "", "[" * 100_000])
def test_json_that_is_none_is_refused(text):
    with pytest.raises(ProtocolError):
        json_in(HttpReply(200, "application/json", text))


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": "/a b"},
        {"path": "runs"},
        {"path": "/a\r\nHost: evil"},
        {"method": "TRACE"},
        {"headers": (("X-Name", "a\r\nX-Other: b"),)},
        {"headers": (("X Name", "a"),)},
        {"host": "a\nb"},
        {"body": "x", "content_type": "text\r\n/plain"},
    ],
)
def test_nothing_can_be_smuggled_into_a_request(wrong):
    fields = {"method": "POST", "path": "/runs", **wrong}

    with pytest.raises(ValueError, match=r"got|expected"):
        encode(HttpRequest(**fields))


def test_segments_stay_in_their_places_and_numbers_are_finite():
    assert path_of("a/../b", "c?d", q="é&=") == "/a%2F..%2Fb/c%3Fd?q=%C3%A9%26%3D"
    for segment in ("", ".", ".."):
        with pytest.raises(ValueError, match="segments"):
            path_of("runs", segment)
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text({"a": float("nan")})
    with pytest.raises(ValueError, match="expected what JSON knows"):
        json_text({"a": object()})


def test_noise_is_a_protocol_error_and_nothing_else():
    chance = random.Random(7)
    for _ in range(3000):
        frame = bytearray(chance.choice(REPLIES))
        for _change in range(chance.randrange(1, 4)):
            place = chance.randrange(len(frame) + 1)
            frame[place : place + chance.randrange(2)] = chance.randbytes(chance.randrange(2))
        try:
            n_bytes_missing(bytes(frame))
            json_in(decode(bytes(frame)))
        except ProtocolError:
            continue
