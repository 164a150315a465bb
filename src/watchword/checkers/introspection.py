"""Asks the authorization server about each token (RFC 7662).

A token is accepted if the server says that `active` is literally true. What it says beside that is checked here as well, by the code that
checks the claims of JWTs: an answer may be about a token for another resource, or about one that has ended since.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

from watchword.cache import Bounded, KeyedDigest
from watchword.checkers.adapt import FlowChecker
from watchword.checkers.introspection_answer import Expected
from watchword.checkers.introspection_reading import SIGNED, read_answer, read_signed_answer
from watchword.checkers.jwt import JWT
from watchword.checkers.jwt.claim_map import RFC9068, ClaimMap
from watchword.checkers.lease import TimedLease
from watchword.clock import as_clock, ticks
from watchword.credentials import BearerToken
from watchword.errors import ConfigurationError, Unavailable
from watchword.fetching import Breaker, Fetcher, NoAnswer, configured_url
from watchword.grammar.limits import MAX_TOKEN_OCTETS
from watchword.grammar.rules import is_token68
from watchword.observe.notice import OperatorNotice, log_notice
from watchword.operation import arun, run
from watchword.protection.single_flight import SingleFlight
from watchword.reason import Reason
from watchword.validators import check_number, check_printable, check_type, invalid
from watchword.verdict import Accepted, Refused

if TYPE_CHECKING:
    from collections.abc import Collection

    from watchword.clock import Clock
    from watchword.credentials import Credentials
    from watchword.fetching import Fetched
    from watchword.observe.notice import Hook
    from watchword.operation import Steps
    from watchword.verdict import Verdict

_OK: Final = 200
_TO_US: Final = (401, 403)
_LONGEST: Final = 60.0  # seconds: for so long a revoked token may still be accepted (decision D44)
_LONGEST_REFUSAL: Final = 5.0
_RETRY_AFTER: Final = 1
_MOST_REFUSALS: Final = 10_000
_MOST_LEEWAY: Final = 300.0
_MOST_AT_ONCE: Final = 16
"""Questions in flight in a lane. With a client that blocks each holds one of the 40 threads of an event loop: both lanes must leave
some to other callers."""
_MOST_WAITING: Final = 200
_MOST_ACCEPTED: Final = 10_000
_MOST_UNANSWERED: Final = 1000
_LANES: Final = ("new", "accepted")
"""A token that was accepted before stands in a lane of its own. Made-up tokens, about which the server may be silent, are in the other."""


class Introspection(FlowChecker[BearerToken]):
    """Tokens that an authorization server knows (RFC 7662), for `Bearer`.

    In an `AnyOf` it is the last part: it has no `recognises`, because its tokens may have any form.

    Args:
        url: the introspection endpoint; https.
        client_id: the name of this application at the server.
        client_secret: its secret, sent by HTTP Basic (RFC 6749 §2.3.1). Without it `client_id` goes into the form, for a client that the
            certificate in `Fetcher(tls=...)` proves (RFC 8705 §2).
        token: an access token of this application, in place of the client.
        issuer: the issuer of the tokens. An `iss` in an answer must be exactly this one.
        audience: the identifiers of this server, one of which must be in `aud`: one, or a collection. None: `aud` is not looked at, because
            the server answers for tokens of this application alone.
        claims: where the server writes scopes, roles and the client; see `ClaimMap`.
        leeway: by how many seconds clocks may differ, 300 at most.
        signed: verifies the answers of a server that signs them for this application (RFC 9701): `JWT(issuer=..., audience=client_id)`,
            with the `issuer` of this checker. An answer that is not signed is an outage then. None: plain answers.
        remember_for: for how many seconds an accepted token is accepted again without asking, 60 at most, and never beyond its `exp`. The
            guard's cache keeps it.
        fetcher: how the server is asked; None: `Fetcher()`.
        clock: tells the time; None: the system clock.
        on_event: receives a notice where the server refuses this application; None: the log.

    Raises:
        ConfigurationError: an argument is wrong, or the package for HTTP is not installed.

    Trust: the server is trusted about what it says of a token. The token is not.
    """

    takes_credentials: ClassVar[tuple[type[Credentials], ...]] = (BearerToken,)

    def __init__(
        self,
        url: str,
        client_id: str | None = None,
        client_secret: str | None = None,
        *,
        token: str | None = None,
        issuer: str,
        audience: str | Collection[str] | None,
        claims: ClaimMap = RFC9068,
        leeway: float = 60,
        signed: JWT | None = None,
        remember_for: float = _LONGEST,
        fetcher: Fetcher | None = None,
        clock: Clock | None = None,
        on_event: Hook | None = None,
    ) -> None:
        self._url = configured_url("Introspection(url)", url)
        self._fields, self._form = _own_credentials(client_id, client_secret, token)
        mapped = check_type("Introspection(claims=...)", claims, ClaimMap, "ClaimMap(roles=(...,))")
        self._leeway = check_number("Introspection(leeway=...)", leeway, most=_MOST_LEEWAY)
        self._expected = Expected(issuer, audience, mapped, self._leeway)
        self._signed = None if signed is None else _checked_signed(signed, issuer)
        self._accept = "application/json" if signed is None else SIGNED
        self._remember_for = check_number("Introspection(remember_for=...)", remember_for, most=_LONGEST)
        self._fetcher = Fetcher() if fetcher is None else check_type("Introspection(fetcher=...)", fetcher, Fetcher, "Fetcher(timeout=5)")
        self._clock = as_clock(clock, "Introspection")
        self._tell = log_notice if on_event is None else on_event
        self._digest = KeyedDigest()
        self._refused: Bounded[bytes, tuple[float, Refused]] = Bounded(_MOST_REFUSALS)
        self._once_accepted: Bounded[bytes, None] = Bounded(_MOST_ACCEPTED)
        self._unanswered: Bounded[bytes, None] = Bounded(_MOST_UNANSWERED)
        self._flights = {lane: SingleFlight(_MOST_AT_ONCE, queue=_MOST_WAITING) for lane in _LANES}
        self._breaker = Breaker()
        self._is_refused = False

    @property
    def audiences(self) -> frozenset[str]:
        """The identifiers of this server; empty: `aud` is not looked at."""
        return self._expected.audiences

    @property
    def needs_loop(self) -> bool:
        """Whether it can only be awaited, because its HTTP client can. Adapters for WSGI refuse it when they are made."""
        return self._fetcher.is_async_only or (self._signed is not None and self._signed.needs_loop)

    def flow(self, credentials: BearerToken) -> Steps[Verdict]:
        """Ask about a token, once for all who ask about it now."""
        token = credentials.token
        if len(token) > MAX_TOKEN_OCTETS or not is_token68(token):
            return Refused(Reason.INVALID_CREDENTIALS, detail="it has characters that no token has, or too many of them")
        # A flood of one wrong token costs one question in five seconds. A token that is not active yet is asked about again soon.
        key = self._digest.of(token.encode("ascii"), self._url.text.encode("ascii"))
        known = self._refused.get(key)
        if known is not None and 0 <= self._clock.now() - known[0] < _LONGEST_REFUSAL:
            return known[1]
        lane = _LANES[key in self._once_accepted]
        if key in self._unanswered and self._flights[lane].is_under_way(key):
            # Each caller would hold a thread of a WSGI server for the time limit, and a client sends one token as often as it likes.
            raise Unavailable(f"{self._url}: it was silent about this token, and is asked about it again.", retry_after=_RETRY_AFTER)
        steps = partial(self._asked, key, token, lane, ticks() + self._fetcher.timeout)
        awaited = None if self._fetcher.is_blocking_only else lambda: arun(steps())
        verdict: Verdict = yield self._flights[lane].operation(key, lambda: run(steps()), awaited=awaited)
        return verdict

    def _asked(self, key: bytes, token: str, lane: str, latest: float) -> Steps[Verdict]:
        if ticks() > latest:
            # Behind tokens about which the server is silent a caller would wait for minutes.
            raise Unavailable(f"{self._url}: too many questions are under way. Check whether it answers in time.", retry_after=_RETRY_AFTER)
        now = self._clock.now()  # before the question: the answer may be as old as that
        form = [("token", token), ("token_type_hint", "access_token"), *self._form]
        question = self._fetcher.post_form(self._url, form, fields=self._fields, accept=self._accept)
        try:
            fetched = yield from self._breaker.asking(question, key, lane)
        except NoAnswer:
            self._unanswered.keep(key, None)
            raise
        self._unanswered.pop(key, None)
        self._check_status(fetched)
        signed = self._signed
        answer = read_answer(fetched) if signed is None else (yield from read_signed_answer(fetched, signed, now, self._leeway))
        active = answer.get("active")
        if active is True:
            verdict = self._accepted(answer, now)
        elif active is False:
            verdict = Refused(Reason.INVALID_CREDENTIALS, detail="the server says that it is not active")
        else:
            # Neither "true" nor 1: a server that is not exact here is not one (RFC 7662 §2.2).
            raise fetched.failed("its answer has no active that is true or false. Check the URL.")
        if isinstance(verdict, Refused):
            self._once_accepted.pop(key, None)
            self._refused.keep(key, (now, verdict))
        else:
            self._once_accepted.keep(key, None)
        return verdict

    def _accepted(self, answer: dict[str, Any], now: float) -> Verdict:
        principal = self._expected.principal(answer, now)
        if isinstance(principal, Refused):
            return principal
        until = min(now + self._remember_for, answer.get("exp", now + self._remember_for))
        return Accepted(principal, lease=TimedLease(self._clock, now, until))

    def _check_status(self, fetched: Fetched) -> None:
        """Raise unless the answer is about the token."""
        if fetched.status in _TO_US:
            # Not the credentials of the client but our own (decision D13).
            outage = fetched.failed(f"it refuses this application ({fetched.status}). Check client_id and client_secret, or token.")
            if not self._is_refused:
                self._is_refused = True
                self._tell(OperatorNotice("introspection_refused", outage.why, source=str(self._url)))
            raise outage
        if fetched.status != _OK:
            raise fetched.failed(f"it answers {fetched.status}, and not 200. Check the URL.")
        self._is_refused = False

    def __repr__(self) -> str:
        return f"Introspection({str(self._url)!r})"


def _checked_signed(signed: object, issuer: str) -> JWT:
    checked = check_type("Introspection(signed=...)", signed, JWT, 'JWT(issuer="https://id.example.com", audience="client_id")')
    if checked.issuer != issuer:
        raise invalid("Introspection(signed=JWT(issuer=...))", f"be of the same issuer, {issuer!r}", checked.issuer)
    return checked


def _own_credentials(client_id: object, client_secret: object, token: object) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return the header fields and the form parameters by which this application proves itself."""
    if token is not None and (client_id is not None or client_secret is not None):
        raise ConfigurationError("Introspection(token=...) takes the place of client_id and client_secret. Give one or the other.")
    if token is not None:
        if not isinstance(token, str) or not is_token68(token):
            raise ConfigurationError("Introspection(token=...) must be a bearer token (RFC 6750 §2.1). Check for spaces and line ends.")
        return {"Authorization": f"Bearer {token}"}, []
    if client_id is None:
        raise ConfigurationError(
            "Introspection(...) must get client_id and client_secret, or token: the server answers known callers alone."
        )
    name = check_printable("Introspection(client_id)", client_id)
    if client_secret is None:
        return {}, [("client_id", name)]
    if not isinstance(client_secret, str) or not client_secret or not client_secret.isprintable():
        raise ConfigurationError("Introspection(client_secret) must be printable and not empty. Check that the setting was read.")
    from base64 import b64encode
    from urllib.parse import quote_plus

    # RFC 6749 §2.3.1: each is encoded as a form first, so that a colon in the name ends nothing.
    pair = f"{quote_plus(name)}:{quote_plus(client_secret)}"
    return {"Authorization": f"Basic {b64encode(pair.encode('ascii')).decode('ascii')}"}, []


__all__ = ["Introspection"]
