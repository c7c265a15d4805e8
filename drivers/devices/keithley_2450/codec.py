"""What a Keithley 2450 says and hears: SCPI, as it stands; no I/O happens here."""

from drivers.scpi import (
    OVERFLOW,
    READERS,
    REPLY_END,
    Failure,
    Reply,
    Request,
    decode,
    encode,
    failure_from,
    number_from,
    numbers_from,
    switch_from,
    text_from_number,
)

__all__ = [
    "OVERFLOW",
    "READERS",
    "REPLY_END",
    "Failure",
    "Reply",
    "Request",
    "decode",
    "encode",
    "failure_from",
    "number_from",
    "numbers_from",
    "switch_from",
    "text_from_number",
]
