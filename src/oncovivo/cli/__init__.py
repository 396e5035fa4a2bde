"""The command line: parses, calls, presents."""

from oncovivo.cli.main import main

__all__ = ["main"]
