"""Opaque access tokens in each store: many who refresh while the login ends, and a question that costs one statement."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, event, text

from watchword import Guard, RequestView
from watchword.checkers import OpaqueTokens
from watchword.credentials import BearerToken
from watchword.errors import Unavailable
from watchword.issuing import IssuedTokens, TokenIssuer
from watchword.schemes.bearer import Bearer
from watchword.stores import MemoryStore, SQLStore
from watchword.verdict import Accepted, Refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.stores.conftest import Opens

SECRET = "a secret of at least 32 octets.."
ORDERS = "https://orders.example.com"
CLIENTS = 40


def issuer_of(store: MemoryStore | SQLStore) -> TokenIssuer:
    """Return an issuer in one process; another one has another."""
    return TokenIssuer(SECRET, store, issuer="https://auth.example.com", audience=ORDERS, access_tokens="opaque", on_event=lambda _: None)


def stores(kind: str, request: pytest.FixtureRequest, opens: Opens, folder: Path) -> list[MemoryStore | SQLStore]:
    """Return the stores of two processes, empty; one in memory is that of both."""
    if kind == "memory":
        return [MemoryStore()] * 2
    url = f"sqlite:///{folder}/auth.db" if kind == "sqlite" else str(request.getfixturevalue("empty_postgresql"))
    return [opens(url, create=True, timeout=60) for _ in range(2)]


ENDS: dict[str, Callable[[TokenIssuer, IssuedTokens], object]] = {
    "family": lambda issuer, issued: issuer.revoke(issued.family),
    "refresh token": lambda issuer, issued: issuer.revoke(str(issued.refresh_token)),
    "subject": lambda issuer, _: issuer.revoke_all("ann"),
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgresql"])
def test_no_access_token_outlives_a_login_that_ends_while_many_refresh(
    kind: str, end: str, request: pytest.FixtureRequest, opens: Opens, tmp_path: Path
) -> None:
    """Those that are issued at that moment are dead, too: a token is judged by its family, and by no state of its own."""
    here, there = stores(kind, request, opens, tmp_path)
    one, other = issuer_of(here), issuer_of(there)
    issued, spared = one.issue("ann", "web"), one.issue("bob", "web")
    begin = Barrier(CLIENTS)

    def work(number: int) -> IssuedTokens | None:
        begin.wait()
        if number == CLIENTS // 2:
            ENDS[end](other, issued)
            return None
        found = one.refresh(str(issued.refresh_token), "web")
        return found if isinstance(found, IssuedTokens) else None

    with ThreadPoolExecutor(CLIENTS) as threads:
        made = [found for found in threads.map(work, range(CLIENTS)) if found is not None]
    checker = OpaqueTokens(there, prefix="wwa", audience=ORDERS)
    for access in (issued.access_token, *(found.access_token for found in made)):
        assert isinstance(checker.check(BearerToken(access)), Refused)
    assert isinstance(checker.check(BearerToken(spared.access_token)), Accepted)


def test_a_login_that_ends_in_another_process_ends_what_is_cached_there(url: str, opens: Opens) -> None:
    """With its next question: the change of the family is a change of the token."""
    here, there = opens(url, create=True, staleness=3600), opens(url)
    issuer = issuer_of(there)
    guard = Guard(Bearer(OpaqueTokens(here, prefix="wwa", audience=ORDERS)))
    issued, spared = issuer.issue("ann", "web"), issuer.issue("ann", "web")
    views = [RequestView("GET", "/", [("Authorization", f"Bearer {one.access_token}")]) for one in (issued, spared)]
    heard: list[str] = []
    event.listen(here._database._engine, "before_cursor_execute", lambda *given: heard.append(given[2]))
    assert [guard.decide(view).granted for view in views * 2] == [True] * 4
    assert len(heard) == 2  # one statement for each token, and none for a known one
    issuer.revoke(issued.family)
    here.find_key("any")
    assert [guard.decide(view).granted for view in views] == [False, True]


def test_a_damaged_login_is_an_outage(tmp_path: Path, opens: Opens) -> None:
    """Its claims are a part of every check, and of the caller."""
    url = f"sqlite:///{tmp_path}/auth.db"
    store = opens(url)
    issued = issuer_of(store).issue("ann", "web")
    engine = create_engine(url)
    for damage in ("claims = '{'", "claims = '[]'", "scopes = 'x'", "client = ''"):
        with engine.begin() as connection:
            connection.execute(text(f"UPDATE watchword_families SET {damage}"))  # noqa: S608 - of the list above
        with pytest.raises(Unavailable, match="damaged"):
            OpaqueTokens(store, prefix="wwa", audience=ORDERS).check(BearerToken(issued.access_token))
    engine.dispose()
