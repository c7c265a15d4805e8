"""The OER bench with a furnace that takes eight substrates before they are coated."""

from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.execution.rig import rig_from_text
from orchestrator.execution.rig_spec import RigSpec
from tests.support.dry_runs import LIBRARY

__all__ = ["furnace_campaign", "furnace_rig"]

_FURNACE = """
[lines.furnace]
kind = "serial"
port = "/dev/ttyUSB9"
baudrate = 9600
[positions.furnace]
slots = {slots}
[instruments.furnace]
driver = "eurotherm_3200"
line = "furnace"
at = "furnace"
capacity = {slots}
settings = {{ address = 1, highest_c = 1000{more} }}
"""
_FIRE = """
[[recipe.job]]
name = "fire"
instrument = "furnace"
action = "fire"
positions = ["furnace"]
arguments = {{ temperature_c = {temperature_c}, dwell_min = {dwell_min}, ramp_c_per_min = 20 }}

[[recipe.job]]
name = "tare"
"""


def furnace_rig(*, slots: int = 8, heater_dies_after_min: float | None = None) -> RigSpec:
    """Return the shipped rig with a furnace.

    Args:
        slots: How many samples it takes at once.
        heater_dies_after_min: After how many minutes of heating it breaks; None for never.
    """
    text = (LIBRARY / "oer_rig.toml").read_text(encoding="utf-8")
    dies = heater_dies_after_min
    more = "" if dies is None else f", heater_dies_after_min = {dies:g}"
    return rig_from_text(text + _FURNACE.format(slots=slots, more=more), file="furnace_rig.toml")


def furnace_campaign(
    *,
    name: str = "oer-plate",
    max_experiments: int = 8,
    in_flight: int = 8,
    temperature_c: float = 450.0,
    dwell_min: float = 60.0,
    more: str = "",
    header: str = "",
) -> CampaignSpec:
    """Return the shipped campaign with the Sobol planner, whose samples are fired first.

    Args:
        name: Of the campaign.
        max_experiments: After which it ends.
        in_flight: Samples at once.
        temperature_c: Of the furnace.
        dwell_min: For how long.
        more: More tables.
        header: More keys of the table [campaign].
    """
    text = (LIBRARY / "oer_plate.toml").read_text(encoding="utf-8")
    text = text.replace('name = "oer-plate"', f'name = "{name}"\n{header}')
    text = text.replace("max_experiments = 100", f"max_experiments = {max_experiments}")
    text = text.replace('name = "botorch"', 'name = "sobol"')
    text = text.replace("in_flight = 2", f"in_flight = {in_flight}")
    fire = _FIRE.format(temperature_c=temperature_c, dwell_min=dwell_min)
    text = text.replace('\n[[recipe.job]]\nname = "tare"\n', fire, 1)
    return campaign_from_text(f"{text}\n{more}", file="furnace.toml")
