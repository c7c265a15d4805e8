"""The only door for pages and commands: views come out, requests go in."""
