"""What a check promises, against what a dry-run then takes."""

from pathlib import Path

import pytest

from campaigns.errors import CampaignFileError
from orchestrator.checking import check
from orchestrator.log.memory_log import MemoryLog
from tests.support.dry_runs import DryRun, oer_campaign

LIBRARY = Path("campaigns/library")


def test_a_campaign_alone_tells_its_space():
    report = check(LIBRARY / "oer/oer_plate.toml", None)

    assert (report.n_lattice_points, report.n_feasible_points) == (2121, 2121)
    assert report.feasible_fraction == 1.0
    assert report.bench is None


def test_a_rig_adds_hours_money_and_stock():
    report = check(LIBRARY / "oer/oer_plate.toml", LIBRARY / "oer/oer_rig.toml")

    bench = report.bench
    assert bench is not None
    assert bench.n_experiments == 100
    assert bench.n_jobs == (6, 12)
    assert all(stock.is_enough for stock in bench.stock)
    assert {stock.worst for stock in bench.stock} == {200.0}
    assert report.warnings == ()


def test_the_expected_hours_are_what_a_dry_run_takes():
    report = check(LIBRARY / "oer/oer_plate.toml", LIBRARY / "oer/oer_rig.toml")
    dry_run = DryRun(MemoryLog(), oer_campaign(max_experiments=6))
    dry_run.open()

    state = dry_run.drive()

    assert report.bench is not None
    assert report.bench.hours is not None
    first_hours = report.bench.hours_per_experiment
    hours_apart = (report.bench.hours - first_hours) / 99
    took = state.hours(state.last_time)
    assert took == pytest.approx(first_hours + 5 * hours_apart, rel=0.1)


def test_a_stock_that_will_run_out_is_told(tmp_path):
    rig = tmp_path / "rig.toml"
    text = (LIBRARY / "oer/oer_rig.toml").read_text(encoding="utf-8")
    rig.write_text(text.replace("volume_ml = 500.0", "volume_ml = 20.0", 1), encoding="utf-8")

    report = check(LIBRARY / "oer/oer_plate.toml", rig)

    assert any("stock x1 will run out" in warning for warning in report.warnings)


@pytest.mark.parametrize(("hours", "n_warnings"), [("1 + a", 0), ("a - 0.5", 1), ("0", 1)])
def test_hours_that_are_none_are_told_where_promises_are_divided_by_them(
    tmp_path: Path, hours: str, n_warnings: int
) -> None:
    file = tmp_path / "film.toml"
    file.write_text(
        f"""
        [campaign]
        name = "film"
        [space.composition]
        components = ["a", "b"]
        step = 0.1
        [recipe]
        hours_per_experiment = "{hours}"
        [[recipe.job]]
        name = "bake"
        instrument = "oven"
        action = "bake"
        [planner.settings]
        per = "hour"
        [[objective]]
        name = "y"
        direction = "maximise"
        """,
        encoding="utf-8",
    )

    warnings = [one for one in check(file, None).warnings if "counted by the hour" in one]

    assert len(warnings) == n_warnings


def test_a_list_is_counted_beside_what_of_it_is_feasible(tmp_path: Path) -> None:
    file = tmp_path / "shelf.toml"
    file.write_text(
        """
        [campaign]
        name = "shelf"
        [space.composition]
        components = ["a", "b"]
        step = 0.1
        [space.points]
        a = [0.1, 0.5, 0.9]
        b = [0.9, 0.5, 0.1]
        [[constraint]]
        expression = "a < 0.9"
        [[objective]]
        name = "y"
        direction = "maximise"
        """,
        encoding="utf-8",
    )

    report = check(file, None)

    assert (report.n_listed_points, report.n_feasible_points) == (3, 2)


def test_a_campaign_without_a_feasible_point_is_refused(tmp_path):
    campaign = tmp_path / "none.toml"
    text = (LIBRARY / "oer/oer_plate.toml").read_text(encoding="utf-8")
    impossible = (
        '[[constraint]]\nexpression = "x1 >= 0.8"\n[[constraint]]\nexpression = "x2 >= 0.8"\n'
    )
    campaign.write_text(text.replace("[recipe]", impossible + "[recipe]", 1), encoding="utf-8")

    with pytest.raises(CampaignFileError, match=r"none\.toml.*no feasible point"):
        check(campaign, None)


def test_reference_samples_take_hours_money_and_stock(tmp_path):
    campaign = tmp_path / "oer.toml"
    text = (LIBRARY / "oer/oer_plate.toml").read_text(encoding="utf-8")
    point = "{ x1 = 1.0, x2 = 0.0, x3 = 0.0, x4 = 0.0, x5 = 0.0, x6 = 0.0 }"
    reference = f"\n[reference]\nevery_n_experiments = 10\npoint = {point}\n"
    campaign.write_text(text + reference, encoding="utf-8")

    plain = check(LIBRARY / "oer/oer_plate.toml", LIBRARY / "oer/oer_rig.toml").bench
    more = check(campaign, LIBRARY / "oer/oer_rig.toml").bench

    assert plain is not None
    assert more is not None
    assert more.n_experiments == plain.n_experiments == 100
    assert more.hours > plain.hours
    assert more.cost_usd > plain.cost_usd
    assert more.stock[0].worst == pytest.approx(plain.stock[0].worst + 9 * 2.0)
    assert more.stock[1].worst == plain.stock[1].worst
