"""Guards of very different settings, each three times: behind ASGI, behind WSGI and bare, with one checker in several forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio.lowlevel

from tests.support.drive import ByASGI, ByWSGI, Reply
from tests.support.people import ANN, BOB, KEYS, NOW, check_password, check_token
from watchword import (
    APIKey,
    Basic,
    Bearer,
    Evidence,
    Firewall,
    Guard,
    Operation,
    Principal,
    Unavailable,
    acr,
    authenticated,
    fresh,
    network,
    nobody,
    optional,
    permission,
    public,
    role,
    scope,
    via,
    where,
)
from watchword.checkers import Tokens
from watchword.checkers.adapt import nonblocking
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from watchword import Requirement

Check: TypeAlias = "Callable[[Any], Any]"
Form: TypeAlias = "Callable[[Check], object]"

# The forms that a checker may have. Which one it is must make no difference.


def plain(check: Check) -> object:
    """A function that blocks, for all that is known."""

    def blocking(credentials: Any) -> Any:
        return check(credentials)

    return blocking


def quick(check: Check) -> object:
    """A function that says it does not block."""

    @nonblocking
    def direct(credentials: Any) -> Any:
        return check(credentials)

    return direct


def awaited(check: Check) -> object:
    """An async function."""

    async def waiting(credentials: Any) -> Any:
        return check(credentials)

    return waiting


def patient(check: Check) -> object:
    """An async function that lets others go first."""

    async def waiting(credentials: Any) -> Any:
        await anyio.lowlevel.checkpoint()
        return check(credentials)

    return waiting


def generated(check: Check) -> object:
    """A generator function, whose operations know how to be awaited and how not."""

    def steps(credentials: Any) -> Generator[Operation[Any], Any, Any]:
        async def find() -> Any:
            return credentials

        async def ask() -> Any:
            return check(credentials)

        found = yield Operation(lambda: credentials, find)
        return (yield Operation(lambda: check(found), ask))

    return steps


class Flowing:
    """An object with `flow`.

    Args:
        check: the checker.
    """

    def __init__(self, check: Check) -> None:
        self._check = check

    def flow(self, credentials: Any) -> Generator[Operation[Any], Any, Any]:
        """Ask in one operation."""

        async def ask() -> Any:
            return self._check(credentials)

        return (yield Operation(lambda: self._check(credentials), ask))


FORMS: dict[str, Form] = {
    "plain": plain,
    "quick": quick,
    "awaited": awaited,
    "patient": patient,
    "generated": generated,
    "flowing": Flowing,
}

# Over ASGI, over WSGI, and the application; none of these makes an event loop wait, so that none is needed.
COMBINATIONS = [
    ("awaited", "plain", "plain"),
    ("generated", "quick", "missing"),
    ("flowing", "generated", "cached"),
    ("quick", "flowing", "varied"),
]

REPLIES = {
    "plain": Reply(),
    "missing": Reply(404, (("Content-Type", "text/plain"), ("Cache-Control", "max-age=60")), b"nothing here"),
    "cached": Reply(200, (("Cache-Control", "public"), ("Vary", "Accept, x-api-key")), b"cached"),
    "varied": Reply(203, (("vary", "*"), ("Vary", "Origin"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")), b""),
}


def _cannot_tell(who: Principal) -> bool:
    raise Unavailable("the policy engine is down", retry_after=2)


RULES: dict[str, Requirement] = {
    "/": optional,
    "/healthz": public,
    "/me": authenticated,
    "/orders": scope("orders:read"),
    "POST /orders": scope("orders:write"),
    "DELETE /orders/{id}": role("admin") | scope("orders:write"),
    "/orders/{id}/**": scope("orders:read") & ~network("203.0.113.0/24"),
    "/admin/**": role("admin"),
    "/admin/inside": role("admin") & network("10.0.0.0/8", "2001:db8::/32"),
    "/either": role("admin") | network("10.0.0.0/8"),
    "/vault": role("root").hidden(),
    "/vault/inside": (role("admin") & network("10.0.0.0/8")).hidden(),
    "/token": via("Bearer"),
    "/person": via("Basic") & authenticated,
    "/fresh": fresh(300),
    "/acr": acr("mfa", "otp") | role("admin"),
    "/print": permission("print"),
    "/nobody": nobody,
    "/where": where(lambda who, view: who.id == "ann" and view.method != "PUT", name="ann, and no PUT"),
    "/unknown": where(_cannot_tell, name="cannot be told"),
    "/secure": where(lambda view: view.scheme in {"https", "wss"}, name="encrypted", request_only=True),
}


def _rules(*without: str) -> dict[str, Requirement]:
    return {pattern: needs for pattern, needs in RULES.items() if pattern not in without}


TABLE = {
    "ann-token": ANN,
    "bob-token": BOB,
    "late-token": Principal("late", evidence=Evidence(expires_at=NOW - 1)),
    "zoe-token": Principal("zoé", scopes=["orders:read"], evidence=Evidence(auth_time=NOW - 299, acr="mfa", expires_at=NOW + 1)),
}


def _down(credentials: Any) -> Any:
    raise Unavailable("the directory is down", retry_after=len(type(credentials).__name__))


def _guard(*schemes: Any, **settings: Any) -> Guard:
    settings.setdefault("rules", RULES)
    return Guard(*schemes, clock=FixedClock(NOW), request_id=lambda: "the-id", **settings)


def three_schemes(form: Form) -> Guard:
    """All schemes, as most will have them."""
    return _guard(Basic(form(check_password), realm="orders"), Bearer(form(check_token), realm="orders"), APIKey(KEYS, realm="orders"))


def tables(form: Form) -> Guard:
    """Tables alone, and nothing hidden: those who come again are let in on the fast path."""
    rules = _rules("/vault", "/vault/inside", "/person")
    return _guard(Bearer(Tokens(TABLE), realm="orders"), APIKey(KEYS, realm="keys"), rules=rules)


def tables_in_secret(form: Form) -> Guard:
    """Tables, and settings under which nobody takes the fast path."""
    return _guard(Bearer(Tokens(TABLE)), require_tls=True, strip_credentials=True, rules=_rules("/vault", "/vault/inside", "/person"))


def everywhere(form: Form) -> Guard:
    """Credentials wherever they may travel, and kept from the application."""
    return _guard(
        Basic(form(check_password), realm="orders", fallback="latin-1"),
        Bearer(form(check_token), form=True, query=True, form_limit=64),
        APIKey(KEYS, query="api_key", cookie="key"),
        strip_credentials=True,
        contact="desk@example.com",
    )


def careful(form: Form) -> Guard:
    """Every setting that refuses more, or says more."""
    return _guard(
        APIKey(form(KEYS.check), header="X-Key", cookie="key"),
        Basic(form(check_password), realm='a "quoted" \\ realm', charset=None),
        order=["ApiKey"],
        require_tls=True,
        xhr_no_prompt=True,
        cors_expose=True,
        identity_headers=["X-Me"],
        default=role("admin"),
        rules=_rules("/token"),
    )


# All but one: a path that is not UTF-8 an ASGI server decodes with replacement characters and a WSGI server not at all, so that two
# applications see two paths. No adapter can mend that.
OFF = [
    "relative_path",
    "absolute_form",
    "fragment",
    "control",
    "nul",
    "empty_segment",
    "dot_segment",
    "encoded_slash",
    "backslash",
    "semicolon",
    "bad_escape",
    "double_encoding",
    "repeated_field",
    "field_alias",
]


def careless(form: Form) -> Guard:
    """The firewall off, as far as that is possible."""
    return _guard(
        Basic(form(check_password), realm="orders"),
        Bearer(Tokens(TABLE)),
        APIKey(form(KEYS.check)),
        firewall=Firewall(off=OFF),
        default=optional,
    )


def proxy(form: Form) -> Guard:
    """A proxy: 407, and the fields of its own."""
    return _guard(Basic(form(check_password), realm="orders"), proxy=True, rules={"/": public, "/admin/**": role("admin")})


def broken(form: Form) -> Guard:
    """Nothing can be told."""
    return _guard(Basic(form(_down), realm="orders"), Bearer(form(_down)), APIKey(form(_down), cookie="key"))


SETTINGS: dict[str, Callable[[Form], Guard]] = {
    make.__name__: make for make in (three_schemes, tables, tables_in_secret, everywhere, careful, careless, proxy, broken)
}


@dataclass(frozen=True)
class Trio:
    """One guard three times.

    Args:
        name: an expression that makes it again.
        asgi: behind ASGI.
        wsgi: behind WSGI.
        bare: the guard that says what is right.
        reply: what the application answers.
    """

    name: str
    asgi: ByASGI
    wsgi: ByWSGI
    bare: Guard
    reply: Reply

    @classmethod
    def of(cls, setting: str, asgi: str = "quick", wsgi: str = "quick", reply: str = "plain") -> Trio:
        """Make one.

        Args:
            setting: a key of `SETTINGS`.
            asgi: a key of `FORMS`.
            wsgi: a key of `FORMS`, none that must be awaited.
            reply: a key of `REPLIES`.
        """
        make = SETTINGS[setting]
        by_asgi = ByASGI(make(FORMS[asgi]), REPLIES[reply])
        by_wsgi = ByWSGI(make(FORMS[wsgi]), REPLIES[reply])
        return cls(f"Trio.of({setting!r}, {asgi!r}, {wsgi!r}, {reply!r})", by_asgi, by_wsgi, make(quick), REPLIES[reply])


def trios(*settings: str) -> list[Trio]:
    """Make one for every combination of forms and applications.

    Args:
        settings: of these; none: of all.
    """
    return [Trio.of(setting, *combination) for setting in settings or SETTINGS for combination in COMBINATIONS]
