"""How many inputs random tests try."""

from __future__ import annotations

import os

TRIES = int(os.environ.get("WATCHWORD_FUZZ", "1000000"))
"""Inputs that each test marked `long` tries."""

PROPERTY_TRIES = max(100, TRIES // 20)
"""Inputs that each other property tries where `-m long` runs."""

QUICK_TRIES = 15
"""Inputs that each property tries by default: always the same ones, so that the default run does not fail by chance."""
