"""Checks the servers that a configuration names: whether they answer, and what their clocks show. Each gets one or two requests."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import TYPE_CHECKING, Final

from watchword.checkers.introspection import Introspection
from watchword.checkers.jwt.checker import JWT
from watchword.checkers.jwt.remote import RemoteKeys
from watchword.checkup.setup import Check, Setup, Untold
from watchword.credentials import BearerToken
from watchword.errors import Unavailable
from watchword.findings import Finding, Rule
from watchword.operation import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.fetching import Fetched

_SMALL: Final = 5.0  # seconds: a network and a second that is cut explain as much
_LONGEST_DATE: Final = 64

KEY_SERVER: Final = Rule(
    "key-server", "The key set of each issuer can be fetched", "error", source="RFC 7517 §5", page="check.html#key-server"
)
CLOCK: Final = Rule(
    "issuer-clock", "The clocks of issuer and server agree", "warning", source="RFC 7519 §4.1.4", page="check.html#issuer-clock"
)
INTROSPECTION: Final = Rule(
    "introspection-server",
    "The authorization server answers questions about tokens",
    "error",
    source="RFC 7662 §2",
    page="check.html#key-server",
)


def _sources(setup: Setup) -> list[tuple[JWT, RemoteKeys]]:
    setup.demand_online()
    return [(one, one.key_source) for _, one in setup.parts if isinstance(one, JWT) and isinstance(one.key_source, RemoteKeys)]


def _fetched(source: RemoteKeys) -> Fetched:
    if source.needs_loop:
        raise Untold("the HTTP client for the keys serves event loops alone")
    return run(source.look())


def key_server(setup: Setup) -> Iterator[Finding]:
    """Without its keys no token can be verified, and every caller gets 503."""
    for checker, source in _sources(setup):
        try:
            _fetched(source)
        except Unavailable as error:
            yield Finding(
                KEY_SERVER,
                f"The keys of {checker.issuer} cannot be had.",
                error.why,
                "Check the issuer, jwks_url, the network, and Fetcher(allow=...) for addresses that are not public.",
                setup.name,
            )


def clock(setup: Setup) -> Iterator[Finding]:
    """A token of an issuer whose clock is ahead is not valid yet."""
    told = False
    for checker, source in _sources(setup):
        try:
            fetched = _fetched(source)
        except Unavailable:
            continue  # `key-server` reports it
        told = True
        skew = _skew(fetched, setup.guard.policy.clock.now())
        if skew is None:
            raise Untold(f"{checker.issuer} states no Date")
        if abs(skew) > _SMALL:
            over = abs(skew) > checker.leeway
            yield Finding(
                CLOCK,
                f"The clock of {checker.issuer} is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}.",
                f"JWT(leeway=...) allows {checker.leeway:g} s" + (": new tokens are refused, or old ones accepted." if over else "."),
                "Set the clock of this machine by NTP, and tell the issuer.",
                setup.name,
                "error" if over else None,
            )
    if not told and _sources(setup):
        raise Untold("no key server answers")


def _skew(fetched: Fetched, now: float) -> float | None:
    """Return by how many seconds the clock of a server is ahead; None: it does not say (RFC 9110 §6.6.1)."""
    from email.utils import parsedate_to_datetime

    date, age = fetched.fields.get("date", ""), fetched.fields.get("age", "0")
    try:
        stated = parsedate_to_datetime(date).timestamp() if 0 < len(date) < _LONGEST_DATE else None
    except (ValueError, TypeError, OverflowError):
        return None
    # A cache in between hands out an old Date, and says how old it is (RFC 9111 §5.1).
    return None if stated is None or not age.isdigit() or len(age) > 9 else stated + int(age) - now  # noqa: PLR2004 - seconds of 30 years


def introspection_server(setup: Setup) -> Iterator[Finding]:
    """It is asked about a token that does not exist, and must call it inactive."""
    setup.demand_online()
    for _, checker in setup.parts:
        if not isinstance(checker, Introspection):
            continue
        if checker.needs_loop:
            raise Untold("the HTTP client for introspection serves event loops alone")
        try:
            run(checker.flow(BearerToken(f"watchword-check-{token_urlsafe(16)}")))
        except Unavailable as error:
            yield Finding(
                INTROSPECTION,
                "The authorization server does not answer a question about a token.",
                error.why,
                "Check the URL, the network, and the credentials of this application.",
                setup.name,
            )


CHECKS: Final = (Check(KEY_SERVER, key_server), Check(CLOCK, clock), Check(INTROSPECTION, introspection_server))
