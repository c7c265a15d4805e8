"""What the lab would do: devices that answer bytes, on a bench set in a piece of nature."""

__all__: list[str] = []
