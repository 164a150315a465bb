"""Bearer, row by row of RFC 6750; each docstring names the row of the requirements."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.core import ANN, Recorder, ask, values
from watchword import (
    Accepted,
    Basic,
    Bearer,
    BearerToken,
    Challenged,
    ConfigurationError,
    Evidence,
    Forbidden,
    Granted,
    Guard,
    Malformed,
    Operation,
    Principal,
    Reason,
    Refused,
    RequestView,
    authenticated,
    optional,
    scope,
)
from watchword.checkers import Tokens
from watchword.grammar import Challenge, parse_challenges
from watchword.schemes import ChallengeParams
from watchword.testing import FixedClock

TOKEN = ("Authorization", "Bearer mF_9.B5f-4.1JqM")
FORM = ("Content-Type", "application/x-www-form-urlencoded")
INVALID_REQUEST = (Challenge("Bearer", {"realm": "api", "error": "invalid_request"}),)


def guarded(checker: object, rule: Any = authenticated, **settings: Any) -> Guard:
    """Return a guard with Bearer alone."""
    return Guard(Bearer(checker, **settings), default=rule)


def post(body: bytes, *headers: tuple[str, str], method: str = "POST", target: str = "/") -> RequestView:
    """Return a request with content."""
    return ask(target, *headers, method=method, content=body)


# R6750-2.1: the Authorization field


def test_only_the_field_is_read_by_default() -> None:
    """R6750-2.1-1, R6750-2.3-1: a token in a form or a query is ignored, and the 401 has no error code."""
    checker = Recorder(ANN)
    guard = guarded(checker)
    assert isinstance(guard.decide(ask("/", TOKEN)), Granted)
    assert checker.asked == [BearerToken("mF_9.B5f-4.1JqM")]
    for view in (ask("/p?access_token=valid"), post(b"access_token=valid", FORM)):
        decision = guard.decide(view)
        assert isinstance(decision, Challenged)
        assert decision.reason is Reason.MISSING_CREDENTIALS
        assert decision.challenges == (Challenge("Bearer", {"realm": "api"}),)
    assert len(checker.asked) == 1


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_scheme_knows_no_letter_case(scheme: str) -> None:
    """RFC 9110 §11.1; the token keeps its own."""
    assert Bearer(Recorder()).extract(ask("/", ("Authorization", f"{scheme} AbC"))) == BearerToken("AbC")


@pytest.mark.parametrize(
    "value",
    [
        "Bearer a b",
        "Bearer a,b",
        'Bearer "t"',
        "Bearer t\u00e9",
        "Bearer",
        "Bearer ",
        "Bearer a=b",
        'Bearer realm="x"',
        "Bearer t=t",
        "Bearer =",
        "Bearer\tt",
        "Bearer t\x00",
        "Bearer t%41",
        "bearer a,b",
    ],
)
def test_anything_but_one_token68_is_malformed(value: str) -> None:
    """R6750-2.1-2, R6750-3.1-2, D3: 400 with `invalid_request`, and the checker is not asked."""
    checker = Recorder(ANN)
    decision = guarded(checker).decide(ask("/", ("Authorization", value)))
    assert isinstance(decision, Malformed)
    assert decision.challenges == INVALID_REQUEST
    assert checker.asked == []


@pytest.mark.parametrize("token", ["a", "a==", "-._~+/", "0" * 8_000])
def test_a_token_is_any_token68(token: str) -> None:
    """R6750-2.1-2: b64token and token68 are the same."""
    assert Bearer(Recorder()).extract(ask("/", ("Authorization", f"Bearer {token}"))) == BearerToken(token)


# R6750-2.2: a form


def test_a_form_is_read_if_switched_on() -> None:
    """R6750-2.2-1: `access_token` of a single-part urlencoded form, with parameters of the type and any method that has content."""
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for kind in (FORM[1], "application/x-www-form-urlencoded; charset=UTF-8", "Application/X-WWW-Form-URLencoded"):
            checker = Recorder(ANN)
            view = post(b"a=1&access_token=t%2Bx&b=2", ("Content-Type", kind), method=method)
            assert isinstance(guarded(checker, form=True).decide(view), Granted)
            assert checker.asked == [BearerToken("t+x")]
            assert checker.asked[0].carrier == "form"


@pytest.mark.parametrize(
    "view",
    [
        post(b"access_token=t", ("Content-Type", "multipart/form-data; boundary=x")),
        post(b'{"access_token": "t"}', ("Content-Type", "application/json")),
        post(b"access_token=t", ("Content-Type", "application/x-www-form-urlencoded2")),
        post(b"access_token=t", ("Content-Type", "text/plain, application/x-www-form-urlencoded")),
        post(b"access_token=t"),
        post(b"access_token=t", FORM, method="GET"),
        post(b"access_token=t", FORM, method="HEAD"),
        post("access_token=t&name=ä".encode(), FORM),
        post(b"", FORM),
        post(b"token=t", FORM),
        post(b"Access_Token=t", FORM),
    ],
    ids=["multipart", "json", "other type", "two types", "no type", "GET", "HEAD", "not ASCII", "empty", "other name", "other case"],
)
def test_other_content_holds_no_token(view: RequestView) -> None:
    """R6750-2.2-1: 401 without an error, and the checker is not asked."""
    checker = Recorder(ANN)
    decision = guarded(checker, form=True).decide(view)
    assert isinstance(decision, Challenged)
    assert decision.reason is Reason.MISSING_CREDENTIALS
    assert checker.asked == []


def test_the_content_is_read_up_to_a_limit() -> None:
    """R6750-2.2-2: one octet more is 413, and the reader is asked for no more than the limit."""
    checker = Recorder(ANN)
    guard = guarded(checker, form=True, form_limit=20)
    assert isinstance(guard.decide(post(b"access_token=1234567", FORM)), Granted)
    decision = guard.decide(post(b"access_token=12345678", FORM))
    assert isinstance(decision, Malformed)
    assert decision.reason is Reason.OVERSIZED_CONTENT
    assert len(checker.asked) == 1
    limits: list[int] = []

    def reader(limit: int) -> Operation[bytes | None]:
        limits.append(limit)
        return Operation(lambda: b"access_token=t")

    view = ask("/", FORM, method="POST")
    view.reader = reader
    assert isinstance(guard.decide(view), Granted)
    assert limits == [20]


def test_the_content_is_left_alone_where_no_form_is_announced() -> None:
    """R6750-2.2-2: uploads are not read ahead."""
    limits: list[int] = []

    def reader(limit: int) -> Operation[bytes | None]:
        limits.append(limit)
        return Operation(lambda: b"")

    view = ask("/", ("Content-Type", "application/octet-stream"), method="POST")
    view.reader = reader
    guarded(Recorder(), form=True).decide(view)
    assert limits == []


def test_the_limit_is_64_kib_unless_another_is_given() -> None:
    """R6750-2.2-2: a form that carries a token is small; one octet is a limit too."""
    guard = guarded(Recorder(ANN), form=True)
    token = b"access_token=t&x="
    assert guard.decide(post(token + b"a" * (65_536 - len(token)), FORM)).granted
    assert guard.decide(post(token + b"a" * (65_537 - len(token)), FORM)).reason is Reason.OVERSIZED_CONTENT
    assert Bearer(Recorder(), form=True, form_limit=1).wants_content(post(b"", FORM)) == 1


@pytest.mark.parametrize(("carrier", "reason"), [("query", Reason.OVERSIZED_CREDENTIALS), ("form", Reason.OVERSIZED_CONTENT)])
def test_a_token_is_bounded_wherever_it_comes_from(carrier: str, reason: Reason) -> None:
    """RFC 9110 §5.4: a token may be as long as in a field; one octet more is 431, or 413 in the content."""
    guard = guarded(Recorder(ANN), form=True, query=True)
    for length, granted in ((16_384, True), (16_385, False)):
        sent = f"access_token={'t' * length}"
        view = ask(f"/?{sent}") if carrier == "query" else post(sent.encode(), FORM)
        decision = guard.decide(view)
        assert decision.granted is granted
        if not granted:
            assert decision.reason is reason
            assert guard.refuse(decision, view).status == {"query": 431, "form": 413}[carrier]


@pytest.mark.parametrize("limit", [0, -1, True, 1.5, "1"])
def test_a_form_limit_below_one_octet_is_refused(limit: object) -> None:
    """No form could be read."""
    with pytest.raises(ConfigurationError, match=r"Bearer\(form_limit=\.\.\.\) must be a whole number of octets"):
        Bearer(Recorder(), form=True, form_limit=limit)  # type: ignore[arg-type]  # the mistake itself


# R6750-2.3: the query


def test_a_query_is_read_if_switched_on() -> None:
    """R6750-2.3-1, R6750-2.3-2: the response to it is not stored."""
    checker = Recorder(ANN)
    decision = guarded(checker, query=True).decide(ask("/p?a=1&access_token=t%2Bx"))
    assert isinstance(decision, Granted)
    assert checker.asked == [BearerToken("t+x")]
    assert checker.asked[0].carrier == "query"
    assert decision.cache.cache_control == "no-store"


@pytest.mark.parametrize(
    "query", ["access_token=", "access_token", "access_token=a%20b", "access_token=%C3%A9", "access_token=a%2Cb", "access_token=="]
)
def test_a_parameter_outside_the_token_characters_is_malformed(query: str) -> None:
    """R6750-2.1-2: the same characters as in the header; 400, and the checker is not asked."""
    checker = Recorder(ANN)
    decision = guarded(checker, query=True).decide(ask(f"/p?{query}"))
    assert isinstance(decision, Malformed)
    assert decision.challenges == INVALID_REQUEST
    assert checker.asked == []


# R6750-2-1, R6750-2-2: one token, in one place


@pytest.mark.parametrize(
    "view",
    [
        post(b"access_token=t", FORM, TOKEN),
        ask("/?access_token=t", TOKEN),
        post(b"access_token=t", FORM, target="/?access_token=t"),
        post(b"access_token=a&access_token=a", FORM),
        ask("/?access_token=a&access_token=b"),
        ask("/?access_token=a&acces%73_token=a"),
    ],
    ids=["header and form", "header and query", "query and form", "twice in a form", "twice in a query", "twice, one escaped"],
)
def test_more_than_one_token_is_an_invalid_request(view: RequestView) -> None:
    """R6750-2-1, R6750-2-2, R6750-3.1-2: 400 with `invalid_request`, even if they are equal, and the checker is not asked."""
    checker = Recorder(ANN)
    guard = guarded(checker, form=True, query=True)
    decision = guard.decide(view)
    assert isinstance(decision, Malformed)
    assert decision.reason is Reason.AMBIGUOUS_CREDENTIALS
    assert values(guard.refuse(decision, view), "WWW-Authenticate") == ['Bearer realm="api", error="invalid_request"']
    assert checker.asked == []


# R6750-3: the challenge


def test_every_refusal_has_a_bearer_challenge() -> None:
    """R6750-3-1: 401 without a token and 403 without the scope."""
    guard = guarded(Recorder(Principal("ann", scopes={"read"})), scope("write"))
    for view, status in ((ask(), 401), (ask("/", TOKEN), 403)):
        refusal = guard.refuse(guard.decide(view), view)
        assert refusal.status == status
        assert values(refusal, "WWW-Authenticate")[0].startswith("Bearer ")


ERRORS: dict[Reason | None, str] = {
    Reason.EXPIRED: "invalid_token",
    Reason.REVOKED: "invalid_token",
    Reason.STEP_UP_REQUIRED: "insufficient_user_authentication",
    Reason.INSUFFICIENT_SCOPE: "insufficient_scope",
    Reason.AMBIGUOUS_CREDENTIALS: "invalid_request",
}
DESCRIPTIONS: dict[Reason | None, str] = {Reason.EXPIRED: "The access token expired", Reason.REVOKED: "The access token is not valid"}


def test_a_bearer_challenge_always_has_a_parameter() -> None:
    """R6750-3-2, D23: the realm has a default."""
    assert Bearer(Recorder()).challenge().serialize() == 'Bearer realm="api"'


@pytest.mark.parametrize(
    "params",
    [
        ChallengeParams(),
        ChallengeParams(Reason.EXPIRED),
        ChallengeParams(Reason.REVOKED),
        ChallengeParams(Reason.STEP_UP_REQUIRED),
        ChallengeParams(Reason.AMBIGUOUS_CREDENTIALS, bad_request=True),
        ChallengeParams(Reason.INSUFFICIENT_SCOPE, scope=("read", "write"), max_age=300, acr_values=("gold", "silver")),
        ChallengeParams(scope=("a",)),
        ChallengeParams(max_age=0),
    ],
)
def test_each_parameter_occurs_once(params: ChallengeParams) -> None:
    """R6750-3-3, R6750-3-4: one parameter of each name, with values separated by one space."""
    challenge = Bearer(Recorder(), realm="x", resource_metadata="https://rs.example/meta").challenge(params)
    sent = challenge.serialize()
    (read,) = parse_challenges(sent)
    assert read == challenge
    wanted = {
        "realm": "x",
        "resource_metadata": "https://rs.example/meta",
        "error": ERRORS.get(params.reason),
        "error_description": DESCRIPTIONS.get(params.reason),
        "scope": " ".join(params.scope) or None,
        "max_age": None if params.max_age is None else str(params.max_age),
        "acr_values": " ".join(params.acr_values) or None,
    }
    assert dict(read.params) == {name: value for name, value in wanted.items() if value is not None}
    for name in read.params:
        assert sent.count(f" {name}=") == 1


@pytest.mark.parametrize("wrong", ["a b", 'a"b', "\u00e9", "a\\b", "", "\x7f"])
def test_a_scope_that_cannot_be_sent_cannot_be_required(wrong: str) -> None:
    """R6750-3-4: a requirement takes scope tokens only."""
    with pytest.raises(ConfigurationError):
        scope(wrong)


def test_scopes_are_sent_separated_by_one_space() -> None:
    """R6750-3-4: all of them, so that a client that asks for them gets a token that will do."""
    decision = guarded(Recorder(Principal("ann", scopes={"read"})), scope("read", "write")).decide(ask("/", TOKEN))
    assert isinstance(decision, Forbidden)
    assert decision.challenges == (Challenge("Bearer", {"realm": "api", "error": "insufficient_scope", "scope": "read write"}),)


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.of_checker])
def test_the_description_of_a_refused_token_is_fixed(reason: Reason) -> None:
    """R6750-3-5, R6750-3-6, R6750-3.1-3, D26: `invalid_token`, with the fixed text of the scheme; only `expired` differs."""
    guard = guarded(Recorder(Refused(reason)))
    decision = guard.decide(ask("/", TOKEN))
    assert isinstance(decision, Challenged)
    (challenge,) = decision.challenges
    said = challenge.params["error_description"]
    assert challenge.params["error"] == "invalid_token"
    assert said == ("The access token expired" if reason is Reason.EXPIRED else "The access token is not valid")
    assert all(" " <= character <= "~" and character not in '"\\' for character in said)
    body = json.loads(guard.refuse(decision, ask()).body)
    assert body["reason"] == ("expired" if reason is Reason.EXPIRED else "invalid_credentials")


@pytest.mark.parametrize(
    "header", [(), (("Authorization", "Basic dTpw"),), (("Authorization", "Token t"),)], ids=["none", "basic", "unknown"]
)
def test_a_request_without_a_token_gets_no_error_code(header: tuple[tuple[str, str], ...]) -> None:
    """R6750-3.1-1, D4: neither error nor description."""
    decision = guarded(Recorder(ANN)).decide(ask("/", *header))
    assert isinstance(decision, Challenged)
    assert decision.challenges == (Challenge("Bearer", {"realm": "api"}),)


# R6750-3.1-3 to R6750-3.1-5


def test_evidence_that_has_expired_is_refused() -> None:
    """R6750-3.1-3: the guard compares the end that the checker stated; from that second on the token is expired."""
    clock = FixedClock(99)
    ends = Principal("ann", evidence=Evidence(expires_at=100))
    guard = Guard(Bearer(Recorder(Accepted(ends))), clock=clock)
    assert isinstance(guard.decide(ask("/", TOKEN)), Granted)
    clock.set(100)
    decision = guard.decide(ask("/", TOKEN))
    assert isinstance(decision, Challenged)
    assert decision.reason is decision.disclosed is Reason.EXPIRED


def test_a_false_token_is_refused_on_an_optional_route() -> None:
    """R6750-3.1-3, T4: no fallback to an anonymous caller."""
    decision = guarded(Tokens({"good": ANN}), optional).decide(ask("/", TOKEN))
    assert isinstance(decision, Challenged)
    assert decision.challenges[0].params["error"] == "invalid_token"


@pytest.mark.parametrize(
    ("held", "wanted", "granted"),
    [
        (["Read"], ["read"], False),
        (["reader"], ["read"], False),
        (["read"], ["reader"], False),
        (["b", "a"], ["a", "b"], True),
        (["a"], ["a", "b"], False),
        (["a", "b", "c"], ["b"], True),
        ([], ["a"], False),
    ],
)
def test_scopes_are_compared_whole_and_in_any_order(held: list[str], wanted: list[str], *, granted: bool) -> None:
    """R6750-3.1-4, R6750-3.1-5: exactly and case-sensitively; what is missing is 403 `insufficient_scope` with the scope needed."""
    decision = guarded(Recorder(Principal("ann", scopes=held)), scope(*wanted)).decide(ask("/", TOKEN))
    assert decision.granted is granted
    if not granted:
        assert isinstance(decision, Forbidden)
        assert decision.challenges[0].params["error"] == "insufficient_scope"
        assert decision.challenges[0].params["scope"] == " ".join(sorted(wanted))


def test_only_bearer_is_challenged_for_a_scope() -> None:
    """D10: on 403 only Bearer is challenged, and only if Bearer was used; a Basic challenge would open the login dialog."""
    lacking = Recorder(Principal("ann"))
    guard = Guard(Basic(lacking, realm="x"), Bearer(lacking), default=scope("read"))
    decision = guard.decide(ask("/", ("Authorization", "Basic YTpi")))
    assert isinstance(decision, Forbidden)
    assert decision.challenges == ()


# RFC 9728


@pytest.mark.parametrize(
    "wrong",
    [
        "http://rs.example/meta",
        "/.well-known/oauth-protected-resource",
        "https:///meta",
        "https://user@rs.example/meta",
        "https://rs.example/meta#x",
        "https://rs.example/a b",
        "https://rs.example/\u00e4",
        "https://rs.example/\n",
        "https://[rs.example/meta",
        "",
        7,
        True,
    ],
)
def test_the_metadata_are_at_an_absolute_https_url(wrong: Any) -> None:
    """RFC 9728 §5.1, H6: a constant of the configuration, checked at construction."""
    with pytest.raises(ConfigurationError, match="resource_metadata"):
        Bearer(Recorder(), resource_metadata=wrong)


def test_a_challenge_names_the_metadata() -> None:
    """RFC 9728 §5.1: in the challenge of a 401."""
    decision = guarded(Recorder(), resource_metadata="https://rs.example/meta").decide(ask())
    assert isinstance(decision, Challenged)
    assert decision.challenges[0].params["resource_metadata"] == "https://rs.example/meta"
