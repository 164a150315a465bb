"""Measures the share of a server's throughput that a guard leaves, from outside: uvicorn, granian and gunicorn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.bearer import TOKENS
from tests.benchmarks.measuring import interleaved
from tests.benchmarks.outside import get, serving, throughput
from tests.servers.serve import SERVERS
from tests.support.wire import bearer

if TYPE_CHECKING:
    from tests.benchmarks.measuring import Figure

NAMES = ("uvicorn", "uvicorn-httptools", "granian", "gunicorn")
BOUNDS = {"uvicorn": (0.9, 0.6)}  # for requests with a bearer token, and for refusals

FIELDS = (bearer(next(iter(TOKENS))),)
JOBS = {
    "the bare application": ("/bare", FIELDS, 200),
    "bearer token": ("/orders/7", FIELDS, 200),
    "a constant 401": ("/refused", (), 401),
    "refusal, nothing sent": ("/orders/7", (), 401),
}


def figures(*, short: bool) -> list[Figure]:
    """Measure.

    Args:
        short: only try whether it runs.
    """
    rounds = 1 if short else 9
    found = []
    for name in NAMES:
        if name not in SERVERS:  # a parser that is not installed
            continue
        granted, refused = BOUNDS.get(name, (None, None))
        with serving(name) as server:
            for path, fields, status in JOBS.values():
                if server.send(get(path, *fields)).status != status:
                    raise RuntimeError(f"{path} is not answered with {status}")
            jobs = {f"{name}: {job}": throughput(server, path, fields, 1) for job, (path, fields, _) in JOBS.items()}
            measured = interleaved(jobs, rounds)
        bare, ours, constant, refusal = jobs
        found += [measured.ratio(ours, bare, bound=granted, least=True), measured.ratio(refusal, constant, bound=refused, least=True)]
    return found
