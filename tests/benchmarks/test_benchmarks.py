"""The benchmarks run, and compare like with like. How long anything takes is no matter of a test."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from joserfc.errors import JoseError
from jwt import InvalidTokenError

from tests.benchmarks import bearer, jwts, keys, outside, refusals, wsgi
from tests.benchmarks.__main__ import main
from tests.benchmarks.measuring import Figure, Rounds, status, table
from tests.benchmarks.subjects import IN_PROCESS, OUTSIDE, SUBJECTS
from tests.support.each import noting
from tests.support.servers import ROOT, Server
from watchword import Refused

if TYPE_CHECKING:
    from tests.benchmarks.subjects import Subject


@pytest.mark.parametrize("name", bearer.contenders())
def test_every_contender_lets_its_callers_in(name: str) -> None:
    """What is measured lets a caller with a token through and, but for the bare application, nobody with another."""
    app = bearer.contenders()[name]
    assert [status(app, bearer.request(token)) for token in list(bearer.TOKENS)[:3]] == [200, 200, 200]
    # Starlette's middleware says 400 to whatever its backend refuses.
    expected = {bearer.BARE: 200, bearer.STARLETTE: 400}.get(name, 401)
    assert status(app, bearer.request("0000-no")) == expected


@pytest.mark.parametrize("name", wsgi.contenders())
def test_every_contender_lets_its_callers_in_over_wsgi(name: str) -> None:
    """The same over WSGI."""
    app = wsgi.contenders()[name]
    assert [wsgi.status(app, wsgi.environ(token)) for token in list(bearer.TOKENS)[:3]] == [200, 200, 200]
    assert wsgi.status(app, wsgi.environ("0000-no")) == (200 if name in {bearer.BARE, wsgi.FLASK} else 401)


@pytest.mark.parametrize("alg", jwts.ALGORITHMS)
def test_every_verifier_takes_the_tokens(alg: str) -> None:
    """And none that another issuer's key has signed; the guard lets the token through twice."""
    (token,) = jwts.tokens(alg, 1)
    head, _, signature = token.rpartition(".")
    forged = f"{head}.{signature[::-1]}"
    for name, verify in jwts.verifiers(alg).items():
        with noting(name):
            assert not isinstance(verify(token), Refused)
            with suppress(JoseError, InvalidTokenError):
                assert isinstance(verify(forged), Refused)
    assert [status(jwts.guarded(alg), bearer.request(sent)) for sent in (token, token, forged)] == [200, 200, 401]


@pytest.mark.parametrize("name", refusals.contenders())
def test_every_contender_refuses(name: str) -> None:
    """What is measured is the refusal that the line names."""
    app, connection, expected = refusals.contenders()[name]
    assert [status(app, connection) for _ in range(3)] == [expected] * 3


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("title", "subject"),
    [
        *(pytest.param(*SUBJECTS[name], id=name) for name in IN_PROCESS if name != "starting"),
        *(pytest.param(*SUBJECTS[name], id=name, marks=pytest.mark.long) for name in (*OUTSIDE, "starting")),
    ],
)
def test_a_subject_is_measured(title: str, subject: Subject) -> None:
    """Each runs from end to end in its short form, and has a line for every figure."""
    figures = subject(short=True)
    lines = table(title, figures).splitlines()
    assert lines[0].startswith(title)
    assert [line.startswith(one.what) for line, one in zip(lines[1:], figures, strict=True)] == [True] * len(figures)
    assert len({(one.what, one.against) for one in figures}) == len(figures)


def test_a_ratio_takes_the_bare_application_off_both() -> None:
    """The median of the rounds, with its quartiles, and whether the target is met."""
    rounds = Rounds([{"bare": 1.0, "ours": 1.0 + number, "theirs": 3.0} for number in (1, 2, 4)])
    one = rounds.ratio("ours", "theirs", less="bare", bound=0.9)
    assert one == Figure("ours", 1.0, (0.5, 2.0), against="theirs", bound=0.9)
    assert not one.met
    assert rounds.ratio("ours", "theirs", less="bare", bound=0.9, least=True).met


def test_a_store_holds_as_many_keys_as_it_says(tmp_path: Path) -> None:
    """The copies are keys like the others."""
    store, made = keys.filled(tmp_path / "counted.db", 150)
    with store:
        assert (len(store.list_keys(limit=1000)), len(made)) == (150, 100)


def test_the_client_of_the_suite_counts_answers() -> None:
    """Where wrk is not installed: also of a server that closes each connection."""
    server = Server("gunicorn", outside.APPLICATION)
    try:
        server.wait("/bare")
        assert outside.ask(server.port, outside.get("/refused"), 0.05) > 0
    finally:
        server.stop()


@pytest.mark.long
def test_the_command_writes_what_it_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A table, the same as JSON, and a picture with a bar for each target of each run."""
    first, second, picture = (str(tmp_path / name) for name in ("first.json", "second.json", "picture.svg"))
    command = [sys.executable, "-m", "tests.benchmarks", "granted", "--short", "--json", first]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    # Again within this process, which has imported everything.
    monkeypatch.setattr("sys.argv", [*command[2:-1], second, "--beside", first, "--svg", picture])
    main()
    printed = capsys.readouterr().out
    ((title, figures),) = json.loads(Path(second).read_text())["subjects"].items()
    assert printed.startswith(title)
    assert all(one["what"] in printed for one in figures)
    targets = [one for one in figures if one["bound"] is not None]
    bars = [part for part in _parts(picture) if part.tag.endswith("rect")]
    assert len(bars) == 2 * len(targets) > 0


def _parts(picture: str) -> list[ET.Element[Any]]:
    return list(ET.parse(picture).getroot())  # noqa: S314 - the suite has written it
