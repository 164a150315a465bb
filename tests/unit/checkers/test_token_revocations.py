"""Revoked JWTs of any issuer: what is compared with what, who is refused within which time, and what an outage is."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.each import each, noting
from tests.support.token_vectors import AUDIENCE, CLAIMS, ISSUER, KEYS, NOW, token
from watchword import Bearer, Guard, RequestView
from watchword.checkers import JWT, TokenRevocations
from watchword.decision import Failed
from watchword.errors import ConfigurationError, Unavailable
from watchword.operation import run
from watchword.reason import Reason
from watchword.stores import MemoryStore, SQLStore
from watchword.testing import FixedClock
from watchword.verdict import Accepted, Refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from watchword.stores.ports import Standing

DAY = 86_400


class Desk:
    """A guard that takes the tokens of an issuer, and an operator, who may have another store."""

    def __init__(self, store: Any = None, operator: Any = None, clock: FixedClock | None = None, **options: Any) -> None:
        self.clock = clock or FixedClock(NOW)
        self.store = store or MemoryStore(clock=self.clock)
        self.revocations = TokenRevocations(operator or self.store, clock=self.clock)
        asked = TokenRevocations(self.store, clock=self.clock)
        given: dict[str, Any] = {"issuer": ISSUER, "audience": AUDIENCE, "keys": KEYS, "clock": self.clock, **options}
        self.guard = Guard(Bearer(JWT(**given, revocations=asked)), clock=self.clock)

    def reason(self, text: str) -> Reason | None:
        """Return why a request with a token is refused; None: it is not."""
        decision = self.guard.decide(RequestView("GET", "/", [("Authorization", f"Bearer {text}")]))
        if isinstance(decision, Failed):
            return Reason.UNAVAILABLE
        return None if decision.granted else decision.reason


def look_up(store: Any, leeway: float = 60, **claims: Any) -> object:
    """Ask about a token with some claims changed; those of `...` are left out."""
    given = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not ...}
    return run(TokenRevocations(store, clock=FixedClock(NOW)).look_up("any", given, leeway))


@pytest.mark.parametrize("how", ["jti", "token", "subject"])
def test_a_revoked_token_is_refused_although_it_is_cached(how: str) -> None:
    """Another token of the issuer, of another subject, is let in as before, without a question."""
    desk, text, other = Desk(), token(), token(claims={"sub": "bob", "jti": "4712"})
    assert [desk.reason(text), desk.reason(other)] == [None, None]
    work: dict[str, Callable[[], bool]] = {
        "jti": lambda: desk.revocations.revoke("4711", ISSUER),
        "token": lambda: desk.revocations.revoke(text),
        "subject": lambda: desk.revocations.revoke_before(ISSUER, "ann"),
    }
    assert [work[how](), work[how]()] == [True, False]
    assert [desk.reason(text), desk.reason(other)] == [Reason.REVOKED, None]


TIMES: list[tuple[float, dict[str, Any], bool]] = [
    (NOW, {"iat": NOW - 1}, False),
    (NOW, {"iat": NOW}, False),
    (NOW, {"iat": NOW + 0.5}, False),  # it may have been rounded
    (NOW, {"iat": NOW + 1}, True),
    (NOW + 0.2, {"iat": NOW + 1}, False),
    (NOW + 0.2, {"iat": NOW + 2}, True),
    (NOW, {"iat": ...}, False),
    (NOW, {"iat": None}, False),
    (NOW, {"iat": True}, False),
    (NOW, {"iat": str(NOW + 99)}, False),
    (NOW, {"iat": float("nan")}, False),
    (inf, {"iat": 9e9}, False),
]


@each("at, claims, counts", TIMES)
def test_a_token_counts_if_it_was_issued_a_second_and_the_leeway_later(at: float, claims: dict[str, Any], counts: bool) -> None:  # noqa: FBT001 - a column
    """A token without a time of its own may be of before, and is refused."""
    for leeway in (0.0, 60.0):
        store = MemoryStore()
        number = isinstance(claims["iat"], (int, float)) and not isinstance(claims["iat"], bool)
        given = {"iat": claims["iat"] + leeway} if number else claims
        assert not isinstance(look_up(store, leeway, **given), Refused)
        store.revoke_before(ISSUER, "ann", at)
        assert isinstance(look_up(store, leeway, **given), Refused) is not counts
        assert not isinstance(look_up(store, leeway, **given, sub="bob"), Refused)


OTHERS: list[dict[str, Any]] = [
    {"jti": "e\u0301"},
    {"jti": "É"},
    {"jti": "é "},
    {"iss": f"{ISSUER}/"},
    {"iss": ISSUER.upper()},
    {"sub": "Ann", "jti": "x"},
    {"sub": "ann ", "jti": "x"},
    {"sub": "é", "jti": "ann"},
]


@each("claims", OTHERS)
def test_claims_are_compared_code_point_for_code_point(claims: dict[str, Any]) -> None:
    """What looks alike is another issuer, subject or token."""
    store = MemoryStore()
    store.revoke_jti(ISSUER, "é", 1, 9e9)
    store.revoke_before(ISSUER, "ann", NOW)
    assert isinstance(look_up(store, jti="é", sub="bob"), Refused)
    assert isinstance(look_up(store, jti="x"), Refused)
    assert not isinstance(look_up(store, **{"sub": "bob", "jti": "é", **claims}), Refused)


UNKEPT: list[dict[str, Any]] = [
    {"iss": "x" * 1025},
    {"iss": []},
    {"iss": ...},
    {"sub": ...},
    {"sub": "a\0"},
    {"jti": 5},
    {"jti": None},
    {"jti": "é" * 600},
]


@each("claims", UNKEPT)
def test_a_token_that_could_not_be_revoked_is_refused(claims: dict[str, Any]) -> None:
    """No store can keep its claims. One without `jti` can be revoked by its subject."""
    found = look_up(MemoryStore(), **claims)
    assert isinstance(found, Refused)
    assert found.reason is Reason.INVALID_CLAIM
    assert not isinstance(look_up(MemoryStore(), jti=...), Refused)


def two(tmp_path: Path) -> tuple[FixedClock, SQLStore, SQLStore]:
    """Return the stores of two processes over one database."""
    clock = FixedClock(NOW)
    here, there = (SQLStore(f"sqlite:///{tmp_path}/auth.db", clock=clock, staleness=1) for _ in range(2))
    return clock, here, there


def test_another_process_refuses_within_the_bound_of_every_revocation(tmp_path: Path) -> None:
    """O6: not later than `staleness`; and a database that does not answer is an outage, cached or not."""
    clock, here, there = two(tmp_path)
    desk, texts = Desk(here, there, clock), [token(claims={"sub": sub, "jti": sub}) for sub in ("ann", "bob", "eve")]
    assert [desk.reason(text) for text in texts] == [None] * 3
    desk.revocations.revoke("ann", ISSUER)
    desk.revocations.revoke_before(ISSUER, "bob")
    clock.advance(1)
    assert [desk.reason(text) for text in texts] == [Reason.REVOKED, Reason.REVOKED, None]
    path = tmp_path / "auth.db"
    path.rename(tmp_path / "away.db")
    clock.advance(1)
    assert [desk.reason(text) for text in (*texts, token(claims={"jti": "new"}))] == [Reason.UNAVAILABLE] * 4
    here.close()
    there.close()


class Counting(SQLStore):
    """Counts questions, and lets another process write between a question and its answer."""

    asked = 0
    meanwhile: Callable[[], object] = staticmethod(lambda: None)

    def find_standing(self, *asked: str) -> Standing:
        """Answer, late."""
        self.asked += 1
        found = super().find_standing(*asked)
        self.meanwhile()
        return found


def test_a_new_token_costs_one_question_and_a_known_one_none(tmp_path: Path) -> None:
    """A token that fails otherwise costs none."""
    clock = FixedClock(NOW)
    with Counting(f"sqlite:///{tmp_path}/auth.db", clock=clock) as store:
        desk, text = Desk(store, clock=clock), token()
        for _ in range(3):
            assert desk.reason(text) is None
        assert store.asked == 1
        assert desk.reason(token(claims={"exp": NOW - 99})) is Reason.EXPIRED
        assert store.asked == 1


def test_a_revocation_while_the_store_is_asked_ends_the_answer(tmp_path: Path) -> None:
    """The answer is from before it, and is used once at most."""
    clock = FixedClock(NOW)
    url = f"sqlite:///{tmp_path}/auth.db"
    with Counting(url, clock=clock, staleness=3600) as store, SQLStore(url, clock=clock) as there:
        desk, text = Desk(store, there, clock), token()
        # Another thread brings the news before this one has its answer.
        store.meanwhile = lambda: (desk.revocations.revoke("4711", ISSUER), store.find_key("any"))
        assert desk.reason(text) is None
        store.meanwhile = lambda: None
        assert store.asked == 1
        assert desk.reason(text) is Reason.REVOKED


def test_the_answer_to_another_question_is_an_outage() -> None:
    """W11: nothing found would accept the token, so the answer must be about it."""
    for wrong in ({"issuer": "x"}, {"subject": "x"}, {"jti": "x"}):

        class Crossed(MemoryStore):
            def find_standing(self, *asked: str, wrong: dict[str, str] = wrong) -> Standing:
                return replace(super().find_standing(*asked), **wrong)  # type: ignore[arg-type] # fields of text

        with pytest.raises(Unavailable, match="another token"):
            look_up(Crossed())


def test_a_damaged_row_is_an_outage() -> None:
    """It is never taken for none."""
    from sqlalchemy import text

    for table, column in (("watchword_revoked_tokens", "revoked_at"), ("watchword_not_before", "revoked_before")):
        with noting(table), SQLStore("sqlite://", clock=FixedClock(NOW)) as store:
            store.revoke_jti(ISSUER, "4711", 1, 2)
            store.revoke_before(ISSUER, "ann", 1)
            with store._database._engine.begin() as connection:
                connection.execute(text(f"UPDATE {table} SET {column} = 'x'"))  # noqa: S608 - of the list above
            with pytest.raises(Unavailable, match="is damaged"):
                look_up(store)


def test_a_revocation_is_kept_for_a_day_beyond_the_end_of_its_token() -> None:
    """The leeway of no verifier is longer. Without an end it is kept; `longest` says when all tokens of that time have ended.

    A forgery of a stolen token may be found in its place, so the `exp` of a token that nobody verified is no end.
    """
    desk = Desk()
    desk.revocations.revoke("j2", ISSUER, expires_at=NOW + 600)
    desk.revocations.revoke(token(claims={"jti": "j3", "exp": 1}))
    desk.revocations.revoke_before(ISSUER, "ann")
    desk.clock.advance(600 + DAY)
    assert (desk.revocations.purge(), desk.revocations.purge(9e9)) == (0, 0)
    desk.clock.advance(1)
    assert (desk.revocations.purge(NOW), desk.revocations.purge()) == (0, 1)
    assert isinstance(look_up(desk.store, jti="j3"), Refused)
    assert isinstance(look_up(desk.store, jti="x"), Refused)
    assert [desk.revocations.purge(longest=longest) for longest in (601, 600, 600)] == [0, 2, 0]


def test_a_wrong_argument_revokes_nothing() -> None:
    """And no message shows a token."""
    desk, text = Desk(), token()
    revoke, before = desk.revocations.revoke, desk.revocations.revoke_before
    wrong: list[Callable[[], object]] = [
        lambda: revoke("4711"),
        lambda: revoke("", ISSUER),
        lambda: revoke("a\n", ISSUER),
        lambda: revoke("a" * 1025, ISSUER),
        lambda: revoke(5, ISSUER),  # type: ignore[arg-type] # wrong on purpose
        lambda: revoke("4711", ""),
        lambda: revoke("4711", ISSUER, expires_at=inf),
        lambda: revoke(text, "https://other.example"),
        lambda: revoke(text[:-1] + "!"),
        lambda: revoke(f"{text}\n"),
        lambda: revoke(text.split(".")[0]),
        lambda: revoke(token(claims={"jti": ...})),
        lambda: revoke(token(claims={"jti": 5})),
        lambda: revoke(token(claims={"iss": ...})),
        lambda: revoke(token(claims={"exp": "never"})),
        lambda: before("", "ann"),
        lambda: before(ISSUER, ""),
        lambda: before(ISSUER, "a\0"),
        lambda: before(ISSUER, "ann", at=NOW + 1),
        lambda: before(ISSUER, "ann", at=NOW * 1000),
        lambda: before(ISSUER, "ann", at=float("nan")),
        lambda: desk.revocations.purge(longest=0),
        lambda: TokenRevocations(object()),  # type: ignore[arg-type] # wrong on purpose
    ]
    for number, work in enumerate(wrong):
        with noting(number), pytest.raises(ConfigurationError) as caught:
            work()
        assert text[:30] not in str(caught.value)
    assert desk.reason(text) is None


def test_explain_says_what_was_revoked() -> None:
    """The operator reads it, and the client does not."""
    desk = Desk()
    view = RequestView("GET", "/", [("Authorization", f"Bearer {token()}")])
    desk.revocations.revoke_before(ISSUER, "ann")
    assert f"tokens of 'ann' that were issued until {float(NOW)}" in str(desk.guard.explain(view))
    desk.revocations.revoke("4711", ISSUER)
    assert "the jti '4711'" in str(desk.guard.explain(view))
    refusal = desk.guard.refuse(desk.guard.decide(view), view)
    assert b"4711" not in refusal.body
    assert b"revoked" not in refusal.body


@pytest.mark.anyio
async def test_every_step_has_an_async_form() -> None:
    """On asyncio and trio, over a store that blocks, or by its async form."""

    class Awaited(SQLStore):
        calls: list[str] = []  # noqa: RUF012 - of one test

        async def afind_standing(self, *asked: str) -> Standing:
            self.calls.append("standing")
            return self.find_standing(*asked)

        async def arevoke_jti(self, *given: Any) -> bool:
            self.calls.append("jti")
            return self.revoke_jti(*given)

    for kind, calls in ((SQLStore, []), (Awaited, ["standing", "jti", "standing"])):
        with kind("sqlite://", clock=FixedClock(NOW)) as store:
            checker = JWT(
                issuer=ISSUER,
                audience=AUDIENCE,
                keys=KEYS,
                clock=FixedClock(NOW),
                revocations=TokenRevocations(store, clock=FixedClock(NOW)),
            )
            revocations = TokenRevocations(store, clock=FixedClock(NOW))
            assert isinstance(await checker.averify(token()), Accepted)
            assert await revocations.arevoke("4711", ISSUER)
            assert isinstance(await checker.averify(token()), Refused)
            assert await revocations.arevoke_before(ISSUER, "ann")
            assert getattr(store, "calls", []) == calls
