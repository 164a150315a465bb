"""Header fields as servers hand them over (RFC 9110 §5, §11.2 to §11.4): whatever a client sends is a value or a refusal.

How a single value parses is in tests/unit/grammar; here is what becomes of the request.
"""

# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

from typing import Any

import pytest

from tests.support.drive import Behind, ByASGI, Driver, Request, Through, asgi_scope, basic, who, wsgi_environ
from tests.support.each import each
from tests.support.people import BAD_REQUEST, Counting, orders_guard
from watchword import APIKey, Basic, Bearer, ConfigurationError, Guard


def counting_guard() -> tuple[Guard, Counting]:
    """A guard whose one checker accepts everything and counts."""
    checker = Counting()
    return Guard(Basic(checker, realm="r"), Bearer(checker), APIKey(checker)), checker


def me(*headers: tuple[str, str]) -> Request:
    """A request with these fields."""
    return Request(target="/me", headers=headers)


@pytest.mark.parametrize("name", ["AUTHORIZATION", "authorization", "Authorization", "aUtHoRiZaTiOn"])
def test_R9110_5_1_1_field_names_have_no_letter_case(name: str, through: Through) -> None:
    """The name of a field counts in any letter case, also from a server that hands it over as it came."""

    def server(request: Request) -> dict[str, Any]:
        return {**asgi_scope(request), "headers": [(sent.encode(), value.encode()) for sent, value in request.headers]}

    driver: Driver = ByASGI(orders_guard(), server=server) if through is ByASGI else through(orders_guard())
    answer = driver(me((name, basic("ann", "s3cret")[1])))
    assert (answer.status, who(answer)) == (200, "ann")


@each("joined", ["Bearer a,Bearer b", "Bearer a, Bearer b", "Basic QTpi,Bearer a", "Bearer a,Basic QTpi", "ApiKey a,ApiKey b"])
def test_R9110_5_2_1_a_joined_field_is_two_credentials(joined: str, through: Through) -> None:
    """What a gateway joined with a comma is refused as two credentials, and no checker is asked."""
    guard, checker = counting_guard()
    answer = through(guard)(me(("Authorization", joined)))
    assert (answer.status, answer.called, checker.asked) == (400, False, [])


@pytest.mark.parametrize("order", [1, -1])
def test_R9110_5_3_1_neither_of_two_fields_wins(order: int, through: Through) -> None:
    """A good and a bad credential on two field lines are refused in either order."""
    guard, checker = counting_guard()
    fields = [basic("ann", "s3cret"), basic("ann", "wrong")][::order]
    answer = through(guard)(me(*fields))
    assert (answer.status, answer.called, checker.asked) == (400, False, [])


@pytest.mark.parametrize("name", ["Authorization", "X-API-Key", "Host"])
def test_R9110_5_4_1_a_long_field_is_431(name: str, through: Through) -> None:
    """A field of 64 KiB is answered 431, and nothing of it is looked at."""
    guard, checker = counting_guard()
    answer = through(guard)(me((name, "Bearer " + "a" * 65_536)))
    assert (answer.status, answer.called, checker.asked) == (431, False, [])
    assert not answer.challenges


@pytest.mark.parametrize(("target", "cookie", "limit"), [("/me?k=", "", 8192), ("/me?access_token=", "", 16_384), ("/me", "a=b; k=", 8192)])
def test_R9110_5_4_1_other_carriers_have_the_same_bound(target: str, cookie: str, limit: int, through: Through) -> None:
    """A key or token in the query or a cookie may be as long as one in a field, and no longer: 431, and no checker is asked."""
    checker = Counting()
    driver = through(Guard(Bearer(checker, query=True), APIKey(checker, query="k", cookie="k")))
    for length, status in ((limit, 200), (limit + 1, 431), (65_536, 431)):
        secret = "a" * length
        request = Request(target=target, headers=(("Cookie", cookie + secret),)) if cookie else Request(target=target + secret)
        answer = driver(request)
        assert (answer.status, answer.challenges) == (status, [])
    assert len(checker.asked) == 1


def test_R9110_5_4_1_other_cookies_may_be_long(through: Through) -> None:
    """What else is in a cookie string is the application's business."""
    guard = Guard(APIKey(Counting(), cookie="k"))
    assert through(guard)(me(("Cookie", f"a={'b' * 20_000}; k=x"))).status == 200


@each("value", ["Basic Q\x00Q=", "Bearer a\r\nX: y", "Bearer a\n", "\rBearer a", "Bearer\x00a", "Bearer a\x7f"])
def test_R9110_5_5_1_line_breaks_and_nul_are_refused(value: str, through: Through) -> None:
    """CR, LF, NUL and their kin in a credential field are 400 before any use."""
    guard, checker = counting_guard()
    answer = through(guard)(me(("Authorization", value)))
    assert (answer.status, answer.called, checker.asked) == (400, False, [])


