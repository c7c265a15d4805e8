"""How good the model is, as a page."""

from pathlib import Path

from orchestrator.log.event_log import EventLog
from tests.support.dashboard import dashboard_of
from tests.support.judged_campaign import record_judged

PAGE = "/campaigns/small-1/model"


def young(log: EventLog) -> None:
    """Record a campaign with four predictions that came true or not."""
    record_judged(log, n=8, n_waiting=0)


def test_errors_coverage_and_methods_are_shown(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, record_judged) as browser:
        text = browser.get(PAGE).text
    for said in ("Root mean square error", "Miscalibration area", "8 of 10; truly 49 to 94 %"):
        assert said in text
    assert "initial design" in text
    assert "no model" in text
    assert "3 of 12 (25 %)" in text
    assert "4 observations are told" in text


def test_below_five_predictions_it_says_not_yet(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, young) as browser:
        text = browser.get(PAGE).text
    assert "Not yet." in text
    assert "There are 4 predictions of overpotential (V)" in text
    assert "data-plot" not in text


def test_another_value_can_be_chosen(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, record_judged) as browser:
        text = browser.get(f"{PAGE}?name=adhesion_fraction").text
        unknown = browser.get(f"{PAGE}?name=nothing").text
    assert "/plots/small-1/parity?name=adhesion_fraction" in text
    assert "/plots/small-1/parity?name=overpotential_v" in unknown
