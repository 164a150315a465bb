"""The rows N1 to N15 through the middleware of Django: the tests of the bare adapters, with Django in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.django_driver import ByDjango, ByDjangoASGI, project
from tests.support.drive import Request
from tests.support.people import KEYS, RULES, Counting, check_password, check_token
from tests.threats.test_neighbours import (  # noqa: F401 - collected here, with the fixtures below
    test_N2_optional_switches_nothing_off,
    test_N3_a_token_is_read_under_its_name_alone,
    test_N3_a_token_without_a_scheme_is_no_credential,
    test_N3_basic_is_read_under_its_name_alone,
    test_N3_the_case_of_the_name_makes_no_difference,
    test_N4_octets_outside_utf_8_in_basic_are_401,
    test_N5_keys_beyond_ascii_are_compared_as_octets,
    test_N5_passwords_beyond_ascii_fail_alike,
    test_N6_no_method_is_exempt,
    test_N6_nor_is_a_preflight,
    test_N8_a_rest_is_whole_segments,
    test_N8_a_rule_opens_no_neighbour,
    test_N9_remote_user_of_a_client_is_not_trusted,
    test_N11_the_order_of_requirements_makes_no_difference,
    test_N12_an_outage_is_never_anonymous,
    test_N12_an_outage_is_not_cached,
    test_N13_a_quote_in_a_realm_is_escaped,
    test_N15_a_missing_scope_is_403,
)
from watchword import APIKey, Basic, Bearer, Guard

if TYPE_CHECKING:
    from collections.abc import Iterator

# ruff: noqa: N802 - a test carries the id of its row
# N7 is about WebSockets, which Django does not serve; N10 and N14, and the rest of N13 and N15, are about construction.


@pytest.fixture(params=[ByDjango, ByDjangoASGI], ids=["wsgi", "asgi"])
def through(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Django by WSGI and by ASGI, each in turn."""
    with project():
        yield request.param


@pytest.fixture
def behind(through: Any) -> Any:
    """The same."""
    return through


def test_N1_no_checker_is_called_without_credentials_in_django(through: Any) -> None:
    """A checker is asked about credentials that came, and never about empty ones that did not."""
    checker = Counting()
    guard = Guard(Basic(checker, realm="r"), Bearer(checker, query=True), APIKey(checker, query="k", cookie="k"), rules=RULES)
    driver = through(guard)
    for target in ("/", "/me", "/admin", "/hidden", "/healthz"):
        for headers in ((), (("Authorization", "Negotiate YII="),), (("Cookie", "k="),), (("Authorization", "Basic"),)):
            driver(Request(method="POST", target=target, headers=headers))
    assert checker.asked == []


def test_N4_no_octet_is_an_exception_in_django() -> None:
    """An octet of every kind, in every field that is read, gives a value or a refusal."""
    with project():
        driver = ByDjango(Guard(Basic(check_password, realm="r"), Bearer(check_token), APIKey(KEYS, cookie="key")))
        for octet in map(chr, (0, 9, 10, 13, 32, 34, 44, 61, 92, 127, 128, 173, 255)):
            for name, value in {"Authorization": "Bearer x", "X-API-Key": "x", "Cookie": "key=x", "Host": "h", "Origin": "o"}.items():
                for spoilt in (octet + value, value + octet):
                    answer = driver(Request(target="/me", headers=((name, spoilt),)))
                    assert (answer.status in {400, 401}, answer.called) == (True, False)
