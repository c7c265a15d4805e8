"""What happens next: the log, the decisions, the planners, the engine, and the doors to them."""
