"""Provides the `watchword` command. No other part of the package prints."""

from __future__ import annotations

import gc
import sys

INSTALL = "pip install 'watchword[cli]'"  # without the packages of the demo and of stores
INSTALL_DEMO = "pip install 'watchword[demo]'"


def main() -> None:
    """Run the command; if a package is missing, say in one line how to install it."""
    # Nearly all that a short command makes, modules above all, stays to its end. To look for garbage among it, while it imports and when
    # the interpreter ends, took a quarter of the time of `watchword user list`.
    gc.set_threshold(100_000)
    try:
        from watchword.cli.commands import cli
    except ModuleNotFoundError as missing:
        if missing.name != "click":
            raise
        install = INSTALL_DEMO if "demo" in sys.argv[1:2] else INSTALL
        sys.exit(f"the watchword command needs click, which is not installed: {install}")
    try:
        cli()
    except KeyboardInterrupt:  # before the command began, or after it ended: click handles the rest
        sys.exit(130)
    finally:
        gc.freeze()
