"""Verifies credentials: the one way to a checker, for requests, for views reached later and for login forms.

1 cross-site test, 2 throttle (blocked?), 3 credential cache, 4 throttle (reserve), 5 checker, 6 note of the outcome. The order matters:
a page of another origin must not spend the visitor's attempts (1 before 2); a blocked attacker must not tell a right guess, which the
cache answers, from a wrong one (2 before 3); an accepted caller counts nothing (3 before 4).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from watchword.decision import NOBODY, Caller, Decided, Forbidden, Throttled
from watchword.errors import Unavailable
from watchword.guard.challenging import EVIDENCE_ENDED, refuse_credentials
from watchword.guard.cross_site import find_cross_site, needs_own_origin
from watchword.guard.fast_path import LONGEST_FIELD
from watchword.networks import networks_of
from watchword.operation import in_order
from watchword.principal import ANONYMOUS
from watchword.reason import Reason
from watchword.verdict import Refused

if TYPE_CHECKING:
    from watchword.authorization.hierarchy import ScopeHierarchy
    from watchword.authorization.rules import Route
    from watchword.credentials import Carrier, Credentials
    from watchword.decision import Challenged, Headers, Refusing
    from watchword.guard.cache import CredentialCache
    from watchword.guard.fast_path import FastPath
    from watchword.guard.policy import Entry, Policy
    from watchword.operation import Operation, Steps
    from watchword.principal import Principal
    from watchword.protection.attempts import Outcome, Throttling
    from watchword.request import RequestView
    from watchword.verdict import Verdict


class Verified(NamedTuple):
    """Credentials that a checker accepted, or could not tell about.

    Args:
        caller: the caller, or why the credentials could not be checked.
        headers: response fields of the verdict; those of a cached caller are none, because they belong to one response.
        after_response: what the checker, and the throttle, left for after the response.
    """

    caller: Caller
    headers: Headers = ()
    after_response: Operation[Any] | None = None


class Shown(NamedTuple):
    """Credentials that are to be verified.

    Args:
        entry: the scheme that they came by.
        credentials: what was shown; untrusted.
        carrier: which part of the request brought them.
        field: the header field that brought them, if it says everything that the checker is given: then it is the key in the cache. Empty:
            it does not, or no field did.
    """

    entry: Entry
    credentials: Credentials
    carrier: Carrier
    field: str


Answer: TypeAlias = "Verified | Refusing"


class Verifying:
    """The verify step of one guard.

    Args:
        policy: the configuration.
        cache: knows callers who were let in before.
        fast_path: is told when there is a caller who could take it.
    """

    __slots__ = ("_cache", "_fast_path", "_policy")

    def __init__(self, policy: Policy, cache: CredentialCache, fast_path: FastPath) -> None:
        self._policy = policy
        self._cache = cache
        self._fast_path = fast_path

    def start(
        self, view: RequestView, route: Route, entry: Entry, credentials: Credentials, *, login: bool = False
    ) -> Answer | Steps[Answer]:
        """Verify credentials as far as possible without an operation.

        Args:
            view: the request, scanned.
            route: the rule, for the cross-site test and the challenges.
            entry: the scheme that they came by.
            credentials: what was shown; untrusted.
            login: whether the credentials come from a login form: then the cross-site test holds although no browser sent the
                credentials by itself, or a foreign page could log its visitor in to another account (login CSRF).

        Returns:
            The answer, or the steps that are left.
        """
        policy = self._policy
        # By the scheme and not by the credentials alone: those of a custom class say "authorization" by default.
        carrier = entry.scheme.carrier_of(credentials, view)
        view.shown = credentials
        refused = self.cross_site(view, route, entry, carrier, login=login)
        if refused is not None:
            return refused
        # A login form may come with an Authorization field, which says nothing about who has filled the form in.
        shown = Shown(entry, credentials, carrier, "" if login else _field(view, entry, carrier))
        # Tokens and keys cannot be guessed. To count them would let a broken deployment lock its own clients out.
        throttle = policy.throttle
        if throttle is not None and credentials.is_guessable:
            return self._throttled(throttle, view, route, shown)
        checker = entry.checker
        if checker.direct is None:
            return self._recall(view, route, shown) or self._ask(view, route, shown)
        try:
            # A table is looked up faster than the key of a cache is made.
            answer = checker.direct(credentials)
        except Unavailable as error:
            return _unavailable(shown, error)
        return self._conclude(view, route, shown, checker.verdict(answer))

    def cross_site(self, view: RequestView, route: Route, entry: Entry, carrier: Carrier, *, login: bool = False) -> Forbidden | None:
        """Refuse what a page of another origin made a browser send; before anything is verified, so that it costs and tells nothing.

        Not for a proxy: all that a browser sends through it comes from pages of other origins, credentials for the proxy included.

        Args:
            view: the request, scanned.
            route: the rule, which may be exempt.
            entry: the scheme of the credentials.
            carrier: which part of the request brought them.
            login: as above.
        """
        policy = self._policy
        if not needs_own_origin(view) or route.any_origin or policy.proxy or not (login or entry.scheme.is_ambient(carrier)):
            return None
        detail = find_cross_site(view, policy.origins, cookie=carrier == "cookie" and not login)
        if detail is None:
            return None
        return Forbidden(reason=Reason.CROSS_SITE, rule=route.text, route=route, detail=detail, scheme=entry.scheme.name)

    def unfit(self, view: RequestView, route: Route, entry: Entry, principal: Principal) -> Challenged | Forbidden | None:
        """Refuse evidence that has expired, or that does not count from this address; None: it counts.

        Nothing of the verdict goes with such a refusal: its response fields, or a room that the throttle gives back, would tell a thief
        that the credentials are good elsewhere.

        Args:
            view: the request, scanned.
            route: the rule, for the challenges.
            entry: the scheme of the credentials.
            principal: the caller.
        """
        policy, evidence = self._policy, principal.evidence
        if evidence is None:
            return None
        # `not <` and not `>=`: no time is earlier than NaN, so evidence with such an end is refused.
        if evidence.expires_at is not None and not policy.clock.now() < evidence.expires_at:
            return refuse_credentials(policy, route, view, entry, Reason.EXPIRED, EVIDENCE_ENDED)
        if evidence.networks is not None and not networks_of(evidence.networks).contains(view.address):
            # Other credentials may count from here: 401. The client sees a general reason, so a thief does not learn that these are valid.
            detail = f"those of {principal.id} do not count from here"
            return refuse_credentials(policy, route, view, entry, Reason.NETWORK_DENIED, detail)
        return None

    def _recall(self, view: RequestView, route: Route, shown: Shown) -> Answer | None:
        """Return the answer for a caller whom the cache knows; None: the checker is to be asked.

        A checker that answers at once is asked as quickly as the cache.
        """
        if shown.entry.checker.direct is not None:
            return None
        key = self._key(view, shown)
        fact = None if key is None else self._cache.recall(key)
        if fact is None:
            return None
        # The carrier of this request, and not that of the first one: what the response says to caches depends on it.
        known = Caller(fact.principal, fact.scheme, shown.carrier, fact, cached=True)
        return self.unfit(view, route, shown.entry, known.principal) or Verified(known)

    def _key(self, view: RequestView, shown: Shown) -> bytes | None:
        """Return the key under which a caller is cached; None: not at all."""
        if not shown.field:
            return self._cache.key_of(shown.entry, shown.credentials)
        # The octets as they came. Two spellings of one secret are two entries, which costs memory and never an access.
        sent = view.fields[shown.field]
        return self._cache.key_of_field(shown.field, sent if isinstance(sent, bytes) else sent.encode("latin-1"))

    def _ask(self, view: RequestView, route: Route, shown: Shown) -> Steps[Answer]:
        checker = shown.entry.checker
        try:
            if checker.direct is not None:
                answer = checker.direct(shown.credentials)
            elif checker.flow is not None:
                answer = yield from checker.flow(shown.credentials)
            else:  # pragma: no cover - adapt() gives every checker one way or the other
                raise TypeError(f"the checker {checker.name} has neither an answer nor steps")
        except Unavailable as error:
            return _unavailable(shown, error)
        return self._conclude(view, route, shown, checker.verdict(answer))

    def _throttled(self, throttle: Throttling, view: RequestView, route: Route, shown: Shown) -> Steps[Answer]:
        from watchword.protection.attempts import Attempt  # nothing that a guard without a throttle loads

        entry, credentials = shown.entry, shown.credentials
        # With a digest, so that a password manager that retries the same wrong secret counts once.
        attempt = Attempt(view, entry.scheme.name, credentials.claimed_identity, self._cache.key_of(entry, credentials))
        try:
            wait = throttle.blocked(attempt)
        except Unavailable as error:
            return _unavailable(shown, error)
        if wait is not None:
            return _wait(route, entry, wait)
        # A browser sends the password with every request: a caller who was accepted before reserves nothing.
        known = self._recall(view, route, shown)
        if known is not None:
            return known
        try:
            # Where the store of the throttle is away, the answer is 503: unlimited guesses during an outage are what an attacker waits for.
            reservation = yield from throttle.reserve(attempt)
        except Unavailable as error:
            return _unavailable(shown, error)
        # Before the hash and not after it: parallel guesses must not pass the limit together (threat O7).
        if isinstance(reservation, int):
            return _wait(route, entry, reservation)
        try:
            answer = yield from self._ask(view, route, shown)
        except Exception:
            # A bug of the checker is no wrong secret. A request that is cancelled settles nothing: its room lapses with the window.
            settling = reservation.settle("unverified")
            if settling is not None:
                yield settling
            raise
        settling = reservation.settle(_outcome(answer))
        if settling is None:
            return answer
        if isinstance(answer, Decided):
            return answer.followed_by(in_order(answer.after_response, settling))
        return answer._replace(after_response=in_order(answer.after_response, settling))

    def _conclude(self, view: RequestView, route: Route, shown: Shown, verdict: Verdict) -> Answer:
        """Turn the verdict into an answer, and keep the caller in the cache for as long as the checker allows."""
        entry = shown.entry
        if isinstance(verdict, Refused):
            # A browser adds its cookies to every request: one without a login is no failed attempt. All else is sent on purpose (D18).
            if verdict.absent and shown.carrier == "cookie":
                return Verified(NOBODY, verdict.headers)
            return refuse_credentials(
                self._policy, route, view, entry, verdict.reason, verdict.detail, disclose=verdict.disclose, headers=verdict.headers
            )
        principal = stamped(verdict.principal, entry)
        # Only where somebody takes the event, which is when its time is measured. On the fast path the credentials are not there.
        credential = self._policy.credential_names.of(shown.credentials) if view.started else ""
        fact = self._cache.fact(entry, principal, verdict.lease, shown.carrier, credential)
        # A checker that answers at once is asked as quickly as the cache, but for the fast path.
        if fact is not None and (shown.field or entry.checker.direct is None):
            key = self._key(view, shown)
            if key is not None:
                self._cache.keep(key, fact)
                self._fast_path.in_use |= self._fast_path.is_open
        accepted = Verified(
            Caller(principal, entry.scheme.name, shown.carrier, fact, credential=credential), verdict.headers, verdict.after_response
        )
        return self.unfit(view, route, entry, principal) or accepted


def _field(view: RequestView, entry: Entry, carrier: Carrier) -> str:
    """Return the name of the header field that is the key in the cache; empty: none is. A long one would cost more than it saves."""
    name = entry.key_fields.get(carrier, "")
    sent = view.fields.get(name)
    return name if sent is not None and len(sent) <= LONGEST_FIELD else ""


def stamped(principal: Principal, entry: Entry) -> Principal:
    """Return the principal with the scheme by which it came, and with the scopes that its scopes imply.

    `via` must not depend on what a checker claims.

    Args:
        principal: the caller.
        entry: the scheme.
    """
    evidence = principal.evidence
    if entry.hierarchy is not None:
        return _closed(principal, entry, entry.hierarchy)
    if evidence is not None and evidence.scheme == entry.scheme.name:
        return principal
    return principal.with_evidence(entry.evidence if evidence is None else replace(evidence, scheme=entry.scheme.name))


def _closed(principal: Principal, entry: Entry, hierarchy: ScopeHierarchy) -> Principal:
    evidence, held = principal.evidence or entry.evidence, principal.scopes
    closed = hierarchy.closure(held)
    issued = evidence.scopes
    # A checker may hand on a principal that this guard has closed before. What does not fit the scopes is not of this principal: to start
    # from it could widen a token.
    if issued is None or hierarchy.closure(issued) != held:
        issued = held
    return principal.with_evidence(replace(evidence, scheme=entry.scheme.name, scopes=issued), closed)


def _unavailable(shown: Shown, error: Unavailable) -> Verified:
    # The decision outlives the request in logs and sinks. Its frames hold the request and may hold a secret, and they hold each other, so
    # that an outage would leave the garbage collector as much to do as all requests together.
    error.__cause__ = error.__context__ = error.__traceback__ = None
    return Verified(Caller(ANONYMOUS, shown.entry.scheme.name, shown.carrier, failure=error))


def _wait(route: Route, entry: Entry, seconds: int) -> Throttled:
    # Without a challenge (RFC 6585 §4 asks for none): it would make a browser ask for the password again, which counts as the next guess.
    return Throttled(reason=Reason.THROTTLED, rule=route.text, route=route, scheme=entry.scheme.name, retry_after=seconds)


def _outcome(answer: Answer) -> Outcome:
    if isinstance(answer, Decided):
        return "refused"
    # An outage is no wrong guess. To count it would lock out callers who retry until the service is back.
    return "accepted" if answer.caller.failure is None else "unverified"


__all__ = ["Answer", "Verified", "Verifying", "stamped"]
