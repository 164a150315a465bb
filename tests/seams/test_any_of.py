"""Several checkers behind one scheme: API keys beside opaque tokens, staff beside customers, and later tokens of several issuers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.core import argon2_hash, ask, verifications
from tests.support.drive import ByASGI, ByWSGI
from tests.support.issued import CountingStore
from tests.support.wire import Request, basic, bearer
from watchword import (
    Accepted,
    APIKey,
    APIKeyCredentials,
    Basic,
    BasicCredentials,
    Bearer,
    BearerToken,
    ConfigurationError,
    Guard,
    Principal,
    Reason,
    Refused,
    Unavailable,
)
from watchword.checkers import AnyOf, APIKeys, OpaqueTokens, Tokens, Users, nonblocking

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.drive import Driver
    from watchword import Verdict
    from watchword.operation import Steps


class Domain:
    """Recognises the names of one domain, and counts what it is asked."""

    def __init__(self, domain: str, hashes: dict[str, str]) -> None:
        self.domain = domain
        self.users = Users(hashes)
        self.asked: list[str] = []

    def recognises(self, credentials: BasicCredentials) -> bool:
        """By what stands behind the name, and not by whether there is somebody of that name."""
        return credentials.username.endswith(self.domain)

    def flow(self, credentials: BasicCredentials) -> Steps[Verdict]:
        """Verify."""
        self.asked.append(credentials.username)
        return self.users.flow(credentials)


class Prefixed:
    """Checks tokens with a prefix, in the way that the prefix says."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.asked: list[str] = []

    def recognises(self, token: BearerToken) -> bool:
        """By the prefix."""
        return token.token.startswith(self.prefix)

    def answer(self, token: BearerToken) -> Principal | None:
        """Note, and accept what ends in "ok"."""
        self.asked.append(token.token)
        if token.token.endswith("down"):
            raise Unavailable("the store does not answer")
        return Principal(self.prefix) if token.token.endswith("ok") else None


class Plain(Prefixed):
    """Blocks."""

    def check(self, token: BearerToken) -> Principal | None:
        """Answer."""
        return self.answer(token)


class Awaited(Prefixed):
    """Is awaited."""

    async def check(self, token: BearerToken) -> Principal | None:
        """Answer."""
        return self.answer(token)


class Quick(Prefixed):
    """Answers at once."""

    @nonblocking
    def check(self, token: BearerToken) -> Principal | None:
        """Answer."""
        return self.answer(token)


@pytest.mark.parametrize("make", [ByASGI, ByWSGI])
def test_keys_and_tokens_of_a_store_live_behind_one_scheme(make: Callable[[Guard], Driver]) -> None:
    """Each is looked up where it can be, once, and one that is false is not tried elsewhere."""
    store = CountingStore()
    keys, tokens = APIKeys(store), OpaqueTokens(store)
    table = Tokens({"legacy": Principal("old")})
    driver = make(Guard(Bearer(AnyOf(keys, tokens, table))))
    key, token = keys.create("shop").key, tokens.create("ann", expires_in=60).token
    store.asked.clear()
    for shown, who, asked in ((key, "shop", ["find_key"]), (token, "ann", ["find_token"]), ("legacy", "old", []), ("other", None, [])):
        answer = driver(Request(headers=(bearer(shown),)))
        assert (None if answer.principal is None else answer.principal.id) == who
        # a key's use is noted after the response
        assert [what for what, _ in store.asked if what.startswith("find")] == asked
        store.asked.clear()
    wrong = f"{key[:-7]}{'1' if key[-7] == '0' else '0'}{key[-6:]}"
    assert driver(Request(headers=(bearer(wrong),))).status == 401
    assert store.asked == []


def test_one_checker_verifies_one_password_whether_a_name_is_known_or_not() -> None:
    """Timing does not tell which of them knows a name: the one that is asked is chosen by the form of the name."""
    staff = Domain("@staff.example", {"ann@staff.example": argon2_hash("right")})
    customers = Domain("@shop.example", {"bob@shop.example": argon2_hash("right")})
    rest = Users({"root": argon2_hash("right")})
    guard = Guard(Basic(AnyOf(staff, customers, rest), realm="x"), remember=0)
    for name in ("ann@staff.example", "nobody@staff.example", "bob@shop.example", "nobody@shop.example", "root", "nobody", ""):
        with verifications() as seen:
            assert not guard.decide(ask("/", basic(name, "wrong"))).granted
        assert len(seen) == 1, name
    assert staff.asked == ["ann@staff.example", "nobody@staff.example"]
    assert customers.asked == ["bob@shop.example", "nobody@shop.example"]
    assert guard.decide(ask("/", basic("root", "right"))).granted


