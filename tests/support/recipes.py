"""A small campaign for the small rig, with a recipe that tests vary."""

from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.execution.compile import CompiledRecipe
from orchestrator.execution.rig import drivers_for
from orchestrator.execution.rig_spec import RigSpec
from tests.support.benches import small_rig

HEAD = """
[campaign]
name = "small"
[space.composition]
components = ["x1", "x2"]
basis = "atomic_fraction"
step = 0.1
[[space.parameter]]
name = "rate_ul_per_min"
kind = "range"
low = 500
high = 1500
step = 100
[[space.parameter]]
name = "wait_s"
kind = "discrete"
values = [1, 10]
[[space.parameter]]
name = "gas"
kind = "categorical"
values = ["argon", "air"]
[computed]
cost_usd_per_mol = "8*x1 + 2*x2"
[[objective]]
name = "overpotential_v"
direction = "minimise"
[[objective]]
name = "cost_usd_per_mol"
direction = "minimise"
[stopping]
max_experiments = 5
"""

TARE = """
[[recipe.job]]
name = "tare"
instrument = "balance"
action = "tare"
positions = ["vessel"]
"""

DOSE = """
[[recipe.job]]
name = "dispense_{component}"
for_each = "component"
when = "{component} > 0"
instrument = "pump_{component}"
action = "transfer"
positions = ["vessel"]
arguments = { volume_ul = "2000 * {component}", rate_ul_per_min = "rate_ul_per_min" }
[[recipe.job]]
name = "weigh_{component}"
for_each = "component"
when = "{component} > 0"
instrument = "balance"
action = "measure_mass"
positions = ["vessel"]
"""

SWEEP = """
[[recipe.job]]
name = "sweep"
instrument = "source_meter"
action = "measure_current_sweep"
positions = ["vessel"]
[recipe.job.arguments]
start_ma = 1.0
stop_ma = 50.0
n_points = 25
dwell_s = "wait_s"
voltage_limit_v = 4.0
"""

ANALYSES = """
[[recipe.analysis]]
name = "composition_by_mass"
[recipe.analysis.settings]
expected_volume_ml = 2.0
[[recipe.analysis]]
name = "overpotential_from_sweep"
[recipe.analysis.settings]
job = "sweep"
series_resistance_ohm = 2.0
"""

RECIPE = TARE + DOSE + SWEEP + ANALYSES


def small_campaign(recipe: str = RECIPE, *, constraints: tuple[str, ...] = ()) -> CampaignSpec:
    """Return the small campaign.

    Args:
        recipe: TOML of the recipe's jobs and analyses.
        constraints: Conditions on its inputs.
    """
    tables = "".join(f'[[constraint]]\nexpression = "{text}"\n' for text in constraints)
    text = HEAD + tables + '[recipe]\ncost_usd_per_experiment = "8 + cost_usd_per_mol"\n' + recipe
    return campaign_from_text(text, file="small.toml")


def compiled(campaign: CampaignSpec, rig: RigSpec | None = None) -> CompiledRecipe:
    """Return the campaign's recipe, judged against a rig: the small one by default."""
    rig = rig if rig is not None else small_rig()
    return CompiledRecipe.of(campaign, rig, drivers_for(rig), file="small.toml")
