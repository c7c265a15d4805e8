"""Looking for a better order of work than the dispatch rule finds; OR-tools lives here alone."""

from orchestrator.scheduling.ahead import Ahead, Budget, is_available, least_makespan_s, look_ahead

__all__ = ["Ahead", "Budget", "is_available", "least_makespan_s", "look_ahead"]
