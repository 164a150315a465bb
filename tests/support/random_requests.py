"""Random requests: mostly sound, and in one or two places not. Fast, because a million of them are made at a time.

Left out, each with its reason, is what two servers hand over so differently that no adapter can mend it.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from tests.support.trio import RULES
from tests.support.wire import Request
from watchword import GrammarError
from watchword.grammar import parse_authorization

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from watchword.request import Kind

Fields: TypeAlias = list[tuple[str, str]]


def _basic(text: str, encoding: str = "utf-8") -> str:
    return "Basic " + b64encode(text.encode(encoding)).decode()


METHODS = ["GET"] * 8 + ["POST"] * 3 + ["OPTIONS"] * 3 + ["HEAD"] * 2
METHODS += ["PUT", "DELETE", "TRACE", "QUERY", "JEFF", "get", "Head", "options", ""]
PATHS = ["/", "/", "/me", "/orders", "/orders/7/items", "/token"]
PATHS += [pattern.replace("/**", "/users") for pattern in RULES if pattern.startswith("/") and "{" not in pattern]
WORDS = ["orders", "7", "admin", "inside", "healthz", "me", "vault", "token", "fresh", "either", "where", "unknown", "secure", "x"]
# What makes two readers disagree about a path. ASCII alone: no server hands over anything else undecoded (tests/servers). And by itself
# UTF-8 where the server does not tell the undecoded path: ASGI servers decode with replacement characters, WSGI servers do not decode.
ODD = [
    "",
    "",
    ".",
    "..",
    "%2e",
    "%2E%2e",
    "%2f",
    "%5C",
    "\\",
    ";a=1",
    "%3b",
    "%00",
    "%0a",
    "\x01",
    "%7f",
    "%252e",
    "%c3%a9",
    "#",
    "~",
    "*",
    "@",
]
ODDER = [*ODD, "%ff", "%", "%zz", "%c3"]
PREFIXES = ["http://example.com", "HTTPS://evil", "http://"]
QUERIES = ["a=1", "?", "a#b", "\x00", "&&=&", "a=\x7f", "api_key=ann-key", "api_key=ann-key&a=%zz", "api_key=%ff", "api_key=a,b"]
QUERIES += ["access_token=ann-token", "access_token=no", "access_token=", "access%5Ftoken=bob-token", "access_token=a&access_token=b"]
QUERIES += ["a=1&access_token=ann-token&api_key=ann-key"]
MOUNTS = ["", "", "", "", "/api", "/a/b", "/ä"]
CLIENTS = ["192.0.2.7", "10.1.2.3", "203.0.113.9", "::ffff:10.0.0.1", "2001:db8::1%eth0", "127.0.0.1", "unix:", "", None]

HOSTS = ["EXAMPLE.com:8000", "", "evil/healthz?", "a,b", "[::1]", "x" * 8193]
ACCEPTS = ["*/*", "text/html", "application/json", "application/problem+json;q=0.5, text/html;q=0.4", "text/plain;q=0", "image/png"]
ACCEPTS += ["", ",,", "a/b;q=é", "text/html;q=1.0000"]
ORIGINS = ["https://example.com", "null", "", "http://evil.example, x"]
COOKIES = ["key=ann-key", "a=1; key=bob-key", "key=ann-key; key=bob-key", "key=", 'key="ann-key"', "key=no;", "KEY=ann-key", "key=\xff"]
COOKIES += [";;=", "key", "other=1"]
KEYS_SENT = ["ann-key", "ann-key", "bob-key", "no", "", " ann-key ", "ann-key,ann-key", "k\xc3\xa9", "k\xe9", "a\x00b", "x" * 8193]
OF_SCRIPTS = [("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Mode", "navigate"), ("X-Requested-With", "XMLHttpRequest")]
SITES = ["same-origin", "none", "same-site", "cross-site", "", "Same-Origin"]
IDENTITIES = ["Remote-User", "X-Forwarded-User", "X-Me", "REMOTE-GROUPS"]
IDS = ["id-1", "", "a b", "x" * 65, "é", "id,id"]
TWINS = ["X_API_Key", "x_api-key", "Remote_User", "X_Key", "X_Forwarded-User", "other_name"]
TYPES = ["application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-8", "APPLICATION/X-WWW-FORM-URLENCODED"]
TYPES += ["text/plain", ";", ","]
FORMS = [b"access_token=ann-token", b"a=1&access_token=bob-token", b"access_token=a&access_token=b", b"access_token=\xff", b"access_token="]
FORMS += [b"x=" + b"y" * 62, b"x" * 65, b""]

VALID = [_basic("ann:s3cret"), _basic("bob:hunter2"), "ApiKey ann-key", "ApiKey bob-key"]
VALID += ["Bearer ann-token", "Bearer bob-token", "Bearer eve-token", "Bearer zoe-token"]
NEAR = [spelt for value in VALID for spelt in (value.replace("B", "b", 1), value.replace(" ", "  "), value + " ")]
NEAR += [_basic("ann:no"), _basic("outage:x"), _basic("nobody:x"), _basic("ann"), _basic(":"), _basic("ann:"), _basic("ann:s3\x00cret")]
NEAR += [_basic("émile:pässwörd"), _basic("émile:pässwörd", "latin-1"), "Basic", "Basic\tYQ==", "Basic YQ", "Basic YQ=", "Basic YR=="]
NEAR += ["Basic Y Q==", "Basic ****", "Bearer outage", "Bearer late-token", "Bearer expired", "Bearer revoked", "Bearer no", "Bearer ="]
NEAR += ["Bearer a=b", 'Bearer a="b"', "Bearer a, b", "Bearer", "Bearer ", "ApiKey", "ApiKey no", "ApiKey a=b", "ApiKey key=a"]
NEAR += ['Digest username="ann", realm="orders", nonce="n", uri="/", response="r"', "Digest a=1", 'Digest a="', "Digest a=1, A=2"]
NEAR += ["Digest a=1,,,, b=2", "Digest a=1" + "," * 40, "Digest " + ", ".join(f"p{number}=1" for number in range(65))]
NEAR += ["DPoP ann-token", "Negotiate abc", "Token ann-token", "ann-token", "", " ", ",", "Basic,", "B\xe4sic abc", "Bearer t\xf6k"]
NEAR += ["Bearer \x00", "Bearer a\x7fb", "Bearer a\r\nX: y", "\xff\xfe", "Bearer " + "a" * 8185, "Bearer " + "a" * 8186, "x" * 20_000]
GARBAGE = 'aZ09-._~+/= ,;"\\\t\x00\x7f\xe9:'


def random_request(rng: Random) -> Request:
    """Make one up."""
    chance, pick = rng.random, rng.choice
    # Every other one is calm, with hardly anything beside credentials: callers who come again have a fast path that needs this.
    calm = 0.1 if chance() < 0.5 else 1.0
    kind: Kind = "websocket" if chance() < 0.03 else "http"
    raw = chance() > 0.05
    mount = pick(MOUNTS)
    headers: Fields = []
    for probability, make in _FIELDS:
        if chance() < probability:
            headers += make(rng)
    for probability, make in _EXTRAS:
        if chance() < probability * calm:
            headers += make(rng)
    body: bytes | tuple[bytes, ...] = b""
    if chance() < 0.25 * calm:
        headers.append(("Content-Type", pick(TYPES)))
        body = pick(FORMS)
        if body and chance() < 0.3:
            cut = rng.randrange(len(body))
            body = (body[:cut], body[cut:])
    rng.shuffle(headers)
    return Request(
        method="GET" if kind == "websocket" else pick(METHODS),
        target=_target(rng, mount, raw=raw),
        headers=tuple(headers),
        client=pick(CLIENTS),
        scheme="https" if chance() < 0.5 else "http",
        body=body,
        mount=mount,
        kind=kind,
        raw=raw,
        denial=chance() < 0.7,
    )


def random_visit(rng: Random) -> list[Request]:
    """Make up what one caller asks in a row. Whoever is let in is remembered, so that what comes next may be decided another way."""
    chance = rng.random()
    request = random_request(rng)
    if chance < 0.4:
        return [request]
    known = ("Authorization", rng.choice(VALID))
    if chance < 0.6:
        # The same once more, by somebody who is known: what was refused stays refused.
        request = replace(request, headers=(known, *(field for field in request.headers if field[0].lower() != "authorization")))
        return [request, request]
    # Something sound, and, twice, the same with one thing that is different.
    sound = Request(target=rng.choice(PATHS), headers=(("Host", "example.com"), known), scheme="https")
    changed = rng.choice(_CHANGES)(sound, request, rng)
    return [sound, changed, changed]


def _more_fields(sound: Request, request: Request, rng: Random) -> Request:
    more = rng.choice([*_FIELDS, *_EXTRAS])[1](rng)
    fields = [*sound.headers, *(field for field in more if field[0].lower() != "authorization" or _shows(field[1], sound.headers[-1][1]))]
    rng.shuffle(fields)
    return replace(sound, headers=tuple(fields))


_CHANGES: list[Callable[[Request, Request, Random], Request]] = [
    _more_fields,
    _more_fields,
    lambda sound, request, rng: replace(sound, headers=(("Host", rng.choice(HOSTS)), sound.headers[-1])),
    lambda sound, request, rng: replace(sound, method=rng.choice(["TRACE", "HEAD", "POST", "get", request.method])),
    lambda sound, request, rng: replace(sound, method="OPTIONS", headers=(*sound.headers, *_origin(rng))),
    lambda sound, request, rng: replace(sound, target=f"{sound.target}?{rng.choice(QUERIES)}"),
    lambda sound, request, rng: replace(sound, client=request.client, scheme=request.scheme, raw=request.raw),
    lambda sound, request, rng: replace(sound, kind="websocket", scheme=request.scheme, denial=request.denial),
    lambda sound, request, rng: replace(sound, mount="/api", target=f"/api{sound.target}"),
    lambda sound, request, rng: replace(sound, body=request.body, headers=(*sound.headers, ("Content-Type", rng.choice(TYPES)))),
]


def is_routed(request: Request) -> bool:
    """Whether a server would hand the request to the application: what is mounted gets what lies below its mount."""
    rest = request.path.removeprefix(quoted(request.mount))
    return not request.mount or (rest != request.path and rest[:1] in {"", "/"})


def quoted(mount: str) -> str:
    """Return a mount as clients send it."""
    return "".join(character if character.isascii() else "".join(f"%{octet:02x}" for octet in character.encode()) for character in mount)


def _target(rng: Random, mount: str, *, raw: bool) -> str:
    chance = rng.random
    path = _path(rng, ODDER if raw else ODD)
    if mount:
        path = quoted(mount) + (path if path[:1] == "/" else "")
    if raw and chance() < 0.02:
        path = rng.choice(PREFIXES if mount else [*PREFIXES, "http:/"]) + path
    return f"{path}?{rng.choice(QUERIES)}" if chance() < 0.3 else path


def _path(rng: Random, odd: list[str]) -> str:
    chance = rng.random()
    if chance < 0.6:
        path = rng.choice(PATHS)
        return f"{path}/" if chance < 0.05 else path
    words = [rng.choice(WORDS) for _ in range(rng.randrange(4))]
    if chance < 0.9:
        words.insert(rng.randrange(len(words) + 1), rng.choice(odd))
    path = "/" + "/".join(words)
    if chance < 0.95:
        return path
    at = rng.randrange(len(path) + 1)
    # No escape is cut in two, for the reason given above.
    return path if "%" in path else path[:at] + rng.choice(odd) + path[at:]


def _authorization(rng: Random, name: str = "Authorization") -> Fields:
    chance = rng.random()
    value = rng.choice(VALID) if chance < 0.5 else rng.choice(NEAR)
    if chance > 0.95:
        value += rng.choice([",", ", ", " "]) + rng.choice(VALID)
    elif chance > 0.85:
        at = rng.randrange(len(value) + 1)
        value = value[:at] + rng.choice(GARBAGE) + value[at + rng.randrange(2) :]
    elif chance > 0.8:
        other = rng.choice([value, *VALID, *NEAR])
        if _shows(value, other):
            return [(name, value), (name.lower(), other)]
    return [(name, value)]


def _shows(one: str, other: str) -> bool:
    """Whether two Authorization fields show when they are joined.

    `Digest a=1` and `b=2` are two fields to ASGI and, joined by a WSGI server, one sound field: nobody can tell any more. Such fields
    are not sent together.
    """
    return not _parses(f"{one},{other}") and not _parses(f"{other},{one}")


def _proxy_authorization(rng: Random) -> Fields:
    return _authorization(rng, "Proxy-Authorization")


def _parses(value: str) -> bool:
    try:
        parse_authorization(value)
    except GrammarError:
        return False
    return True


def _host(rng: Random) -> Fields:
    chance = rng.random()
    if chance < 0.8:
        return [("Host", "example.com")]
    return [("Host", rng.choice(HOSTS)) for _ in range(2 if chance > 0.98 else 1)]


def _key(rng: Random) -> Fields:
    return [(rng.choice(["X-API-Key", "x-api-key", "X-Key"]), rng.choice(KEYS_SENT)) for _ in range(2 if rng.random() < 0.1 else 1)]


def _cookie(rng: Random) -> Fields:
    # Never two: what an ASGI server lists is joined with a semicolon (RFC 9113 §8.2.3), and WSGI servers join with a comma.
    return [("Cookie", rng.choice(COOKIES))]


def _origin(rng: Random) -> Fields:
    asked = [("Access-Control-Request-Method", rng.choice(["GET", "DELETE", ""]))] if rng.random() < 0.6 else []
    site = [("Sec-Fetch-Site", rng.choice(SITES)) for _ in range(2 if rng.random() > 0.9 else 1)] if rng.random() < 0.5 else []
    upgrade = [("Upgrade", rng.choice(["websocket", "h2c"]))] if rng.random() < 0.1 else []
    return [("Origin", rng.choice(ORIGINS)), *asked, *site, *upgrade]


_FIELDS: list[tuple[float, Callable[[Random], Fields]]] = [
    (0.8, _host),
    (0.75, _authorization),
    (0.4, lambda rng: [(rng.choice(["Accept", "ACCEPT"]), rng.choice(ACCEPTS))]),
]
_EXTRAS: list[tuple[float, Callable[[Random], Fields]]] = [
    (0.15, _proxy_authorization),
    (0.2, _key),
    (0.15, _cookie),
    (0.2, _origin),
    (0.1, lambda rng: [rng.choice(OF_SCRIPTS)]),
    (0.1, lambda rng: [(rng.choice(IDENTITIES), rng.choice(["root", "", "é"]))]),
    (0.1, lambda rng: [("X-Request-Id", rng.choice(IDS))]),
    (0.03, lambda rng: [(rng.choice(TWINS), rng.choice(["root", "ann-key", ""]))]),
]
