"""Fetches the keys of an issuer, keeps the last good set, and refreshes it (RFC 7517 §5, threats C8).

* Callers that need the same fetch share it.
* A set is refreshed after a response, before its lifetime ends. No caller waits for that.
* A failure never removes a set: neither an outage, nor an answer that is no set, nor a set without a usable key.
* Random key ids cause at most one fetch in 30 seconds, for all tokens together.

A fetch is made in a thread, also for callers on an event loop: it goes on when its caller is cancelled, so clients that disconnect cannot
keep a new key from being found. No thread outlives a fetch, so nothing has to survive a fork.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from watchword.checkers.jwt.algorithms import check_algorithms, is_symmetric
from watchword.checkers.jwt.discovery import find_keys_url
from watchword.checkers.jwt.keys import KeySet
from watchword.checkers.jwt.schedule import MOST_STALE, Schedule
from watchword.clock import UptimeClock, as_clock
from watchword.errors import ConfigurationError, FieldTooLong, GrammarError, Unavailable
from watchword.fetching import LIMIT, Fetcher, configured_url, lifetime_of
from watchword.grammar.strict_json import parse_json
from watchword.observe.notice import OperatorNotice, log_notice
from watchword.operation import Operation, arun, run
from watchword.protection.single_flight import SingleFlight
from watchword.validators import check_number, check_type

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from watchword.checkers.jwt.schedule import Cause
    from watchword.clock import Clock
    from watchword.fetching import Fetched, Url
    from watchword.observe.notice import Hook, Kind
    from watchword.operation import Steps

_OK: Final = 200
_KEY: Final = b"keys"  # of the one flight
_MOST_WORDS: Final = 20  # members of a set that a notice names
_ACCEPT: Final = "application/jwk-set+json, application/json"


class RemoteKeys:
    """The keys of an issuer, fetched from its server.

    Give the URL of its key set, or the issuer, whose metadata names the key set (RFC 8414, OpenID Connect Discovery).

    Args:
        url: the URL of the key set; None: it is found by the metadata of `issuer`.
        issuer: the issuer, exactly as its tokens name it.
        algorithms: the names of the algorithms that are allowed, none of shared secrets; None: all signatures by public keys.
        fetcher: how it is fetched; None: `Fetcher()`.
        max_stale: for how many seconds the last good set is used beyond its lifetime while no new one can be fetched; a day at most.
        clock: measures ages, and so must not be one that is set; None: the time since the machine started.
        on_event: receives notices of failed fetches and of keys that cannot be used; None: the log.

    Raises:
        ConfigurationError: an argument is wrong, or the package for HTTP is not installed.

    Trust: the server of the URL, and whom it names in `jwks_uri`, say which tokens are true.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        issuer: str | None = None,
        algorithms: Iterable[str] | None = None,
        fetcher: Fetcher | None = None,
        max_stale: float = MOST_STALE,
        clock: Clock | None = None,
        on_event: Hook | None = None,
    ) -> None:
        if (url is None) is (issuer is None):
            raise ConfigurationError(
                "RemoteKeys(...) must get either url or issuer. Give the URL of the key set, or the issuer to find it."
            )
        self._algorithms = check_algorithms(algorithms)
        if is_symmetric(self._algorithms):
            # A reader of the set could sign.
            raise ConfigurationError("RemoteKeys(algorithms=...) must be for public keys. Give shared secrets as JWT(keys=...).")
        self._issuer = issuer
        self._at = configured_url("RemoteKeys(url)" if issuer is None else "RemoteKeys(issuer=...)", url if issuer is None else issuer)
        if issuer is not None and self._at.query:
            raise ConfigurationError(
                "RemoteKeys(issuer=...) must be a URL without a query (RFC 8414 §2). Give the issuer as its tokens name it."
            )
        self._found: Url | None = None if issuer is not None else self._at
        self._fetcher = Fetcher() if fetcher is None else check_type("RemoteKeys(fetcher=...)", fetcher, Fetcher, "Fetcher(timeout=5)")
        stale = check_number("RemoteKeys(max_stale=...)", max_stale, most=MOST_STALE)
        self._schedule = Schedule(UptimeClock() if clock is None else as_clock(clock, "RemoteKeys"), stale)
        self._tell = log_notice if on_event is None else on_event
        self._flight = SingleFlight()
        self._held: KeySet | None = None
        self._failure = ""
        self._told: frozenset[str] = frozenset()

    @property
    def needs_loop(self) -> bool:
        """Whether it can only be awaited, because its HTTP client can."""
        return self._fetcher.is_async_only

    def keys(self, kid: str | None) -> Steps[KeySet]:
        """Return the set for a token; see `KeySource`."""
        held = self._usable()
        if held is None:
            yield from self._fetch("missing", kid)
            held = self._usable()
            if held is None:
                raise self._unavailable("there is no key set")
            return held
        if kid is not None and not held.has_kid(kid):
            yield from self._fetch("unknown")
            held = self._usable() or held
            if self._schedule.is_failing and not held.has_kid(kid):
                # The issuer may sign with a new key: that the set lacks it says nothing about the token.
                raise self._unavailable("a token names a key that is not in the last good key set")
        elif self._schedule.must_wait:
            yield from self._fetch("due")
            held = self._usable() or held
        return held

    def fresh(self) -> KeySet | None:
        """Return the set that `keys` would use without a fetch; None: one is due. See `KeySource`."""
        if self._schedule.is_quiet:
            return self._held
        # For one request in a while None: it reaches the checker, which takes the work along.
        return None if self._schedule.may("due") else self._usable()

    def refresh(self) -> Operation[None] | None:
        """Return what fetches a new set, for after the response, where that is due and no other caller does it; None: nothing is to do."""
        schedule = self._schedule
        if self._held is None or not schedule.is_due or not schedule.claim("due"):
            return None
        return self._operation(self._claimed)

    def look(self) -> Steps[Fetched]:
        """Fetch the key set, and return the answer. Nothing of it is kept: this is for tools that look at a configuration.

        Raises:
            Unavailable: there is no answer, or no key in it can be used.
        """
        fetched = yield from self._answer()
        self._read(fetched)
        return fetched

    def _usable(self) -> KeySet | None:
        return self._held if self._schedule.is_usable else None

    def _fetch(self, cause: Cause, kid: str | None = None) -> Steps[None]:
        """Fetch a set, or wait for a fetch that is under way, or return at once where none may be made.

        While the server fails, no caller waits for the fetch of another: a silent server would hold a thread for each, time and again.
        """
        if not self._schedule.may(cause) and (self._schedule.is_failing or not self._flight.running):
            return
        try:
            yield self._operation(partial(self._attempt, cause, kid))
        except Unavailable:  # no thread can be started
            if self._usable() is None:
                raise

    def _operation(self, steps: Callable[[], Steps[None]]) -> Operation[None]:
        def work() -> None:
            run(steps())

        async def awaited() -> None:
            await arun(steps())

        by_loop: Callable[[], Awaitable[None]] | None = awaited if self._fetcher.is_async_only else None
        return self._flight.operation(_KEY, work, awaited=by_loop)

    def _attempt(self, cause: Cause, kid: str | None) -> Steps[None]:
        # Looked at again: another flight may have ended since.
        if not self._schedule.claim(cause):
            return
        yield from self._claimed()
        if cause == "missing" and kid is not None and self._held is not None and not self._held.has_kid(kid):
            # A first fetch for a good token is no look for a key: the issuer may rotate in the next moment. One for a made-up key is.
            self._schedule.looked()

    def _claimed(self) -> Steps[None]:
        try:
            fetched = yield from self._answer()
            found = self._read(fetched)
        except Unavailable as error:
            self._note_failure(error.why)
        else:
            self._keep(found, lifetime_of(fetched.fields))

    def _answer(self) -> Steps[Fetched]:
        found = self._found
        if found is None:
            found = yield from find_keys_url(self._fetcher, self._issuer or "", self._at)
        fetched: Fetched = yield self._fetcher.get(found, accept=_ACCEPT)
        self._found = found
        return fetched

    def _read(self, fetched: Fetched) -> KeySet:
        if fetched.status != _OK:
            raise fetched.failed(f"it answers {fetched.status}. Check the URL.")
        try:
            found = KeySet.read(parse_json(fetched.content, limit=LIMIT), self._algorithms)
        except (GrammarError, FieldTooLong) as error:
            raise fetched.failed(f"it is no key set: {error}. Check the URL.") from None
        if not found.keys:
            words = "; ".join(found.skipped[:_MOST_WORDS]) or "the set is empty"
            raise fetched.failed(f"none of its keys can be used ({words}). Check the algorithms.")
        return found

    def _keep(self, found: KeySet, stated: float | None) -> None:
        recovered, failing = self._held is not None, self._schedule.is_failing
        self._held = found
        self._schedule.succeeded(stated)
        self._failure = ""
        if recovered and failing:
            self._notice("key_set_refreshed", "the key set was fetched again")
        words = (*found.skipped, *found.warnings)
        for one in words[:_MOST_WORDS]:
            if one not in self._told:
                self._notice("unusable_key", one)
        self._told = frozenset(words)

    def _note_failure(self, why: str) -> None:
        first = not self._schedule.is_failing
        self._schedule.failed()
        self._failure = why
        if self._issuer is not None:
            self._found = None  # the metadata may name another place now
        if first and self._usable() is not None:
            self._notice("key_set_kept", f"the last good key set is used on: {why}")

    def _notice(self, kind: Kind, detail: str) -> None:
        self._tell(OperatorNotice(kind, detail, source=str(self._at)))

    def _unavailable(self, what: str) -> Unavailable:
        return Unavailable(f"{what}: {self._failure or f'{self._at} is being asked'}", retry_after=self._schedule.retry_after)

    def __repr__(self) -> str:
        return f"RemoteKeys({str(self._at)!r})"


__all__ = ["RemoteKeys"]
