"""Mistakes in the configuration of a guard: each is found when it is made, with what is wrong, where, and how to mend it."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from tests.support.core import ANN, Recorder, ask, values
from tests.support.each import each
from watchword import (
    APIKey,
    Basic,
    Bearer,
    ConfigurationError,
    Guard,
    RequestView,
    Requirement,
    Scheme,
    authenticated,
    network,
    public,
    role,
    scope,
    via,
)
from watchword.authorization.requirement import AllOf
from watchword.clock import SystemClock
from watchword.testing import FixedClock


async def awaited(credentials: object) -> None:
    """Refuse everybody."""


BASIC = Basic(Recorder(), realm="office")
BEARER = Bearer(Recorder())
KEY = APIKey(Recorder())


class Digest(Scheme[Any]):
    """A scheme that a proxy may offer."""

    name = "Digest"
    rank = 20


class Form(Scheme[Any]):
    """A scheme that reads a form, and does not say what of it."""

    name = "Ticket"

    def wants_content(self, view: object) -> int:
        """Want it always."""
        return 100


MANY = AllOf(tuple(role(f"r{number}") for number in range(20)))  # more than are looked through one by one

MISTAKES: dict[str, tuple[tuple[Any, ...], dict[str, Any], str]] = {
    "no scheme": ((), {}, "Guard(*schemes) must hold at least one scheme: a 401 needs a challenge (RFC 9110 §11.6.1)."),
    "a class": ((Basic,), {}, 'Guard(*schemes) must be schemes, such as Basic(checker, realm="office"), got type.'),
    "a checker": ((Recorder(),), {}, 'Guard(*schemes) must be schemes, such as Basic(checker, realm="office"), got Recorder.'),
    "a list": (([BASIC],), {}, 'Guard(*schemes) must be schemes, such as Basic(checker, realm="office"), got list.'),
    "two of a kind": ((BEARER, Bearer(Recorder(), realm="other")), {}, "two schemes of Guard(*schemes) have the name 'bearer'"),
    "no checker": ((Basic(None, realm="x"),), {}, "a checker must be a function, or an object with check() or flow(), got NoneType."),
    "a checker's class": (
        (Basic(Recorder, realm="x"),),
        {},
        "a checker must be an object, got the class Recorder. Call it: Recorder(...).",
    ),
    "a list of rules": (
        (BASIC,),
        {"rules": [("/", public)]},
        'Guard(rules=...) must be a mapping of patterns to requirements, such as {"/healthz": public}, got [',
    ),
    "an empty list of rules": ((BASIC,), {"rules": []}, "got []."),
    "a rule without requirement": ((BASIC,), {"rules": {"/x": "admin"}}, "the rule '/x' must have a requirement, such as authenticated"),
    "a rule with a function": ((BASIC,), {"rules": {"/x": role}}, "the rule '/x' must have a requirement"),
    "a rule with None": ((BASIC,), {"rules": {"/x": None}}, "the rule '/x' must have a requirement"),
    "a rule without pattern": ((BASIC,), {"rules": {"x": public}}, "the rule 'x' is not a pattern: its path must start with a slash"),
    "rules that clash": (
        (BASIC,),
        {"rules": {"/{a}/b": public, "/a/{b}": authenticated}},
        "both match GET /a/b, and neither is more specific",
    ),
    "no default": ((BASIC,), {"default": None}, "the rule 'default' must have a requirement"),
    "a scheme that is not there": (
        (BASIC,),
        {"rules": {"/x": via("Bearer")}},
        "the rule '/x' requires via(\"Bearer\"), and this guard has only Basic",
    ),
    "a scheme that is not there, deep": (
        (BASIC, KEY),
        {"default": role("a") & (via("Bearer") | scope("b"))},
        "this guard has only Basic, ApiKey",
    ),
    "schemes of which only a strange one is in common": (
        (BASIC, BEARER),
        {"rules": {"/x": via("Digest", "Bearer") & via("Digest", "Basic")}},
        (
            "the rule '/x' can be met by no scheme of this guard, which has only Basic, Bearer: "
            'via("Digest", "Bearer") & via("Digest", "Basic"). It can be met by digest alone. Add a scheme that meets it, or name'
        ),
    ),
    "schemes with only a strange one in common, beside more leaves than are tried": (
        (BASIC, BEARER),
        {"default": via("Digest", "Bearer") & via("Digest", "Basic") & scope(*"abc") & MANY},
        "the rule 'default' can be met by no scheme of this guard",
    ),
    "schemes in common that are excluded": (
        (BASIC, BEARER),
        {"rules": {"/x": via("Basic", "Digest") & ~via("basic")}},
        "the rule '/x' can be met by no scheme of this guard, which has only Basic, Bearer",
    ),
    "every scheme excluded": (
        (BASIC, BEARER),
        {"rules": {"/x": ~via("Basic") & ~via("Bearer")}},
        "the rule '/x' can be met by no scheme of this guard",
    ),
    "schemes that are not there in every alternative": (
        (BASIC, BEARER),
        {"rules": {"/x": (role("a") & via("Basic", "Digest") & ~via("Basic")) | (via("Bearer", "Digest") & ~via("Bearer"))}},
        "the rule '/x' can be met by no scheme of this guard",
    ),
    "a form that cannot be kept back": (
        (Form(Recorder()),),
        {"strip_credentials": True},
        "strip_credentials=True needs the form parameters of Ticket. Name them in Form.form_parameters",
    ),
    "an order of one string": (
        (BASIC,),
        {"order": "Basic"},
        "Guard(order=...) must be a collection of names, not one string, got 'Basic'. Write ['Basic'].",
    ),
    "an order of anonymous callers": (
        (BASIC,),
        {"order": ["Bearer", "Basic"]},
        "Guard(order=...) must name schemes of this guard, got bearer.",
    ),
    "identity headers of one string": (
        (BASIC,),
        {"identity_headers": "remote-user"},
        "Guard(identity_headers=...) must be a collection of names",
    ),
    "origins of one string": ((BASIC,), {"origins": "https://x"}, "Guard(origins=...) must be a collection of names, not one string"),
    "an origin without scheme": (
        (BASIC,),
        {"origins": ["app.example.com"]},
        "Guard(origins=...) must hold a scheme and a host, and a port other",
    ),
    "an origin with a path": ((BASIC,), {"origins": ["https://app.example.com/x"]}, "Guard(origins=...) must hold a scheme and a host"),
    "an origin of no page": ((BASIC,), {"origins": ["null"]}, "Guard(origins=...) cannot list 'null'"),
    "an empty origin": ((BASIC,), {"origins": [""]}, "each a non-empty string"),
    "an origin of a user": ((BASIC,), {"origins": ["https://a@b"]}, "Guard(origins=...) must hold a scheme and a host"),
    "an origin with a port that is none": ((BASIC,), {"origins": ["https://a:70000"]}, "Guard(origins=...) must hold a scheme and a host"),
    "an origin that is not ASCII": ((BASIC,), {"origins": ["https://b\xfcro.example"]}, "Write the host in ASCII, as browsers send it"),
    "an origin for all": ((BASIC,), {"origins": ["*"]}, "Guard(origins=...) must hold a scheme and a host"),
    "an origin for many": ((BASIC,), {"origins": ["https://*.example.com"]}, "Guard(origins=...) must hold a scheme and a host"),
    "a firewall that is none": (
        (BASIC,),
        {"firewall": False},
        'Guard(firewall=...) must be a Firewall, such as Firewall(off=["semicolon"]), got False.',
    ),
    "a clock that is a function": ((BASIC,), {"clock": time.time}, "Guard(clock=...) must be an object with now(), such as SystemClock()"),
    "a clock that is a class": ((BASIC,), {"clock": FixedClock}, "Guard(clock=...) must be an object with now()"),
    "a request id": ((BASIC,), {"request_id": "0f"}, "Guard(request_id=...) must be a function that makes an id, got '0f'."),
    "a proxy with tokens": (
        (BASIC, BEARER),
        {"proxy": True},
        "Guard(proxy=True) must have Basic or Digest only (decision D35), got Bearer",
    ),
    "a proxy with keys": ((KEY,), {"proxy": True}, "Guard(proxy=True) must have Basic or Digest only (decision D35), got ApiKey"),
    "relative documentation": ((BASIC,), {"documentation": "/reasons"}, "Guard(documentation=...) must be an absolute URI"),
    "documentation that is no text": ((BASIC,), {"documentation": 7}, "Guard(documentation=...) must be a string, got 7"),
    "a contact that is no text": ((BASIC,), {"contact": 7}, "Guard(contact=...) must be one printable line"),
    "an order of schemes": ((BASIC,), {"order": [Basic]}, "Guard(order=...) must be a collection of names, each a non-empty string"),
    "identity headers that are none": ((BASIC,), {"identity_headers": None}, "Guard(identity_headers=...) must be a collection of names"),
    "origins of numbers": (
        (BASIC,),
        {"origins": [7]},
        "Guard(origins=...) must be a collection of names, each a non-empty string, got [7]",
    ),
    "a contact of two lines": ((BASIC,), {"contact": "a\nb"}, "Guard(contact=...) must be one printable line"),
}


@each("mistake", MISTAKES)
def test_a_mistake_is_found_at_construction(mistake: str) -> None:
    """With a message that says what, where and how."""
    schemes, settings, message = MISTAKES[mistake]
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        Guard(*schemes, **settings)


def test_whatever_is_right_is_taken() -> None:
    """All settings at once, in the forms that people give them in."""
    guard = Guard(
        BASIC,
        BEARER,
        KEY,
        rules={"/": public},
        default=role("admin"),
        clock=SystemClock(),
        order=("bearer", "APIKEY"),
        identity_headers=["Remote-User"],
        origins={"https://APP.example.com/", "http://localhost:3000", "capacitor://localhost"},  # type: ignore[arg-type]  # a set is in any order, which is right here
        require_tls=True,
        xhr_no_prompt=True,
        strip_credentials=True,
        cors_expose=True,
        contact="help@example.com",
        documentation="urn:example:reasons",
        request_id=lambda: "0f",
    )
    assert guard.policy.origins == {"https://app.example.com", "http://localhost:3000", "capacitor://localhost"}
    assert guard.policy.identity_headers.names == {"remote-user"}
    assert repr(guard) == 'Guard(Bearer, ApiKey, Basic; 1 rules, default=role("admin"))'
    assert Guard(BASIC, Digest(Recorder()), proxy=True).policy.proxy


@pytest.mark.parametrize(
    ("order", "offered"),
    [
        ((), ["Basic", "Bearer", "ApiKey"]),
        (("ApiKey",), ["ApiKey", "Basic", "Bearer"]),
        (("bearer", "basic"), ["Bearer", "Basic", "ApiKey"]),
        (("ApiKey", "Bearer", "Basic"), ["ApiKey", "Bearer", "Basic"]),
    ],
)
def test_challenges_come_in_the_order_that_was_asked_for(order: tuple[str, ...], offered: list[str]) -> None:
    """Those named first, then the others with well-known ones first (D22), however the schemes were given."""
    for schemes in ((KEY, BEARER, BASIC), (BASIC, KEY, BEARER)):
        guard = Guard(*schemes, order=order)
        view = ask()
        refusal = guard.refuse(guard.decide(view), view)
        assert [value.partition(" ")[0] for value in values(refusal, "WWW-Authenticate")] == offered


def test_checkers_that_need_a_loop_are_named() -> None:
    """For the adapter that cannot serve them."""
    assert Guard(Basic(awaited, realm="x"), KEY).async_checkers == ("awaited",)
    assert Guard(BASIC, KEY).async_checkers == ()


def test_a_guard_is_closed_by_default() -> None:
    """A path that no rule names needs somebody."""
    guard = Guard(KEY, rules={"/healthz": public})
    assert guard.decide(ask("/healthz")).granted
    assert not guard.decide(ask("/healthz/x")).granted
    assert not guard.decide(ask("/anything")).granted


def test_a_guard_keeps_its_configuration() -> None:
    """What is done to the mapping later opens no door."""
    rules = {"/admin": role("admin")}
    guard = Guard(APIKey(Recorder(ANN)), rules=rules)
    rules["/admin"] = public
    rules["/other"] = public
    assert not guard.decide(ask("/admin")).granted
    assert not guard.decide(ask("/other")).granted


def test_the_repr_of_a_guard_shows_no_secret() -> None:
    """Checkers are not printed."""

    class Leaky:
        def check(self, credentials: object) -> None:
            return None

        def __repr__(self) -> str:
            return "s3cret"

    assert "s3cret" not in repr(Guard(Basic(Leaky(), realm="x")))
    assert isinstance(ask(), RequestView)


@pytest.mark.parametrize(
    "requirement",
    [
        via("Digest", "Bearer") & via("Bearer", "Basic"),
        via("Digest", "Bearer") | via("Digest", "Basic"),
        via("Basic", "Bearer") & ~via("Basic"),
        network("10.0.0.0/8") | ~via("Basic", "Bearer"),
        network("10.0.0.0/8") | via("Basic", "Bearer"),
        ~(via("Basic", "Bearer") & network("10.0.0.0/8")),
        via("Basic") | public,
        via() & via("Basic"),
    ],
    ids=str,
)
def test_a_rule_that_some_scheme_of_the_guard_can_meet_is_none(requirement: Requirement) -> None:
    """Nor one that anonymous callers can meet, nor one that says openly that it is for nobody."""
    assert Guard(BASIC, BEARER, rules={"/x": requirement}).decide(ask("/y")).granted is False


def test_a_method_for_which_two_rules_want_different_schemes_is_for_nobody() -> None:
    """It has to meet the rule for GET too, and no scheme of this guard can meet both: 403, and no login dialog for ever."""
    guard = Guard(BASIC, BEARER, rules={"/x": via("Digest", "Basic"), "GET /x": via("Digest", "Bearer")})
    view = ask("/x", method="QUERY")
    assert guard.refuse(guard.decide(view), view).status == 403
    assert guard.refuse(guard.decide(ask("/x")), ask("/x")).status == 401
