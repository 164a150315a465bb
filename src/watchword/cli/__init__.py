"""Provides the `watchword` command. No other part of the package prints."""

from __future__ import annotations

import gc
import sys

INSTALL = "pip install 'watchword[cli]'"
"""What installs everything that the command needs, but for the demo and for stores."""

INSTALL_DEMO = "pip install 'watchword[demo]'"
"""What installs everything that the demo needs."""


def main() -> None:
    """Run the command that was typed; without the packages it needs, say in one line how to install them."""
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
    except KeyboardInterrupt:  # before the command began, or after it ended
        sys.exit(130)
    finally:
        gc.freeze()
