"""The tally: what the devices did to matter, a line of JSON each, on the disk before any reply."""

import json
import math
import os
from pathlib import Path

from drivers.errors import LineError
from simulators.device import Act

__all__ = ["Tally"]

_WRITE = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class Tally:
    """One instrument's file of acts; each line is synced to the disk before the call returns.

    A line is ``{"time", "act", "job_id", "amount", "unit"}``: the time of day on the lab's clock,
    the key that the device was given with the order or null, and the amount, null if the order had
    no end. An act that takes time has two lines: one whose act is preceded by ``begin``, with what
    was asked, and one at its end, with what was done, also when it was cut off.

    Args:
        path: Where it is; a file that is there is continued.

    Raises:
        LineError: The file ends in the middle of a line: somebody else has written to it.
    """

    def __init__(self, path: Path) -> None:
        kept = path.read_bytes() if path.exists() else b""
        if kept and not kept.endswith(b"\n"):
            raise LineError(f"{path} ends in the middle of a line; move it away")
        self._descriptor = os.open(path, _WRITE, 0o644)
        os.fsync(self._descriptor)

    def add(self, act: Act) -> None:
        """Write down an act."""
        line = {
            "time": act.time.isoformat(),
            "act": act.act,
            "job_id": act.job_id,
            "amount": act.amount if math.isfinite(act.amount) else None,
            "unit": act.unit,
        }
        os.write(self._descriptor, json.dumps(line).encode() + b"\n")
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)
