"""Suggests what is wrong with rules, with the names in them, and with where a request came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from watchword.authorization.rules import walk
from watchword.decision import Failed, Forbidden, Hidden, Throttled
from watchword.explaining.suggestion import Suggestion
from watchword.inventory import demanded_names
from watchword.protection.proxies import STATING
from watchword.reason import Reason
from watchword.spelling import nearest, seconds_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.explaining.suggestion import Case
    from watchword.principal import Principal

_KINDS: Final = (("scopes", "scope"), ("roles", "role"), ("permissions", "permission"))
_FORWARDED: Final = (*STATING, "x-real-ip")


def names(case: Case) -> Iterator[Suggestion]:
    """A name in the rule that nobody holds, or that the caller holds in another spelling."""
    if not isinstance(case.decision, (Forbidden, Hidden)) or not case.decision.principal.is_authenticated:
        return
    route = case.configuration.guard.policy.route(case.view)
    wanted = demanded_names([route.requirement] if case.requirement is None else [route.requirement, case.requirement])
    for (kind, word), needed in zip(_KINDS, wanted, strict=True):
        held = getattr(case.decision.principal, kind)
        for name in sorted(needed - held):
            text = _about(case, kind, word, name)
            if text is not None:
                yield Suggestion(f"{word}_spelling", text)


def _about(case: Case, kind: str, word: str, name: str) -> str | None:
    principal = case.decision.principal
    everywhere = case.configuration.held
    known: frozenset[str] = getattr(principal, kind) | (getattr(everywhere, kind) if everywhere is not None else frozenset())
    joined = next((one for one in sorted(getattr(principal, kind)) if name in one.replace(",", " ").split() and one != name), None)
    if joined is not None:
        return f"The caller holds `{joined}` as one {word}. Several must be separate: by spaces in a token, and as a list in a store."
    close = nearest(name, known)
    if everywhere is not None and name not in getattr(everywhere, kind):
        meant = f"; did you mean `{close}`?" if close else "."
        return f"No account, key or token has the {word} `{name}`{meant}"
    mine = nearest(name, getattr(principal, kind))
    if mine is not None:
        return f"The rule needs the {word} `{name}`, and the caller holds `{mine}`; which one is right?"
    other = nearest(name, getattr(case.configuration.demanded, kind))
    if other is not None:
        return f"This rule needs the {word} `{name}`, and others need `{other}`: is one of them mistyped?"
    return _of_another_kind(principal, kind, word, name)


def _of_another_kind(principal: Principal, kind: str, word: str, name: str) -> str | None:
    for other, other_word in _KINDS:
        if other != kind and name in getattr(principal, other):
            return (
                f"The caller holds `{name}` as a {other_word}, and the rule needs it as a {word}. Write {other_word}({name!r}) in the rule."
            )
    return None


def rule_by_default(case: Case) -> Iterator[Suggestion]:
    """A path that no rule names, and that looks like one of a rule."""
    policy = case.configuration.guard.policy
    if not isinstance(case.decision, (Forbidden, Hidden)) or case.decision.rule != "default" or not policy.rules.routes:
        return
    patterns = {route.text.rpartition(" ")[2] for route in policy.rules.routes}
    close = nearest(case.view.path, patterns)
    meant = f" Did you mean {close!r}?" if close else ""
    yield Suggestion("no_rule", f"No rule matches the path, so the default decides. If the application is mounted, give --mount.{meant}")


def address(case: Case) -> Iterator[Suggestion]:
    """A rule that looks at the client's address, which is not known here, or that of a proxy."""
    if case.decision.granted:
        return
    proxied = [name for name in _FORWARDED if case.fields(name)]
    if proxied and not case.configuration.guard.policy.forwarded.intersection(proxied) and case.reason is Reason.NETWORK_DENIED:
        yield Suggestion(
            "proxy",
            f"The request came through a proxy ({proxied[0]}), which Guard(proxies=...) does not trust: the address is the proxy's.",
        )
    elif case.view.client is None and _has_network(case):
        yield Suggestion("client", "The rule looks at the address of the client, which is not known here. Give it with --client.")


def _has_network(case: Case) -> bool:
    from watchword.authorization.facts import Network  # here, where few rules need it

    policy = case.configuration.guard.policy
    return any(isinstance(part, Network) for part in walk(policy.route(case.view).requirement))


def later(case: Case) -> Iterator[Suggestion]:
    """A throttle, or an outage."""
    if isinstance(case.decision, Throttled):
        wait = seconds_in_words(case.decision.retry_after)
        yield Suggestion("throttled", f"There were too many failed attempts. The right password is refused too, for {wait}.")
    elif isinstance(case.decision, Failed):
        yield Suggestion(
            "outage",
            "This says nothing about the credentials: what checks them does not answer. Look at its log, and run `watchword check`.",
        )


def alike(case: Case) -> Iterator[Suggestion]:
    """A field name that the firewall takes for the alias of another."""
    if case.reason is Reason.HEADER_ALIAS:
        aliases = sorted({name for name, _ in case.recorded.headers if ("_" in name or "." in name)})[:3]
        shown = ", ".join(ascii(name[:64]) for name in aliases)
        yield Suggestion("alias", f"Write the field {shown} with hyphens in place of other characters: gateways take them for the same.")


def status_differs(case: Case) -> Iterator[Suggestion]:
    """What was answered when the request was recorded is not what the guard answers."""
    recorded, refusal = case.recorded.status, case.explanation.refusal
    if recorded is not None and refusal is None and recorded in {401, 403, 407}:
        yield Suggestion(
            "not_the_guard",
            f"The recorded answer is {recorded}, and this guard lets the request pass: the application or a proxy refused it.",
        )


SUGGESTIONS: Final = (names, rule_by_default, address, later, alike, status_differs)
