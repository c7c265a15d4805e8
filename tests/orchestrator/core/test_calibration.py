from datetime import timedelta

from orchestrator.core.calibration import calibrations_due
from orchestrator.core.events import InstrumentCalibrated
from orchestrator.core.lab import fold_lab
from tests.support.pretend_campaigns import START


def test_a_calibration_is_due_when_it_is_too_old_or_unknown():
    lab = fold_lab([(InstrumentCalibrated(instrument="balance"), START)])
    every = {"balance": 90.0, "meter": 30.0}

    early = calibrations_due(lab, every, START + timedelta(days=89.9))
    late = calibrations_due(lab, every, START + timedelta(days=90))

    assert [one.instrument for one in early] == ["meter"]
    assert [one.instrument for one in late] == ["balance", "meter"]
    assert "never calibrated" in late[1].message
    assert "2026-01-01; due every 90 d" in late[0].message
