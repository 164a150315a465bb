"""An outdated hash is made anew after the response, and only if nobody set another one meanwhile (threat W8)."""

# ruff: noqa: N802 - a test carries the id of its row

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.support.core import argon2_hash
from tests.support.each import each
from tests.support.logins import Bcrypt, CountingHasher, Desk, guarded, log_in
from tests.support.passwords import MAKERS, PASSWORD, stored
from tests.support.wire import asgi_scope, wsgi_environ
from watchword import BasicCredentials, Reason, Refused, Unavailable
from watchword.adapters.asgi import GuardMiddleware as ASGIGuardMiddleware
from watchword.adapters.wsgi import GuardMiddleware as WSGIGuardMiddleware
from watchword.protection.hash_limiter import HashLimiter
from watchword.stores.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.drive import Behind
    from watchword import Guard

OLD = "sha512-crypt"


def desk_with(scheme: str = OLD, **options: Any) -> tuple[Desk, CountingHasher]:
    """Return accounts of whom ann has an old hash, and the hasher that makes new ones."""
    hasher = CountingHasher()
    desk = Desk(hasher=hasher, **options)
    desk.accounts.add("ann", password_hash=stored(scheme))
    return desk, hasher


def hash_of(desk: Desk) -> str:
    """Return the stored hash of ann."""
    found = desk.accounts.get("ann").password_hash
    assert found is not None
    return found


async def serve_asgi(guard: Guard, log: list[str]) -> None:
    """Serve one login of ann, and note each message as it is sent."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for last in (False, True):
            await send({"type": "http.response.body", "body": b"x", "more_body": not last})
        log.append("application returned")

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        log.append(f"{message['type']} {message.get('more_body', '')}".strip())

    await ASGIGuardMiddleware(app, guard)(asgi_scope(log_in("ann", PASSWORD)), receive, send)


def serve_wsgi(guard: Guard, log: list[str]) -> None:
    """Serve one login of ann as a server does: send all of it, then close it."""

    class Response:
        def __iter__(self) -> Iterator[bytes]:
            yield b"x"
            yield b"x"
            log.append("application returned")

        def close(self) -> None:
            log.append("closed")

    def app(environ: Any, start_response: Any) -> Response:
        start_response("200 OK", [])
        return Response()

    result: Any = WSGIGuardMiddleware(app, guard)(wsgi_environ(log_in("ann", PASSWORD)), lambda status, headers: log.append(status))
    log.extend(f"sent {part!r}" for part in result)
    result.close()


@pytest.mark.anyio
async def test_W8_over_asgi_the_response_is_sent_whole_before_a_hash_is_made() -> None:
    """Start, every part of the content, the application's own end: then the new hash, off the event loop."""
    log: list[str] = []
    threads: list[threading.Thread] = []

    def note() -> None:
        log.append("hash")
        threads.append(threading.current_thread())

    desk = Desk(hasher=CountingHasher(noting=note))
    desk.accounts.add("ann", password_hash=stored(OLD))
    await serve_asgi(guarded(desk.accounts), log)
    assert log == ["http.response.start", "http.response.body True", "http.response.body False", "application returned", "hash"]
    assert threads != [threading.current_thread()]
    assert hash_of(desk).startswith("$argon2id$")


def test_W8_over_wsgi_the_response_is_sent_whole_before_a_hash_is_made() -> None:
    """The server closes the response when all of it was sent: the application's own is closed first, then the new hash is made."""
    log: list[str] = []
    desk = Desk(hasher=CountingHasher(noting=lambda: log.append("hash")))
    desk.accounts.add("ann", password_hash=stored(OLD))
    serve_wsgi(guarded(desk.accounts), log)
    assert log == ["200 OK", "sent b'x'", "sent b'x'", "application returned", "closed", "hash"]
    assert hash_of(desk).startswith("$argon2id$")


@each("scheme", MAKERS)
def test_W8_every_old_format_becomes_the_new_one(scheme: str, behind: Behind) -> None:
    """Once: the same password logs in by the new hash, which is not made again; the account says when the password was set as before."""
    desk, hasher = desk_with(scheme)
    before = desk.accounts.get("ann")
    send = behind(guarded(desk.accounts))
    # The first of them is of the format of new hashes, at the cost of new hashes.
    expected = [] if scheme == "argon2id" else [PASSWORD]
    for _ in range(3):
        desk.clock.advance(10)
        assert send(log_in("ann", PASSWORD)).status == 200
        assert hasher.made == expected
    after = desk.accounts.get("ann")
    assert after.password_changed_at == before.password_changed_at
    assert after.hash_profile == hasher.profile(hash_of(desk)) == "argon2id m=64 t=1 p=1"
    assert send(log_in("ann", "S3cret")).status == 401


def test_W8_only_a_right_password_replaces_a_hash(behind: Behind) -> None:
    """A wrong one does not, nor does a right one of a disabled or locked account."""
    hasher = CountingHasher()
    desk = Desk(hasher=hasher, max_age=86_400)
    desk.shut_some(stored(OLD))
    send = behind(guarded(desk.accounts))
    for name, password in (("ann", "wrong"), ("nobody", PASSWORD), ("disabled", PASSWORD), ("locked", PASSWORD), ("expired", PASSWORD)):
        assert send(log_in(name, password)).status == 401
    assert hasher.made == []


