"""Checks that refusals challenge, and that challenges are spelled as RFC 9110 §11 demands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.probe.check import MUST, SHOULD, Check, found, scored
from watchword.probe.seen import UNAUTHORIZED
from watchword.probe.spelling import elements_of, params_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from watchword.findings import Finding, Rule
    from watchword.probe.exchange import Exchange
    from watchword.probe.seen import Seen
    from watchword.probe.spelling import Param

_NONE: Final = "no response has a challenge"
_SEND: Final = 'Send WWW-Authenticate with the scheme and its parameters, such as: WWW-Authenticate: Basic realm="orders".'


def _is_there(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    refused = seen.with_status(UNAUTHORIZED)
    if not refused:
        return "no response is 401"
    return _about_each(refused, lambda exchange: _missing(seen, rule, exchange))


def _missing(seen: Seen, rule: Rule, exchange: Exchange) -> Finding | None:
    challenges = seen.challenges(exchange)
    if not challenges.lines:
        cause = "Clients do not learn which scheme to use, and browsers do not ask for a password."
        return found(rule, exchange, "It has no WWW-Authenticate field.", _SEND, cause=cause)
    if challenges.faults:
        line = exchange.view.one("www-authenticate") if exchange.view else ""
        what = f"Its WWW-Authenticate field is malformed: {challenges.faults[0]}. It begins with {seen.quote(line)}."
        return found(rule, exchange, what, "Quote values that are not tokens, and separate parameters by commas. " + _SEND)
    return None


def _about_each(exchanges: Iterable[Exchange], look: Callable[[Exchange], Finding | None]) -> list[Finding]:
    """Return the first finding of each kind: the same fault of ten responses is one."""
    findings: dict[str, Finding] = {}
    for exchange in exchanges:
        finding = look(exchange)
        if finding is not None:
            findings.setdefault(finding.message.partition(". ")[2], finding)
    return list(findings.values())


def _has_no_empty_element(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    def look(exchange: Exchange) -> Finding | None:
        lines = exchange.view.all("www-authenticate") if exchange.view else []
        if any("" in elements_of(line) for line in lines):
            return found(rule, exchange, "A WWW-Authenticate field has an empty element.", "Remove the comma that separates nothing.")
        return None

    return _about_each(seen.get(), look) if _has_any(seen) else _NONE


def _has_any(seen: Seen) -> bool:
    return any(seen.challenges(exchange).lines for exchange in seen.get())


def _params(seen: Seen) -> Iterator[tuple[Exchange, Param]]:
    for exchange in seen.get():
        if exchange.view is not None:
            yield from ((exchange, param) for param in params_of(exchange.view))


def _has_no_whitespace(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    for exchange, param in _params(seen):
        if param.is_spaced:
            what = f"The parameter {param.name} has whitespace beside its equals sign."
            return [found(rule, exchange, what, "Remove the whitespace: some clients do not read such a parameter.")]
    return [] if _has_any(seen) else _NONE


def _quotes_realm(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    realms = [(exchange, param) for exchange, param in _params(seen) if param.name == "realm"]
    for exchange, param in realms:
        if not param.is_quoted:
            return [found(rule, exchange, f"The realm {seen.quote(param.value)} is not quoted.", 'Write realm="...".')]
    return [] if realms else "no challenge has a realm"


def _repeats_no_parameter(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    for exchange in seen.get():
        known: set[tuple[int, str]] = set()
        for param in params_of(exchange.view) if exchange.view else ():
            if (param.challenge, param.name) in known:
                what = f"The parameter {param.name} occurs twice in one challenge."
                return [found(rule, exchange, what, "Send it once: some clients read the first one, others the last one.")]
            known.add((param.challenge, param.name))
    return [] if _has_any(seen) else _NONE


def _has_one_in_each_line(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    for exchange in seen.get():
        if seen.challenges(exchange).joined:
            what = "One WWW-Authenticate field holds several challenges."
            cause = "It is legal, but some clients see one challenge in it. Gateways and HTTP clients that join fields do the same."
            return [found(rule, exchange, what, "Send a field for each challenge.", cause=cause)]
    return [] if _has_any(seen) else _NONE


def _answers_head_as_get(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    get, head = seen.anonymous, seen.exchanges.get("head")
    if head is None or head.view is None or head.status in {405, 501} or get.status != UNAUTHORIZED or seen.is_posted:
        return "HEAD is not answered, or GET is not refused with 401"
    if head.status != get.status:
        what = f"GET is answered {get.status}."
        return [found(rule, head, what, "Authenticate HEAD like GET.", severity=MUST if 200 <= head.status < 300 else None)]  # noqa: PLR2004 - RFC 9110 §15.3
    schemes = [sorted(one.scheme.lower() for one in seen.challenges(exchange).found) for exchange in (get, head)]
    return [] if schemes[0] == schemes[1] else [found(rule, head, "Its challenges are not those of GET.", "Send the same fields.")]


def _ignores_conditions(seen: Seen, rule: Rule) -> Iterable[Finding] | str:
    exchange = seen.exchanges.get("conditional")
    if exchange is None or exchange.view is None or seen.anonymous.status not in {401, 403}:
        return "GET without credentials is not refused"
    remedy = "Authenticate before preconditions and ranges are evaluated."
    if exchange.status in {206, 304, 412, 416}:
        return [found(rule, exchange, f"Without the condition it is {seen.anonymous.status}.", remedy)]
    if exchange.view.one("content-range") is not None:
        return [found(rule, exchange, "It has a Content-Range field, which tells the length of what is refused.", remedy)]
    return []


CHECKS: Final[tuple[Check, ...]] = (
    scored("R9110-11.6.1-1", "A 401 carries a challenge that can be read", MUST, "RFC 9110 §11.6.1", _is_there),
    scored("R9110-5.6.1.1-1", "Challenges have no empty list elements", MUST, "RFC 9110 §5.6.1.1", _has_no_empty_element),
    scored("R9110-5.6.3-2", "Parameters have no whitespace beside the equals sign", MUST, "RFC 9110 §5.6.3", _has_no_whitespace),
    scored("R9110-11.5-1", "The realm is a quoted-string", MUST, "RFC 9110 §11.5", _quotes_realm),
    scored("R9110-11.2-4", "A parameter occurs once in a challenge", MUST, "RFC 9110 §11.2", _repeats_no_parameter),
    scored("R9110-11.6.1-3", "Each challenge has a field of its own", "note", "RFC 9110 §11.6.1", _has_one_in_each_line),
    scored("R9110-9.3.2-1", "HEAD is refused like GET", SHOULD, "RFC 9110 §9.3.2", _answers_head_as_get),
    scored("R9110-13.2.1-1", "A refusal comes before conditions and ranges", MUST, "RFC 9110 §13.2.1, §14.2", _ignores_conditions),
)
"""The checks."""

__all__ = ["CHECKS"]
