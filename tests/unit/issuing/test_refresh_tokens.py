"""Families of refresh tokens: started, refreshed, ended, listed."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from watchword.errors import ConfigurationError, NotFound, Unavailable
from watchword.issuing import Refreshed, RefreshTokens, Unrefreshed
from watchword.issuing.refresh_tokens import DAY
from watchword.stores import MemoryStore, SQLStore
from watchword.stores.ports import State
from watchword.testing import FixedClock
from watchword.testing.stores import account

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.observe.notice import OperatorNotice
    from watchword.stores.ports import Presented, Rotation

NOW = 1_700_000_000.0
SECRET = "a secret of at least 32 octets.."


class Desk:
    """Refresh tokens over a store, with a clock, and what an operator is told."""

    def __init__(self, store: Any = None, **options: Any) -> None:
        self.clock = FixedClock(NOW)
        self.store: Any = store or MemoryStore(clock=self.clock)
        self.notices: list[OperatorNotice] = []
        self.tokens = RefreshTokens(self.store, SECRET, clock=self.clock, on_event=self.notices.append, **options)

    def refreshed(self, token: str, client: str = "web", **options: Any) -> Refreshed:
        """Refresh a token that is good."""
        found = self.tokens.refresh(token, client, **options)
        assert isinstance(found, Refreshed), found
        return found

    def refused(self, token: str, client: str = "web", **options: Any) -> tuple[State, str]:
        """Refresh a token that is not."""
        found = self.tokens.refresh(token, client, **options)
        assert isinstance(found, Unrefreshed), found
        return found.state, found.error


def test_a_family_has_what_was_granted() -> None:
    """Its first token has the format of all, and ends with the family at the latest."""
    desk = Desk()
    new = desk.tokens.start("ann", "web", scopes=["b", "a"], jkt="thumb", claims={"auth_time": 5, "amr": ["pwd"]})
    assert new.family == desk.tokens.get(new.family.id) == next(desk.tokens.list("ann"))
    assert (new.family.owner, new.family.client, new.family.jkt, sorted(new.family.scopes)) == ("ann", "web", "thumb", ["a", "b"])
    assert (new.family.claims, new.family.created_at) == ('{"auth_time":5,"amr":["pwd"]}', NOW)
    assert new.family.expires_at == NOW + 30 * DAY
    assert desk.tokens.recognise(new.token)
    assert new.token.startswith("wwr_")
    assert new.token not in repr(new)
    short = desk.tokens.start("ann", "web", absolute=60)
    assert short.family.expires_at == NOW + 60
    desk.clock.advance(60)
    assert desk.refused(short.token) == (State.ENDED, "invalid_grant")


def test_a_chain_of_refreshes_ends_with_its_family() -> None:
    """Each token lives for the lifetime, and none beyond the absolute limit."""
    desk = Desk(lifetime=DAY, absolute=2.5 * DAY)
    new = desk.tokens.start("ann", "web", scopes=["a"])
    token, ends = new.token, []
    for _ in range(3):
        desk.clock.advance(0.9 * DAY)
        if isinstance(found := desk.tokens.refresh(token, "web"), Refreshed):
            assert (found.family, list(found.scopes), found.state) == (new.family, ["a"], State.LIVE)
            token = found.token
            ends.append(found.expires_at - NOW)
    assert ends == [1.9 * DAY, 2.5 * DAY]
    assert desk.refused(token) == (State.ENDED, "invalid_grant")
    unused = desk.tokens.start("ann", "web")
    desk.clock.advance(DAY)
    assert desk.refused(unused.token) == (State.ENDED, "invalid_grant")


def test_an_answer_that_was_lost_is_given_again() -> None:
    """The same successor, and it works."""
    desk = Desk()
    new = desk.tokens.start("ann", "web")
    one = desk.refreshed(new.token)
    desk.clock.advance(29.9)
    two = desk.refreshed(new.token)
    assert (one.token, one.expires_at) == (two.token, two.expires_at)
    assert (one.state, two.state) == (State.LIVE, State.GRACE)
    assert desk.refreshed(two.token).state is State.LIVE
    assert desk.refused(new.token) == (State.LATE, "invalid_grant")
    desk.refreshed(desk.refreshed(two.token).token)


def test_fewer_scopes_are_for_the_access_token_alone() -> None:
    """RFC 6749 §6: the family keeps its scopes. More than it has is invalid_scope, and the token stays unused."""
    desk = Desk()
    new = desk.tokens.start("ann", "web", scopes=["a", "b"])
    assert desk.refused(new.token, scopes=["a", "c"]) == (State.SCOPE, "invalid_scope")
    fewer = desk.refreshed(new.token, scopes=["a"])
    assert (fewer.state, list(fewer.scopes), sorted(fewer.family.scopes)) == (State.LIVE, ["a"], ["a", "b"])
    assert desk.refreshed(fewer.token, scopes=[]).scopes == set()
    assert desk.refreshed(fewer.token).scopes == {"a", "b"}


def test_an_operator_hears_of_what_may_be_theft() -> None:
    """Another client, a late use, and a reuse: with the family, the client and the owner, and no token."""
    desk = Desk()
    new = desk.tokens.start("ann", "web")
    assert desk.refused(new.token, "evil\n" + "x" * 1000) == (State.WRONG, "invalid_grant")
    one = desk.refreshed(new.token)
    two = desk.refreshed(one.token)
    desk.refused(new.token)
    desk.clock.advance(30)
    assert desk.refused(new.token) == (State.REUSE, "invalid_grant")
    assert desk.refused(two.token) == (State.ENDED, "invalid_grant")
    assert [(notice.kind, notice.subject) for notice in desk.notices] == [
        ("refresh_wrong_client", "ann"), ("refresh_late", "ann"), ("refresh_reuse", "ann"),
    ]  # fmt: skip
    for notice in desk.notices:
        assert notice.detail.startswith(f"family {new.family.id} of client web: ")
        assert notice.detail.isprintable()
        assert len(notice.detail) < 400
        assert not any(text in notice.detail for text in (new.token, one.token, two.token))


def test_without_a_hook_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """As a warning."""
    tokens = RefreshTokens(MemoryStore(), SECRET)
    tokens.refresh(tokens.start("ann", "web").token, "other")
    assert [(record.levelno, record.name) for record in caplog.records] == [(logging.WARNING, "watchword")]


@pytest.mark.parametrize("by", ["token", "used token", "id", "subject", "store"])
def test_a_family_is_ended(by: str) -> None:
    """By any of its tokens, by its id, or with everything of its subject; and once."""
    desk = Desk()
    new, other = desk.tokens.start("ann", "web"), desk.tokens.start("bob", "web")
    token = desk.refreshed(new.token).token
    desk.store.add_account(account("ann"))
    ways: dict[str, Callable[[], bool]] = {
        "token": lambda: desk.tokens.revoke(token),
        "used token": lambda: desk.tokens.revoke(new.token),
        "id": lambda: desk.tokens.revoke(new.family.id),
        "subject": lambda: desk.tokens.revoke_all("ann") == (0, 1),
        "store": lambda: desk.store.remove_account("ann", NOW),
    }
    assert ways[by]()
    assert desk.refused(token) == desk.refused(new.token) == (State.ENDED, "invalid_grant")
    assert desk.tokens.get(new.family.id).revoked_at == NOW
    assert not ways[by]()
    desk.refreshed(other.token)
    assert desk.notices == []


def test_what_is_no_token_ends_nothing_and_asks_nobody() -> None:
    """Tokens of other applications never reach the store."""

    class Closed(MemoryStore):
        def find_refresh(self, digest: bytes) -> Any:
            raise AssertionError

        end_family = refresh_family = find_family = find_refresh  # type: ignore[assignment]

    desk = Desk(Closed())
    good = desk.tokens.start("ann", "web").token
    for text in ("", "x", good[:-1], good + "x", good.replace("wwr", "wwt"), "\ud800", "é" * 16, good.swapcase(), "a" * 10**6):
        assert desk.refused(text) == (State.UNKNOWN, "invalid_grant")
        assert not desk.tokens.revoke(text)
        with pytest.raises(NotFound):
            desk.tokens.get(text)
    assert Desk().refused(good) == (State.UNKNOWN, "invalid_grant")


def test_a_disabled_owner_is_refused_until_enabled() -> None:
    """Nothing is used up meanwhile."""
    desk = Desk()
    kept = desk.store.add_account(account("ann"))
    new = desk.tokens.start("ann", "web")
    kept = desk.store.replace_account(replace(kept, disabled=True))
    assert desk.refused(new.token) == (State.DISABLED, "invalid_grant")
    desk.store.replace_account(replace(kept, disabled=False))
    assert desk.refreshed(new.token).state is State.LIVE


def test_what_has_ended_is_purged() -> None:
    """Refused before and after; a living family stays."""
    desk = Desk()
    ended, living = desk.tokens.start("ann", "web"), desk.tokens.start("ann", "web", absolute=60 * DAY)
    desk.tokens.revoke(ended.token)
    assert (desk.tokens.purge(NOW), desk.tokens.purge()) == (0, 0)
    desk.clock.advance(1)
    assert (desk.tokens.purge(9e15), list(desk.tokens.list())) == (1, [living.family])
    assert desk.refused(ended.token) == (State.UNKNOWN, "invalid_grant")


class Crossed(MemoryStore):
    """A store whose driver hands over the answer to another question, or a damaged record."""

    nonce = b""
    other: Rotation | None = None

    def refresh_family(self, presented: Presented) -> Rotation:
        """Refresh, and answer with something else."""
        found = super().refresh_family(presented)
        if self.other is not None or found.kept is None:
            return self.other or found
        self.other = found
        return replace(found, kept=replace(found.kept, token=replace(found.kept.token, nonce=self.nonce))) if self.nonce else found


def test_the_answer_to_another_question_is_an_outage() -> None:
    """Nobody gets the successor of another client's token, nor one that is not kept (threat W11)."""
    desk = Desk(Crossed(clock=FixedClock(NOW)))
    one, two = desk.tokens.start("ann", "web"), desk.tokens.start("bob", "web")
    desk.refreshed(one.token)
    with pytest.raises(Unavailable, match="another refresh token"):
        desk.tokens.refresh(two.token, "web")
    damaged = Desk(Crossed(clock=FixedClock(NOW)))
    damaged.store.nonce = b"x" * 16
    with pytest.raises(Unavailable, match="cannot be derived"):
        damaged.tokens.refresh(damaged.tokens.start("ann", "web").token, "web")


