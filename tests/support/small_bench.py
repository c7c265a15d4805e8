"""The campaign and the rig of the simulated laboratory: every recovery class has its instrument."""

import random
from functools import cache
from typing import Final

from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.execution.rig import rig_from_text
from orchestrator.execution.rig_spec import FaultSpec, RigSpec

__all__ = ["FLOW_UL_PER_S", "small_campaign", "small_rig", "with_faults"]

FAULTS: Final = ("lost", "late", "garbled", "stalled", "refused")
FLOW_UL_PER_S: Final = 10.0
"""What runs through the valve while its relay is on."""

CAMPAIGN: Final = """
[campaign]
name = "small"
[space.composition]
components = ["x1", "x2"]
basis = "atomic_fraction"
step = 0.1
[[objective]]
name = "overpotential_v"
direction = "minimise"
threshold = 0.6
[recipe]
in_flight = {in_flight}
{before}[[recipe.job]]
name = "tare"
instrument = "balance"
action = "tare"
positions = [{rack}"flow_cell"]
[[recipe.job]]
name = "dispense_x1"
when = "x1 > 0"
instrument = "pump_x1"
action = "transfer"
positions = ["flow_cell"]
arguments = {{ volume_ul = "2000 * x1", rate_ul_per_min = 1000 }}
[[recipe.job]]
name = "dispense_x2"
when = "x2 > 0"
instrument = "valve_x2"
action = "open_for"
positions = ["flow_cell"]
arguments = {{ duration_s = "200 * x2" }}
[[recipe.job]]
name = "swirl"
instrument = "person"
action = "carry_out"
positions = ["flow_cell"]
arguments = {{ instruction = "'Swirl the cell'", within_s = 60 }}
[[recipe.job]]
name = "sweep"
instrument = "source_meter"
action = "measure_current_sweep"
positions = ["flow_cell"]
arguments = {{ start_ma = 4.0, stop_ma = 25.0, n_points = 5, dwell_s = 1, voltage_limit_v = 4.0 }}
[[recipe.job]]
name = "drain"
instrument = "pump_waste"
action = "transfer"
positions = ["flow_cell"]
cleanup = true
arguments = {{ volume_ul = 2600, rate_ul_per_min = 2000 }}
[[recipe.analysis]]
name = "overpotential_from_sweep"
[recipe.analysis.settings]
job = "sweep"
value = "overpotential_v"
current_density_ma_per_cm2 = 10.0
area_cm2 = 1.0
series_resistance_ohm = 2.0
[stopping]
max_experiments = {max_experiments}
[planner]
name = "sobol"
"""

RINSE: Final = """
[[recipe.job]]
name = "rinse"
instrument = "person"
action = "carry_out"
positions = ["flow_cell"]
cleans = "flow_cell"
arguments = { instruction = "'Rinse the cell'", within_s = 60 }
"""

PRESS: Final = """
[[recipe.job]]
name = "press"
instrument = "person"
action = "carry_out"
positions = ["rack"]
arguments = { instruction = "'Press the pellets'", within_s = 60 }
"""

RIG: Final = """
[rig]
name = "small-bench"
[simulation]
world = "oer_plate_3496"
seed = 7
[lines.pumps]
kind = "serial"
port = "/dev/ttyUSB0"
baudrate = 19200
[lines.balance]
kind = "serial"
port = "/dev/ttyUSB1"
baudrate = 9600
[lines.source_meter]
kind = "tcp"
host = "192.0.2.10"
port = 5025
[lines.relays]
kind = "serial"
port = "/dev/ttyUSB2"
baudrate = 19200
[lines.board]
kind = "task_board"
folder = "/var/lib/athanor/board"
[positions.flow_cell]
capacity_ml = 10.0
[positions.waste]
capacity_ml = 20000.0
[instruments.balance]
driver = "mettler_toledo_sics"
line = "balance"
at = "flow_cell"
[instruments.valve_x2]
driver = "numato_usb_relay"
line = "relays"
draws_from = "x2"
delivers_to = "flow_cell"
settings = {{ address = 0, flow_ul_per_s = {flow_ul_per_s} }}
[instruments.person]
driver = "manual_station"
line = "board"
at = "flow_cell"
[instruments.source_meter]
driver = "keithley_2450"
line = "source_meter"
at = "flow_cell"
"""

PUMP: Final = """
[instruments.{name}]
driver = "new_era_ne1000"
line = "pumps"
draws_from = "{source}"
delivers_to = "{goal}"
settings = {{ address = {address}, syringe_diameter_mm = 14.57, syringe_volume_ml = 10.0 }}
"""

STOCK: Final = """
[stock.{name}]
volume_ml = 500.0
concentration_mol_per_l = 0.5
density_g_per_ml = 1.05
"""


CONTAMINATION: Final = """
[[contamination]]
of = ["x1"]
places = ["flow_cell"]
above = 0.4
"""


@cache
def small_campaign(
    *, max_experiments: int, in_flight: int = 1, has_rack: bool = False, is_rinsed: bool = False
) -> CampaignSpec:
    """Return a campaign over two components: dose both ways, swirl, sweep, drain.

    With a rack, three samples are pressed there in one go before, and stand for an hour at most.
    The cell is rinsed before a sample comes that what was there before would spoil.
    """
    before = (PRESS if has_rack else "") + (RINSE if is_rinsed else "")
    text = CAMPAIGN.format(
        max_experiments=max_experiments,
        in_flight=in_flight,
        before=before,
        rack='"rack", ' if has_rack else "",
    )
    if has_rack:
        text = text.replace('"rack", "flow_cell"]', '"rack", "flow_cell"]\nmax_wait_s = 3600')
    return campaign_from_text(text, file="small.toml")


@cache
def small_rig(*, has_rack: bool = False, is_rinsed: bool = False) -> RigSpec:
    """Return its rig, without faults."""
    pumps = (("pump_x1", "x1", "flow_cell"), ("pump_waste", "flow_cell", "waste"))
    parts = [STOCK.format(name=name) for name in ("x1", "x2")]
    for address, (name, source, goal) in enumerate(pumps, start=1):
        parts.append(PUMP.format(name=name, source=source, goal=goal, address=address))
    text = RIG.format(flow_ul_per_s=FLOW_UL_PER_S)
    if has_rack:
        text = text.replace('driver = "manual_station"', 'driver = "manual_station"\ncapacity = 3')
        parts.append("[positions.rack]\nslots = 3\n")
    parts += [CONTAMINATION] if is_rinsed else []
    return rig_from_text("\n".join([text, *parts]), file="small_rig.toml")


def with_faults(rig: RigSpec, dice: random.Random) -> RigSpec:
    """Return a rig on whose wires some things go wrong."""
    faults = []
    for _ in range(dice.choice((0, 1, 1, 2, 3))):
        when: dict[str, object] = {"exchange": dice.randint(8, 120)}
        if dice.random() < 0.3:
            when = {"probability": dice.choice((0.002, 0.01, 0.03))}
        name, kind = dice.choice(sorted(rig.instruments)), dice.choice(FAULTS)
        faults.append(FaultSpec.model_validate({"instrument": name, "kind": kind, **when}))
    if rig.simulation is None:
        raise ValueError("the rig pretends nothing")
    simulation = rig.simulation.model_copy(update={"faults": tuple(faults)})
    return rig.model_copy(update={"simulation": simulation})
