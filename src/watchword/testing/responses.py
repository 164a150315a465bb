"""Asserts refusals, in the response of any client: status, challenges and, where the content is a problem of the guard, the reason.

Responses are looked at by the names that clients share: httpx, requests, Starlette, FastAPI, Litestar, werkzeug, Flask, Quart, Django,
aiohttp, urllib, WebTest, Falcon, and `watchword.Refusal`.
"""

from __future__ import annotations

from inspect import iscoroutine
from typing import TYPE_CHECKING, Any, Final

from watchword.errors import GrammarError
from watchword.grammar import parse_challenges

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.grammar import Challenge

_PROXY = 407
_LONGEST: Final = 65_536  # octets of a problem, which has some hundred


def assert_challenged(
    response: object, scheme: str | None = None, /, *, status: int = 401, reason: str | None = None, **params: str | int | None
) -> Challenge:
    """Assert that a response asks for credentials: `assert_challenged(response, "Bearer", error="invalid_token")`.

    Args:
        response: of any client.
        scheme: of the challenge that is expected, in any letter case; None: any.
        status: of the response: 401 (RFC 9110 §15.5.2), 407 of a proxy, or 400 or 403 with a challenge (RFC 6750 §3.1).
        reason: the code in the problem of the guard (RFC 9457), as clients see it; None: any.
        params: parameters of the challenge, names in lower case; None: the challenge must not have the parameter.

    Returns:
        The first challenge that has all of this.

    Raises:
        AssertionError: the response has none; the message shows what it has.
    """
    __tracebackhide__ = True
    found = _Found(response)
    field = "Proxy-Authenticate" if status == _PROXY else "WWW-Authenticate"
    expected = f"a {status} that asks for {_wanted(scheme, params) or 'credentials'}"
    if found.status != status:
        raise found.error(expected, f"the status is {found.status}")
    challenges = found.challenges(field, expected)
    of_scheme = [one for one in challenges if scheme is None or one.scheme.lower() == scheme.lower()]
    if not of_scheme:
        raise found.error(expected, f"there is no challenge {scheme}" if challenges else f"there is no {field}")
    fitting = [one for one in of_scheme if not _misses(one, params)]
    if not fitting:
        raise found.error(expected, "; ".join(_misses(of_scheme[0], params)))
    found.check_reason(expected, reason)
    return fitting[0]


def assert_forbidden(response: object, scheme: str | None = None, /, *, reason: str | None = None, **params: str | int | None) -> None:
    """Assert that a response refuses a known caller: `assert_forbidden(response, reason="missing_role")`.

    Args:
        response: of any client.
        scheme: of the challenge that the response must have too: "Bearer" with `error="insufficient_scope"` (RFC 6750 §3.1). None: it need
            not have one.
        reason: as in `assert_challenged`.
        params: as in `assert_challenged`.

    Raises:
        AssertionError: the status is not 403, or something else is missing; the message shows what came.
    """
    __tracebackhide__ = True
    if scheme is not None or params:
        assert_challenged(response, scheme, status=403, reason=reason, **params)
        return
    found = _Found(response)
    if found.status != 403:  # noqa: PLR2004 - RFC 9110 §15.5.4
        raise found.error("a 403", f"the status is {found.status}")
    found.check_reason("a 403", reason)


class _Found:
    """What a response of any client says.

    Raises:
        TypeError: it is not a response.
    """

    def __init__(self, response: object) -> None:
        self._response = response
        self.status = _status_of(response)
        self.fields = _fields_of(response)

    def all(self, name: str) -> list[str]:
        return [value for sent, value in self.fields if sent.lower() == name.lower()]

    def challenges(self, name: str, expected: str) -> list[Challenge]:
        """Return the challenges of all lines of a field."""
        try:
            return [one for line in self.all(name) for one in parse_challenges(line)]
        except (GrammarError, UnicodeError) as error:
            raise self.error(expected, f"the {name} field breaks the grammar: {error}") from None

    @property
    def problem(self) -> dict[str, Any]:
        """The problem in the content (RFC 9457); empty: the response has no problem, or the client has not read it."""
        if not any(value.startswith(("application/problem+json", "application/json")) for value in self.all("Content-Type")):
            return {}
        from json import loads  # as in `refusal`: not with every import

        try:
            problem = loads(_body_of(self._response))
        except ValueError:
            return {}
        return problem if isinstance(problem, dict) else {}

    def check_reason(self, expected: str, reason: str | None) -> None:
        if reason is not None and self.problem.get("reason") != reason:
            raise self.error(f"{expected}, for the reason {reason}", "the reason is another, or the content is no problem that was read")

    def error(self, expected: str, but: str) -> AssertionError:
        """Return the failure, with all that the response says about it; neither cookies nor content."""
        lines = [f"expected {expected}, but {but}", f"  status: {self.status}"]
        lines += [f"  {name}: {value}" for name, value in self.fields if name.lower() in _SHOWN]
        lines += [f"  {name}: {self.problem[name]}" for name in ("reason", "detail", "request_id") if name in self.problem]
        return AssertionError("\n".join(lines))


_SHOWN = {"www-authenticate", "proxy-authenticate", "location", "retry-after", "content-type"}


def _wanted(scheme: str | None, params: Mapping[str, str | int | None]) -> str:
    shown = [f'{name}="{value}"' if value is not None else f"no {name}" for name, value in params.items()]
    return " ".join(part for part in (scheme or "", ", ".join(shown)) if part)


def _misses(challenge: Challenge, params: Mapping[str, str | int | None]) -> list[str]:
    """Return what a challenge lacks of the parameters, in words."""
    missed = []
    for name, value in params.items():
        sent = challenge.params.get(name.lower())
        if sent != (None if value is None else str(value)):
            missed.append(f"{challenge.scheme} has no {name}" if sent is None else f'{challenge.scheme} has {name}="{sent}"')
    return missed


def _status_of(response: object) -> int:
    # The status of werkzeug's responses is a string, beside a status_code.
    for name in ("status_code", "status"):
        status = getattr(response, name, None)
        if isinstance(status, int):
            return status
    raise TypeError(f"expected a response with status and headers, got {type(response).__name__}. Await it, if the client is async.")


def _fields_of(response: object) -> list[tuple[str, str]]:
    headers: Any = getattr(response, "headers", None)
    items = getattr(headers, "items", None)
    pairs = list(headers or ()) if items is None else list(items())
    return [(_text(name), _text(value)) for name, value in pairs]


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _body_of(response: object) -> bytes:
    """Return the content, as far as that takes nothing from the test: what is not read yet stays unread."""
    for name in ("content", "body", "data", "_body"):  # _body: of aiohttp, once it was read
        body = _attribute(response, name)
        if isinstance(body, bytes):
            return body
    inner = _attribute(_attribute(response, "response"), "data")  # Quart's, whose own `data` must be awaited
    if isinstance(inner, bytes):
        return inner
    peek = _attribute(response, "peek")  # urllib and http.client
    return bytes(peek(_LONGEST)) if callable(peek) else b""


def _attribute(thing: object, name: str) -> object:
    try:
        value = getattr(thing, name, None)
    except Exception:  # noqa: BLE001 - as httpx says that a stream is not read
        return None
    if iscoroutine(value):
        value.close()
        return None
    return value


__all__ = ["assert_challenged", "assert_forbidden"]
