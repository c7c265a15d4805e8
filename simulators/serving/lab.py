"""A served bench: its wires, its tally and its control socket, for as long as it is served."""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, Literal

from drivers.clock import Clock
from drivers.errors import RigError
from simulators.device import FramedDevice
from simulators.faults import Fault, FaultKind
from simulators.plumbing import Plumbing
from simulators.serving.control import CauseFault, TellState, control_socket
from simulators.serving.folder import keep_ports, kept_ports, occupied, socket_place
from simulators.serving.plans import WirePlan
from simulators.serving.tally import Tally
from simulators.serving.wires import DeviceEnd, PtyWire, SocketWire, Wire

__all__ = ["KINDS", "served"]

KINDS: Final = ("folder", "http", "serial", "task_board", "tcp")
"""Kinds of lines for which there is a real wire."""


class _StrokeWatch:
    """Looks at the pumps when a stroke ends, so that its end is tallied then and not later."""

    def __init__(self, plumbing: Plumbing, clock: Clock) -> None:
        self._plumbing = plumbing
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None

    def set(self) -> None:
        """Wait for the next end of a stroke."""
        self.clear()
        end_s = self._plumbing.next_end_s()
        if end_s is not None and math.isfinite(end_s):
            left_s = max(0.0, end_s - self._clock.monotonic_s())
            self._timer = asyncio.get_running_loop().call_later(left_s, self._ring)

    def clear(self) -> None:
        """Wait for nothing."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._plumbing.settle(self._clock.monotonic_s())
        self.set()


class _ServedLab:
    """What the control socket can do to the bench."""

    def __init__(
        self,
        plans: Mapping[str, WirePlan],
        wires: Mapping[str, Wire],
        devices: Mapping[str, FramedDevice],
        plumbing: Plumbing,
        clock: Clock,
        watch: _StrokeWatch,
    ) -> None:
        self._plans = plans
        self._wires = wires
        self._devices = devices
        self._plumbing = plumbing
        self._clock = clock
        self._watch = watch

    async def do(self, request: CauseFault | TellState) -> dict[str, object]:
        """Do what was asked and return the answer.

        Raises:
            DriverError: The rig has no such thing, or it cannot be plugged in.
        """
        if isinstance(request, TellState):
            return self._state()
        match request.kind:
            case "plug-in":
                await self._wire_of(request.target).plug_in()
            case "unplug":
                self._wire_of(request.target).unplug()
            case "power-cycle":
                self._device_of(request.target).power_cycle()
                self._watch.set()
            case kind:
                device = self._device_of(request.target)
                fault = Fault(
                    instrument=request.target,
                    kind=FaultKind(kind),
                    exchange=1,
                    delay_s=request.delay_s,
                )
                device.faults.strike_next(fault)
        return {}

    def _state(self) -> dict[str, object]:
        self._plumbing.settle(self._clock.monotonic_s())
        self._watch.set()
        moving = {name: device.in_motion() for name, device in self._devices.items()}
        return {
            "time": self._clock.now().isoformat(),
            "in_motion": {
                name: {"act": act.act, "job_id": act.job_id, "amount": act.amount, "unit": act.unit}
                for name, act in moving.items()
                if act is not None
            },
            "vessels": self._plumbing.contents(),
        }

    def _wire_of(self, target: str) -> Wire:
        for name, plan in self._plans.items():
            if target == name or target in plan.instruments:
                return self._wires[name]
        known = sorted({*self._plans, *self._devices})
        raise RigError("target", got=target, expected=f"one of {known}")

    def _device_of(self, target: str) -> FramedDevice:
        if target in self._devices:
            return self._devices[target]
        names = self._plans[target].instruments if target in self._plans else ()
        if len(names) == 1:
            return self._devices[names[0]]
        raise RigError("target", got=target, expected=f"one of {sorted(names or self._devices)}")


@asynccontextmanager
async def served(
    folder: Path,
    *,
    plans: Mapping[str, WirePlan],
    devices: Mapping[str, FramedDevice],
    plumbing: Plumbing,
    clock: Clock,
) -> AsyncIterator[dict[str, dict[str, object]]]:
    """Put every line behind a real wire for as long as the block lasts.

    Args:
        folder: An absolute path. It holds the links ``lines/<line>``, the tallies
            ``<instrument>.jsonl``, the socket ``control`` and the ports for the next time.
        plans: The lines by name.
        devices: By instrument.
        plumbing: Everything wet.
        clock: Of the bench; the running loop must keep its time.

    Yields:
        What the rig file must say of each line to get here, its kind included, by line.

    Raises:
        LineError: The folder is in use or damaged, or a port is taken.
        RigError: There is no real wire for a line's kind.
    """
    watch = _StrokeWatch(plumbing, clock)
    with ExitStack() as stack:
        stack.enter_context(occupied(folder))
        wires = _wires(folder, plans, devices, watch)
        for name, device in devices.items():
            tally = Tally(folder / f"{name}.jsonl")
            stack.callback(tally.close)
            device.witness = tally.add
            stack.callback(setattr, device, "witness", None)
        stack.callback(watch.clear)
        for wire in wires.values():
            stack.callback(wire.unplug)
            await wire.plug_in()
        sockets = {name: wire for name, wire in wires.items() if isinstance(wire, SocketWire)}
        keep_ports(folder, {name: wire.port for name, wire in sockets.items()})
        path = stack.enter_context(socket_place(folder / "control"))
        lab = _ServedLab(plans, wires, devices, plumbing, clock, watch)
        async with control_socket(path, lab.do):
            yield {name: wire.settings for name, wire in wires.items()}


def _wires(
    folder: Path,
    plans: Mapping[str, WirePlan],
    devices: Mapping[str, FramedDevice],
    watch: _StrokeWatch,
) -> dict[str, Wire]:
    ports = kept_ports(folder)
    wires: dict[str, Wire] = {}
    for name, plan in plans.items():
        if plan.kind not in KINDS:
            expected = f"one of {list(KINDS)}"
            raise RigError(f"lines.{name}.kind", got=plan.kind, expected=expected)
        end = DeviceEnd([devices[known] for known in plan.instruments], plan.baudrate, watch.set)
        if plan.kind == "serial":
            wires[name] = PtyWire(folder / "lines" / name, end)
        else:
            kind: Literal["http", "tcp"] = "http" if plan.kind == "http" else "tcp"
            wires[name] = SocketWire(kind, ports.get(name, 0), end)
    return wires
