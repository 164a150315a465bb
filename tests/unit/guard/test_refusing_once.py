"""What a refusal is made of is found out once where it stays the same, and every time where it does not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.core import ANN, Recorder, ask, values
from tests.support.each import each
from watchword import (
    APIKey,
    Basic,
    Bearer,
    Granted,
    Guard,
    Principal,
    Reason,
    Refused,
    RequestView,
    Scheme,
    authenticated,
    network,
    role,
    scope,
)
from watchword.authorization import EvaluationContext, Requirement
from watchword.checkers import Tokens, nonblocking
from watchword.decision import Challenged
from watchword.grammar import Challenge
from watchword.refusal import Renderer
from watchword.schemes import ChallengeParams

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.authorization.value import Value

ID = "0f0f"


@dataclass(frozen=True, slots=True)
class Counted(Requirement):
    """A requirement that keeps count of how often it is evaluated, and has a quick test if that of its part has one."""

    part: Requirement
    seen: list[EvaluationContext]

    def evaluate(self, context: EvaluationContext) -> Value:
        """Return the value of the part."""
        self.seen.append(context)
        return self.part.evaluate(context)

    def fast_check(self) -> Callable[[Principal], bool] | None:
        """Return the test of the part."""
        return self.part.fast_check()

    def __hash__(self) -> int:
        return id(self)


class Nonces(Scheme[Any]):
    """A scheme that asks with something new every time, as Digest does."""

    name = "Nonces"
    made = 0

    def extract(self, view: RequestView) -> None:
        """Find nothing."""

    def challenge(self, params: ChallengeParams = ChallengeParams()) -> Challenge:  # noqa: B008 - a value
        """Return another challenge."""
        self.made += 1
        return Challenge(self.name, {"realm": self.realm, "nonce": str(self.made)})


def refused(guard: Guard, *headers: tuple[str, str], **facts: Any) -> tuple[int, list[str]]:
    """Return status and challenges of a refusal."""
    view = ask("/x", *headers, **facts)
    refusal = guard.refuse(guard.decide(view), view, request_id=ID)
    return refusal.status, values(refusal, "WWW-Authenticate")


def test_what_strangers_need_is_found_out_once() -> None:
    """A rule that looks at who it is alone asks all anonymous callers for the same, so it is evaluated for the first of them."""
    seen: list[EvaluationContext] = []
    guard = Guard(Bearer(Recorder()), rules={"/x": Counted(scope("a"), seen)})
    answers = {str(refused(guard)) for _ in range(5)}
    assert answers == {str((401, ['Bearer realm="api", scope="a"']))}
    assert len(seen) == 1


def test_what_strangers_need_is_asked_again_where_the_request_matters() -> None:
    """The answer to one stranger says nothing about the next, who comes from elsewhere."""
    guard = Guard(Basic(Recorder(), realm="r"), Bearer(Recorder()), rules={"/x": scope("a") | (network("10.0.0.0/8") & role("b"))})
    outside = (401, ['Basic realm="r", charset="UTF-8"', 'Bearer realm="api", scope="a"'])
    inside = (401, ['Basic realm="r", charset="UTF-8"', 'Bearer realm="api"'])
    asked = [refused(guard, client=client) for client in ("192.0.2.7", "10.1.1.1", "192.0.2.7", "10.1.1.1")]
    assert asked == [outside, inside, outside, inside]


@pytest.mark.parametrize("first", ["false credentials", "nothing"])
def test_a_rule_that_nobody_meets_is_forbidden_whoever_came_before(first: str) -> None:
    """False credentials are 401 there, and nothing at all is 403: neither answer is taken for the other."""
    guard = Guard(Bearer(Tokens({"t0k3n": ANN})), rules={"/x": role()})
    wrong = ("Authorization", "Bearer wrong")
    if first == "nothing":
        assert refused(guard) == (403, [])
    challenges = ['Bearer realm="api", error="invalid_token", error_description="The access token is not valid"']
    assert [refused(guard, wrong), refused(guard), refused(guard, wrong)] == [(401, challenges), (403, []), (401, challenges)]


def test_a_scheme_whose_challenges_change_is_asked_every_time() -> None:
    """A nonce is never sent twice because a refusal was prepared."""
    guard = Guard(Nonces(Recorder()), Bearer(Recorder()))
    first, second = refused(guard), refused(guard)
    assert first == (401, ['Bearer realm="api"', 'Nonces realm="api", nonce="1"'])
    assert second == (401, ['Bearer realm="api"', 'Nonces realm="api", nonce="2"'])


def test_scripts_and_pages_do_not_get_each_others_challenges() -> None:
    """What is remembered for a rule is what could help, not how it is said to this client."""
    guard = Guard(Basic(Recorder(), realm="r"), xhr_no_prompt=True)
    script = ("Sec-Fetch-Mode", "cors")
    asked = [refused(guard, *headers)[1][0].split()[0] for headers in ((), (script,), (), (script,))]
    assert asked == ["Basic", "xBasic", "Basic", "xBasic"]


@pytest.mark.parametrize("scheme", [Basic(Recorder(), realm="r"), Bearer(Recorder()), APIKey(Recorder())], ids=lambda scheme: scheme.name)
def test_a_challenge_that_stays_the_same_is_made_once(scheme: Scheme[Any]) -> None:
    """The three schemes of this package answer the same value for the same params, and its text is built once."""
    params = ChallengeParams(Reason.EXPIRED)
    assert scheme.challenge() is scheme.challenge()
    assert scheme.challenge(params) is scheme.challenge(ChallengeParams(Reason.EXPIRED))
    assert scheme.challenge().serialize() is scheme.challenge().serialize()


def test_challenges_are_kept_within_bounds() -> None:
    """A predicate that answers another need every time does not fill the memory, and is answered rightly."""
    scheme = Bearer(Recorder())
    for age in range(2000):
        assert scheme.challenge(ChallengeParams(max_age=age)).params["max_age"] == str(age)
    assert len(scheme._challenges) <= 256


@each("accept", ["application/json", "text/html", "text/plain"])
@each("reference", ["plain1", 'a"b', "a<b>&c", "a\\u0000b", "naïve", ""])
@each("documentation", ["https://example.com/why", 'https://example.com/\\u0000/"\\u0000"'])
def test_a_prepared_body_holds_the_id_as_if_it_had_been_written_for_it(accept: str, reference: str, documentation: str) -> None:
    """Whatever the id and the address of the documentation are made of, the id is escaped, in its place, and that of this request."""
    guard = Guard(Basic(Recorder(), realm="r"), documentation=documentation)

    def body(request_id: str) -> str:
        view = ask("/x", ("Accept", accept))
        refusal = guard.refuse(guard.decide(view), view, request_id=request_id)
        assert values(refusal, "Content-Length") == [str(len(refusal.body))]
        return refusal.body.decode()

    other, this, again = body("other"), body(reference), body("other")
    assert other == again
    if accept == "application/json":
        problem = json.loads(this)
        assert problem.get("request_id", "") == reference
        assert problem["type"] == f"{documentation.rstrip('/')}/missing_credentials"
        assert {**problem, "request_id": "other"} == json.loads(other)
    elif reference:
        written = escape(reference) if accept == "text/html" else reference
        assert this == other.replace("other", written)
    else:
        assert "Reference" not in this


def test_what_clients_accept_is_remembered_within_bounds() -> None:
    """A long Accept field is read each time, and any number of different ones is answered rightly."""
    guard = Guard(Basic(Recorder(), realm="r"), default=authenticated)
    for number in range(600):
        view = ask("/x", ("Accept", f"image/x{number}, text/html;q=0.{number % 9 + 1}" + ", a/b" * (number % 100)))
        refusal = guard.refuse(guard.decide(view), view)
        assert values(refusal, "Content-Type") == ["text/html; charset=utf-8"]


class Renewed(Bearer):
    """Bearer tokens, asked for with something new every time."""

    made = 0

    def challenge(self, params: ChallengeParams = ChallengeParams()) -> Challenge:  # noqa: B008 - a value
        """Return another challenge."""
        self.made += 1
        return Challenge(self.name, {**super().challenge(params).params, "nonce": str(self.made)})


@pytest.mark.parametrize("sent", [(), (("Authorization", "Bearer wrong"),)], ids=["nothing", "a wrong token"])
@pytest.mark.parametrize("by", ["class", "instance"])
def test_a_scheme_of_ours_that_was_changed_is_asked_every_time(by: str, sent: tuple[tuple[str, str], ...]) -> None:
    """A subclass, and a method that is put in its place, may send a nonce: no decision is kept then."""
    scheme: Bearer = Renewed(Recorder()) if by == "class" else Bearer(Recorder())
    if by == "instance":
        scheme.challenge = Renewed(Recorder()).challenge  # type: ignore[method-assign]  # as people do
    guard = Guard(scheme)
    assert len({str(refused(guard, *sent)) for _ in range(3)}) == 3


def test_a_kept_decision_has_the_words_of_this_request() -> None:
    """Detail and response fields of a verdict stand in its own decision, and in no later one."""
    verdicts = [Refused(detail="one", headers=(("X-One", "1"),)), Refused(), Refused(detail="two"), Refused(Reason.EXPIRED)]
    left = list(verdicts)
    guard = Guard(Bearer(nonblocking(lambda _: left.pop(0))))
    decisions = [guard.decide(ask("/x", ("Authorization", "Bearer a"))) for _ in verdicts]
    assert [(one.detail, one.headers) for one in decisions if not isinstance(one, Granted)] == [
        (verdict.detail, verdict.headers) for verdict in verdicts
    ]
    assert [one.reason for one in decisions] == [verdict.reason for verdict in verdicts]


def test_prepared_refusals_are_bounded_and_hold_nothing_of_a_client() -> None:
    """Neither ids, nor paths, nor names of schemes, nor response fields fill the memory or find the way into another refusal."""
    guard = Guard(Bearer(Recorder()), Nonces(Recorder()))
    for number in range(600):
        sent = {"X-Request-Id": f"secret-{number}", "Authorization": f"secret-{number} a", "Accept": "text/html"}
        view = ask(f"/secret-{number}", *sent.items())
        guard.refuse(guard.decide(view), view)
    ready = guard._renderer._ready
    assert 0 < len(ready) <= 256
    assert not any("secret" in repr((key, one.fields, one._text._before, one._text._after)) for key, one in ready.items())


def test_what_is_for_one_request_is_never_kept() -> None:
    """A cookie of a verdict, and the page to which a person is sent, are in the refusal that they were made for."""
    renderer = Renderer()
    for value in ("a", "b"):
        cookie = Challenged(reason=Reason.INVALID_CREDENTIALS, headers=(("Set-Cookie", value),))
        sent_away = Challenged(reason=Reason.INVALID_CREDENTIALS, location=f"/login?next={value}")
        assert values(renderer.render(cookie, ask("/"), ID), "Set-Cookie") == [value]
        assert values(renderer.render(sent_away, ask("/"), ID), "Location") == [f"/login?next={value}"]
    assert not renderer._ready


def test_long_challenges_are_not_kept() -> None:
    """A scheme of one's own may write what it likes into a challenge, of any length."""
    renderer = Renderer()
    long = Challenged(reason=Reason.MISSING_CREDENTIALS, challenges=(Challenge("X", {"realm": "a" * 4000}),))
    assert len({str(renderer.render(long, ask("/"), ID).headers) for _ in range(2)}) == 1
    assert not renderer._ready


def test_both_forms_of_a_header_section_say_the_same() -> None:
    """What ASGI sends is what WSGI sends, and changing what one refusal gave away changes no other."""
    guard = Guard(Basic(Recorder(), realm="r"), Bearer(Recorder()))
    view = ask("/x", ("Accept", "text/html"))
    one, other = (guard.refuse(guard.decide(view), view, request_id=ID) for _ in range(2))
    assert one == other
    assert one.octets == [(name.lower().encode(), value.encode()) for name, value in one.headers]
    one.headers.append(("X", "1"))
    one.octets.append((b"x", b"1"))
    assert one == other
    assert one.octets == other.octets
    assert one != guard.refuse(guard.decide(view), view, request_id="longer than that")
    assert one != "a refusal"
