"""Whatever a client shows: a verdict, the same by every way of asking; and of a store that fails, that it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.core import CHEAP
from watchword import Accepted, APIKeyCredentials, BasicCredentials, BearerToken, Principal, Refused, Unavailable
from watchword.checkers import Accounts, APIKeys, Htpasswd, OpaqueTokens, PasswordHasher, Tokens, Users
from watchword.checkers.key_format import KeyFormat, TokenFormat
from watchword.operation import run
from watchword.stores import MemoryStore, SQLStore

if TYPE_CHECKING:
    from pathlib import Path

HASHER = PasswordHasher(time_cost=1, memory_cost=64)
HASH = CHEAP.hash("s3cret")
KEY, TOKEN = KeyFormat("ww").make().text, TokenFormat("wwt").make().text  # of nobody

ODD = [
    "",
    " ",
    ":",
    "\0",
    "s3cret\0",
    "\ud800",
    "\udcff",
    "\x7f",
    "\ufeffann",
    "ann ",
    "ANN",
    "x" * 1024,
    "x" * 1025,
    "x" * 100_000,
    "\u00e9" * 600,
    "e\u0301" * 1000,
    "\U0010ffff",
    "'; drop table accounts; --",
    "%s%d{0}{name}",
    "*",
    KEY,
    TOKEN,
    KEY + "\n",
    KEY[:-1],
    KEY.replace("_", "-"),
    KEY.translate({ord("0"): "\u0660", ord("1"): "\uff11"}),
    "ww_" + "0" * 16 + "_" + "0" * 33,
    "wwt_" + "0" * 49,
]
texts = st.sampled_from(ODD) | st.text(st.characters(), max_size=40)


def checkers_of(store: Any) -> list[Any]:
    """Return everything that looks into a store."""
    return [Accounts(store, hasher=HASHER), Accounts(store, hasher=HASHER, fold_case=True), APIKeys(store), OpaqueTokens(store)]


def shown_to(checker: Any, one: str, other: str) -> list[Any]:
    """Return two texts as every kind of credentials that a checker takes."""
    if checker.takes_credentials == (BasicCredentials,):
        return [BasicCredentials(one, other), BasicCredentials("ann", other), BasicCredentials("nohash", other)]
    return [BearerToken(one), APIKeyCredentials(one)]


@pytest.fixture(scope="module")
def checkers(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Return one checker of every kind, each with somebody in it."""
    path: Path = tmp_path_factory.mktemp("users") / "users"
    path.write_text(f"ann:{HASH}\n")
    made: list[Any] = [Users({"ann": HASH}, hasher=HASHER), Htpasswd(path), Tokens({"t0ken": Principal("ann")})]
    for store in (MemoryStore(), SQLStore("sqlite://")):
        of_store = checkers_of(store)
        of_store[0].add("ann", password_hash=HASH)
        of_store[0].add("nohash")
        of_store[2].create("ann")
        of_store[3].create("ann")
        made += of_store
    return made


def is_right(credentials: object) -> bool:
    """Tell whether somebody has these credentials."""
    return credentials == BasicCredentials("ann", "s3cret") or credentials in {BearerToken("t0ken"), APIKeyCredentials("t0ken")}


@given(texts, texts)
@example("ann", "s3cret")
@example("t0ken", "")
def test_whatever_is_shown_gets_a_verdict(checkers: list[Any], one: str, other: str) -> None:
    """And by `check` the same as by `flow`."""
    for checker in checkers:
        for credentials in shown_to(checker, one, other):
            verdict = checker.check(credentials)
            assert isinstance(verdict, Refused | Accepted)
            assert not isinstance(verdict, Accepted) or is_right(credentials) or credentials.username.casefold() == "ann"
            if hasattr(checker, "flow"):
                again = run(checker.flow(credentials))
                assert (type(again), getattr(again, "reason", None)) == (type(verdict), getattr(verdict, "reason", None))


@pytest.mark.anyio
async def test_awaited_checkers_say_the_same(checkers: list[Any]) -> None:
    """By `acheck`, on asyncio and trio."""
    for checker in checkers:
        for text in [*ODD, "s3cret", "t0ken"]:
            for credentials in shown_to(checker, text, text):
                verdict, awaited = checker.check(credentials), await checker.acheck(credentials)
                assert (type(awaited), getattr(awaited, "reason", None)) == (type(verdict), getattr(verdict, "reason", None))


@pytest.mark.anyio
async def test_of_a_store_that_fails_nothing_but_that_is_told() -> None:
    """Whatever is shown: `Unavailable`, unless it needs no store to be refused."""
    store = SQLStore("sqlite://")
    closed = checkers_of(store)
    store.close()
    asked = 0
    for checker in closed:
        for text in [*ODD, "s3cret"]:
            for credentials in shown_to(checker, text, text):
                try:
                    verdict = checker.check(credentials)
                except Unavailable:
                    asked += 1
                    with pytest.raises(Unavailable):
                        await checker.acheck(credentials)
                    with pytest.raises(Unavailable):
                        run(checker.flow(credentials))
                else:
                    assert isinstance(verdict, Refused)
                    assert credentials != BasicCredentials("ann", text)
                    assert isinstance(await checker.acheck(credentials), Refused)
    assert asked > len(ODD)
