"""The dashboard dies in the middle of acts, in small: each is done once, and the lab goes on.

``python -m tests.crashes.dashboard_kill --acts 50`` is the same at length.
"""

from pathlib import Path

import pytest

from tests.crashes.dashboard_kill import work_with

N_ACTS = 12

pytestmark = [pytest.mark.crash, pytest.mark.timeout(600)]


def test_a_server_killed_over_acts_loses_none_repeats_none_and_disturbs_nobody(
    tmp_path: Path,
) -> None:
    acts, calm = work_with(tmp_path / "lab", N_ACTS, seed=1)

    assert (acts.lost, acts.doubled) == ([], [])
    assert len(acts.done) == N_ACTS
    assert acts.n_kills >= N_ACTS // 3
    assert sum(one.n_asked > 1 for one in acts.done) > 0, "no act met a kill"
    assert (calm.unexpected, calm.is_clean) == ({}, True)
