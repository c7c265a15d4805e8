"""A pretend folder with vendor software that drops a diffractogram into it, piece by piece.

The words are those of its driver's ``transcript.txt``. Whoever lists the folder begins a scan if
none runs: after 3 s the software writes a file in three pieces, a second apart, under the next
number. The pattern is one peak of 1000 counts on a background of 20, drawn from counts.
"""

import base64
import json
import math
from typing import Final

from typing_extensions import override

from simulators.device import Fittings, FramedDevice, Reply

__all__ = ["WatchedFolderDevice"]

_PROCESSING_S: Final = 0.01
_SCAN_S: Final = 3.0
_PIECE_S: Final = 1.0
_N_PIECES: Final = 3
_NEXT_S: Final = 8.0
_PEAK_DEG: Final = 38.2
_WIDTH_DEG: Final = 0.3
_START_NS: Final = 1_750_000_000_000_000_000


class WatchedFolderDevice(FramedDevice):
    """One folder, empty at first.

    Args:
        fittings: How it is fitted into the bench.
    """

    terminator = b"\n"

    def __init__(self, fittings: Fittings) -> None:
        super().__init__(fittings)
        self.files: dict[str, tuple[bytes, float]] = {}
        """Contents by name, and when each began to be written, on the bench's clock."""
        self._n_scans = 0
        self._is_read = True

    @override
    def _is_mine(self, request: bytes) -> bool:
        return True

    @override
    def _answer(self, request: bytes) -> list[Reply]:
        try:
            asked = json.loads(request)
        except ValueError:
            asked = None
        do = asked.get("do") if isinstance(asked, dict) else None
        if do == "hello":
            return self._said(
                {"do": do, "ok": True, "folder": _GREETING, "version": 1 + self.is_another}
            )
        if do == "list":
            if self._is_read or self._last_age_s() > _NEXT_S:
                self._begin_scan()
            return self._said({"do": do, "ok": True, "files": self._listed()})
        if do == "read" and asked.get("name") in self.files:
            name = asked["name"]
            data = self._written(name)
            self._is_read = True
            text = base64.b64encode(data).decode("ascii")
            found = {"do": do, "ok": True, "name": name, "size_bytes": len(data), "data": text}
            return self._said(found)
        if do == "read":
            return self._said({"do": do, "ok": False, "error": "no such file"})
        return self._said({"do": "hello", "ok": False, "error": _EXPECTED})

    @override
    def _refusal(self, request: bytes) -> list[Reply]:
        asked = json.loads(request)
        return self._said({"do": asked["do"], "ok": False, "error": "Stale file handle"})

    def _said(self, document: dict[str, object]) -> list[Reply]:
        line = json.dumps(document, separators=(",", ":")).encode("ascii") + b"\n"
        return [Reply(line, _PROCESSING_S)]

    def _last_age_s(self) -> float:
        """Return how long ago the newest file was begun; it may be still to come."""
        return self._now_s() - max((begun_s for _, begun_s in self.files.values()), default=0.0)

    def _begin_scan(self) -> None:
        self._n_scans += 1
        self._is_read = False
        rng, rows = self._fittings.rng, ["# position_deg intensity_counts"]
        for step in range(81):
            position = 36.0 + 0.05 * step
            height = 20.0 + 1000.0 * math.exp(-(((position - _PEAK_DEG) / _WIDTH_DEG) ** 2))
            rows.append(f"{position:.3f} {rng.poisson(height)}")
        text = "\n".join(rows) + "\n"
        begun_s = self._now_s() + _SCAN_S
        self.files[f"scan_{self._n_scans:04d}.xy"] = (text.encode("ascii"), begun_s)

    def _written(self, name: str) -> bytes:
        """Return as much of a file as is written by now."""
        data, begun_s = self.files[name]
        age_s = self._now_s() - begun_s
        n_pieces = 0 if age_s < 0.0 else min(_N_PIECES, 1 + int(age_s / _PIECE_S))
        return data[: len(data) * n_pieces // _N_PIECES]

    def _listed(self) -> list[dict[str, object]]:
        listed: list[dict[str, object]] = []
        for name, (_, begun_s) in self.files.items():
            age_s = self._now_s() - begun_s
            if age_s >= 0.0:
                written_s = begun_s + min(float(_N_PIECES - 1), math.floor(age_s)) * _PIECE_S
                changed_ns = _START_NS + round(written_s * 1e9)
                size = len(self._written(name))
                listed.append({"name": name, "size_bytes": size, "changed_ns": changed_ns})
        return listed


_GREETING: Final = "athanor watched folder"
_EXPECTED: Final = "do: expected hello, list or read"
