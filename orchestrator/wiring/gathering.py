"""Several campaign files for one rig, read and found to fit together; nothing is written."""

from collections import Counter
from collections.abc import Sequence

from campaigns.errors import CampaignFileError
from orchestrator.errors import LoadError, RequestRefused
from orchestrator.wiring.preparation import Prepared, RunOptions, prepare

__all__ = ["prepare_together"]


def prepare_together(options: Sequence[RunOptions]) -> list[Prepared]:
    """Read and check campaigns that shall run on one bench; nothing is written.

    Args:
        options: One for each campaign, at least one; they differ in the campaign file only.

    Raises:
        LoadError: With every mistake of all files.
        RequestRefused: The options contradict each other, two files bear one name, or several
            campaigns are to run on the real bench from one command.
    """
    if len(options) == 1:
        return [prepare(options[0])]
    _refuse_together(options[0], len(options))
    found: list[Prepared] = []
    problems: list[Exception] = []
    for one in options:
        try:
            found.append(prepare(one))
        except LoadError as error:
            problems += [new for new in error.errors if str(new) not in map(str, problems)]
        except CampaignFileError as error:
            problems.append(error)
    if problems:
        raise LoadError(problems)
    names = Counter(one.campaign.header.name for one in found)
    twice = [name for name, n in names.items() if n > 1]
    if twice:
        raise RequestRefused(
            f"campaign.name: got {twice[0]!r} in {names[twice[0]]} files, expected a name of its "
            "own for each campaign of one command"
        )
    return found


def _refuse_together(options: RunOptions, n: int) -> None:
    if not options.is_dry_run:
        raise RequestRefused(
            f"campaigns: got {n} files for the bench, expected one: start each in a terminal of "
            "its own, the station serves them all (--dry-run pretends all of them together)"
        )
    if options.campaign_id is not None or options.act is not None:
        raise RequestRefused(f"campaigns: got {n} files for one campaign, expected one")
