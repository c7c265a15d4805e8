"""What an executor did not send and what the core counts as not tried are the same refusals."""

from orchestrator.core.attempts import NOT_TRIED
from orchestrator.execution.executor import NOT_SENT

_OF_PEOPLE = {"DidNotRun"}
_OF_LINES = {"LineError", "LineTimeout"}


def test_no_sample_is_lost_for_an_order_that_was_never_sent():
    assert NOT_TRIED == NOT_SENT | _OF_PEOPLE | _OF_LINES
