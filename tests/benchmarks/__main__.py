"""`python -m tests.benchmarks`: measures in process, prints tables, writes nothing. It fails only if it does not run."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks import bearer, flood, keys, passwords, refusals

ROUNDS, REQUESTS = 101, 1000
FLOOD = 500

if __name__ == "__main__":
    # A refusal is logged; what a terminal makes of that is not what is measured.
    logging.getLogger("watchword").addHandler(logging.NullHandler())
    logging.getLogger("watchword").propagate = False
    sys.stdout.write(bearer.table(bearer.measure(ROUNDS, REQUESTS)) + "\n\n")
    sys.stdout.write(bearer.table(refusals.measure(ROUNDS, REQUESTS), refusals.TITLE) + "\n\n")
    with TemporaryDirectory() as scratch:
        sys.stdout.write(passwords.table(passwords.measure(Path(scratch), rounds=31, repeats=300)) + "\n\n")
        sys.stdout.write(keys.line(keys.measure(Path(scratch), keys.FEW, keys.MANY, rounds=15)) + "\n")
        sys.stdout.write(keys.overhead_line(keys.overhead(Path(scratch), rounds=101)) + "\n")
    sys.stdout.write(flood.line(FLOOD, flood.measure(FLOOD)) + "\n")
