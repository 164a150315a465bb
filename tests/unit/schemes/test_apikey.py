"""Tests API keys in each place of a request."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.core import ANN, Recorder, ask, values
from tests.support.each import each
from watchword import (
    APIKey,
    APIKeyCredentials,
    Bearer,
    Challenged,
    ConfigurationError,
    CredentialsError,
    Granted,
    Guard,
    Malformed,
    Principal,
    Reason,
    RequestView,
)
from watchword.checkers import Tokens


def extract(view: RequestView, **settings: Any) -> APIKeyCredentials | None:
    """Return what the scheme finds."""
    return APIKey(Recorder(), **settings).extract(view)


@pytest.mark.parametrize(
    ("view", "settings", "carrier"),
    [
        (ask("/", ("X-API-Key", "k1")), {}, "header"),
        (ask("/", ("x-api-key", " k1\t")), {}, "header"),
        (ask("/", ("X-Shop-Key", "k1")), {"header": "X-Shop-Key"}, "header"),
        (ask("/", ("Authorization", "ApiKey k1")), {}, "authorization"),
        (ask("/", ("Authorization", "apikey k1")), {"header": None}, "authorization"),
        (ask("/?key=k1"), {"query": "key"}, "query"),
        (ask("/?a=b&k%65y=k%31"), {"query": "key"}, "query"),
        (ask("/", ("Cookie", "a=b; key=k1")), {"cookie": "key"}, "cookie"),
        (ask("/", ("Cookie", "a=b"), ("Cookie", "key=k1")), {"cookie": "key"}, "cookie"),
    ],
    ids=["header", "spaces", "own header", "authorization", "authorization alone", "query", "escaped", "cookie", "second cookie field"],
)
def test_a_key_is_read_from_the_configured_places(view: RequestView, settings: dict[str, Any], carrier: str) -> None:
    """From the header by default, from Authorization always, from query and cookie if configured; the carrier says which."""
    found = extract(view, **settings)
    assert found == APIKeyCredentials("k1")
    assert found.carrier == carrier


@pytest.mark.parametrize(
    "view",
    [
        ask(),
        ask("/?key=k1", ("Cookie", "key=k1")),
        ask("/", ("Authorization", "Bearer k1")),
        ask("/", ("X-API-Keys", "k1")),
        ask("/", ("Cookie", "X-API-Key=k1")),
        ask("/?X-API-Key=k1"),
    ],
    ids=["nothing", "not asked for", "other scheme", "other header", "cookie of that name", "parameter of that name"],
)
def test_a_key_in_another_place_is_ignored(view: RequestView) -> None:
    """A place that is not configured is not read."""
    assert extract(view) is None


def test_names_of_parameters_and_cookies_have_a_letter_case() -> None:
    """They are case-sensitive, unlike names of header fields."""
    assert extract(ask("/?Key=k1", ("Cookie", "KEY=k1")), query="key", cookie="key") is None


def test_an_emptied_cookie_is_no_key() -> None:
    """A server deletes a cookie by an empty value."""
    assert extract(ask("/", ("Cookie", "key=; a=b")), cookie="key") is None


@each(
    ("view", "reason"),
    [
        (ask("/", ("X-API-Key", "")), Reason.MALFORMED_CREDENTIALS),
        (ask("/", ("X-API-Key", " \t ")), Reason.MALFORMED_CREDENTIALS),
        (ask("/", ("X-API-Key", "k\x01")), Reason.MALFORMED_CREDENTIALS),
        (ask("/", ("X-API-Key", "k\x7f")), Reason.MALFORMED_CREDENTIALS),
        (ask("/", ("X-API-Key", "\xff")), Reason.MALFORMED_CREDENTIALS),
        (ask("/", ("X-API-Key", "\u20ac")), Reason.MALFORMED_CREDENTIALS),
        (ask("/", ("X-API-Key", "a,b")), Reason.AMBIGUOUS_CREDENTIALS),
        (ask("/", ("X-API-Key", "a"), ("X-API-Key", "a")), Reason.AMBIGUOUS_CREDENTIALS),
        (ask("/", ("X-API-Key", "a"), ("Authorization", "ApiKey a")), Reason.AMBIGUOUS_CREDENTIALS),
        (ask("/?key=a", ("X-API-Key", "a")), Reason.AMBIGUOUS_CREDENTIALS),
        (ask("/?key=a&key=a"), Reason.AMBIGUOUS_CREDENTIALS),
        (ask("/", ("Cookie", "key=a; key=a")), Reason.AMBIGUOUS_CREDENTIALS),
        (ask("/?key="), Reason.MALFORMED_CREDENTIALS),
        (ask("/?key"), Reason.MALFORMED_CREDENTIALS),
        (ask("/?key=%ff"), Reason.MALFORMED_CREDENTIALS),
        (ask("/?key=%0a"), Reason.MALFORMED_CREDENTIALS),
        (ask("/", ("Cookie", "key=\xff")), Reason.MALFORMED_CREDENTIALS),
        (ask("/", ("Authorization", "ApiKey")), Reason.MALFORMED_CREDENTIALS),
    ],
)
def test_a_malformed_key_is_a_bad_request(view: RequestView, reason: Reason) -> None:
    """400 from every place, without asking the checker, and without a challenge, because the scheme has no error codes."""
    checker = Recorder(ANN)
    decision = Guard(APIKey(checker, query="key", cookie="key")).decide(view)
    assert isinstance(decision, Malformed)
    assert (decision.reason, decision.challenges) == (reason, ())
    assert checker.asked == []


@pytest.mark.parametrize(
    "view",
    [ask("/?key=a,b"), ask("/?key=a%2Cb"), ask("/", ("Cookie", "key=a,b")), ask("/", ("X-API-Key", "a,b"))],
    ids=["query", "escaped", "cookie", "header"],
)
def test_a_key_with_a_comma_is_two_keys_wherever_it_is(view: RequestView) -> None:
    """The scheme refuses it from every place, also without the rule of the firewall or without a guard (H1)."""
    with pytest.raises(CredentialsError, match="without a comma") as caught:
        extract(view, query="key", cookie="key")
    assert caught.value.reason is Reason.AMBIGUOUS_CREDENTIALS


@pytest.mark.parametrize("carrier", ["query", "cookie"])
def test_a_key_is_bounded_wherever_it_comes_from(carrier: str) -> None:
    """A key from any place may be as long as a field (RFC 9110 §5.4); one octet more is 431."""
    guard = Guard(APIKey(Recorder(ANN), query="key", cookie="key"))
    for length, granted in ((8192, True), (8193, False)):
        view = ask(f"/?key={'k' * length}") if carrier == "query" else ask("/", ("Cookie", f"key={'k' * length}"))
        decision = guard.decide(view)
        assert decision.granted is granted
        if not granted:
            assert guard.refuse(decision, view).status == 431


def test_nothing_else_is_read_by_default() -> None:
    """The scheme reads neither cookies nor parameters by default; without the header only Authorization is left."""
    assert (APIKey(Recorder()).cookies, APIKey(Recorder()).parameters) == ((), ())
    assert APIKey(Recorder(), header=None).fields == ("authorization",)


def test_parameters_in_place_of_a_key_fail() -> None:
    """The value follows the grammar and not the scheme: 401, as for Basic (D2)."""
    checker = Recorder(ANN)
    decision = Guard(APIKey(checker)).decide(ask("/", ("Authorization", "ApiKey key=k1")))
    assert isinstance(decision, Challenged)
    assert decision.reason is Reason.MALFORMED_CREDENTIALS
    assert checker.asked == []


def test_a_key_may_hold_any_character_in_utf_8() -> None:
    """A header carries octets; they are read as UTF-8, so that a table of keys can hold them as text."""
    sent = "schlüssel-€".encode()
    assert extract(ask("/", ("X-API-Key", sent.decode("latin-1")))) == APIKeyCredentials("schlüssel-€")
    assert extract(RequestView("GET", "/", [(b"x-api-key", sent)])) == APIKeyCredentials("schlüssel-€")
    guard = Guard(APIKey(Tokens({"schlüssel-€": ANN})))
    assert isinstance(guard.decide(RequestView("GET", "/", [(b"x-api-key", sent)])), Granted)


@pytest.mark.parametrize(
    "view",
    [
        ask("/", ("X-API-Key", "s3cret\xff")),
        ask("/", ("X-API-Key", "s3cret\u20ac")),
        ask("/?key=s3cret%ff"),
        ask("/", ("Cookie", "key=s3cret\xff")),
    ],
    ids=["utf-8", "octets", "query", "cookie"],
)
def test_a_key_that_cannot_be_read_is_in_no_exception(view: RequestView) -> None:
    """Neither the error nor its cause holds the key."""
    with pytest.raises(CredentialsError) as caught:
        extract(view, query="key", cookie="key")
    error: BaseException | None = caught.value
    while error is not None:
        assert "s3cret" not in repr(error)
        error = error.__cause__ or error.__context__


def test_the_challenge_names_the_scheme() -> None:
    """Every 401 has a challenge (RFC 9110 §11.6.1, D17), here under the unregistered name `ApiKey`."""
    guard = Guard(APIKey(Recorder(), realm="shop"))
    view = ask()
    decision = guard.decide(view)
    assert isinstance(decision, Challenged)
    assert values(guard.refuse(decision, view), "WWW-Authenticate") == ['ApiKey realm="shop"']


def test_a_refused_key_is_challenged_like_a_missing_one() -> None:
    """401 either way, with the same challenge."""
    guard = Guard(APIKey(Recorder()))
    one, other = guard.decide(ask()), guard.decide(ask("/", ("X-API-Key", "k")))
    assert isinstance(one, Challenged)
    assert isinstance(other, Challenged)
    assert one.challenges == other.challenges


def test_a_key_beside_a_token_is_ambiguous() -> None:
    """D18: two explicit credentials do not say which one counts."""
    checker = Recorder(ANN)
    guard = Guard(Bearer(checker), APIKey(checker))
    decision = guard.decide(ask("/", ("Authorization", "Bearer t"), ("X-API-Key", "k")))
    assert isinstance(decision, Malformed)
    assert decision.reason is Reason.AMBIGUOUS_CREDENTIALS
    assert checker.asked == []


def test_explicit_credentials_win_over_a_cookie() -> None:
    """D18: a browser adds cookies by itself."""
    tokens = Tokens({"t": Principal("by-token"), "c": Principal("by-cookie")})
    guard = Guard(Bearer(tokens), APIKey(tokens, cookie="key"))
    decision = guard.decide(ask("/", ("Authorization", "Bearer t"), ("Cookie", "key=c")))
    assert isinstance(decision, Granted)
    assert decision.principal.id == "by-token"
    assert guard.decide(ask("/", ("Cookie", "key=c"))).principal.id == "by-cookie"


@pytest.mark.parametrize(
    ("carrier", "advice"), [("header", "private"), ("cookie", "private"), ("query", "no-store"), ("authorization", None)]
)
def test_a_response_to_a_key_is_not_stored_by_shared_caches(carrier: str, advice: str | None) -> None:
    """D58: shared caches have a rule for Authorization (RFC 9111 §3.5), and none for keys."""
    views = {
        "header": ask("/", ("X-API-Key", "k")),
        "cookie": ask("/", ("Cookie", "key=k")),
        "query": ask("/?key=k"),
        "authorization": ask("/", ("Authorization", "ApiKey k")),
    }
    decision = Guard(APIKey(Recorder(ANN), query="key", cookie="key")).decide(views[carrier])
    assert isinstance(decision, Granted)
    assert decision.cache.cache_control == advice


@each(
    ("settings", "message"),
    [
        ({"header": "X API Key"}, r"APIKey\(header=...\) must be a token"),
        ({"header": ""}, r"APIKey\(header=...\) must be a token"),
        ({"header": "X-Schlüssel"}, r"APIKey\(header=...\) must be a token"),
        ({"header": "X-Key:"}, r"APIKey\(header=...\) must be a token"),
        ({"header": "Authorization"}, 'must be a field without a grammar of its own, got .* "Authorization: ApiKey <key>" is always read'),
        ({"header": "proxy-authorization"}, "must be a field without a grammar of its own"),
        ({"header": "Cookie"}, 'for a cookie use cookie="name"'),
        ({"header": "X_API_Key"}, "without underscores, got .* Use 'X-API-Key'"),
        ({"cookie": "a b"}, r"APIKey\(cookie=...\) must be a token"),
        ({"cookie": ""}, r"APIKey\(cookie=...\) must be a token"),
        ({"query": ""}, r"APIKey\(query=...\) must be the name of a parameter"),
        ({"query": True}, "must be the name of a parameter, a non-empty string, got True"),
        ({"header": 7}, r"APIKey\(header=...\) must be a token"),
        ({"cookie": True}, r"APIKey\(cookie=...\) must be a token"),
        ({"realm": "a\nb"}, r"ApiKey\(realm=\.\.\.\) must be printable ASCII"),
    ],
)
def test_a_place_that_cannot_carry_a_key_is_refused(settings: dict[str, Any], message: str) -> None:
    """At construction; the message says what to write."""
    with pytest.raises(ConfigurationError, match=message):
        APIKey(Recorder(), **settings)
