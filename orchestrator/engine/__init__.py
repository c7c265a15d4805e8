"""The engine: reads the log, decides, performs one intent, writes down what happened, again."""

__all__: list[str] = []
