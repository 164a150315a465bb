"""Keys and tokens in a database: what is in its files, and what other processes see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.core import ask
from tests.support.issued import ask_both_ways, secret_of
from watchword import Accepted, APIKey, APIKeyCredentials, Bearer, BearerToken, Guard, Reason, Refused, Unavailable
from watchword.checkers import APIKeys, OpaqueTokens
from watchword.errors import NotFound
from watchword.stores import SQLStore
from watchword.stores.ports import AccountRecord
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOW = 1_700_000_000.0
STALENESS = 1.0


class Worker:
    """One process of several: its own store, checkers and guard on one file.

    Args:
        path: of the database.
        clock: the time of all.
    """

    def __init__(self, path: Path, clock: FixedClock) -> None:
        self.clock = clock
        self.store = SQLStore(f"sqlite:///{path}", clock=clock, staleness=STALENESS)
        self.keys = APIKeys(self.store, clock=clock)
        self.tokens = OpaqueTokens(self.store, clock=clock)
        self.guard = Guard(APIKey(self.keys), Bearer(self.tokens), clock=clock)

    def reason(self, header: tuple[str, str]) -> Reason | None:
        """Return why a request is refused; None: it is granted."""
        decision = self.guard.decide(ask("/", header))
        self.guard.finish(decision)
        return decision.reason


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[list[Worker]]:
    """Two of them."""
    clock = FixedClock(NOW)
    made = [Worker(tmp_path / "auth.db", clock) for _ in range(2)]
    yield made
    for worker in made:
        worker.store.close()


def files(path: Path) -> bytes:
    """Return every octet that is on the disk, the log of the database included."""
    found = [one.read_bytes() for one in sorted(path.iterdir())]
    assert found
    return b"\n".join(found)


@pytest.mark.anyio
async def test_the_whole_life_of_a_key(workers: list[Worker]) -> None:
    """Made, used, listed, rotated and revoked, as in memory."""
    keys, clock = workers[0].keys, workers[0].clock
    made = keys.create(
        "ann", label="l", roles=["r"], scopes=["s"], permissions=["p"], networks=["10.0.0.0/8"], not_before=NOW, expires_at=NOW + 9
    )
    assert keys.get(made.record.id) == made.record
    verdict: Any = await ask_both_ways(keys, made.key)
    assert verdict.principal.scopes == {"s"}
    assert verdict.principal.evidence.networks == ("10.0.0.0/8",)
    new = keys.rotate(made.record.id, overlap=5)
    assert {record.id for record in keys.list("ann")} == {made.record.id, new.record.id}
    clock.advance(5)
    assert await ask_both_ways(keys, made.key) == Refused(Reason.EXPIRED)
    assert isinstance(await ask_both_ways(keys, new.key), Accepted)
    assert keys.revoke(new.record.id)
    assert not keys.revoke(new.record.id)
    assert await ask_both_ways(keys, new.key) == Refused(Reason.REVOKED)
    with pytest.raises(NotFound):
        keys.get("0" * 16)


@pytest.mark.anyio
async def test_the_whole_life_of_a_token(workers: list[Worker]) -> None:
    """Issued, used, listed, revoked and forgotten, as in memory."""
    tokens, clock = workers[0].tokens, workers[0].clock
    made = tokens.create("ann", label="l", roles=["r"], scopes=["s"], permissions=["p"])
    assert list(tokens.list("ann")) == [made.record]
    assert isinstance(await ask_both_ways(tokens, made.token), Accepted)
    assert tokens.revoke(made.token)
    assert await ask_both_ways(tokens, made.token) == Refused(Reason.REVOKED)
    clock.advance(1)
    assert tokens.purge() == 1
    assert await ask_both_ways(tokens, made.token) == Refused(Reason.UNKNOWN_IDENTITY)


def test_a_disabled_account_holds_no_keys_and_no_tokens(workers: list[Worker]) -> None:
    """Whoever is shut out is shut out by every way."""
    here = workers[0]
    key, token = here.keys.create("ann").key, here.tokens.create("ann").token
    here.store.add_account(AccountRecord(id="ann", names=("ann",), disabled=True))
    assert here.keys.check(APIKeyCredentials(key)) == Refused(Reason.DISABLED)
    assert here.tokens.check(BearerToken(token)) == Refused(Reason.DISABLED)


def test_the_files_of_the_database_hold_no_secret(workers: list[Worker], tmp_path: Path) -> None:
    """Walked octet by octet, while it is in use and after: digests only."""
    here = workers[0]
    made = [here.keys.create("ann"), here.keys.create("ann")]
    made.append(here.keys.rotate(made[0].record.id))
    token = here.tokens.create("ann")
    for key in made:
        here.reason(("X-API-Key", key.key))
        here.reason(("X-API-Key", key.key[:-1]))
    here.reason(("Authorization", f"Bearer {token.token}"))
    here.tokens.revoke(token.token)
    here.keys.revoke(made[0].key)
    open_files = files(tmp_path)
    for worker in workers:
        worker.store.close()
    everything = open_files + files(tmp_path)
    assert made[1].record.digest in everything
    assert token.record.digest in everything
    for secret in [*(secret_of(key.key) for key in made), token.token.removeprefix("wwt_")]:
        for part in (secret, secret[:12], secret[-12:], secret.encode().hex()):
            assert part.encode() not in everything


def test_a_revocation_reaches_every_process_within_its_bound(workers: list[Worker]) -> None:
    """At once where it is made; elsewhere, though the key is remembered there, when `staleness` seconds have passed."""
    here, there = workers
    key, token, other = here.keys.create("ann"), here.tokens.create("ann"), here.keys.create("bob")
    ways: list[tuple[tuple[str, str], Callable[[], object]]] = [
        (("X-API-Key", key.key), lambda: here.keys.revoke(key.record.id)),
        (("Authorization", f"Bearer {token.token}"), lambda: here.tokens.revoke(token.token)),
        (("X-API-Key", other.key), lambda: here.keys.revoke_all("bob") == (1, 0)),
    ]
    for header, revoke in ways:
        for _ in range(3):
            assert [worker.reason(header) for worker in workers] == [None, None]
        assert revoke()
        assert here.reason(header) == Reason.REVOKED
        here.clock.advance(STALENESS)
        assert there.reason(header) == Reason.REVOKED


def test_the_use_of_a_key_is_noted_once_a_minute_by_all_processes(workers: list[Worker]) -> None:
    """Each reads what the others have noted."""
    here, there = workers
    made = here.keys.create("ann")
    noted = set()
    for second in range(121):
        here.clock.set(NOW + second)
        for worker in (here, there):
            verdict: Any = worker.keys.check(APIKeyCredentials(made.key))
            if verdict.after_response is not None:
                verdict.after_response.run()
                noted.add(second)
    assert noted == {0, 60, 120}
    assert there.keys.get(made.record.id).last_used_at == NOW + 120


def test_a_key_is_rotated_by_one_process_only(workers: list[Worker]) -> None:
    """The other is told that it was quicker."""
    here, there = workers
    made = here.keys.create("ann")
    here.keys.rotate(made.record.id)
    with pytest.raises(ValueError, match="was replaced by"):
        there.keys.rotate(made.record.id)
    assert len(list(there.keys.list())) == 2


@pytest.mark.anyio
async def test_a_database_that_is_gone_is_an_outage(workers: list[Worker]) -> None:
    """Neither access nor a refusal; and what is no key at all is refused without it."""
    here = workers[0]
    key = here.keys.create("ann").key
    here.store.close()
    with pytest.raises(Unavailable) as caught:
        await here.keys.acheck(APIKeyCredentials(key))
    assert secret_of(key) not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"
    assert here.reason(("X-API-Key", key)) == Reason.UNAVAILABLE
    assert here.reason(("X-API-Key", key[:-1])) == Reason.UNKNOWN_IDENTITY
