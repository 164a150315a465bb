"""Decides about requests, in six steps. It does no I/O: it yields operations to a driver, for ASGI, WSGI and scripts alike.

1 firewall, 2 rule, 3 the value of the rule without an identity, 4 credentials, 5 checker, 6 the value of the rule with the identity.
A preflight takes the same steps (decision D57).
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

from watchword.authorization.context import EvaluationContext
from watchword.authorization.rules import Route
from watchword.authorization.value import NO, YES, Unknown
from watchword.decision import NOBODY, SILENT, CacheAdvice, Challenged, Decided, Failed, Forbidden, Granted, Malformed
from watchword.errors import ConfigurationError, FieldTooLong, GrammarError, Overloaded
from watchword.grammar import parse_authorization
from watchword.guard.challenging import ask_anonymous, asking, failed, refuse_credentials, settle
from watchword.guard.cross_site import find_foreign
from watchword.guard.extracting import extract, malformed
from watchword.guard.fast_path import FastPath
from watchword.guard.verifying import Verified, Verifying
from watchword.operation import in_order
from watchword.principal import ANONYMOUS
from watchword.reason import Reason

if TYPE_CHECKING:
    from watchword.authorization.requirement import Requirement
    from watchword.credentials import Carrier, Credentials
    from watchword.decision import Caller, Decision
    from watchword.guard.cache import CredentialCache
    from watchword.guard.policy import Entry, Policy
    from watchword.guard.verifying import Answer
    from watchword.operation import Steps
    from watchword.principal import Principal
    from watchword.protection.firewall import Finding
    from watchword.request import RequestView

_SECURE = frozenset({"https", "wss"})


class Deciding:
    """The decisions of one guard.

    Args:
        policy: its configuration.
        cache: the credential cache.
    """

    __slots__ = ("_advice", "_policy", "_private", "_unasked", "_verifying", "fast_path")

    def __init__(self, policy: Policy, cache: CredentialCache) -> None:
        self._policy = policy
        missing = policy.hides
        silent = CacheAdvice(missing=True) if missing else SILENT
        private = CacheAdvice("private", missing=missing)
        # The advice to caches by the carrier of the credentials (decision D58). None: an anonymous caller.
        self._advice: dict[Carrier | None, CacheAdvice] = {
            # Shared caches do not reuse a response to a request with Authorization (RFC 9111 §3.5). They have no rule for
            # Proxy-Authorization, nor for API keys and cookies.
            "authorization": private if policy.proxy else silent,
            "header": private,
            "cookie": private,
            "form": private,
            # The URI holds the secret, and caches keep URIs (RFC 6750 §2.3).
            "query": CacheAdvice("no-store", missing=missing),
            # Another caller of the same URI may send credentials: Vary keeps the two responses apart (RFC 9111 §4.1).
            None: CacheAdvice(vary=policy.vary, missing=missing),
        }
        self._private = {advice: replace(advice, cache_control="private") for advice in (silent, self._advice[None])}
        # The advice where the rule is met without an identity, by whether it reads the request.
        self._unasked = {False: silent, True: private}
        self.fast_path: FastPath = FastPath(policy, cache, self._advice)
        self._verifying = Verifying(policy, cache, self.fast_path)

    def verifying_as(self, other: Deciding) -> Deciding:
        """Return an object that decides as this one does, and verifies credentials as another one does.

        Args:
            other: the other one, over the same configuration.
        """
        made = copy(self)
        made._verifying = other._verifying  # noqa: SLF001 - of its own kind
        return made

    def start(self, view: RequestView, requirement: Requirement | None = None) -> Decision | Steps[Decision]:
        """Decide as far as possible without an operation.

        Args:
            view: the request.
            requirement: the requirement of the view, beside the rule; None: the view has none.

        Returns:
            The decision; or the steps that are left, for a driver.
        """
        policy = self._policy
        policy.scan(view)
        # Bounds first: the steps below cost time in proportion to what the client sent (RFC 9110 §17.5).
        finding = policy.firewall.check_bounds(view)
        if finding is not None:
            return malformed(policy, view, policy.rules.default, finding.reason, f"the firewall's rule {finding.rule}")
        if policy.resources and view.kind == "http":
            # Before the rules, and before what the firewall says of the target: the path lies outside of every mount (RFC 9728 §3.1).
            resource = policy.resources.get(view.path)
            if resource is not None:
                return resource.answer(view)
        finding, route = self._route(view)
        finding = finding or policy.firewall.check_fields(view, policy.fields)
        if finding is not None:
            return malformed(policy, view, route, finding.reason, f"the firewall's rule {finding.rule}")
        return self._decide(view, route) if requirement is None else self._reach(view, route, requirement)

    def _reach(self, view: RequestView, rule: Route, requirement: Requirement) -> Decision | Steps[Decision]:
        """Decide by a rule and a view at once."""
        route = self._policy.rules.narrowed(rule, requirement)
        if not route.hides or route.content_readers:
            return self._decide(view, route)
        # The rule first, which answers anonymous callers alike for every path: a challenge for the view would tell that it is there (D12).
        begun = self._decide(view, rule)
        return self._enter(begun, view, requirement) if isinstance(begun, Decided) else self._entered(begun, view, requirement)

    def _enter(self, decision: Decision, view: RequestView, requirement: Requirement) -> Decision | Steps[Decision]:
        return self.authorize(decision, view, requirement) if decision.granted else decision

    def _entered(self, steps: Steps[Decision], view: RequestView, requirement: Requirement) -> Steps[Decision]:
        begun = self._enter((yield from steps), view, requirement)
        return begun if isinstance(begun, Decided) else (yield from begun)

    def _decide(self, view: RequestView, route: Route) -> Decision | Steps[Decision]:
        """Decide about a request that the firewall has let through."""
        policy = self._policy
        if route.own_origin:
            # Before anything is looked at: a page of another origin must learn nothing here, and change nothing (DNS rebinding).
            detail = find_foreign(view, policy.origins, policy.resource)
            if detail is not None:
                return Forbidden(reason=Reason.CROSS_SITE, rule=route.text, route=route, detail=detail)
        if route.fast_check is None:
            # The rule may be certain without an identity: then no password is hashed and no token looked up.
            view.answers = {}
            context = EvaluationContext(view, policy.clock)
            value = route.requirement.evaluate(context)
            granted = self._granted(route)
            if value is YES:
                return granted
            # A hidden rule answers 404 to known callers and 401 to others, so the caller must be identified first (decision D12).
            if value is NO and not route.hides:
                return settle(policy, route, context, value, None, granted)
        # 403 and not 401: a challenge would make the client send its password again, in the clear (RFC 7617 §4).
        if policy.require_tls and not _is_private(view):
            return Forbidden(reason=Reason.INSECURE_TRANSPORT, rule=route.text, route=route)
        return self._by_content(view, route) if route.content_readers else self._authenticate(view, route)

    def _by_content(self, view: RequestView, route: Route) -> Steps[Decision]:
        """Identify the caller. Where the answer still depends on the content, read that, and evaluate the rule again."""
        from watchword.guard.content import is_awaiting, read_for_rule  # few rules depend on content

        begun = self._authenticate(view, route)
        decision = begun if isinstance(begun, Decided) else (yield from begun)
        if not is_awaiting(decision):
            return decision
        caller = decision.caller or NOBODY
        refused = yield from read_for_rule(view, route, caller)
        settled = refused or self._settle(view, route, self._policy.by_scheme.get(caller.scheme), caller)
        return _continued(decision, settled)

    def authorize(self, decision: Decision, view: RequestView, requirement: Requirement) -> Decision | Steps[Decision]:
        """Decide about a view that is reached later in a request that was granted.

        The known caller is used again, so that no request is authenticated twice. The caller is verified where the credentials were not
        looked at yet, and again where the identification has lapsed: a WebSocket may be open for days.

        Args:
            decision: the decision about the request; one that refuses stands.
            view: the request.
            requirement: what the view demands beside the rule.

        Raises:
            ValueError: the decision is not of this guard.
            ConfigurationError: the requirement depends on content, which the application has already.
        """
        self._policy.rules.check_own(decision.route)
        if not isinstance(decision, Granted):
            return decision
        policy = self._policy
        if not isinstance(decision.route, Route):
            raise ValueError("authorize(decision) must be a decision of guard.decide(), got one without a route. Pass that decision.")  # noqa: TRY004 - its origin is at fault
        policy.scan(view)
        view.answers = {}
        view.reader = None  # the application may have read the content: waiting for more of it might never end
        route = policy.rules.narrowed(decision.route, requirement)
        caller = decision.caller
        entry = None if caller is None else policy.by_scheme.get(caller.scheme)
        if caller is None or (caller.term is not None and not caller.term.is_current(policy.clock)):
            begun = self._decide(view, route)
        elif caller.failure is not None and entry is not None:
            begun = self._unavailable(view, route, entry, caller)
        elif entry is None or caller.carrier is None:
            begun = self._settle(view, route, None, caller)
        else:
            begun = (
                self._verifying.cross_site(view, route, entry, caller.carrier)
                or self._verifying.unfit(view, route, entry, caller.principal)
                or self._settle(view, route, entry, caller)
            )
        if isinstance(begun, Decided):
            if route.content_readers and _is_awaiting(begun):
                raise ConfigurationError(
                    f"a view demands {requirement}, which depends on the content, and the application has that already. "
                    "Put the requirement into the rules of the guard."
                )
            return _continued(decision, begun)
        return self._authorized(decision, begun)

    def _authorized(self, decision: Granted, steps: Steps[Decision]) -> Steps[Decision]:
        return _continued(decision, (yield from steps))

    def with_demand(self, decision: Decision, view: RequestView, requirement: Requirement) -> Decision:
        """Return a decision of the rule, with challenges that name what the view demands as well (decision D63).

        A client asks for a token with the scope of the challenge. With the scope of the rule alone it would be refused by the view next.

        Args:
            decision: about the request, which no view has replaced.
            view: the request.
            requirement: the demand of the view that the router would choose.
        """
        self._policy.rules.check_own(decision.route)
        if not isinstance(decision, (Challenged, Forbidden)) or not decision.challenges or not isinstance(decision.route, Route):
            return decision
        policy, caller = self._policy, decision.caller
        route, entry = policy.rules.narrowed(decision.route, requirement), policy.by_scheme.get(decision.scheme)
        if route.hides:
            return decision
        other: Decision = decision
        if caller is not None and entry is not None:
            other = self._settle(view, route, entry, caller)
        elif caller is not None:
            other = ask_anonymous(policy, route, view, asking(policy, route, view))
        elif entry is not None:
            disclose = decision.disclosed == decision.reason
            other = refuse_credentials(policy, route, view, entry, decision.reason, disclose=disclose)
        # The status is the rule's: the view has not been reached.
        if type(other) is not type(decision) or not other.challenges:
            return decision
        return replace(decision, challenges=other.challenges)

    def verify(self, credentials: Credentials, view: RequestView, scheme: str | None) -> Decision | Steps[Decision]:
        """Verify credentials from a form of the application like those of a request.

        Args:
            credentials: the credentials from the form; untrusted.
            view: the request that brought the form.
            scheme: the name of the scheme whose checker is to verify them; None: the one that has such credentials.

        Raises:
            ValueError: no scheme of this guard takes such credentials, or several do.
        """
        policy = self._policy
        policy.scan(view)
        finding = policy.firewall.check_bounds(view) or policy.firewall.check_fields(view, policy.fields)
        # As for a request with credentials: a login form must not be a way around the firewall and `require_tls`.
        if finding is not None:
            return malformed(policy, view, policy.login, finding.reason, f"the firewall's rule {finding.rule}")
        if policy.require_tls and not _is_private(view):
            return Forbidden(reason=Reason.INSECURE_TRANSPORT, rule=policy.login.text, route=policy.login)
        return self._present(view, policy.login, policy.entry_for(credentials, scheme), credentials, login=True)

    def steps(self, view: RequestView, requirement: Requirement | None = None) -> Steps[Decision]:
        """Decide in steps, for a driver of one's own; see `watchword.operation`.

        Args:
            view: the request.
            requirement: what the view demands beside the rule; None: nothing.

        Returns:
            A generator of operations that ends in the decision.
        """
        begun = self.start(view, requirement)
        return begun if isinstance(begun, Decided) else (yield from begun)

    def _route(self, view: RequestView) -> tuple[Finding | None, Route]:
        if view.misplaced or view.whole is not None:
            # The key below holds neither fact, so a cached route could be that of another request.
            return self._policy.firewall.check_target(view), self._policy.route(view)
        key = (view.method, view.path, view.raw_path, view.mount)
        known = self.fast_path.targets.get(key)
        if known is None:
            finding, route = self._policy.firewall.check_target(view), self._policy.route(view)
            known = self.fast_path.keep(key, finding, route, self._granted(route))
        return known.finding, known.route

    def _granted(self, route: Route) -> Granted:
        """Return the decision for a rule that is met without an identity: credentials are not looked at."""
        return Granted(ANONYMOUS, route.text, cache=self._unasked[route.reads_request], route=route)

    def _authenticate(self, view: RequestView, route: Route) -> Decision | Steps[Decision]:
        """Parse the credentials field, and identify the caller."""
        policy = self._policy
        try:
            sent = view.fields.get("proxy-authorization" if policy.proxy else "authorization")
            # The firewall has bounded its length, by the scheme that it names (decision D9).
            view.use_authorization(None if sent is None else parse_authorization(sent, limit=len(sent)))
        except FieldTooLong as error:
            return malformed(policy, view, route, Reason.OVERSIZED_CREDENTIALS, str(error))
        # 400, not 401: no new password mends a broken field, and a browser must not ask for one (decision D2).
        except GrammarError as error:
            return malformed(policy, view, route, Reason.MALFORMED_CREDENTIALS, str(error))
        limit = policy.content_limit(view) if policy.content_readers else None
        return self._identify(view, route) if limit is None else self._with_content(view, route, limit)

    def _with_content(self, view: RequestView, route: Route, limit: int) -> Steps[Decision]:
        """Read the content that a scheme needs, then identify the caller."""
        from watchword.guard.content import take  # few schemes read content

        too_large = yield from take(view, limit)
        if too_large:
            return Malformed(reason=Reason.OVERSIZED_CONTENT, rule=route.text, route=route, detail=too_large)
        begun = self._identify(view, route)
        return begun if isinstance(begun, Decided) else (yield from begun)

    def _identify(self, view: RequestView, route: Route) -> Decision | Steps[Decision]:
        """Extract the credentials that count, and verify them."""
        found = extract(self._policy, view, route)
        if found is None:
            return self._settle(view, route, None, NOBODY)
        return found if isinstance(found, Decided) else self._present(view, route, *found)

    def _present(
        self, view: RequestView, route: Route, entry: Entry, credentials: Credentials, *, login: bool = False
    ) -> Decision | Steps[Decision]:
        """Verify credentials, and evaluate the rule for their owner."""
        begun = self._verifying.start(view, route, entry, credentials, login=login)
        return self._judge(view, route, entry, begun) if isinstance(begun, (Verified, Decided)) else self._judged(view, route, entry, begun)

    def _judged(self, view: RequestView, route: Route, entry: Entry, steps: Steps[Answer]) -> Steps[Decision]:
        return self._judge(view, route, entry, (yield from steps))

    def _judge(self, view: RequestView, route: Route, entry: Entry, answer: Answer) -> Decision:
        """Evaluate the rule with the answer of the verify step."""
        if not isinstance(answer, Verified):
            return answer
        caller = answer.caller
        if caller.failure is None:
            decision = self._settle(view, route, None if caller is NOBODY else entry, caller)
        else:
            decision = self._unavailable(view, route, entry, caller)
        if answer.headers:
            decision = decision.with_headers(answer.headers)
        return decision if answer.after_response is None else decision.followed_by(answer.after_response)

    def _cache_advice(self, view: RequestView, route: Route, principal: Principal, advice: CacheAdvice) -> CacheAdvice:
        """Return the advice to caches for a response that this request is granted.

        A shared cache finds a stored response by method and URI, and by what `Vary` names. So `private` is added where the grant also
        depends on something else: on facts of the request that the rule reads, on the networks from which credentials count, or on the
        loopback address that `require_tls` exempts.

        Args:
            view: the request.
            route: the rule.
            principal: the caller.
            advice: the advice for the carrier of the credentials.
        """
        evidence = principal.evidence
        by_address = (evidence is not None and evidence.networks is not None) or (self._policy.require_tls and view.scheme not in _SECURE)
        return self._private.get(advice, advice) if by_address or route.reads_request else advice

    def _settle(self, view: RequestView, route: Route, entry: Entry | None, caller: Caller) -> Decision:
        """Evaluate the rule for a caller, known or anonymous."""
        fast_check = route.fast_check
        principal = caller.principal
        cache = self._cache_advice(view, route, principal, self._advice[caller.carrier])
        granted = Granted(principal, route.text, caller.scheme, cache, route, caller)
        # One set operation decides most requests: no context and no value is built.
        if fast_check is not None and fast_check(principal):
            return granted
        policy = self._policy
        if entry is None and fast_check is not None:
            asked = asking(policy, route, view)
            if asked.needed:
                decision: Decision = ask_anonymous(policy, route, view, asked)
                self.fast_path.keep_refusal(route, caller, decision)
                return decision
        context = EvaluationContext(view, policy.clock, principal)
        decision = settle(policy, route, context, route.requirement.evaluate(context), entry, granted)
        if fast_check is not None:
            self.fast_path.keep_refusal(route, caller, decision)
        return decision

    def _unavailable(self, view: RequestView, route: Route, entry: Entry, caller: Caller) -> Decision:
        """Evaluate the rule while the checker does not answer. Parts that do not depend on the identity may still decide."""
        policy, error = self._policy, caller.failure
        if error is None:
            raise TypeError("nothing has failed")  # pragma: no cover - the callers look
        reason = Reason.OVERLOADED if isinstance(error, Overloaded) else Reason.UNAVAILABLE
        # The rule depends on the caller alone, so nothing else can decide.
        if route.fast_check is not None:
            return failed(route, error.why, error.retry_after, caller, reason=reason)
        unknown = Unknown(frozenset({error.why}), error.retry_after)
        context = EvaluationContext(view, policy.clock, None, unknown)
        value = route.requirement.evaluate(context)
        cache = self._cache_advice(view, route, ANONYMOUS, self._advice[None])
        granted = Granted(ANONYMOUS, route.text, cache=cache, route=route, caller=caller)
        decision = settle(policy, route, context, value, entry, granted)
        return replace(decision, reason=reason) if isinstance(decision, Failed) else decision


def _continued(before: Decision, decision: Decision) -> Decision:
    """Return a decision that replaces an earlier one of the same request, with the response fields and the operation of both."""
    # A cookie that the first decision renewed must reach the client, also if the view refuses.
    if before.headers:
        decision = decision.with_headers((*before.headers, *decision.headers))
    if before.after_response is None:
        return decision
    after = decision.after_response
    return decision.followed_by(before.after_response if after is None else in_order(before.after_response, after))


def _is_awaiting(decision: Decision) -> bool:
    from watchword.guard.content import is_awaiting

    return is_awaiting(decision)


def _is_private(view: RequestView) -> bool:
    # Traffic to the loopback address does not leave the machine (RFC 1122 §3.2.1.3), so development needs no certificate.
    return view.scheme in _SECURE or (view.address is not None and view.address.is_loopback)
