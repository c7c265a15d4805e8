"""Errors travel between processes: what a planner's worker raises reaches the engine whole."""

import pickle

import pytest

from orchestrator.errors import AthanorError, IllegalTransition, VersionConflict
from orchestrator.optimise.planner import GridTooFine, UnsupportedCampaign


@pytest.mark.parametrize(
    "error",
    [
        IllegalTransition("job E0001/tare", "done", "JobStarted"),
        VersionConflict("campaign/x", expected=1, found=2),
        UnsupportedCampaign("botorch", "too many objectives"),
        GridTooFine("botorch", "the finest step is 1/10000"),
    ],
)
def test_an_error_arrives_as_it_was_raised(error: AthanorError) -> None:
    arrived = pickle.loads(pickle.dumps(error))

    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert vars(arrived) == vars(error)
