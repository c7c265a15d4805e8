"""Speaks to the control socket of a served pretend bench: faults, plugs, and what is where."""

import json
import socket
from pathlib import Path
from typing import Any, Final

from orchestrator.errors import RequestRefused

__all__ = ["SimulatedBench"]

_TIMEOUT_S: Final = 30.0


class SimulatedBench:
    """A bench that ``athanor simulate`` serves; each call opens the socket afresh.

    Args:
        folder: The folder of its tallies.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)

    def cause(self, target: str, kind: str, *, delay_s: float | None = None) -> None:
        """Let something go wrong.

        Args:
            target: A line or an instrument of the rig; a line with several instruments can only
                be unplugged and plugged in.
            kind: Those of docs/RIGS.md strike the next request; ``unplug``, ``plug-in`` and
                ``power-cycle`` happen at once.
            delay_s: How late a late reply comes, in seconds of the lab.

        Raises:
            RequestRefused: Nobody serves there, or there is no such target or kind.
        """
        request: dict[str, Any] = {"do": "fault", "target": target, "kind": kind}
        if delay_s is not None:
            request["delay_s"] = delay_s
        self._ask(request)

    def settle(self) -> dict[str, Any]:
        """Bring every device up to the present and return what is where.

        Returns:
            ``in_motion``: by instrument, the act that goes on and how far it is; ``vessels``:
            microlitres by vessel and substance; ``time``: of the lab. Of any type, as JSON is.

        Raises:
            RequestRefused: Nobody serves there.
        """
        return self._ask({"do": "settle"})

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            path = (self._folder / "control").resolve()
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
                wire.settimeout(_TIMEOUT_S)
                wire.connect(str(path))
                wire.sendall(json.dumps(request).encode() + b"\n")
                with wire.makefile("rb") as answers:
                    line = answers.readline()
        except OSError as error:
            raise RequestRefused(f"{self._folder}: nobody serves a bench from here") from error
        if not line:
            raise RequestRefused(f"{self._folder}: the bench was closed before it answered")
        answer: dict[str, Any] = json.loads(line)
        if not answer.pop("done"):
            raise RequestRefused(str(answer["refused"]))
        return answer