@pytest.mark.parametrize("when", ["before", "while"])
def test_W8_a_password_changed_meanwhile_stays_changed(when: str) -> None:
    """Compare and set: what was set after the login, before the new hash is begun or while it is made, is what counts."""
    # One hash is made within another here, so there must be two places.
    desk = Desk(hasher=CountingHasher(), limiter=HashLimiter(2))
    desk.accounts.add("ann", password_hash=stored(OLD))
    after_response = desk.accept("ann").after_response
    assert after_response is not None
    if when == "before":
        desk.accounts.set_password("ann", "another")
    else:
        changes = ["another"]
        # The first hash that is made from here on is that of the rehash; the one that it lets in first makes no other.
        desk.hasher._noting = lambda: changes and desk.accounts.set_password("ann", changes.pop())
    after_response.run()
    assert desk.hasher.made.count(PASSWORD) == 1
    desk.accept("ann", "another")
    assert desk.accounts.check(BasicCredentials("ann", PASSWORD)) == Refused(Reason.WRONG_SECRET)


def test_W8_an_account_that_is_gone_stays_gone() -> None:
    """A rehash makes no account."""
    desk, _ = desk_with()
    after_response = desk.accept("ann").after_response
    assert after_response is not None
    desk.accounts.remove("ann")
    after_response.run()
    assert list(desk.accounts.list()) == []


def test_W8_twenty_parallel_logins_in_threads_make_one_hash() -> None:
    """They are all let in, and one of them does the work."""
    desk, hasher = desk_with(limiter=HashLimiter(queue=64))
    guard = guarded(desk.accounts)
    together = threading.Barrier(20)

    def log_one_in(_: int) -> list[str]:
        log: list[str] = []
        together.wait()
        serve_wsgi(guard, log)
        return log

    with ThreadPoolExecutor(20) as pool:
        logs = list(pool.map(log_one_in, range(20)))
    assert {log[0] for log in logs} == {"200 OK"}
    assert hasher.made == [PASSWORD]
    assert hash_of(desk).startswith("$argon2id$")


@pytest.mark.anyio
async def test_W8_twenty_parallel_logins_on_an_event_loop_make_one_hash() -> None:
    """The same with tasks."""
    desk, hasher = desk_with(limiter=HashLimiter(queue=64))
    guard = guarded(desk.accounts)
    logs: list[list[str]] = [[] for _ in range(20)]
    async with anyio.create_task_group() as tasks:
        for log in logs:
            tasks.start_soon(serve_asgi, guard, log)
    assert all("http.response.body False" in log for log in logs)
    assert hasher.made == [PASSWORD]


class Fragile(MemoryStore):
    """A store that takes no new hash while `error` is set."""

    error: Exception | None = None

    def swap_hash(self, id: str, old: str, new: str, profile: str | None) -> bool:  # noqa: A002 - its name
        """Fail, if told so."""
        if self.error is not None:
            raise self.error
        return super().swap_hash(id, old, new, profile)


def test_W8_an_outage_in_the_rehash_is_told_and_changes_nothing(behind: Behind) -> None:
    """The client has its response; the operator an event; the account its old hash; and the next login tries again."""
    store = Fragile()
    desk = Desk(store=store, hasher=CountingHasher())
    desk.accounts.add("ann", password_hash=stored(OLD))
    send = behind(guarded(desk.accounts, remember=0))
    store.error = Unavailable("the disk is full")
    assert send(log_in("ann", PASSWORD)).status == 200
    assert hash_of(desk) == stored(OLD)
    assert [(event.kind, event.subject) for event in desk.events] == [("login_not_noted", "ann")]
    assert "the disk is full" in desk.events[0].detail
    assert PASSWORD not in repr(desk.events)
    store.error = None
    assert send(log_in("ann", PASSWORD)).status == 200
    assert hash_of(desk).startswith("$argon2id$")


def test_W8_a_bug_in_the_rehash_is_logged_and_changes_nothing(behind: Behind, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever a store raises, the request is over and unaffected, and the log shows the error without the password."""
    store = Fragile()
    desk = Desk(store=store, hasher=CountingHasher())
    desk.accounts.add("ann", password_hash=stored(OLD))
    send = behind(guarded(desk.accounts, remember=0))
    store.error = RuntimeError("a bug")
    with caplog.at_level(logging.ERROR, "watchword"):
        assert [send(log_in("ann", PASSWORD)).status for _ in range(3)] == [200, 200, 200]
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "a bug" in caplog.text
    assert PASSWORD not in caplog.text
    assert hash_of(desk) == stored(OLD)


def test_W8_a_rehash_that_was_never_run_is_offered_again_after_a_minute() -> None:
    """A response may never be sent: the old hash is not kept for ever because of it."""
    desk, _ = desk_with()

    def offered() -> bool:
        after_response = desk.accept("ann").after_response
        before = len(desk.hasher.made)
        if after_response is not None and desk.clock.now() >= until:
            after_response.run()
        return len(desk.hasher.made) > before

    until = desk.clock.now() + 60
    assert [offered(), offered()] == [False, False]
    desk.clock.advance(59)
    assert not offered()
    desk.clock.advance(1)
    assert offered()
    assert hash_of(desk).startswith("$argon2id$")


def test_W8_what_the_new_format_would_cut_keeps_its_old_hash(behind: Behind, caplog: pytest.LogCaptureFixture) -> None:
    """A password that fits the old format and not the new one goes on letting in."""
    desk = Desk(hasher=CountingHasher(context=Bcrypt()))
    desk.accounts.add("ann", password_hash=argon2_hash("a" * 100))
    send = behind(guarded(desk.accounts, remember=0))
    assert [send(log_in("ann", "a" * 100)).status for _ in range(3)] == [200, 200, 200]
    assert hash_of(desk).startswith("$argon2id$")
    assert "a" * 100 not in caplog.text
