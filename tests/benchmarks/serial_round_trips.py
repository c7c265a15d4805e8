"""How many questions a second our serial line asks, in parts of what bare pyserial asks.

A process of its own answers at the far end of a pseudo-terminal, at once. Blocks of questions over
bare pyserial and over `SerialLine` with its `Conversation` take turns, so that both meet the same
machine; each pair gives one ratio. Bare pyserial reads twice: to the end mark, as its users do, and
so many bytes as it knows will come, which is the quickest that it can.

    python -m tests.benchmarks.serial_round_trips --json
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import serial

from drivers.clock import SystemClock
from drivers.line import Conversation
from drivers.serial_line import SerialLine

__all__ = ["BAR", "measured"]

REQUEST = b"SI\r\n"
REPLY = b"S S    100.0000 g\r\n"
END = b"\r\n"
BAR = 0.5
"""The median of the ratios to the usual reading is to be at least this."""


@contextmanager
def answering_device() -> Iterator[str]:
    """Start a process that answers at the far end of a terminal; hand out the near end's path."""
    far, near = os.openpty()
    tty.setraw(far)
    tty.setraw(near)
    command = [sys.executable, "-m", __spec__.name, "--device", str(far)]
    device = subprocess.Popen(command, pass_fds=[far])
    try:
        yield os.ttyname(near)
    finally:
        device.terminate()
        device.wait()
        os.close(far)
        os.close(near)


def answer_for_ever(far: int) -> None:
    """Answer each request at once."""
    heard = b""
    while True:
        *requests, heard = (heard + os.read(far, 4096)).split(END)
        for _ in requests:
            os.write(far, REPLY)


def bare(path: str, n: int, read: Callable[[serial.Serial], bytes]) -> float:
    """Return the seconds that bare pyserial needs for some round trips."""
    with serial.Serial(path, 9600, timeout=5.0, exclusive=True) as port:
        begun_s = time.perf_counter()
        for _ in range(n):
            port.reset_input_buffer()
            port.write(REQUEST)
            if read(port) != REPLY:
                raise RuntimeError("the device did not answer")
        return time.perf_counter() - begun_s


def to_the_end(port: serial.Serial) -> bytes:
    """Read as users of pyserial do."""
    reply: bytes = port.read_until(END)
    return reply


def by_length(port: serial.Serial) -> bytes:
    """Read as who knows beforehand how much will come."""
    reply: bytes = port.read(len(REPLY))
    return reply


async def ours(path: str, n: int) -> float:
    """Return the seconds that a conversation over our line needs for them."""
    clock = SystemClock()
    line = SerialLine.from_settings("device", {"port": path}, clock)
    await line.open()
    talk = Conversation(line, clock, reply_end=END)
    try:
        begun_s = time.perf_counter()
        for _ in range(n):
            if await talk.ask(REQUEST, timeout_s=5.0) != REPLY:
                raise RuntimeError("the device did not answer")
        return time.perf_counter() - begun_s
    finally:
        await line.close()


def measured(n_pairs: int, n: int) -> dict[str, float | int | bool]:
    """Measure and return the figures.

    Args:
        n_pairs: How often the three take turns, after once that does not count.
        n: Round trips of each turn.
    """
    seconds: dict[str, list[float]] = {"ours": [], "to the end": [], "by length": []}
    with answering_device() as path:
        for _ in range(n_pairs + 1):
            seconds["to the end"].append(bare(path, n, to_the_end))
            seconds["ours"].append(asyncio.run(ours(path, n)))
            seconds["by length"].append(bare(path, n, by_length))
    taken = {name: times[1:] for name, times in seconds.items()}
    usual = sorted(map(float.__truediv__, taken["to the end"], taken["ours"]))
    quickest = sorted(map(float.__truediv__, taken["by length"], taken["ours"]))
    return {
        "n_pairs": n_pairs,
        "n_round_trips": n,
        "ours_per_s": round(n / statistics.median(taken["ours"])),
        "bare_per_s": round(n / statistics.median(taken["to the end"])),
        "bare_by_length_per_s": round(n / statistics.median(taken["by length"])),
        "ratio": round(statistics.median(usual), 3),
        "ratio_lowest": round(usual[0], 3),
        "ratio_highest": round(usual[-1], 3),
        "ratio_by_length": round(statistics.median(quickest), 3),
        "bar": BAR,
        "is_met": statistics.median(usual) >= BAR,
    }


def main() -> int:
    """Measure, print, and fail where the bar is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--n", type=int, default=500, help="round trips a turn")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--device", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.device is not None:
        answer_for_ever(chosen.device)
    found = measured(chosen.pairs, chosen.n)
    if chosen.json:
        print(json.dumps(found))
    else:
        print(*(f"{name}: {value}" for name, value in found.items()), sep="\n")
    return 0 if found["is_met"] else 1


if __name__ == "__main__":
    sys.exit(main())
