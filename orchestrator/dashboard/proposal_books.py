"""The proposals that pages have read, kept for the next page."""

from threading import Lock
from typing import Final

from starlette.requests import Request

from orchestrator.dashboard.parts import parts_of
from orchestrator.service.live import LiveLab
from orchestrator.service.proposals import ProposalBook

__all__ = ["ProposalBooks", "books_of"]

_KEPT: Final = 8


class ProposalBooks:
    """One book for each of the campaigns that were looked at last.

    Args:
        live: Whose log.
    """

    def __init__(self, live: LiveLab) -> None:
        self._live = live
        self._lock = Lock()
        self._books: dict[str, ProposalBook] = {}

    def of(self, campaign_id: str) -> ProposalBook:
        """Return the book of a campaign that is in the log."""
        with self._lock:
            book = self._books.pop(campaign_id, None) or ProposalBook(self._live, campaign_id)
            while len(self._books) >= _KEPT:
                del self._books[next(iter(self._books))]
            self._books[campaign_id] = book
            return book


def books_of(request: Request) -> ProposalBooks:
    """Return the books of the app that a request came to; they are made with the first request."""
    state = request.app.state
    if not hasattr(state, "proposal_books"):
        state.proposal_books = ProposalBooks(parts_of(request).live)
    found: ProposalBooks = state.proposal_books
    return found
