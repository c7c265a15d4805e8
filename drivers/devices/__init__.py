"""One folder a device model: codec, driver, card and README; a device never imports another."""

__all__: list[str] = []
