"""Runs jobs in interleaved rounds, and compares what they took.

In every round each job runs in turn, so that other work on the machine disturbs all of them alike. A figure is the median over the rounds.
"""

from __future__ import annotations

import gc
import logging
import os
import resource
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import thread_time_ns
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

App: TypeAlias = "Callable[[Any, Any, Any], Awaitable[None]]"
Job: TypeAlias = "Callable[[], float]"
"""Runs one round, and returns what it measured, such as the microseconds of one request."""

T = TypeVar("T")

LEAST = 1e-3  # what is taken for a time that other work has made zero or negative


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure.

    Args:
        what: was measured.
        value: the median over the rounds.
        quartiles: of the same.
        against: what it is divided by; empty: it is absolute.
        unit: of an absolute value.
        bound: the target; None: there is no target.
        least: whether the bound is a lower one.
    """

    what: str
    value: float
    quartiles: tuple[float, float]
    against: str = ""
    unit: str = ""
    bound: float | None = None
    least: bool = False

    @property
    def met(self) -> bool:
        """Whether the target is met; true where there is no target."""
        return self.bound is None or (self.value >= self.bound if self.least else self.value <= self.bound)


def figure(values: Sequence[float], what: str, **more: Any) -> Figure:
    """Return the figure of what was measured in several rounds.

    Args:
        values: one for each round.
        what: was measured.
        more: fields of `Figure`.
    """
    ordered = sorted(values)
    return Figure(what, median(ordered), (ordered[len(ordered) // 4], ordered[3 * len(ordered) // 4]), **more)


class Rounds:
    """What was measured of each job in each round.

    Args:
        measured: by name of the job, one mapping for each round.
    """

    def __init__(self, measured: Sequence[Mapping[str, float]]) -> None:
        self._measured = measured

    def ratio(self, what: str, against: str, *, less: str | tuple[str, str] = "", **more: Any) -> Figure:
        """Return what a job took, as a multiple of what another one took in the same round.

        Args:
            what: the name of the one.
            against: the name of the other.
            less: the name of the job whose time is taken off both, or one for each; empty: none.
            more: fields of `Figure`.
        """
        first, second = (less, less) if isinstance(less, str) else less
        over = [max(LEAST, one[what] - one.get(first, 0.0)) for one in self._measured]
        under = [max(LEAST, one[against] - one.get(second, 0.0)) for one in self._measured]
        return figure([one / other for one, other in zip(over, under, strict=True)], what, against=against, **more)

    def of(self, name: str) -> list[float]:
        """Return what a job measured, round by round.

        Args:
            name: of the job.
        """
        return [one[name] for one in self._measured]

    def absolute(self, what: str, unit: str, *, less: str = "", **more: Any) -> Figure:
        """Return what a job took.

        Args:
            what: the name of the job.
            unit: of what it measures.
            less: the name of the job whose time is taken off; empty: none.
            more: fields of `Figure`.
        """
        return figure([one[what] - one.get(less, 0.0) for one in self._measured], what, unit=unit, **more)


def interleaved(jobs: Mapping[str, Job], rounds: int) -> Rounds:
    """Run jobs, once to warm up and then in rounds, without garbage collection meanwhile.

    Args:
        jobs: by name.
        rounds: how many.
    """
    for job in jobs.values():
        job()
    measured = []
    gc.collect()
    frozen_before = gc.get_freeze_count() > 0  # by tests/conftest.py: what it holds back stays away from the collector
    gc.freeze()
    gc.disable()
    try:
        for _ in range(rounds):
            measured.append({name: job() for name, job in jobs.items()})
            gc.collect()
    finally:
        gc.enable()
        if not frozen_before:
            gc.unfreeze()
    return Rounds(measured)


def asgi(app: App, scopes: Sequence[dict[str, Any]]) -> Job:
    """Return a job that sends requests to an ASGI application one after the other, without an event loop.

    Args:
        app: the application; nothing in it may wait.
        scopes: of the requests; the application gets copies.
    """

    def run() -> float:
        return _drive(app, [dict(one) for one in scopes], _ignore) / len(scopes) / 1000

    return run


def status(app: App, scope: dict[str, Any]) -> int:
    """Send a request to an ASGI application, and return the status.

    Args:
        app: the application.
        scope: of the request.
    """
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    _drive(app, [dict(scope)], send)
    return int(sent[0]["status"])


def _drive(app: App, scopes: list[dict[str, Any]], send: Any) -> int:
    """Return the nanoseconds of processor time that some requests take."""
    begun = thread_time_ns()
    for one in scopes:
        coroutine: Any = app(one, _receive, send)
        try:
            coroutine.send(None)
        except StopIteration:
            continue
        raise RuntimeError("something waited: this is a measurement without an event loop")
    return thread_time_ns() - begun


async def _ignore(message: Any) -> None:
    pass


async def _receive() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


def repeated(call: Callable[[], object], times: int) -> Job:
    """Return a job that calls something many times: the microseconds of processor time that one call takes, without the loop.

    Args:
        call: what is called.
        times: how often.
    """

    def nothing() -> None:
        pass

    def run() -> float:
        begun = thread_time_ns()
        for _ in range(times):
            nothing()
        between = thread_time_ns()
        for _ in range(times):
            call()
        return (thread_time_ns() - between - (between - begun)) / times / 1000

    return run


def in_turn(call: Callable[[T], object], given: Sequence[T]) -> Job:
    """Return a job that calls something with each of several values: the microseconds of processor time that one call takes.

    Args:
        call: what is called.
        given: the values.
    """

    def run() -> float:
        begun = thread_time_ns()
        for one in given:
            call(one)
        return (thread_time_ns() - begun) / len(given) / 1000

    return run


def process(*arguments: str, **environment: str) -> Job:
    """Return a job that runs Python in a process of its own: the milliseconds of processor time that it takes.

    Args:
        arguments: of the interpreter.
        environment: more variables. Compiled modules are written and read there even where the machine forbids it to others.
    """
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | environment

    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def run() -> float:
        begun = used()
        subprocess.run([sys.executable, *arguments], env=variables, check=True, stdout=subprocess.DEVNULL)
        return (used() - begun) * 1000

    return run


@contextmanager
def log_level(level: int) -> Iterator[None]:
    """Write the log of the package, formatted, to where nobody reads it.

    Args:
        level: of the lines that are written.
    """
    logger = logging.getLogger("watchword")
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        handler = logging.StreamHandler(nowhere)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        before = logger.level, logger.propagate
        logger.addHandler(handler)
        logger.propagate = False
        logger.setLevel(level)
        try:
            yield
        finally:
            logger.removeHandler(handler)
            logger.propagate = before[1]
            logger.setLevel(before[0])


def logged(job: Job, level: int) -> Job:
    """Return a job that does the same while the log is written.

    Args:
        job: the job.
        level: of the lines that are written.
    """

    def run() -> float:
        with log_level(level):
            return job()

    return run


def table(title: str, figures: Sequence[Figure]) -> str:
    """Return figures as a table.

    Args:
        title: of the table.
        figures: its lines.
    """
    head = (title, "against", "median", "quartiles", "bound", "")
    rows = [head, *(_cells(one) for one in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def number(value: float) -> str:
    """Return a value with as many digits as mean something.

    Args:
        value: the value.
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}"


def _cells(one: Figure) -> tuple[str, ...]:
    unit = one.unit or "x"
    bound = "" if one.bound is None else f"{'>=' if one.least else '<='} {one.bound:,g} {unit}"
    low, high = map(number, one.quartiles)
    return one.what, one.against, f"{number(one.value)} {unit}", f"{low} to {high}", bound, "" if one.met else "missed"
