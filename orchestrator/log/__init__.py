"""What has happened, kept for ever: the event log, its wire format and its projections."""

__all__: list[str] = []