@pytest.mark.anyio
async def test_every_step_has_an_async_form() -> None:
    """On asyncio and trio, over a store that blocks and one that does not."""
    clock = FixedClock(NOW)
    with SQLStore("sqlite://", clock=clock) as blocking:
        for store in (MemoryStore(clock=clock), blocking):
            tokens = RefreshTokens(store, SECRET, clock=clock)
            new = await tokens.astart("ann", "web", scopes=["a"])
            found = await tokens.arefresh(new.token, "web")
            assert isinstance(found, Refreshed)
            assert await tokens.arevoke(found.token)
            assert await tokens.arefresh(found.token, "web") == Unrefreshed(State.ENDED, "invalid_grant", new.family.id)


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("the subject", {"subject": ""}),
    ("the client", {"client": "a\n"}),
    ("the client", {"client": None}),
    ("scope", {"scopes": ["a b"]}),
    ("scopes", {"scopes": "a"}),
    ("jkt", {"jkt": ""}),
    ("claims", {"claims": {"a": object()}}),
    ("claims", {"claims": {"a": float("nan")}}),
    ("claims", {"claims": 5}),
    ("claims", {"claims": {"a": "x" * 5000}}),
    ("absolute", {"absolute": 0}),
    ("absolute", {"absolute": float("nan")}),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_a_wrong_argument_starts_nothing(number: int) -> None:
    """The message names it."""
    name, given = WRONG[number]
    desk = Desk()
    with pytest.raises(ConfigurationError, match=name):
        desk.tokens.start(**{"subject": "ann", "client": "web", **given})
    assert list(desk.tokens.list()) == []


def test_a_wrong_construction_is_refused() -> None:
    """Each argument is checked."""
    good: dict[str, Any] = {"store": MemoryStore(), "secrets": SECRET}
    wrong: list[dict[str, Any]] = [{"store": object()}, {"store": MemoryStore}, {"secrets": "short"}, {"prefix": "a-b"}]
    wrong += [{"lifetime": 0}, {"absolute": -1}, {"clock": 5}]
    for given in wrong:
        with pytest.raises(ConfigurationError):
            RefreshTokens(**{**good, **given})
    assert SECRET not in repr(RefreshTokens(**good))
