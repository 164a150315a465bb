"""Explains a decision to people: the steps, the answer of the checker, the rule as a tree, the cure, the response.

An explanation is computed from the request and the decision, by evaluating the rule again in the same context. Deciding keeps nothing for
it, so it costs other requests nothing. It holds no credential.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from watchword.authorization.context import EvaluationContext
from watchword.authorization.needs import HoldScope, Identity, LoginWithin, ReachAcr, UseFactor, Via
from watchword.authorization.value import Needs, No, Pending, Unknown, Value, Yes
from watchword.decision import Answered, Challenged, Failed, Forbidden, Granted, Hidden, Malformed
from watchword.errors import GrammarError
from watchword.grammar import MAX_TOKEN_OCTETS, FormReader, parse_authorization
from watchword.guard.challenging import EVIDENCE_ENDED
from watchword.guard.preflight import REMEDY, is_refused_preflight
from watchword.principal import ANONYMOUS
from watchword.reason import Reason
from watchword.reasons import REASONS
from watchword.refusal import disclosed_reason
from watchword.refusal.answering import write_answer

if TYPE_CHECKING:
    from watchword.authorization.needs import Alternative, Need
    from watchword.authorization.requirement import Requirement
    from watchword.authorization.rules import Route
    from watchword.decision import Decision, Refusing
    from watchword.guard.policy import Policy
    from watchword.refusal import Refusal, Renderer
    from watchword.request import RequestView

_LOG_IN = "log in"


@dataclass(frozen=True, slots=True)
class Branch:
    """One node of the evaluated rule.

    Args:
        text: the requirement as written.
        value: its value.
        parts: its parts.
    """

    text: str
    value: Value
    parts: tuple[Branch, ...] = ()

    @property
    def mark(self) -> str:
        """The value in a word: `yes`, `no`, `needs`, `unknown` or `depends`."""
        return _mark(self.value)

    def lines(self, depth: int = 0) -> list[str]:
        """Return the tree as indented lines, hits and misses marked.

        Args:
            depth: how far to indent.
        """
        line = f"{'  ' * depth}[{self.mark}] {self.text}"
        return [line, *(inner for part in self.parts for inner in part.lines(depth + 1))]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision with its steps, the evaluated rule, the cures and the response.

    Args:
        decision: the decision.
        steps: the steps in order, one line each.
        tree: the evaluated rule; None where no rule was reached.
        cures: alternatives that would give access, each a list of needs in words.
        refusal: the exact response; None where access is granted.
    """

    decision: Decision
    steps: tuple[str, ...]
    tree: Branch | None
    cures: tuple[tuple[str, ...], ...]
    refusal: Refusal | None = field(repr=False)

    def __str__(self) -> str:
        lines = list(self.steps)
        if self.tree is not None:
            lines += ["evaluated:", *("  " + line for line in self.tree.lines())]
        for number, cure in enumerate(self.cures):
            lines.append(f"{'needs' if number == 0 else '   or'}: {' and '.join(cure)}")
        if self.tree is not None and not self.cures and isinstance(self.decision, (Forbidden, Hidden)):
            lines.append("no credentials of this caller would help")
        if self.refusal is not None:
            lines += ["response:", f"  HTTP {self.refusal.status} {self.refusal.reason_phrase}"]
            lines += [f"  {name}: {value}" for name, value in self.refusal.headers]
        return "\n".join(lines)


