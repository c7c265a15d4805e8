"""What is wrong with a file, one mistake at a time, for pages and scripts."""

from pydantic import BaseModel, ConfigDict

from campaigns.errors import CampaignFileError, Problem, shown
from orchestrator.errors import LoadError, RecipeError, RigFileError
from orchestrator.service.refusals import refusal_lines

__all__ = ["ProblemView", "problem_view", "problems_in"]


class ProblemView(BaseModel):
    """One mistake in a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    """As it was named; empty where the mistake is not in a file."""
    key: str
    """Dotted key; empty where no key is meant."""
    got: str
    """What the file says, in one short line."""
    expected: str
    """What would have been right."""
    message: str
    """All of it in one line, without the file."""


def problem_view(file: str, problem: Problem) -> ProblemView:
    """Return one mistake as it is shown.

    Args:
        file: What to call the file.
        problem: What is wrong.

    Example:
        >>> problem_view("oer.toml", Problem("stopping.max_hours", 0, "more than 0")).message
        'stopping.max_hours: got 0, expected more than 0'
    """
    return ProblemView(
        file=file,
        key=problem.key,
        got=shown(problem.got),
        expected=problem.expected,
        message=str(problem),
    )


def problems_in(error: BaseException) -> tuple[ProblemView, ...]:
    """Return every mistake that an error tells of; at least one.

    Args:
        error: Of the families of `orchestrator.service.refusals.REFUSALS`.
    """
    match error:
        case LoadError():
            return tuple(one for each in error.errors for one in problems_in(each))
        case CampaignFileError() | RigFileError() | RecipeError():
            return tuple(problem_view(error.file, problem) for problem in error.problems)
        case _:
            return tuple(
                ProblemView(file="", key="", got="", expected="", message=line)
                for line in refusal_lines(error)
            )
