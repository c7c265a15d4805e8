"""What to make next: the feasible set and the planners; torch lives here and nowhere else."""

__all__: list[str] = []
