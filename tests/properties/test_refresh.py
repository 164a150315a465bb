"""Random histories of refresh tokens against a model: right and wrong clients, clocks that step, outages, and answers that are lost."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.errors import Unavailable
from watchword.issuing import Refreshed, RefreshTokens
from watchword.stores import MemoryStore, SQLStore
from watchword.testing import FixedClock
from watchword.testing.stores import account

NOW = 1_000_000.0
LIFETIME, ABSOLUTE = 200.0, 500.0
SECRETS = ["a" * 32, "b" * 32]


@dataclass
class Token:
    """What is true of a token."""

    family: Family
    expires: float
    rotated: float | None = None
    successor: str | None = None
    uses: int = 0
    gone: bool = False


@dataclass
class Family:
    """What is true of a family."""

    owner: str
    ends: float
    ended: float | None = None
    gone: bool = False


@dataclass
class Truth:
    """The protocol, in as few words as it needs: tokens by their text."""

    tokens: dict[str, Token] = field(default_factory=dict)
    disabled: set[str] = field(default_factory=set)

    def expected(self, text: str, client: str, now: float) -> str:
        """Return what a presented token is, and do what follows; a successor is filled in by `follow`."""
        token = self.tokens[text]
        if token.gone:
            return "unknown"
        if client != "web":
            return "wrong"
        if token.family.ended is not None or now >= token.expires or now >= token.family.ends:
            return "ended"
        if token.family.owner in self.disabled:
            return "disabled"
        if token.rotated is None:
            token.rotated = now
            return "live"
        if now - token.rotated >= 30:
            token.family.ended = now
            return "reuse"
        if token.rotated - now > 30:
            return "late"
        successor = self.tokens[token.successor or ""]
        if successor.rotated is None and not successor.gone and token.uses < 256:
            token.uses += 1
            return "grace"
        return "late"

    def families(self) -> list[Family]:
        """Return each family once."""
        return list({id(token.family): token.family for token in self.tokens.values()}.values())

    def follow(self, text: str, successor: str, now: float) -> None:
        """Note the successor of a token, which is always the same."""
        token = self.tokens[text]
        if token.successor is None:
            token.successor = successor
            assert successor not in self.tokens
            self.tokens[successor] = Token(token.family, min(now + LIFETIME, token.family.ends))
        assert token.successor == successor


class Failing:
    """A store whose next refresh fails: before it is done, or after its commit, when the answer is lost."""

    fails: str = ""

    def __init__(self, store: MemoryStore | SQLStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        """Return any other method."""
        return getattr(self._store, name)

    def refresh_family(self, presented: Any) -> Any:
        """Refresh, and perhaps fail."""
        fails, self.fails = self.fails, ""
        if fails == "before":
            raise Unavailable("the database is away")
        done = self._store.refresh_family(presented)
        if fails == "after":
            raise Unavailable("the connection broke during the commit")
        return done


STEP = st.one_of(
    st.tuples(st.just("refresh"), st.integers(0, 20), st.sampled_from(["", "", "", "before", "after"])),
    st.tuples(st.just("refresh"), st.integers(0, 20), st.just("")),
    st.tuples(st.just("newest"), st.integers(0, 3), st.sampled_from(["", "", "after"])),
    st.tuples(st.just("other"), st.integers(0, 20), st.just("")),
    st.tuples(st.just("wait"), st.sampled_from([1, 5, 15, 29, 30, 31, 100, -5, -30, -31, -100]), st.just("")),
    st.tuples(st.just("start"), st.integers(0, 1), st.just("")),
    st.tuples(st.sampled_from(["end", "revoke", "disable", "enable", "rotate", "purge", "purge"]), st.integers(0, 20), st.just("")),
)


class Run:
    """One history, in the store and in the model."""

    def __init__(self, store: MemoryStore | SQLStore, clock: FixedClock) -> None:
        self.clock, self.store, self.truth = clock, Failing(store), Truth()
        self.secrets = list(SECRETS)
        for owner in "01":
            self.store.add_account(account(owner))
        self.start(0)
        self.start(1)

    @property
    def tokens(self) -> RefreshTokens:
        """Those of a process that begins now: it knows nothing but the secrets."""
        return RefreshTokens(
            self.store, self.secrets, lifetime=LIFETIME, absolute=ABSOLUTE, clock=self.clock, on_event=lambda _: None
        )  # fmt: skip

    def start(self, owner: int) -> None:
        """Log in."""
        new = self.tokens.start(str(owner), "web")
        family = Family(str(owner), self.clock.now() + ABSOLUTE)
        self.truth.tokens[new.token] = Token(family, min(self.clock.now() + LIFETIME, family.ends))

    def pick(self, number: int) -> str:
        """Return one of all tokens."""
        return list(self.truth.tokens)[number % len(self.truth.tokens)]

    def refresh(self, text: str, client: str, fails: str) -> None:
        """Present a token, and compare the answer with the truth."""
        self.store.fails = fails
        now = self.clock.now()
        try:
            found = self.tokens.refresh(text, client)
        except Unavailable:
            assert fails
            if fails == "before":
                return
            if (state := self.truth.expected(text, client, now)) in {"live", "grace"}:
                # The client comes again at once, and has lost nothing: an honest one always gets on.
                again = self.tokens.refresh(text, client)
                assert isinstance(again, Refreshed) or self.truth.tokens[text].uses >= 256, state
                self.truth.tokens[text].uses += 1
                assert isinstance(again, Refreshed)
                self.truth.follow(text, again.token, now)
            return
        state = self.truth.expected(text, client, now)
        assert found.state.value == state
        assert isinstance(found, Refreshed) == (state in {"live", "grace"})
        if isinstance(found, Refreshed):
            self.truth.follow(text, found.token, now)
            assert found.expires_at == self.truth.tokens[found.token].expires

    def do(self, step: tuple[str, int, str]) -> None:
        """Do one step in both."""
        what, number, fails = step
        getattr(self, f"do_{what}")(number, fails)

    def do_refresh(self, number: int, fails: str) -> None:
        """Present any token."""
        self.refresh(self.pick(number), "web", fails)

    def do_newest(self, number: int, fails: str) -> None:
        """Present one of the latest."""
        self.refresh(self.pick(-1 - number), "web", fails)

    def do_other(self, number: int, _: str) -> None:
        """Present a token as somebody else."""
        self.refresh(self.pick(number), "mallory", "")

    def do_wait(self, seconds: int, _: str) -> None:
        """Let time go on, or back."""
        self.clock.advance(seconds)

    def do_start(self, owner: int, _: str) -> None:
        """Log in once more."""
        self.start(owner)

    def do_end(self, number: int, _: str) -> None:
        """Log out."""
        text = self.pick(number)
        token = self.truth.tokens[text]
        assert self.tokens.revoke(text) == (token.family.ended is None and not token.gone)
        if not token.gone and token.family.ended is None:
            token.family.ended = self.clock.now()

    def do_revoke(self, number: int, _: str) -> None:
        """Log somebody out everywhere."""
        owner = str(number % 2)
        living = [family for family in self.truth.families() if family.owner == owner and family.ended is None and not family.gone]
        assert self.tokens.revoke_all(owner) == (0, len(living))
        for family in living:
            family.ended = self.clock.now()

    def do_disable(self, number: int, _: str, *, disabled: bool = True) -> None:
        """Disable an account."""
        owner = str(number % 2)
        self.store.replace_account(replace(self.store.get_account(owner), disabled=disabled))
        (self.truth.disabled.add if disabled else self.truth.disabled.discard)(owner)

    def do_enable(self, number: int, fails: str) -> None:
        """Enable an account."""
        self.do_disable(number, fails, disabled=False)

    def do_rotate(self, _number: int, _: str) -> None:
        """Use another secret for new successors."""
        self.secrets.reverse()

    def do_purge(self, _number: int, _: str) -> None:
        """Delete what has ended."""
        now, count = self.clock.now(), 0
        for family in self.truth.families():
            if not family.gone and (family.ends < now or (family.ended is not None and family.ended < now)):
                family.gone = True
                count += 1
        for token in self.truth.tokens.values():
            token.gone = token.gone or token.family.gone or token.expires < now
        assert self.tokens.purge() == count


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@given(steps=st.lists(STEP, max_size=60))
def test_every_history_is_that_of_the_model(kind: str, steps: list[tuple[str, int, str]]) -> None:
    """Each answer, each successor and each end is as the protocol says, in whatever order things happen."""
    clock = FixedClock(NOW)
    store = MemoryStore(clock=clock) if kind == "memory" else SQLStore("sqlite://", clock=clock)
    run = Run(store, clock)
    for step in steps:
        run.do(step)
    # What is kept is what is true: the families that were started and not purged, and when they ended.
    kept = sorted((family.owner, family.expires_at, family.revoked_at or 0) for family in run.tokens.list())
    families = [family for family in run.truth.families() if not family.gone]
    assert kept == sorted((family.owner, family.ends, family.ended or 0) for family in families)
    # In each family one token is unused: a chain, never a tree.
    for family in families:
        assert sum(token.rotated is None for token in run.truth.tokens.values() if token.family is family) == 1
    if isinstance(store, SQLStore):
        store.close()
