"""Figures as JSON: each one is there, in the page's colours, and wrong queries are named."""

import re
from pathlib import Path

import pytest
from plotly.io import from_json

from orchestrator.dashboard.pages.plots import FIGURES
from orchestrator.dashboard.plot_theme import with_theme
from tests.support.dashboard import dashboard_of
from tests.support.judged_campaign import record_judged

PLOTS = "/plots/small-1"
THEMED = re.compile(r"var\(--[a-z0-9-]+\)")


@pytest.mark.parametrize("figure", FIGURES)
def test_plotly_accepts_every_figure(tmp_path: Path, figure: str) -> None:
    with dashboard_of(tmp_path, record_judged) as browser:
        answer = browser.get(f"{PLOTS}/{figure}")
    assert answer.status_code == 200
    assert THEMED.search(answer.text)
    assert not re.search(r"#(ffffff|1f2937|e5e7eb|0072B2|D55E00)", answer.text)
    from_json(THEMED.sub("#123456", answer.text))


def test_the_filter_reaches_the_plot(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, record_judged) as browser:
        everything = browser.get(f"{PLOTS}/front").json()
        few = browser.get(f"{PLOTS}/front?max.cost_usd_per_mol=15").json()
        turned = browser.get(f"{PLOTS}/front?y=cost_usd_per_mol&x=overpotential_v").json()
    n_front = [len(figure["data"][-1]["x"]) for figure in (everything, few)]
    assert n_front[1] < n_front[0]
    assert all(x <= 15 for x in few["data"][-1]["x"])
    assert turned["layout"]["yaxis"]["title"]["text"] == "cost (USD/mol), lower is better"


def test_a_slice_holds_what_is_not_shown(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, record_judged) as browser:
        whole = browser.get(f"{PLOTS}/ternary").json()["data"][0]["a"]
        held = browser.get(f"{PLOTS}/ternary?hold.Fe=0.2&tolerance=0.01").json()["data"][0]["b"]
    assert len(whole) == 14
    assert held
    assert all(abs(iron - 0.2) <= 0.01 for iron in held)


def test_the_hypervolume_goes_by_hours_or_money(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, record_judged) as browser:
        by = {
            way: browser.get(f"{PLOTS}/hypervolume?by={way}").json()["data"][0]["x"]
            for way in ("experiments", "hours", "money")
        }
    assert by["experiments"][-1] == 14
    assert by["hours"][-1] == pytest.approx(14 * 25 / 60)
    assert by["money"][-1] == pytest.approx(14 * 9.5 + 12 * 14 * 25 / 60)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/plots/none/front", 404),
        (f"{PLOTS}/nothing", 404),
        (f"{PLOTS}/front?x=nothing", 409),
        (f"{PLOTS}/hypervolume?by=weeks", 409),
        (f"{PLOTS}/ternary?a=Ni&b=Fe&c=Ni", 409),
        (f"{PLOTS}/parity?name=nothing", 409),
        (f"{PLOTS}/best?objective=nothing", 409),
    ],
)
def test_what_is_not_there_is_named(tmp_path: Path, path: str, status: int) -> None:
    with dashboard_of(tmp_path, record_judged) as browser:
        answer = browser.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_nobody_sees_a_plot_without_signing_in(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, record_judged, role=None) as browser:
        assert browser.get(f"{PLOTS}/front").status_code == 401


def test_colours_become_the_themes_at_any_depth() -> None:
    figure = {"data": [{"line": {"color": "#0072B2"}}], "layout": {"a": ({"b": "#ffffff"}, 3)}}

    assert with_theme(figure) == {
        "data": [{"line": {"color": "var(--plot-1)"}}],
        "layout": {"a": [{"b": "var(--surface)"}, 3]},
    }