@each("octet", ["\x00", "\t", "\n", "\r", "\x1f", "\x7f"])
def test_R9110_5_5_1_control_characters_in_a_key_are_refused(octet: str, through: Through) -> None:
    """A key with a control character inside is 400, and no checker is asked."""
    guard, checker = counting_guard()
    answer = through(guard)(me(("X-API-Key", f"a{octet}b")))
    assert (answer.status, answer.called, checker.asked) == (400, False, [])


@pytest.mark.parametrize("template", ["Bearer {}", "Basic {}", "{}earer a", "Bearer{}a", 'Digest username="{}"', "{}", "ApiKey {}"])
def test_R9110_5_5_2_octets_beyond_ascii_never_fail(template: str, through: Through) -> None:
    """Every octet from 0x80 on, at any place of a credential field, gives 400 or 401 and never an exception."""
    driver = through(orders_guard())
    for octet in range(0x80, 0x100):
        answer = driver(me(("Authorization", template.format(chr(octet)))))
        assert (answer.status in {400, 401}, answer.called) == (True, False)


def test_R9110_5_5_2_a_key_may_hold_octets_beyond_ascii(through: Through) -> None:
    """A key in UTF-8 reaches its checker as text; octets that are not UTF-8 are 400."""
    guard, checker = counting_guard()
    driver = through(guard)
    assert driver(me(("X-API-Key", "schlüssel".encode().decode("latin-1")))).status == 200
    assert [asked.key for asked in checker.asked] == ["schlüssel"]
    assert driver(me(("X-API-Key", "\xff"))).status == 400


@pytest.mark.parametrize("value", ["bAsIc YW5uOnMzY3JldA==", "BEARER ann-token", "bearer ann-token", "aPIkEY ann-key"])
def test_R9110_11_1_1_schemes_have_no_letter_case(value: str, through: Through) -> None:
    """A scheme is found by its name in any letter case."""
    answer = through(orders_guard())(me(("Authorization", value)))
    assert (answer.status, who(answer)) == (200, "ann")


@pytest.mark.parametrize("value", ["Basic a=1, A=2", "Bearer a=1, a=1", 'ApiKey a="1", A="1"', "Digest a=1, A=2"])
def test_R9110_11_2_4_a_repeated_parameter_is_refused(value: str, through: Through) -> None:
    """A parameter name that comes twice, in any letter case, is 400."""
    guard, checker = counting_guard()
    assert through(guard)(me(("Authorization", value))).status == 400
    assert checker.asked == []


@each("value", ["Basic", "Bearer", "ApiKey", "Bearer a b", "=x", "", " ", ",", "Basic ", "Bearer\ta", "Unknown"])
def test_R9110_11_4_4_a_field_without_credentials_is_a_bad_request(value: str, through: Through) -> None:
    """A field that is no credentials is 400, not a failed login, and no checker is asked."""
    guard, checker = counting_guard()
    answer = through(guard)(me(("Authorization", value)))
    assert (answer.status, answer.called, checker.asked) == (400, False, [])


def test_R9110_11_4_4_only_bearer_has_words_for_it(through: Through) -> None:
    """A 400 carries a challenge only where the scheme that was claimed has an error code (decisions D1, D3)."""
    driver = through(orders_guard())
    assert driver(me(("Authorization", "Bearer"))).challenges == [BAD_REQUEST]
    for value in ("Basic", "ApiKey", "Unknown", "Basic a b", "Unknown a b"):
        assert driver(me(("Authorization", value))).challenges == []


@pytest.mark.parametrize("url", ["https://user:pass@id.example.com/x", "https://user@id.example.com/x"])
def test_R9110_4_2_4_1_a_url_with_a_user_name_is_a_mistake(url: str) -> None:
    """The one URL that is configured so far, that of the metadata, may not hold a user name. URLs of clients come with DPoP."""
    with pytest.raises(ConfigurationError, match="user name"):
        Bearer(Counting(), resource_metadata=url)


def test_R9110_5_2_1_a_cookie_may_come_in_parts(behind: Behind) -> None:
    """A cookie string that HTTP/2 sent in several fields is one (RFC 9113 §8.2.3), and no doubled credential."""
    guard = Guard(APIKey(Counting(), header=None, cookie="key"))

    def server(request: Request) -> dict[str, Any]:
        # A server that knows HTTP/2 has to put a semicolon between the parts where it makes one field of them.
        whole = Request(target=request.target, headers=(("Cookie", "; ".join(value for _, value in request.headers)),))
        return asgi_scope(request) if behind is ByASGI else wsgi_environ(whole)

    answer = behind(guard, server=server)(me(("Cookie", "a=b"), ("Cookie", "key=k")))
    assert (answer.status, who(answer)) == (200, "ann")
