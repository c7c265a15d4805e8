"""The operator's dashboard: pages, the API behind them, and the stream of what happens."""
