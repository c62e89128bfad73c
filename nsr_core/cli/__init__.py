"""The command line, one file per command. The only part of ``nsr_core`` that prints."""

from nsr_core.cli.app import main

__all__ = ["main"]
