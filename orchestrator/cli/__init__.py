"""The command line: it parses, asks the service or the wiring, and prints; it decides nothing."""
