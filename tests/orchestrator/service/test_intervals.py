"""Shares, curves and ranks, against numbers worked out by hand."""

import math

import pytest

from orchestrator.service.intervals import (
    Pull,
    calibration_curve,
    miscalibration_area,
    share_inside,
    spearman,
    wilson_bounds,
)


def pulls(*zs):
    return [Pull(mean=1.0, sd=0.5, value=1.0 + 0.5 * z) for z in zs]


def test_wilson_bounds_are_those_of_the_formula():
    z = 1.959964
    middle, half = (
        (0.5 + z * z / 40) / (1 + z * z / 20),
        z * math.sqrt(0.25 / 20 + z * z / 1600) / (1 + z * z / 20),
    )

    assert wilson_bounds(10, 20) == pytest.approx((middle - half, middle + half), abs=1e-6)
    assert wilson_bounds(0, 0) == (0.0, 1.0)
    assert wilson_bounds(0, 10) == pytest.approx((0.0, 0.27753), abs=1e-5)
    assert wilson_bounds(10, 10) == pytest.approx((0.72247, 1.0), abs=1e-5)


def test_half_of_the_values_lie_within_two_thirds_of_a_standard_deviation():
    share = share_inside(pulls(0.0, 0.6, -0.6, 0.7, -3.0), 0.5)

    assert (share.n_inside, share.n, share.share) == (3, 5, 0.6)
    assert share.is_plausible


def test_intervals_that_are_far_too_narrow_are_not_plausible():
    share = share_inside(pulls(*[4.0] * 8), 0.95)

    assert (share.n_inside, share.is_plausible) == (0, False)


def test_predictions_that_are_too_timid_lie_above_the_diagonal():
    curve = calibration_curve(pulls(0.0, 0.0, 0.0))

    assert curve[0] == (0.0, 0.0)
    assert all(share == 1.0 for _, share in curve[1:])
    assert miscalibration_area(curve) == pytest.approx(0.475)


def test_predictions_that_are_too_bold_lie_below_the_diagonal():
    curve = calibration_curve(pulls(9.0, -9.0))

    assert all(share == 0.0 for _, share in curve[:-1])
    assert miscalibration_area(curve) == pytest.approx(0.475)


def test_normal_quantiles_lie_on_the_diagonal():
    from statistics import NormalDist

    zs = [NormalDist().inv_cdf((i + 0.5) / 1000) for i in range(1000)]

    assert miscalibration_area(calibration_curve(pulls(*zs))) < 0.002


def test_rank_correlation_shares_ranks_between_equals():
    # ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5 / sqrt(4.5 * 5)
    assert spearman([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(4.5 / math.sqrt(4.5 * 5.0))
    assert spearman([1, 2, 3], [3, 2, 1]) == pytest.approx(-1.0)
    assert spearman([1, 2], [1, 2]) is None
    assert spearman([1, 1, 1], [1, 2, 3]) is None