@pytest.mark.anyio
async def test_checkers_of_every_form_stand_beside_one_another() -> None:
    """Blocking, awaited, and at once: each is driven as it is alone."""
    parts: list[Prefixed] = [Plain("p"), Awaited("a"), Quick("q")]
    guard = Guard(Bearer(AnyOf(*parts)), remember=0)
    for part in parts:
        decision = await guard.adecide(ask("/", bearer(f"{part.prefix}-ok")))
        assert decision.principal.id == part.prefix
        assert (await guard.adecide(ask("/", bearer(f"{part.prefix}-no")))).reason is Reason.INVALID_CREDENTIALS
        assert (await guard.adecide(ask("/", bearer(f"{part.prefix}-down")))).reason is Reason.UNAVAILABLE
        assert part.asked == [f"{part.prefix}-ok", f"{part.prefix}-no", f"{part.prefix}-down"]
    assert (await guard.adecide(ask("/", bearer("none")))).reason is Reason.UNKNOWN_IDENTITY


def test_an_event_loop_is_needed_where_one_of_them_needs_it() -> None:
    """A WSGI adapter refuses at construction, and names the checker."""
    guard = Guard(Bearer(AnyOf(Plain("p"), Awaited("a"))))
    assert guard.async_checkers == ("AnyOf(Plain, Awaited)",)
    assert Guard(Bearer(AnyOf(Plain("p"), Quick("q")))).async_checkers == ()


def test_the_fast_path_is_open_where_all_of_them_answer_at_once() -> None:
    """And a callable is as good as an object."""
    some, other = Quick("q"), Tokens({"t": Principal("ann")})
    guard = Guard(Bearer(AnyOf(some, other)))
    assert guard.start(ask("/", bearer("q-ok"))).granted  # type: ignore[union-attr]  # a decision, no steps
    assert guard.start(ask("/", bearer("t"))).granted  # type: ignore[union-attr]  # as above
    assert not guard.start(ask("/", bearer("x"))).granted  # type: ignore[union-attr]  # as above


def test_alone_it_is_a_checker_as_any_other() -> None:
    """And one inside another is as if its parts stood there."""
    inner = AnyOf(Plain("p"), Quick("q"))
    outer = AnyOf(inner, lambda token: Principal("rest") if token.token == "r" else None)
    assert repr(outer).startswith("AnyOf(Plain, Quick, ")
    for token, who in (("p-ok", "p"), ("q-ok", "q"), ("r", "rest")):
        verdict = outer.check(BearerToken(token))
        assert isinstance(verdict, Accepted)
        assert verdict.principal.id == who
    assert outer.check(BearerToken("x")) == Refused()
    assert inner.check(BearerToken("x")) == Refused(Reason.UNKNOWN_IDENTITY)
    assert (inner.recognises(BearerToken("p")), inner.recognises(BearerToken("x")), outer.recognises(BearerToken("x"))) == (
        True,
        False,
        True,
    )


TABLE = Tokens({"t": Principal("ann")})


class Async(Plain):
    """Recognises asynchronously, which cannot be."""

    async def recognises(self, token: BearerToken) -> bool:  # type: ignore[override]  # the mistake itself
        """Never awaited."""
        return True


@pytest.mark.parametrize(
    ("checkers", "message"),
    [
        ((), "two checkers or more, got 0"),
        ((TABLE,), "two checkers or more, got 1"),
        ((TABLE, Plain("p")), r"Tokens has no recognises\(credentials\), so the checkers after it would never be asked"),
        ((AnyOf(Plain("p"), TABLE), Plain("q")), r"Tokens has no recognises\(credentials\)"),
        ((Async("p"), TABLE), "recognises of Async must be a plain method"),
        ((Plain("p"), None), "a checker must be a function, or an object with check"),
        ((Plain("p"), Tokens), "got the class Tokens"),
        (
            (APIKeys(CountingStore()), Users({"ann": argon2_hash("x")})),
            "APIKeys checks APIKeyCredentials or BearerToken; Users checks Basic",
        ),
    ],
)
def test_what_cannot_work_is_found_at_construction(checkers: tuple[Any, ...], message: str) -> None:
    """The message says what is wrong and how to mend it."""
    with pytest.raises(ConfigurationError, match=message):
        AnyOf(*checkers)


def test_a_scheme_finds_out_that_none_of_them_checks_its_credentials() -> None:
    """As it does for one checker."""
    both = AnyOf(APIKeys(CountingStore()), TABLE)
    assert set(both.takes_credentials) == {APIKeyCredentials, BearerToken}
    Guard(APIKey(both), Bearer(both))
    with pytest.raises(ConfigurationError, match=r"Basic extracts BasicCredentials, and AnyOf\(APIKeys, Tokens\) checks"):
        Guard(Basic(both, realm="x"))


def test_an_answer_that_is_no_bool_is_a_bug() -> None:
    """Truthiness lets nobody choose a checker."""

    class Odd(Plain):
        def recognises(self, token: BearerToken) -> bool:
            return "yes"  # type: ignore[return-value]  # the mistake itself

    with pytest.raises(TypeError, match=r"recognises\(\) of Odd must return True or False, got str"):
        AnyOf(Odd("p"), TABLE).check(BearerToken("p-ok"))
