"""What a balance says and hears: MT-SICS, as it stands; no I/O happens here."""

from drivers.sics import (
    READERS,
    REPLY_END,
    Reply,
    Request,
    Weight,
    decode,
    encode,
    identity_from,
    weight_from,
)

__all__ = [
    "READERS",
    "REPLY_END",
    "Reply",
    "Request",
    "Weight",
    "decode",
    "encode",
    "identity_from",
    "weight_from",
]
