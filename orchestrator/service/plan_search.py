"""Looking for a better order of a rig's work than the rule's, when somebody asks for it."""

from dataclasses import replace

from orchestrator.core.outlook import Outlook
from orchestrator.service.plan_view import SearchView

__all__ = ["searched"]


def searched(outlook: Outlook, longest_s: float) -> tuple[Outlook, SearchView]:
    """Return the outlook with the best order that was found, and how much better it is.

    The search heeds no priorities; nothing that it finds is told to an engine.

    Args:
        outlook: As the rule foresees it.
        longest_s: For how long it may search, in seconds, above 0.
    """
    from orchestrator.scheduling import Budget, look_ahead

    by_rule_s = outlook.forecast.makespan_s
    ahead = look_ahead(outlook.shop, Budget(effort=longest_s, longest_s=2 * longest_s + 1))
    if ahead.forecast.score() >= outlook.forecast.score():
        why = ahead.why or "no better order was found within the time budget"
        return outlook, SearchView(is_better=False, gain_s=0.0, said=why)
    gain_s = max(0.0, by_rule_s - ahead.forecast.makespan_s)
    n_saved = len(outlook.forecast.late) - len(ahead.forecast.late)
    said = f"an order was found that ends {gain_s / 60.0:.1f} min earlier"
    if by_rule_s:
        said += f" ({100.0 * gain_s / by_rule_s:.1f} % of {by_rule_s / 60.0:.0f} min)"
    if n_saved > 0:
        said += f" and spoils {n_saved} samples less"
    if len({state.priority for state in outlook.states}) > 1:
        said += "; it heeds no priorities"
    found = replace(outlook, forecast=ahead.forecast)
    return found, SearchView(is_better=True, gain_s=gain_s, said=said)
