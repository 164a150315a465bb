"""What every test can use: both event loops, how long to fuzz, and a PostgreSQL."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

from tests.support.fuzz import PROPERTY_TRIES, QUICK_TRIES, TRIES
from tests.support.programs import MISSING

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from tests.support.postgres import PostgreSQL

THINNED = ("cli", "conformance", "examples", "properties", "seams", "servers", "stores", "threats")
"""Folders of tests of which `_thin_out` leaves most cases to the long run."""

# A test run starts some hundred processes: commands, servers and pytest's own workers. Where PYTHONDONTWRITEBYTECODE is set, as
# images of containers do, each of them compiles each module that it imports, which costs more than the tests themselves.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_xdist_auto_num_workers() -> int | None:
    """Let one process more run than there are CPUs: where some wait for a lock, a server or a timeout, the others keep the CPUs busy."""
    return None if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else _cpus() + 1


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pytest_configure(config: pytest.Config) -> None:
    """Tell Hypothesis how many examples to try; it measures no time, since a loaded machine is no bug."""
    untimed: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell that runs the tests in the background ignores Ctrl-C, and what tests start would inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    settings.register_profile("default", derandomize=True, max_examples=QUICK_TRIES, **untimed)
    settings.register_profile("long", derandomize=False, max_examples=PROPERTY_TRIES, **untimed)
    settings.load_profile("long" if config.option.markexpr == "long" else "default")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector away from what is collected here, which stays until the end: a sixth of the run is spent on it else."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    """Let `-m long` try every property, with other examples each time; and run the tests with servers one after the other.

    The processes of pytest-xdist begin with an equal part of the list each, so that one of them starts nearly all servers, and once.
    They must agree about the list: an id that holds an address, as `repr(object())` does, stops the run, but only one of several processes.
    """
    if addressed := [item.nodeid for item in items if " at 0x" in item.nodeid]:
        raise pytest.UsageError(f"the id of a test holds an address, which differs in each process; name it: {addressed[0]}")
    if config.option.markexpr == "long":
        for item in items:
            if isinstance(item, pytest.Function) and is_hypothesis_test(item.obj):
                item.add_marker(pytest.mark.long)
                item.add_marker(pytest.mark.timeout(0))
    _sample(items, everything=config.option.markexpr == "long")
    if os.environ.keys().isdisjoint({"CI", "WATCHWORD_WHOLE_TABLES"}):
        _thin_out(items, {"unit": 2} | dict.fromkeys(THINNED, 3))
    yield
    items.sort(key=lambda item: item.path.parent.name != "servers")


def _sample(items: list[pytest.Item], *, everything: bool) -> None:
    """Leave to `-m long` what `sampled` says, always the same cases, so that the default run does not change by chance.

    Args:
        items: all tests.
        everything: whether this is that run: then the other cases are in it, too.
    """
    cases: Counter[str] = Counter()
    for item in items:
        if (marker := item.get_closest_marker("sampled")) is not None:
            test = item.nodeid.partition("[")[0]
            if everything or cases[test] % marker.args[0]:
                item.add_marker(pytest.mark.long)
            cases[test] += 1


def _thin_out(items: list[pytest.Item], parts: Mapping[str, int]) -> None:
    """Leave to `-m long`, and to `CI=true`, a part of each table of cases that costs time; always the same cases, and some of each table.

    Args:
        items: all tests.
        parts: of how many cases one stays, by folder.
    """
    tables: dict[str, list[pytest.Item]] = {}
    for item in items:
        folders = item.path.relative_to(item.config.rootpath).parts
        if "[" in item.nodeid and folders[1] in parts and folders[2] != "grammar" and item.get_closest_marker("sampled") is None:
            tables.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for cases in tables.values():
        part = parts[cases[0].path.relative_to(cases[0].config.rootpath).parts[1]]
        if len(cases) > 2 * part:
            # By a digest and not by place: places follow the adapter, which is one of two.
            cases.sort(key=lambda item: crc32(item.nodeid.encode()))
            for item in cases[-(-len(cases) // part) :]:
                item.add_marker(pytest.mark.long)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count what was skipped because a program is missing, so that nobody takes the run for a whole one."""
    skipped = [report.longrepr[2] for report in terminalreporter.stats.get("skipped", ()) if isinstance(report.longrepr, tuple)]
    missing = Counter(reason.partition(MISSING)[2] for reason in skipped if MISSING in reason)
    for reason, count in sorted(missing.items()):
        terminalreporter.write_line(f"{count} tests skipped, {MISSING}{reason}", yellow=True, bold=True)


@pytest.fixture(autouse=True)
def _whole_log(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every refusal be a line of the log: the line about the rest comes a second later, into the log of another test."""
    if request.path.name not in {"test_flood.py", "test_snippets.py"}:  # which show it
        monkeypatch.setattr("watchword.observe.flood.WHOLE", sys.maxsize)
        monkeypatch.setattr("watchword.observe.flood.MOST_KEYS", sys.maxsize)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """The event loop under a test that is marked with `pytest.mark.anyio`: each in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def fuzz_tries() -> int:
    """How many inputs a test that is marked `long` tries."""
    return TRIES


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A server of the test run, or of one of its workers. Who stops it has one of their own."""
    from tests.support.postgres import PostgreSQL

    with PostgreSQL() as server:
        yield server


@pytest.fixture(scope="session")
def _store_in_postgresql(postgresql: PostgreSQL) -> str:
    from watchword.stores import SQLStore

    name = postgresql.new_database()
    SQLStore(postgresql.url(name), create=True).close()
    return name


class _NoTimer:
    """Stands in for the timer of a flood of refusals: it would write a line into the log of another test."""

    daemon = True

    def __init__(self, *_: object) -> None:
        """Take what a timer takes."""

    def start(self) -> None:
        """Never run."""


@pytest.fixture(scope="session", autouse=True)
def _no_timers_of_floods() -> Iterator[None]:
    from watchword.observe import flood

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flood, "Timer", _NoTimer)
        yield


@pytest.fixture
def empty_postgresql(postgresql: PostgreSQL, _store_in_postgresql: str) -> str:
    """The URL of a store without a record in it. Quicker than a new database, which takes half a second."""
    with postgresql.connect(_store_in_postgresql) as connection:
        # Of few rows this is a hundredth of what TRUNCATE costs, which makes new files for each table and index.
        for table in (
            "names",
            "keys",
            "tokens",
            "changes",
            "refresh_tokens",
            "families",
            "revoked_tokens",
            "not_before",
            "audit",
            "values",
            "accounts",
        ):
            connection.execute(f"DELETE FROM watchword_{table}")  # noqa: S608 - names of ours
        connection.execute("UPDATE watchword_meta SET generation = 0")
    return postgresql.url(_store_in_postgresql)
