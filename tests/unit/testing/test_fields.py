"""Fields that show credentials are those that clients send, for every client, or an error."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.each import each
from watchword import APIKey, Basic, BasicCredentials, Bearer, ConfigurationError, Guard, Principal, RequestView
from watchword.checkers import Tokens, nonblocking
from watchword.testing import api_key, basic_auth, bearer


@pytest.mark.parametrize(("name", "password"), [("ann", "sesame"), ("", ""), ("Jürgen", "pässwörd ☃ 🔑"), ("ann", ":a:b"), ("a b", " ")])
def test_a_name_and_a_password_arrive(name: str, password: str) -> None:
    """In UTF-8, colons in the password included."""
    seen: list[BasicCredentials] = []

    @nonblocking
    def check(shown: BasicCredentials) -> Principal:
        seen.append(shown)
        return Principal("ann")

    assert Guard(Basic(check, realm="x")).decide(RequestView("GET", "/", basic_auth(name, password))).granted
    assert seen == [BasicCredentials(name, password)]


def test_a_token_and_a_key_arrive() -> None:
    """The key in the default field or in another one."""
    table = Tokens({"a-._~+/b==": Principal("ann"), "k 1": Principal("shop")})
    guard = Guard(Bearer(table), APIKey(table))
    assert guard.decide(RequestView("GET", "/", bearer("a-._~+/b=="))).principal.id == "ann"
    assert guard.decide(RequestView("GET", "/", api_key("k 1"))).principal.id == "shop"
    assert Guard(APIKey(table, header="X-Key")).decide(RequestView("GET", "/", api_key("k 1", "X-Key"))).granted
    assert bearer("a") is not bearer("a")  # a test may add to it


@each(
    ("make", "message"),
    [
        (lambda: basic_auth("ann:x", "secret"), r"basic_auth\(username\) must be without a colon \(RFC 7617 §2\), got 'ann:x'. A server"),
        (lambda: basic_auth("ann", "secret\n"), r"basic_auth\(password\) must be text without control characters .* got str"),
        (lambda: basic_auth("\ud800", "secret"), r"basic_auth\(username\) must be text without control"),
        (lambda: basic_auth(b"ann", "secret"), r"basic_auth\(username\) must be a string, got bytes"),  # type: ignore[arg-type]
        (lambda: bearer("secret ä"), "a token68 must be letters, digits"),
        (lambda: bearer(""), "a token68 must be letters, digits"),
        (lambda: bearer(None), r"bearer\(token\) must be a string, got None"),  # type: ignore[arg-type]
        (lambda: api_key("secretä"), r"api_key\(key\) must be printable ASCII without spaces at its ends, and not empty, got str"),
        (lambda: api_key(" secret"), r"api_key\(key\) must be"),
        (lambda: api_key(""), r"api_key\(key\) must be"),
        (lambda: api_key("secret", "X Key"), r"api_key\(header=...\) must be a token .* got 'X Key'"),
    ],
)
def test_what_cannot_be_sent_is_named(make: Any, message: str) -> None:
    """And the secret is not shown."""
    with pytest.raises(ConfigurationError, match=message) as failed:
        make()
    assert "secret" not in str(failed.value)