def explanation(  # noqa: PLR0917 - the facts
    policy: Policy, renderer: Renderer, view: RequestView, decision: Decision, request_id: str, requirement: Requirement | None = None
) -> Explanation:
    """Explain a decision.

    Args:
        policy: the configuration of the guard that made it.
        renderer: the renderer of that guard.
        view: the request of the decision.
        decision: the decision.
        request_id: the request id in the response.
        requirement: what the view demands beside the rule; None: nothing.
    """
    # A decision may come from another process, and its view was not scanned here.
    view.scan(policy.index)
    # A server on a Unix socket names no peer.
    peer = view.client or "an unknown address"
    steps = [f"request: {_printable(view.method)} {_printable(view.mount + view.path)} from {_printable(peer)} over {view.scheme}"]
    # At such a path no rule is asked, and none is named.
    if isinstance(decision, Answered):
        of = policy.resources[view.path].metadata.resource if view.path in policy.resources else decision.rule
        steps += [f"metadata: the guard serves that of {of} at this path, to every caller", f"decision: answered, {decision.status}"]
        return Explanation(decision, tuple(steps), None, (), write_answer(decision, view.method))
    refusal = None if isinstance(decision, Granted) else renderer.render(decision, view, request_id)
    # No rule was reached: what is ambiguous has no one reading that could be matched.
    if isinstance(decision, Malformed):
        steps.append(f"refused at once: {decision.detail}")
        steps.append(_verdict_line(decision))
        return Explanation(decision, tuple(steps), None, (), refusal)
    route = policy.route(view)
    steps.append("firewall: nothing ambiguous")
    steps.append(f"rule: {route.text!r} needs {route.requirement}")
    steps += _other_rules(policy, view, route)
    if requirement is not None:
        steps.append(f"view: needs {requirement}, beside the rule")
        route = policy.rules.narrowed(route, requirement)
    if is_refused_preflight(view, decision):
        steps.append(f"CORS preflight: it carries no credentials, so the rule refuses it. {_preflight_remedy(policy)}")
    elif refusal is not None and _is_from_elsewhere(view):
        steps.append(_cors_line(policy, view))
    if decision.reason is Reason.INSECURE_TRANSPORT:
        steps += ["transport: in the clear, so that credentials are not looked at", _verdict_line(decision)]
        return Explanation(decision, tuple(steps), None, (), refusal)
    # Without a scheme the rule alone demands it; with one, credentials that browsers send by themselves (decision D61).
    if decision.reason is Reason.CROSS_SITE and not decision.scheme:
        steps += ["origin: the rule is for programs and for pages of the resource alone", _verdict_line(decision)]
        return Explanation(decision, tuple(steps), None, (), refusal)
    if decision.reason is Reason.CROSS_SITE:
        steps += [
            _credentials_line(policy, view, route.accepted),
            f"origin: the browser may have sent the {decision.scheme} credentials by itself, so they are not checked",
            _verdict_line(decision),
        ]
        return Explanation(decision, tuple(steps), None, (), refusal)
    # The guard skips the credentials where the rule is certain without an identity, so their line says so too.
    before = route.requirement.evaluate(EvaluationContext(view, policy.clock))
    looked = not isinstance(before, (Yes, No)) or (isinstance(before, No) and route.hides)
    steps.append(
        _credentials_line(policy, view, route.accepted) if looked else "credentials: not looked at, the rule is decided without them"
    )
    if decision.scheme:
        steps.append(_checker_line(policy, decision))
    # The caller of the decision, not a new check of the credentials, which would cost a hash and count as a second failed login.
    context = _situation(policy, view, decision) if looked else EvaluationContext(view, policy.clock)
    value = route.requirement.evaluate(context)
    steps.append(_verdict_line(decision))
    cures = tuple(_words_of(policy, one) for one in _cures_of(value, decision))
    return Explanation(decision, tuple(steps), _branch(route.requirement, context), cures, refusal)


def _other_rules(policy: Policy, view: RequestView, route: Route) -> list[str]:
    """Return a line for each further rule that binds the request, with the reason: another method or another reading of its path."""
    lines: dict[Route, str] = {}
    for path in (view.path, view.whole):
        for bound in () if path is None else policy.rules.binding(view.method, path):
            if bound.route not in route.rules:
                continue
            if bound.method not in {view.method, "GET" if view.method == "HEAD" else ""}:
                why = f"no rule names {_printable(view.method)} here, and the view may answer it as {bound.method}"
            elif bound.reading:
                why = f"a router may read the path as {_printable(bound.reading)}"
            elif path is not view.path:
                why = f"the router may not take the mount {_printable(view.mount)} off"
            else:
                why = ""
            # The first reason stays. A rule that the path itself matches has none, and needs no line.
            lines.setdefault(bound.route, f"  {bound.route.text!r}, because {why}" if why else "")
    return [line for line in lines.values() if line]


def _preflight_remedy(policy: Policy) -> str:
    if policy.cors_inside:
        return "cors_inside: an adapter asks the application, whose answer goes out if it is 2xx with Access-Control-Allow-Origin"
    return REMEDY


def _is_from_elsewhere(view: RequestView) -> bool:
    """Tell whether a script of another origin may have sent the request (WHATWG Fetch: browsers say so in `Origin`)."""
    origin = view.field("origin")
    return origin is not None and origin != f"{view.scheme}://{view.field('host')}"


def _cors_line(policy: Policy, view: RequestView) -> str:
    """Return what a script of another origin sees of a refusal: without a CORS layer a network error, whatever the status."""
    inside = "" if policy.cors_inside else " outside the guard"
    return (
        f"CORS: a script of {_printable(view.field('origin') or '')} sees a network error, unless a CORS layer{inside} allows that origin"
    )


def _situation(policy: Policy, view: RequestView, decision: Decision) -> EvaluationContext:
    if _is_unchecked(decision):
        return EvaluationContext(view, policy.clock, None, Unknown(frozenset()))
    return EvaluationContext(view, policy.clock, decision.principal)


def _is_unchecked(decision: Decision) -> bool:
    """Tell whether a checker was asked and could not tell."""
    # A refusal of a checker is `Challenged`, and an accepted caller is authenticated: only an outage leaves neither.
    return isinstance(decision, (Failed, Forbidden)) and decision.scheme != "" and not decision.principal.is_authenticated


