"""Tests that the fast path refuses callers while the hash queue is full exactly as the full path does."""

from __future__ import annotations

import logging
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.drive import ADAPTERS, Request, basic, bearer
from watchword import AuthEvent, Basic, Bearer, Guard, Principal, authenticated, network, optional, public, role, via
from watchword.checkers import Accounts, Htpasswd, PasswordHasher, Tokens, Users
from watchword.guard.fast_path import FastPath
from watchword.protection.flight import Member
from watchword.protection.hash_limiter import HashLimiter
from watchword.stores import MemoryStore
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from watchword.checkers.accounts import Accounts as AccountsChecker

HASHER = PasswordHasher()
HASH = HASHER.hash("right")
RULES = {
    "/known": authenticated,
    "/open": public,
    "/maybe": optional,
    "/admin": role("admin"),
    "/near": network("192.0.2.0/24") | role("admin"),
    "/token": via("Bearer"),
    "/both": authenticated & ~role("x"),
}


def full() -> HashLimiter:
    """Make a limiter that has no room."""
    limiter = HashLimiter(1, queue=1)
    for place in (b"runs", b"waits"):
        limiter._enter(place, Member(lambda: None))
    return limiter


def users(_: Path | None = None) -> Users:
    """Make a table of users without room for a hash."""
    return Users({"ann": HASH}, limiter=full())


def accounts(_: Path) -> AccountsChecker:
    """Make accounts without room for a hash."""
    return Accounts(MemoryStore(), limiter=full())


def htpasswd(folder: Path) -> Htpasswd:
    """Read a password file without room for a hash."""
    file = folder / "users.htpasswd"
    file.write_text(f"ann:{HASH}\n", encoding="utf-8")
    return Htpasswd(file, limiter=full())


CHECKERS: list[Callable[[Path], Any]] = [users, accounts, htpasswd]
SENT: dict[str, tuple[tuple[str, str], ...]] = {
    "wrong": (basic("ann", "wrong"),),
    "right": (basic("ann", "right"),),
    "unknown": (basic("nobody", "x"),),
    "decomposed": (basic("zoe\u0308", "e\u0308"),),
    "lower case": (("Authorization", basic("ann", "wrong")[1].replace("Basic", "bAsIc")),),
    "no colon": (("Authorization", "Basic " + b64encode(b"ann").decode()),),
    "no base64": (("Authorization", "Basic !!"),),
    "not canonical": (("Authorization", "Basic YW5uOg"),),
    "control": (("Authorization", "Basic " + b64encode(b"ann:\0").decode()),),
    "no UTF-8": (("Authorization", "Basic " + b64encode(b"ann:\xff").decode()),),
    "parameters": (("Authorization", 'Basic realm="x"'),),
    "scheme alone": (("Authorization", "Basic"),),
    "comma": (("Authorization", basic("ann", "wrong")[1] + ", Bearer x"),),
    "long": (basic("ann", "x" * 600),),
    "bearer": (bearer("t"),),
    "wrong token": (bearer("no"),),
    "token like a password": (bearer(b64encode(b"ann:wrong").decode()),),
    "other": (("Authorization", "Negotiate abc"),),
    "cross-site": (basic("ann", "wrong"), ("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")),
    "page": (basic("ann", "wrong"), ("Accept", "text/html")),
    "nothing": (),
}


def made(checker: Any, events: list[AuthEvent] | None) -> Guard:
    """Make a guard."""
    return Guard(
        Basic(checker, realm="office"),
        Bearer(Tokens({"t": Principal("bob")})),
        rules=RULES,
        clock=FixedClock(1_000),
        request_id=lambda: "id",
        on_event=None if events is None else events.append,
    )


# Every two of these facts meet: each checker with each method, and each method and checker with either adapter, listening or not.
METHODS = ["GET", "HEAD", "OPTIONS", "POST"]
CASES = [
    (method, checker, [*ADAPTERS][(row + column) % 2], (row // 2 + column) % 2 == 0)
    for row, method in enumerate(METHODS)
    for column, checker in enumerate(CHECKERS)
]


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("method", "checker", "adapter", "listening"), CASES)
def test_the_fast_path_answers_as_the_full_path(
    adapter: str,
    checker: Any,
    method: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    *,
    listening: bool,
) -> None:
    """Response, event and log line are the same, for whatever is sent to whatever rule."""
    caplog.set_level(logging.DEBUG, "watchword")
    told: list[list[AuthEvent]] = [[], []]
    fast, slow = (made(checker(tmp_path), events if listening else None) for events in told)
    slow.fast_path._admitting = None
    through = [ADAPTERS[adapter](guard) for guard in (fast, slow)]
    for path in (*RULES, "/elsewhere"):
        for name, headers in [*SENT.items(), *SENT.items()]:  # the first request makes the target known
            request = Request(method=method, target=path, headers=headers)
            answers, lines = [], []
            for one in through:
                caplog.clear()
                answer = one(request)
                answers.append((answer.status, sorted(answer.headers), answer.body))
                lines.append([record.getMessage() for record in caplog.records])
            assert answers[0] == answers[1], (path, name)
            assert lines[0] == lines[1], (path, name)
    assert [_said(event) for event in told[0]] == [_said(event) for event in told[1]]


def _said(event: AuthEvent) -> tuple[object, ...]:
    return event.decision, event.reason, event.scheme, event.principal, event.route, event.requirement, event.cached


def test_a_flood_takes_the_fast_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison above would be empty without this."""
    refused: list[object] = []
    refuse = FastPath._refuse_overload

    def counting(*given: Any) -> Any:
        refused.append(refuse(*given))
        return refused[-1]

    monkeypatch.setattr(FastPath, "_refuse_overload", counting)
    through = ADAPTERS["asgi"](made(users(), []))
    for _ in range(3):
        assert through(Request(target="/known", headers=SENT["wrong"])).status == 503
    assert len(refused) == 2
    assert None not in refused


def test_a_second_request_for_the_same_hash_takes_the_full_path() -> None:
    """A full queue refuses new work, and no request for a hash that is being computed."""
    checker = users()
    guard = made(checker, [])
    through = ADAPTERS["wsgi"](guard)
    assert [through(Request(target="/known", headers=SENT["right"])).status for _ in range(2)] == [503, 503]
    limiter = checker.admission._limiter  # type: ignore[attr-defined]
    pair = checker.admission._pair("ann", "right")  # type: ignore[attr-defined]
    limiter._wanted[pair] = 1
    target = ("GET", "/known", b"/known", "")
    assert guard.fast_path.decide(target, [(b"authorization", SENT["right"][0][1].encode())]) is None


def test_room_that_is_free_again_ends_the_refusals() -> None:
    """Nothing of an overload is kept."""
    checker = users()
    through = ADAPTERS["wsgi"](made(checker, []))
    assert [through(Request(target="/known", headers=SENT["right"])).status for _ in range(2)] == [503, 503]
    checker.admission._limiter._queue.clear()  # type: ignore[attr-defined]
    checker.admission._limiter._running.clear()  # type: ignore[attr-defined]
    assert through(Request(target="/known", headers=SENT["right"])).status == 200
