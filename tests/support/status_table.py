"""The status table of the design: what is asked, and what is answered through every adapter.

Each row is one request to the guard of `people.py`. A row says the status, the challenges line by line, and the reason that the
client is told; where access is granted, who the application was told it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.drive import Request, basic, bearer
from tests.support.people import ASK_ALL, ASK_BASIC, ASK_BEARER, ASK_KEY, BAD_REQUEST, EXPIRED, INVALID

ANN, BOB = basic("ann", "s3cret"), basic("bob", "hunter2")
WRONG = [ASK_BASIC, INVALID, ASK_KEY]


def sent(value: str) -> tuple[str, str]:
    """An Authorization field with this value."""
    return "Authorization", value


def key(value: str) -> tuple[str, str]:
    """An API key field with this value."""
    return "X-API-Key", value


def step_up(more: str, *, scope: str = "") -> list[str]:
    """The challenges of a step-up for a caller who came with a bearer token; the two others have no words for it."""
    scope = f', scope="{scope}"' if scope else ""
    return [ASK_BASIC, f'{ASK_BEARER}, error="insufficient_user_authentication"{scope}, {more}', ASK_KEY]


@dataclass(frozen=True, slots=True)
class Row:
    """One row."""

    name: str
    request: Request
    status: int
    challenges: tuple[str, ...] = ()
    reason: str = ""
    who: str = "-"


def ask(name: str, target: str, *headers: tuple[str, str], method: str = "GET", client: str | None = "192.0.2.7") -> Row:
    """Return a row without its answer."""
    return Row(name, Request(method=method, target=target, headers=headers, client=client), 0)


def refused(row: Row, status: int, reason: str, challenges: list[str] | None = None) -> Row:
    """Say that a row is refused."""
    return Row(row.name, row.request, status, tuple(challenges or ()), reason)


def granted(row: Row, name: str) -> Row:
    """Say that a row is granted to somebody; the empty name is nobody in particular."""
    return Row(row.name, row.request, 200, who=name)


ROWS = [
    # Nothing is looked at
    granted(ask("public", "/healthz"), ""),
    granted(ask("public, wrong password", "/healthz", basic("ann", "x")), ""),
    granted(ask("public, malformed credentials", "/healthz", sent("=")), ""),
    # Somebody
    granted(ask("Basic", "/me", ANN), "ann"),
    granted(ask("Bearer", "/me", bearer("bob-token")), "bob"),
    granted(ask("key in its field", "/me", key("ann-key")), "ann"),
    granted(ask("D55 key in Authorization", "/me", sent("ApiKey bob-key")), "bob"),
    granted(ask("no rule", "/elsewhere", ANN), "ann"),
    granted(ask("optional, nobody", "/"), ""),
    granted(ask("optional, somebody", "/", ANN), "ann"),
    # 400: the field breaks the grammar, or nothing follows the scheme
    refused(ask("D2 no scheme", "/me", sent("=x")), 400, "malformed_credentials"),
    refused(ask("D2 empty field", "/me", sent("")), 400, "malformed_credentials"),
    refused(ask("D2 two tokens", "/me", sent("Bearer a b")), 400, "malformed_credentials", [BAD_REQUEST]),
    refused(ask("D2 quoted token", "/me", sent('Bearer "t"')), 400, "malformed_credentials", [BAD_REQUEST]),
    refused(ask("D2 two Basic parameters without a name", "/me", sent("Basic a b")), 400, "malformed_credentials"),
    refused(ask("D3 Bearer alone", "/me", sent("Bearer")), 400, "malformed_credentials", [BAD_REQUEST]),
    refused(ask("D3 Basic alone", "/me", sent("Basic")), 400, "malformed_credentials"),
    refused(ask("D3 Basic and a space", "/me", sent("Basic ")), 400, "malformed_credentials"),
    refused(ask("D6 tab after the scheme", "/me", sent("Bearer\tann-token")), 400, "malformed_credentials", [BAD_REQUEST]),
    # With a comma in it, what is malformed may as well be two fields that a gateway joined.
    refused(ask("D7 a parameter twice", "/me", sent('Bearer a="1", A="2"')), 400, "malformed_credentials", [BAD_REQUEST]),
    refused(ask("D8 token68, then parameters", "/me", sent("Bearer a=, b=1")), 400, "malformed_credentials", [BAD_REQUEST]),
    refused(ask("Bearer with parameters", "/me", sent('Bearer a="1"')), 400, "malformed_credentials", [BAD_REQUEST]),
    refused(ask("NUL", "/me", sent("Basic Q\x00Q=")), 400, "malformed_credentials"),
    refused(ask("CR LF", "/me", sent("Bearer a\r\nX: y")), 400, "malformed_credentials", [BAD_REQUEST]),
    refused(ask("malformed on an optional route", "/", sent("=x")), 400, "malformed_credentials"),
    # 400: twice
    refused(ask("D1 Basic twice", "/me", ANN, BOB), 400, "ambiguous_credentials"),
    refused(ask("D1 Basic twice, the same", "/me", ANN, ANN), 400, "ambiguous_credentials"),
    refused(ask("D1 Bearer twice", "/me", bearer("a"), bearer("a")), 400, "ambiguous_credentials", [BAD_REQUEST]),
    refused(ask("D1 Basic and Bearer", "/me", ANN, bearer("ann-token")), 400, "ambiguous_credentials"),
    refused(ask("D1 Bearer and Basic", "/me", bearer("ann-token"), ANN), 400, "ambiguous_credentials"),
    refused(ask("D1 joined by a gateway", "/me", sent("Bearer a,Bearer b")), 400, "ambiguous_credentials", [BAD_REQUEST]),
    refused(ask("D1 joined by a gateway, one empty", "/me", sent("Basic YTpi,")), 400, "ambiguous_credentials"),
    refused(ask("D1 joined by a gateway, one a name", "/me", sent("Basic YTpi, Bearer")), 400, "ambiguous_credentials"),
    refused(ask("D2 broken, with a comma", "/me", sent('Digest a="1", b="2')), 400, "malformed_credentials"),
    refused(ask("D2 broken behind a comma", "/me", sent("Bearer a=1, b=")), 400, "malformed_credentials", [BAD_REQUEST]),
    refused(ask("D1 the key twice", "/me", key("ann-key"), key("ann-key")), 400, "ambiguous_credentials"),
    refused(ask("D18 two kinds", "/me", ANN, key("ann-key")), 400, "ambiguous_credentials"),
    refused(ask("D18 two carriers of one kind", "/me", sent("ApiKey ann-key"), key("ann-key")), 400, "ambiguous_credentials"),
    refused(ask("two hosts", "/me", ("Host", "a"), ("Host", "b")), 400, "ambiguous_credentials"),
    # 400: the path
    refused(ask("two slashes", "//me", ANN), 400, "ambiguous_path"),
    refused(ask("dot segment", "/x/../me", ANN), 400, "ambiguous_path"),
    refused(ask("encoded slash", "/x%2fme", ANN), 400, "ambiguous_path"),
    refused(ask("encoded backslash", "/x%5cme", ANN), 400, "ambiguous_path"),
    refused(ask("semicolon", "/me;x=1", ANN), 400, "ambiguous_path"),
    refused(ask("fragment", "/me#x", ANN), 400, "ambiguous_path"),
    refused(ask("encoded NUL", "/me%00", ANN), 400, "ambiguous_path"),
    refused(ask("ambiguous although public", "/healthz/."), 400, "ambiguous_path"),
    # 431
    refused(ask("D9 16 KiB and one octet", "/me", bearer("a" * (16_384 - 6))), 431, "oversized_credentials"),
    refused(ask("D9 64 KiB", "/me", bearer("a" * 65536)), 431, "oversized_credentials"),
    refused(ask("D9 a long key", "/me", key("a" * 8193)), 431, "oversized_credentials"),
    refused(ask("16 KiB are read", "/me", bearer("a" * (16_384 - 7))), 401, "invalid_credentials", WRONG),
    # 401: nothing, or nothing that is accepted here
    refused(ask("D5 nothing sent", "/me"), 401, "missing_credentials", ASK_ALL),
    refused(ask("no rule, nothing sent", "/elsewhere"), 401, "missing_credentials", ASK_ALL),
    refused(ask("D4 a scheme that is not there", "/me", sent("Negotiate YII=")), 401, "missing_credentials", ASK_ALL),
    refused(ask("D4 a scheme that the route does not accept", "/token", ANN), 401, "missing_credentials", [ASK_BEARER]),
    refused(ask("the route accepts one scheme", "/token"), 401, "missing_credentials", [ASK_BEARER]),
    granted(ask("the accepted scheme", "/token", bearer("ann-token")), "ann"),
    refused(
        ask("D5 static scope", "/orders"),
        401,
        "missing_credentials",
        [ASK_BASIC, 'Bearer realm="orders", scope="orders:read"', ASK_KEY],
    ),
    refused(ask("role, nobody", "/admin"), 401, "missing_credentials", ASK_ALL),
    refused(ask("hidden, nobody", "/hidden"), 401, "missing_credentials", ASK_ALL),
    # 401: the grammar fits, the content is bad
    refused(ask("D2 base64 of another alphabet", "/me", sent("Basic _-8=")), 401, "malformed_credentials", ASK_ALL),
    refused(ask("D2 no padding", "/me", sent("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ")), 401, "malformed_credentials", ASK_ALL),
    refused(ask("D2 no colon", "/me", sent("Basic QWxhZGRpbg==")), 401, "malformed_credentials", ASK_ALL),
    refused(ask("D2 no UTF-8", "/me", sent("Basic dGVzdDoxMjOj")), 401, "malformed_credentials", ASK_ALL),
    refused(ask("D2 control character", "/me", basic("ann", "s3\x00cret")), 401, "malformed_credentials", ASK_ALL),
    refused(ask("Basic with parameters", "/me", sent('Basic realm="x"')), 401, "malformed_credentials", ASK_ALL),
    # 401: refused
    refused(ask("unknown user", "/me", basic("nobody", "s3cret")), 401, "invalid_credentials", ASK_ALL),
    refused(ask("wrong password", "/me", basic("ann", "hunter2")), 401, "invalid_credentials", ASK_ALL),
    refused(ask("wrong password, optional", "/", basic("ann", "x")), 401, "invalid_credentials", ASK_ALL),
    refused(ask("unknown key", "/me", key("x")), 401, "invalid_credentials", ASK_ALL),
    refused(ask("unknown token", "/me", bearer("x")), 401, "invalid_credentials", WRONG),
    refused(ask("unknown token, optional", "/", bearer("x")), 401, "invalid_credentials", WRONG),
    refused(ask("revoked token", "/me", bearer("revoked")), 401, "invalid_credentials", WRONG),
    refused(ask("token for another audience", "/me", bearer("wrong_audience")), 401, "invalid_credentials", WRONG),
    refused(ask("disabled account", "/me", bearer("disabled")), 401, "invalid_credentials", WRONG),
    refused(ask("expired token", "/me", bearer("expired")), 401, "expired", [ASK_BASIC, EXPIRED, ASK_KEY]),
    refused(ask("refused where one scheme is accepted", "/token", bearer("x")), 401, "invalid_credentials", [INVALID]),
    # 401: too old, too weak
    refused(ask("D11 too old", "/fresh", bearer("eve-token")), 401, "step_up_required", step_up('max_age="300"')),
    refused(ask("D11 no time known", "/fresh", bearer("bob-token")), 401, "step_up_required", step_up('max_age="300"')),
    granted(ask("fresh", "/fresh", bearer("zoe-token")), "zoe"),
    refused(ask("D11 too weak", "/acr", bearer("eve-token")), 401, "step_up_required", step_up('acr_values="mfa otp"')),
    granted(ask("strong", "/acr", bearer("zoe-token")), "zoe"),
    refused(
        ask("D11 too old, too weak, and no scope", "/strict", bearer("eve-token")),
        401,
        "step_up_required",
        step_up('acr_values="mfa otp", max_age="300"', scope="orders:read"),
    ),
    granted(ask("all three", "/strict", bearer("zoe-token")), "zoe"),
    refused(
        ask("all three, nobody", "/strict"),
        401,
        "missing_credentials",
        [ASK_BASIC, f'{ASK_BEARER}, scope="orders:read", acr_values="mfa otp", max_age="300"', ASK_KEY],
    ),
    # 403: known, and may not
    refused(
        ask("D10 Bearer without the scope", "/orders", bearer("bob-token")),
        403,
        "insufficient_scope",
        ['Bearer realm="orders", error="insufficient_scope", scope="orders:read"'],
    ),
    refused(
        ask("another method, another scope", "/orders", bearer("ann-token"), method="POST"),
        403,
        "insufficient_scope",
        ['Bearer realm="orders", error="insufficient_scope", scope="orders:write"'],
    ),
    refused(ask("D10 Basic without the scope", "/orders", BOB), 403, "insufficient_scope"),
    refused(ask("D10 key without the scope", "/orders", key("bob-key")), 403, "insufficient_scope"),
    granted(ask("the scope", "/orders", bearer("ann-token")), "ann"),
    refused(ask("D10 no role", "/admin", BOB), 403, "missing_role"),
    refused(ask("D10 no role, by token", "/admin", bearer("bob-token")), 403, "missing_role"),
    granted(ask("the role", "/admin", ANN), "ann"),
    refused(ask("no permission", "/permission", ANN), 403, "missing_permission"),
    # 403: no credential could change it
    refused(ask("network, nobody", "/inside"), 403, "network_denied"),
    refused(ask("network, somebody", "/inside", ANN), 403, "network_denied"),
    refused(ask("network, wrong password", "/inside/admin", basic("ann", "x")), 403, "network_denied"),
    refused(ask("network, address unknown", "/inside", client=None), 403, "network_denied"),
    granted(ask("network, from inside", "/inside", client="10.1.2.3"), ""),
    granted(ask("network, from inside by IPv6", "/inside", client="::ffff:10.1.2.3"), ""),
    refused(ask("inside, and nobody", "/inside/admin", client="10.1.2.3"), 401, "missing_credentials", ASK_ALL),
    granted(ask("inside, and admin", "/inside/admin", ANN, client="10.1.2.3"), "ann"),
    refused(ask("nobody may", "/nobody", ANN), 403, "denied"),
    # 404
    refused(ask("D12 hidden from somebody", "/hidden", ANN), 404, ""),
    # 503
    refused(ask("D13 directory down", "/me", basic("outage", "x")), 503, "unavailable"),
    refused(ask("D13 key server down", "/me", bearer("outage")), 503, "unavailable"),
    refused(ask("D13 down on an optional route", "/", basic("outage", "x")), 503, "unavailable"),
    refused(ask("D13 down where a role is needed", "/admin", basic("outage", "x")), 503, "unavailable"),
    refused(ask("down, and the network forbids", "/inside/admin", basic("outage", "x")), 403, "network_denied"),
    refused(ask("D13 down, and hidden", "/hidden", basic("outage", "x")), 503, "unavailable"),
]