def _branch(requirement: Requirement, context: EvaluationContext) -> Branch:
    # Each part is evaluated again. To keep the values while deciding would cost every request, for an explanation that few people ask for.
    return Branch(str(requirement), requirement.evaluate(context), tuple(_branch(part, context) for part in requirement.parts))


def _cures_of(value: Value, decision: Decision) -> tuple[Alternative, ...]:
    return value.cures if isinstance(value, Needs) and not decision.granted else ()


def _words_of(policy: Policy, alternative: Alternative) -> tuple[str, ...]:
    # As in the challenge: the largest scopes imply the others.
    stated = alternative if policy.scopes is None else policy.scopes.without_implied(alternative)
    return tuple(sorted(map(_in_words, stated), key=lambda words: (words != _LOG_IN, words)))


def _credentials_line(policy: Policy, view: RequestView, accepted: frozenset[str] | None) -> str:
    sent = sorted(name for name in policy.credential_fields if name in view.fields)
    # Names and lengths only: an explanation is pasted into tickets, and a credential must not be in it.
    parts = []
    for name in sent:
        value = view.fields[name]
        scheme = ""
        if name in {"authorization", "proxy-authorization"}:
            try:
                # With the greatest bound of any scheme: a longer field was refused before this line is reached.
                scheme = parse_authorization(value, limit=MAX_TOKEN_OCTETS).scheme
            except GrammarError as error:
                scheme = f"which {error}"
            else:
                if scheme.lower() not in {entry.key for entry in policy.entries}:
                    # An unknown scheme name may be a token that was sent without one: it is not repeated.
                    scheme = "a scheme that this guard does not have"
                elif accepted is not None and scheme.lower() not in accepted:
                    scheme += ", which this rule does not accept"
        parts.append(f"{name} ({scheme + ', ' if scheme else ''}{len(value)} octets)")
    # One occurrence says that it is there. A client may repeat a name a thousand times.
    in_query = {name for name in policy.parameters if FormReader([name]).find(view.query, most=1)}
    parts += [f"the query parameter {_printable(name.decode())}" for name in sorted(in_query)]
    return f"credentials: {'; '.join(parts) or 'none sent'}"


def _checker_line(policy: Policy, decision: Decision) -> str:
    checker = next((entry.checker.name for entry in policy.entries if entry.scheme.name == decision.scheme), "")
    if _is_unchecked(decision):
        why = f": {_printable(decision.detail)}" if isinstance(decision, Failed) else ""
        return f"checker {checker} ({decision.scheme}): unavailable{why}"
    if decision.reason is Reason.MALFORMED_CREDENTIALS:
        return f"scheme {decision.scheme}: the credentials do not fit it, so no checker was asked"
    if isinstance(decision, Challenged) and (decision.reason is Reason.NETWORK_DENIED or decision.detail == EVIDENCE_ENDED):
        return f"checker {checker} ({decision.scheme}): accepted them, but {decision.detail}"
    if decision.principal.is_authenticated:
        return f"checker {checker} ({decision.scheme}): accepted {decision.principal!r}"
    words = "" if decision.reason is None else f"{decision.reason.value}: {REASONS[decision.reason].operator}"
    return f"checker {checker} ({decision.scheme}): refused, {words}"


def _verdict_line(decision: Granted | Refusing) -> str:
    if isinstance(decision, Granted):
        who = "an anonymous caller" if decision.principal is ANONYMOUS else _printable(decision.principal.id)
        return f"decision: granted, as {who}"
    detail = f" ({_printable(decision.detail)})" if decision.detail else ""
    # Both reasons are shown: a client reports what it was told, and the log has the other one.
    told = disclosed_reason(decision)
    told_as = "" if told is decision.reason else f"; the client is told {told.value}"
    return f"decision: {type(decision).__name__.lower()}, {decision.reason.value}{detail}{told_as}"


def _printable(text: str) -> str:
    """Return text that is safe on one line of a terminal: line breaks, escape sequences and lone surrogates are escaped (CWE-117)."""
    return text if text.isprintable() else ascii(text)[1:-1]


def _mark(value: Value) -> str:
    return {No: "no", Needs: "needs", Unknown: "unknown", Pending: "depends", Yes: "yes"}[type(value)]


def _in_words(need: Need) -> str:
    match need:
        case Identity():
            return _LOG_IN
        case Via():
            return f"come by {' or '.join(sorted(need.schemes))}"
        case HoldScope():
            return f"hold the scope {need.name}"
        case LoginWithin():
            return f"have logged in within {need.max_age} seconds"
        case ReachAcr():
            return f"reach {' or '.join(need.values)}"
        case UseFactor():
            return f"use the factor {need.kind}"
