"""The pretend robot against a client that nobody here wrote, and our driver over a socket."""

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest
from opentrons_http_api.api import API

from drivers.clock import SystemClock
from drivers.devices.opentrons_robot import OpentronsRobot
from tests.support.served_bench import Served, in_sped_up_time, served_in

pytestmark = pytest.mark.slow

PROTOCOL = "# takes 60 s\n# moves 300 ul from x1 to vessel\n"


def their_run(port: int) -> dict[str, Any]:
    """Do by somebody else's client what our driver does: upload, run, play, look."""
    api = API()
    api._base = f"http://127.0.0.1:{port}"
    file = io.BytesIO(PROTOCOL.encode())
    file.name = "fill.py"
    protocol = api.post_protocols([file])["data"]
    run = api.post_runs({"protocolId": protocol["id"]})["data"]
    action = api.post_runs_run_id_actions(run["id"], {"actionType": "play"})["data"]
    return {
        "health": api.get_health()["robot_model"],
        "type": protocol["protocolType"],
        "made": run["status"],
        "action": action["actionType"],
        "state": api.get_runs_run_id(run["id"])["data"]["status"],
        "runs": [one["id"] for one in api.get_runs()["data"]],
        "lights": api.post_robot_lights(on=True)["on"],
    }


def our_robot(served: Served, clock: SystemClock) -> OpentronsRobot:
    return OpentronsRobot.from_settings(
        "robot", served.line("robot"), clock, {"protocols": {"fill": PROTOCOL}}
    )


def test_somebody_elses_client_runs_a_protocol_on_the_pretend_robot(tmp_path: Path) -> None:
    async def main(clock: SystemClock) -> tuple[dict[str, Any], str]:
        async with served_in(tmp_path, clock) as served:
            port = int(served.lines["robot"]["port"])
            said = await asyncio.to_thread(their_run, port)
            await clock.sleep(90.0)
            robot = our_robot(served, clock)
            await robot.line.open()
            await robot.connect()
            (state,) = await robot.perform("read_run_state", {})
            await robot.line.close()
            return said, str(state.value)

    said, state = in_sped_up_time(main, speed=20.0)
    assert said == {
        "health": "OT-2 Standard",
        "type": "python",
        "made": "idle",
        "action": "play",
        "state": "running",
        "runs": ["run-1"],
        "lights": True,
    }
    assert state == "succeeded"


def test_our_driver_runs_a_protocol_over_a_real_socket(tmp_path: Path) -> None:
    async def main(clock: SystemClock) -> tuple[str, float]:
        async with served_in(tmp_path, clock) as served:
            robot = our_robot(served, clock)
            await robot.line.open()
            await robot.connect()
            order = {"protocol": "fill", "within_s": 300.0}
            (run_id,) = await robot.perform("run_protocol", order)
            await robot.line.close()
            state = await served.settle()
            return str(run_id.value), state["vessels"]["vessel"]["x1"]

    run_id, volume_ul = in_sped_up_time(main, speed=50.0)
    assert run_id == "run-1"
    assert volume_ul == pytest.approx(300.0)
