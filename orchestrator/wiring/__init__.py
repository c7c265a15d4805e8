"""Builds everything that a run needs and starts it; nobody else knows which part is behind which.

`prepare` reads both files and checks that they fit, and writes nothing. `run` opens the log and
drives the campaign, on the real bench or, for a dry-run, on the pretended one in virtual time.
`supervise` has that done by another process, and starts another one when it is killed.
"""

from orchestrator.wiring.gathering import prepare_together
from orchestrator.wiring.onlooker import Progress
from orchestrator.wiring.preparation import Prepared, RunOptions, prepare
from orchestrator.wiring.run_end import RunEnd, RunHandle
from orchestrator.wiring.running import run, run_together
from orchestrator.wiring.supervision import supervise

__all__ = [
    "Prepared",
    "Progress",
    "RunEnd",
    "RunHandle",
    "RunOptions",
    "prepare",
    "prepare_together",
    "run",
    "run_together",
    "supervise",
]
