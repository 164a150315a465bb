"""Measures what is paid before the first request: imports, commands, the table of rules and the import of accounts."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING

from tests.benchmarks.bearer import TOKENS
from tests.benchmarks.measuring import figure, interleaved, process, repeated
from watchword import Bearer, Guard, Principal, RequestView, scope
from watchword.checkers import PasswordHasher, Tokens
from watchword.stores import SQLStore

if TYPE_CHECKING:
    from tests.benchmarks.measuring import Figure

COMMAND = "from watchword.cli import main; main()"
END = "import os; os._exit(0)"  # what an interpreter does at its end is no part of an import


def figures(*, short: bool) -> list[Figure]:
    """Measure.

    Args:
        short: only try whether it runs, with fewer rules and accounts.
    """
    rounds, rules, accounts = (1, 100, 10) if short else (21, 10_000, 100_000)
    with TemporaryDirectory() as scratch:
        return [*_processes(Path(scratch), rounds), *_rules(rounds, rules), _import(Path(scratch), accounts)]


def _processes(directory: Path, rounds: int) -> list[Figure]:
    """Measure what processes take that import the package or run a command, less what a bare interpreter takes."""
    url = f"sqlite:///{directory / 'accounts.db'}"
    with SQLStore(url, create=True):
        pass
    # Compiled modules are kept there, so that all but the first round, which is not counted, find them.
    cache = {"PYTHONPYCACHEPREFIX": str(directory / "compiled")}
    bare, ended = "bare Python", "bare Python that is ended"
    jobs = {
        bare: process("-c", "pass", **cache),
        ended: process("-c", END, **cache),
        "import watchword": process("-c", f"import watchword; {END}", **cache),
        "import sqlalchemy": process("-c", f"import sqlalchemy; {END}", **cache),
        "watchword --help": process("-c", COMMAND, "--help", **cache),
        "watchword user list": process("-c", COMMAND, "user", "list", "--store", url, **cache),
    }
    measured = interleaved(jobs, rounds)
    return [
        measured.absolute("import watchword", "ms", less=ended, bound=50),
        measured.absolute("watchword --help", "ms", less=bare, bound=100),
        measured.absolute("watchword user list", "ms", less=bare, bound=250),
        measured.absolute("import sqlalchemy", "ms", less=ended),
    ]


def _rules(rounds: int, many: int) -> list[Figure]:
    """Measure a guard of so many rules: how long it takes to make, and a decision beside one by ten rules."""

    def made(number: int) -> Guard:
        table = Tokens({token: Principal(name, scopes=["orders:read"]) for token, name in TOKENS.items()})
        rules = {f"GET /orders/area-{one // 100}/shop-{one}/{{id}}": scope("orders:read") for one in range(number)}
        return Guard(Bearer(table), rules=rules)

    building = f"{many:,} rules built"
    built = interleaved({building: repeated(lambda: made(many), 1)}, 3)
    view = RequestView("GET", "/orders/area-0/shop-7/7", [("Authorization", f"Bearer {next(iter(TOKENS))}")])
    few, large = made(10), made(many)
    by_many, by_few = f"a decision by {many:,} rules", "a decision by 10 rules"
    jobs = {by_few: repeated(lambda: few.decide(view), 1000), by_many: repeated(lambda: large.decide(view), 1000)}
    return [
        figure([one / 1_000_000 for one in built.of(building)], building, unit="s", bound=1.0),
        interleaved(jobs, rounds).ratio(by_many, by_few, bound=1.2),
    ]


def _import(directory: Path, lines: int) -> Figure:
    """Measure the import of so many lines of htpasswd into SQLite, once."""
    url = f"sqlite:///{directory / 'imported.db'}"
    with SQLStore(url, create=True):
        pass
    hash_ = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("secret")
    file = directory / "htpasswd"
    file.write_text("".join(f"user-{number}:{hash_}\n" for number in range(lines)))
    run = process("-c", COMMAND, "import", "htpasswd", str(file), "--store", url)
    begun = perf_counter()
    run()
    took = perf_counter() - begun
    with closing(sqlite3.connect(directory / "imported.db")) as connection:
        if connection.execute("SELECT count(*) FROM watchword_accounts").fetchone() != (lines,):
            raise RuntimeError("accounts are missing")
    return figure([took], f"import of {lines:,} lines of htpasswd into SQLite", unit="s", bound=180)
