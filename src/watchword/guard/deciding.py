"""The way of a request to its decision. Pure but for the operations it yields; the same for ASGI, WSGI and anything else.

1 firewall, 2 rule, 3 what holds whoever it is, 4 credentials, 5 checker, 6 the rule again, with the identity. A preflight is no exception
(decision D57).
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from watchword.authorization.requirement import EvaluationContext
from watchword.authorization.value import NO, YES, Unknown
from watchword.decision import SILENT, CacheAdvice, Decided, Failed, Forbidden, Granted, Malformed
from watchword.errors import FieldTooLong, GrammarError, Overloaded, Unavailable
from watchword.grammar import MAX_CHALLENGES, claimed_schemes, parse_authorization
from watchword.guard.challenging import EVIDENCE_ENDED, ask_anonymous, asking, bad_request_challenges, refuse_credentials, settle
from watchword.guard.cross_site import find_cross_site, needs_own_origin
from watchword.guard.fast_path import LONGEST_FIELD, FastPath
from watchword.networks import Networks
from watchword.principal import ANONYMOUS
from watchword.reason import Reason
from watchword.request import ContentInPieces
from watchword.schemes.base import CredentialsError
from watchword.verdict import Refused

if TYPE_CHECKING:
    from watchword.authorization.rules import Route
    from watchword.credentials import Carrier, Credentials
    from watchword.decision import Decision
    from watchword.grammar import Challenge
    from watchword.guard.cache import CredentialCache
    from watchword.guard.policy import Entry, Policy
    from watchword.operation import Steps
    from watchword.principal import Principal
    from watchword.protection.firewall import Finding
    from watchword.request import RequestView
    from watchword.verdict import Accepted, Verdict

_SECURE = frozenset({"https", "wss"})

Found: TypeAlias = "tuple[Entry, Credentials]"


class Deciding:
    """The decisions of one guard.

    Args:
        policy: its configuration.
        cache: knows callers who were let in before.
    """

    __slots__ = ("_advice", "_cache", "_policy", "_private", "_unasked", "fast_path")

    def __init__(self, policy: Policy, cache: CredentialCache) -> None:
        self._policy = policy
        self._cache = cache
        missing = policy.hides
        silent = CacheAdvice(missing=True) if missing else SILENT
        private = CacheAdvice("private", missing=missing)
        # What the carrier of the credentials means for caches (decision D58). None: an anonymous caller, who might have sent some.
        self._advice: dict[Carrier | None, CacheAdvice] = {
            # Shared caches know Authorization (RFC 9111 §3.5), and do not know Proxy-Authorization.
            "authorization": private if policy.proxy else silent,
            "header": private,
            "cookie": private,
            "form": private,
            "query": CacheAdvice("no-store", missing=missing),
            None: CacheAdvice(vary=policy.vary, missing=missing),
        }
        self._private = {advice: replace(advice, cache_control="private") for advice in (silent, self._advice[None])}
        # Where the rule is met whoever asks: by whether it reads the request.
        self._unasked = {False: silent, True: private}
        self.fast_path: FastPath = FastPath(policy, cache, silent)

    def start(self, view: RequestView) -> Decision | Steps[Decision]:
        """Decide as far as it goes without an operation.

        Args:
            view: the request.

        Returns:
            The decision; or the steps that are left, for a driver.
        """
        policy = self._policy
        view.scan_bounded(policy.index)
        finding = policy.firewall.check_bounds(view)
        if finding is not None:
            return self._malformed(view, policy.rules.default, finding.reason, f"the firewall's rule {finding.rule}")
        finding, route = self._route(view)
        finding = finding or policy.firewall.check_fields(view, policy.fields)
        if finding is not None:
            return self._malformed(view, route, finding.reason, f"the firewall's rule {finding.rule}")
        if route.fast_check is None:
            # Some of it may hold, or fail, whoever it is: then no password is hashed and no token looked up.
            context = EvaluationContext(view, policy.clock)
            value = route.requirement.evaluate(context)
            granted = Granted(ANONYMOUS, route.text, cache=self._unasked[route.reads_request])
            if value is YES:
                return granted
            if value is NO and not route.hides:
                return settle(policy, route, context, value, None, granted)
        if policy.require_tls and not _is_private(view):
            return Forbidden(reason=Reason.INSECURE_TRANSPORT, rule=route.text)
        if policy.form_limit and _may_carry_form(view):
            return self._with_form(view, route)
        return self._authenticate(view, route)

    def steps(self, view: RequestView) -> Steps[Decision]:
        """Decide in steps, for a driver of one's own; see `watchword.operation`.

        Args:
            view: the request.

        Returns:
            A generator of operations that ends in the decision.
        """
        begun = self.start(view)
        return begun if isinstance(begun, Decided) else (yield from begun)

    def _route(self, view: RequestView) -> tuple[Finding | None, Route]:
        if view.misplaced or view.whole is not None:
            # The key below does not tell these from other requests.
            return self._policy.firewall.check_target(view), self._policy.route(view)
        targets = self.fast_path.targets
        key = (view.method, view.path, view.raw_path, view.mount)
        known = targets.get(key)
        if known is None:
            known = self._policy.firewall.check_target(view), self._policy.route(view)
            targets.keep(key, known)
        return known

    def _with_form(self, view: RequestView, route: Route) -> Steps[Decision]:
        """Read the content first, because a scheme was asked to look for a token in it (RFC 6750 §2.2)."""
        limit = self._policy.form_limit
        content = view.content
        if content is None and view.reader is not None:
            try:
                content = yield view.reader(limit)
            except ContentInPieces as error:
                return Malformed(reason=Reason.OVERSIZED_CONTENT, rule=route.text, detail=str(error))
        if content is not None and len(content) > limit:
            return Malformed(reason=Reason.OVERSIZED_CONTENT, rule=route.text, detail=f"more than {limit} octets")
        view.form = content if content is not None and content.isascii() else b""
        begun = self._authenticate(view, route)
        return begun if isinstance(begun, Decided) else (yield from begun)

    def _authenticate(self, view: RequestView, route: Route) -> Decision | Steps[Decision]:
        """Find the credentials, if there are any, and check them."""
        policy = self._policy
        try:
            sent = view.fields.get("proxy-authorization" if policy.proxy else "authorization")
            # The firewall has bounded it, by the scheme that it names.
            view.use_authorization(None if sent is None else parse_authorization(sent, limit=len(sent)))
            found = self._extract(view, route)
        except FieldTooLong as error:
            return self._malformed(view, route, Reason.OVERSIZED_CREDENTIALS, str(error))
        except GrammarError as error:
            return self._malformed(view, route, Reason.MALFORMED_CREDENTIALS, str(error))
        except _Refusal as refusal:
            return refusal.decision
        if found is None:
            return self._settle(view, route, None, ANONYMOUS, self._advice[None])
        entry, credentials = found
        refused = self._cross_site(view, route, entry, credentials)
        if refused is not None:
            return refused
        checker = entry.checker
        if checker.direct is None:
            key = self._key(view, entry, credentials)
            known = None if key is None else self._cache.recall(key)
            if known is not None:
                return self._unfit(view, route, entry, known.principal) or self._admit(view, route, entry, credentials, known.principal)
            return self._check(view, route, entry, credentials)
        try:
            answer = checker.direct(credentials)
        except Unavailable as error:
            return self._unavailable(view, route, entry, error)
        return self._identify(view, route, entry, credentials, checker.verdict(answer))

    def _cross_site(self, view: RequestView, route: Route, entry: Entry, credentials: Credentials) -> Forbidden | None:
        """Refuse what a page of another origin made a browser send; before anything is verified, so that it costs and tells nothing.

        Not for a proxy: all that a browser sends through it comes from pages of other origins, credentials for the proxy included.
        """
        policy = self._policy
        if not needs_own_origin(view) or route.any_origin or policy.proxy:
            return None
        carrier = entry.scheme.carrier_of(credentials, view)
        if not entry.scheme.is_ambient(carrier):
            return None
        detail = find_cross_site(view, policy.origins, cookie=carrier == "cookie")
        return None if detail is None else Forbidden(reason=Reason.CROSS_SITE, rule=route.text, detail=detail, scheme=entry.scheme.name)

    def _key(self, view: RequestView, entry: Entry, credentials: Credentials) -> bytes | None:
        """Return the key under which a caller is remembered; None: not at all."""
        if entry.named_by_field:
            sent = view.fields.get("authorization")
            if sent is not None and len(sent) <= LONGEST_FIELD:
                return self._cache.key_of_field(sent if isinstance(sent, bytes) else sent.encode("latin-1"))
        return self._cache.key_of(entry, credentials)

    def _check(self, view: RequestView, route: Route, entry: Entry, credentials: Credentials) -> Steps[Decision]:
        flow = entry.checker.flow
        if flow is None:  # pragma: no cover - adapt() gives every checker one way or the other
            raise TypeError(f"the checker {entry.checker.name} has neither an answer nor steps")
        try:
            answer = yield from flow(credentials)
        except Unavailable as error:
            return self._unavailable(view, route, entry, error)
        return self._identify(view, route, entry, credentials, entry.checker.verdict(answer))

    def _extract(self, view: RequestView, route: Route) -> Found | None:
        """Return the credentials that count, by precedence (decision D18); those of schemes the route does not accept count as absent."""
        policy = self._policy
        explicit: list[Found] = []
        ambient: list[Found] = []
        sent = view.authorization
        named = None if sent is None else policy.by_name.get(sent.scheme.lower())
        for entry in policy.others if named is None else (named, *policy.others):
            if route.accepted is not None and entry.key not in route.accepted:
                continue
            try:
                credentials = entry.scheme.extract(view)
            except CredentialsError as error:
                raise _Refusal(self._faulty(view, route, entry, error)) from None
            if credentials is not None:
                (ambient if entry.scheme.carrier_of(credentials, view) == "cookie" else explicit).append((entry, credentials))
        found = explicit or ambient
        if len(found) > 1:
            raise _Refusal(Malformed(reason=Reason.AMBIGUOUS_CREDENTIALS, rule=route.text, detail="credentials of several schemes at once"))
        return found[0] if found else None

    def _identify(self, view: RequestView, route: Route, entry: Entry, credentials: Credentials, verdict: Verdict) -> Decision:
        """Go on with what the checker said."""
        policy = self._policy
        if isinstance(verdict, Refused):
            return refuse_credentials(policy, route, view, entry, verdict.reason, verdict.detail, disclose=verdict.disclose)
        principal = _stamped(verdict, entry)
        fact = self._cache.fact(entry, principal, verdict.lease)
        # A checker that answers at once is asked as quickly as the cache, but for the fast path.
        if fact is not None and (entry.named_by_field or entry.checker.direct is None):
            key = self._key(view, entry, credentials)
            if key is not None:
                self._cache.remember(key, fact)
                self.fast_path.in_use = self.fast_path.is_open
        unfit = self._unfit(view, route, entry, principal)
        if unfit is not None:
            return unfit
        decision = self._admit(view, route, entry, credentials, principal)
        return decision if verdict.after_response is None else decision.followed_by(verdict.after_response)

    def _unfit(self, view: RequestView, route: Route, entry: Entry, principal: Principal) -> Decision | None:
        """Refuse evidence that does not count now, or not from here; None: it counts."""
        policy, evidence = self._policy, principal.evidence
        if evidence is None:
            return None
        # What is no number has ended: nothing is earlier than it.
        if evidence.expires_at is not None and not policy.clock.now() < evidence.expires_at:
            return refuse_credentials(policy, route, view, entry, Reason.EXPIRED, EVIDENCE_ENDED)
        if evidence.networks is not None and not _networks(evidence.networks).contains(view.address):
            # Other credentials may count from here: 401. And a thief is not told that these are good elsewhere.
            detail = f"those of {principal.id} do not count from here"
            return refuse_credentials(policy, route, view, entry, Reason.NETWORK_DENIED, detail)
        return None

    def _admit(self, view: RequestView, route: Route, entry: Entry, credentials: Credentials, principal: Principal) -> Decision:
        """Go on with somebody whom the checker accepted, now or before."""
        return self._settle(view, route, entry, principal, self._advice[entry.scheme.carrier_of(credentials, view)])

    def _cache_advice(self, view: RequestView, route: Route, principal: Principal, advice: CacheAdvice) -> CacheAdvice:
        """Return the advice to caches for a response that this request is granted.

        A shared cache finds a stored response by method and URI, and by what `Vary` names. So `private` is added where the grant also
        depends on something else: on what the rule reads of the request, on the networks from which credentials count, or on the
        loopback address that `require_tls` exempts.

        Args:
            view: the request.
            route: the rule.
            principal: the caller.
            advice: what the carrier of the credentials means.
        """
        evidence = principal.evidence
        by_address = (evidence is not None and evidence.networks is not None) or (self._policy.require_tls and view.scheme not in _SECURE)
        return self._private.get(advice, advice) if by_address or route.reads_request else advice

    def _settle(self, view: RequestView, route: Route, entry: Entry | None, principal: Principal, cache: CacheAdvice) -> Decision:
        """Evaluate the rule for whoever it is."""
        fast_check = route.fast_check
        cache = self._cache_advice(view, route, principal, cache)
        granted = Granted(principal, route.text, "" if entry is None else entry.scheme.name, cache)
        if fast_check is not None and fast_check(principal):
            return granted
        policy = self._policy
        if entry is None and fast_check is not None:
            asked = asking(policy, route, view)
            if asked.needed:
                return ask_anonymous(policy, route, view, asked)
        context = EvaluationContext(view, policy.clock, principal)
        return settle(policy, route, context, route.requirement.evaluate(context), entry, granted)

    def _unavailable(self, view: RequestView, route: Route, entry: Entry, error: Unavailable) -> Decision:
        """Evaluate the rule while nobody can be identified: what does not depend on identity may still decide."""
        policy = self._policy
        unknown = Unknown(frozenset({error.why}), error.retry_after)
        context = EvaluationContext(view, policy.clock, None, unknown)
        value = route.requirement.evaluate(context)
        cache = self._cache_advice(view, route, ANONYMOUS, self._advice[None])
        decision = settle(policy, route, context, value, entry, Granted(ANONYMOUS, route.text, cache=cache))
        if isinstance(decision, Failed) and isinstance(error, Overloaded):
            return replace(decision, reason=Reason.OVERLOADED)
        return decision

    def _malformed(self, view: RequestView, route: Route, reason: Reason, detail: str) -> Malformed:
        challenges: tuple[Challenge, ...] = ()
        sent = view.fields.get("proxy-authorization" if self._policy.proxy else "authorization")
        if sent is not None and reason in {Reason.AMBIGUOUS_CREDENTIALS, Reason.MALFORMED_CREDENTIALS}:
            challenges = bad_request_challenges(self._policy, claimed_schemes(sent, most=MAX_CHALLENGES))
        return Malformed(reason=reason, rule=route.text, detail=detail, challenges=challenges)

    def _faulty(self, view: RequestView, route: Route, entry: Entry, error: CredentialsError) -> Decision:
        """Answer credentials that fit the grammar and not their scheme: 400 or 401 (decision D2)."""
        detail = f"{entry.scheme.name}: expected {error.expected}"
        if error.bad_request:
            oversized = error.reason in {Reason.OVERSIZED_CREDENTIALS, Reason.OVERSIZED_CONTENT}
            challenges = () if oversized else bad_request_challenges(self._policy, {entry.key})
            return Malformed(reason=error.reason, rule=route.text, detail=detail, scheme=entry.scheme.name, challenges=challenges)
        return refuse_credentials(self._policy, route, view, entry, error.reason, detail)


class _Refusal(Exception):
    def __init__(self, decision: Decision) -> None:
        super().__init__(type(decision).__name__)
        self.decision = decision


def _stamped(accepted: Accepted, entry: Entry) -> Principal:
    """Return the principal with the scheme by which it came; `via` must not depend on what a checker claims."""
    principal = accepted.principal
    evidence = principal.evidence
    if evidence is not None and evidence.scheme == entry.scheme.name:
        return principal
    return principal.with_evidence(entry.evidence if evidence is None else replace(evidence, scheme=entry.scheme.name))


@lru_cache(maxsize=1024)
def _networks(cidrs: tuple[str, ...]) -> Networks:
    try:
        return Networks(cidrs)
    except (ValueError, TypeError):
        return Networks(())  # evidence that cannot be read counts from nowhere


def _is_private(view: RequestView) -> bool:
    return view.scheme in _SECURE or (view.address is not None and view.address.is_loopback)


def _may_carry_form(view: RequestView) -> bool:
    """Tell whether RFC 6750 §2.2 lets this request carry a token in its content: one form, and a method that has content."""
    if view.kind != "http" or view.method in {"GET", "HEAD"}:
        return False
    # No more is looked at than the name of a media type has (RFC 6838 §4.2: 127 characters each).
    return (view.field("content-type") or "")[:256].partition(";")[0].strip().lower() == "application/x-www-form-urlencoded"
