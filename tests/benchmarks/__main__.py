"""`python -m tests.benchmarks`: measures, prints one table, writes nothing. It fails only if it does not run."""

from __future__ import annotations

import sys

from tests.benchmarks.bearer import measure, table

ROUNDS, REQUESTS = 101, 1000

if __name__ == "__main__":
    sys.stdout.write(table(measure(ROUNDS, REQUESTS)) + "\n")
