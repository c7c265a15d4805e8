"""The command ``athanor``; everything behind it is in `orchestrator.cli`."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line of this process and end it with its exit code."""
    from orchestrator.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
