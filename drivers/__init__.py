"""What the lab can do: lines that carry bytes, drivers that speak to devices."""

__all__: list[str] = []
