"""A guard is put together wrongly: found at construction, never by a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import argon2
import pytest

from watchword import APIKey, Basic, Bearer, ConfigurationError, Guard, Principal, Reason, Refused
from watchword.adapters.asgi import GuardMiddleware as ASGIGuardMiddleware
from watchword.adapters.wsgi import GuardMiddleware as WSGIGuardMiddleware
from watchword.checkers import Tokens, Users

if TYPE_CHECKING:
    from collections.abc import Callable

USERS = Users({"ann": argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("s3cret")})
TOKENS = Tokens({"token": Principal("ann")})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Basic(TOKENS, realm="a"), "Basic extracts BasicCredentials, and Tokens checks BearerToken or APIKeyCredentials"),
        (lambda: Bearer(USERS), "Bearer extracts BearerToken, and Users checks BasicCredentials"),
        (lambda: APIKey(USERS), "ApiKey extracts APIKeyCredentials, and Users checks BasicCredentials"),
    ],
)
def test_a_table_for_other_credentials_is_refused(make: Callable[[], Any], message: str) -> None:
    """Tokens cannot check a password nor Users a token, and nobody learns it from a 500."""
    scheme = make()
    with pytest.raises(ConfigurationError, match=message):
        Guard(scheme)


@pytest.mark.parametrize(
    "header", ["Host", "Accept", "Origin", "Content-Type", "Content-Length", "X-Request-Id", "Remote-User", "User-Agent"]
)
def test_a_key_in_a_field_that_means_something_else_is_refused(header: str) -> None:
    """A field that every client sends, or that the guard reads or takes out, carries no key."""
    with pytest.raises(ConfigurationError, match="the field means something else"):
        Guard(APIKey(TOKENS, header=header))


def test_a_form_may_be_read_where_its_type_is_a_field_too() -> None:
    """The form transport looks at Content-Type and takes no credentials from it."""
    assert [scheme.name for scheme in Guard(Bearer(TOKENS, form=True)).schemes] == ["Bearer"]


@pytest.mark.parametrize("middleware", [ASGIGuardMiddleware, WSGIGuardMiddleware], ids=["asgi", "wsgi"])
@pytest.mark.parametrize("given", [Bearer(TOKENS), lambda environ, start_response: [], None], ids=["scheme", "application", "nothing"])
def test_a_middleware_takes_a_guard_alone(middleware: Any, given: object) -> None:
    """A scheme without a guard, or the arguments the wrong way round, are named."""
    with pytest.raises(ConfigurationError, match="must be a Guard"):
        middleware(lambda *arguments: None, given)


def test_a_principal_is_a_user_or_a_client() -> None:
    """Any other kind is a slip of the pen."""
    with pytest.raises(ValueError, match='"user" or "client", got \'robot\''):
        Principal("r2", kind="robot")  # type: ignore[arg-type]  # the mistake


def test_a_reason_that_is_none_is_answered_with_those_there_are() -> None:
    """A checker that refuses with a word of its own is told the words that it may say."""
    with pytest.raises(ValueError, match=r"must be a reason of a checker, got 'nope'\. Use one of: invalid_credentials, "):
        Refused("nope")  # type: ignore[arg-type]  # the mistake
    assert Refused("expired").reason is Reason.EXPIRED  # type: ignore[arg-type]  # a code is taken as well
