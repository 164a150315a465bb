"""Measures, prints a table for each subject, and writes JSON and a picture if asked to: `python -m tests.benchmarks --help`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.drawing import draw
from tests.benchmarks.measuring import table
from tests.benchmarks.subjects import SUBJECTS

if TYPE_CHECKING:
    from tests.benchmarks.measuring import Figure


def main() -> None:
    """Run the command that was typed. It fails only where something does not run, and never on a time."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measures what a guard costs.")
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"of {', '.join(SUBJECTS)}; all if none is named")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the figures that have a target there")
    parser.add_argument("--beside", type=Path, metavar="FILE", help="JSON of an earlier run, which is drawn beside this one")
    parser.add_argument("--short", action="store_true", help="only try whether it runs: the figures mean nothing")
    given = parser.parse_args()
    if unknown := [name for name in given.subjects if name not in SUBJECTS]:
        parser.error(f"no subject: {', '.join(unknown)}")
    found: dict[str, list[Figure]] = {}
    for name in given.subjects or SUBJECTS:
        title, measure = SUBJECTS[name]
        found[title] = measure(short=given.short)
        sys.stdout.write(table(title, found[title]) + "\n\n")
        sys.stdout.flush()
    run = {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "subjects": {title: [asdict(one) for one in figures] for title, figures in found.items()},
    }
    if given.json is not None:
        given.json.write_text(json.dumps(run, indent=2) + "\n")
    if given.svg is not None:
        runs = [json.loads(given.beside.read_text())] if given.beside is not None else []
        given.svg.write_text(draw([*runs, run]))


if __name__ == "__main__":
    main()
