"""A step before everything else finds out who the client is behind a trusted proxy, and what TLS has proven there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.core import ask
from tests.support.drive import ByASGI, ByWSGI
from tests.support.wire import Request, basic, bearer
from watchword import (
    AuthEvent,
    Basic,
    Bearer,
    ConfigurationError,
    Credentials,
    Guard,
    Principal,
    Reason,
    Refused,
    RequestView,
    Scheme,
    authenticated,
    fresh,
    network,
    public,
)
from watchword.checkers import Tokens, nonblocking
from watchword.networks import Networks
from watchword.peer import Forwarded, Peer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.drive import Driver
    from watchword.grammar import Challenge

TOKENS = Tokens({"t": Principal("ann")})
PROXY, CLIENT = "10.0.0.1", "198.51.100.9"


class Hop:
    """One proxy in front, on a private network, which sets the fields and drops what clients send under their names."""

    fields = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Client-Cert")

    def __init__(self) -> None:
        self.asked = 0
        self.trusted = Networks(["10.0.0.0/8"])

    def resolve(self, view: RequestView) -> Forwarded | None:
        """Believe the proxy, and nobody else."""
        self.asked += 1
        if not self.trusted.contains(view.address):
            return None
        client = (view.field("x-forwarded-for") or "").rpartition(",")[2].strip()
        certificate = view.field("x-client-cert")
        return Forwarded(
            client or None,
            scheme=view.field("x-forwarded-proto"),
            host=view.field("x-forwarded-host"),
            peer=Peer(None if certificate is None else bytes.fromhex(certificate), proxy=view.client),
        )


RULES = {"/near": network("198.51.100.0/24"), "/open": public, "/inside": network("10.0.0.0/8")}


@pytest.fixture(params=[ByASGI, ByWSGI])
def make(request: pytest.FixtureRequest) -> Callable[..., Driver]:
    """One of the two adapters."""
    made: Callable[..., Driver] = request.param
    return made


def test_rules_about_the_network_see_the_client(make: Callable[..., Driver]) -> None:
    """And not the proxy, which stands nearer than anybody."""
    driver = make(Guard(Bearer(TOKENS), rules=RULES, proxies=Hop()))
    sent = (("X-Forwarded-For", f"1.2.3.4, {CLIENT}"),)
    for target, client, headers, status in (
        ("/near", PROXY, sent, 200),
        ("/near", CLIENT, (), 200),
        ("/near", PROXY, (), 403),  # it does not say: no network
        ("/near", "203.0.113.1", sent, 403),  # not trusted: its field is a client's word
        ("/inside", PROXY, sent, 403),
        ("/inside", "10.9.9.9", (), 403),
    ):
        assert driver(Request(target=target, client=client, headers=headers)).status == status, (target, client, headers)


def test_an_alias_of_such_a_field_is_refused(make: Callable[..., Driver]) -> None:
    """Threat H2: a gateway further in may read it as the field."""
    answer = make(Guard(Bearer(TOKENS), proxies=Hop()))(Request(client=PROXY, headers=(("X.Forwarded.For", CLIENT),)))
    assert (answer.status, answer.called) == (400, False)


def test_the_scheme_is_that_of_the_client(make: Callable[..., Driver]) -> None:
    """TLS ends in the proxy, and `require_tls` may be on."""
    driver = make(Guard(Bearer(TOKENS), require_tls=True, proxies=Hop()))
    for proto, status in (("https", 200), ("http", 403)):
        fields = (("X-Forwarded-For", CLIENT), ("X-Forwarded-Proto", proto), bearer("t"))
        assert driver(Request(client=PROXY, headers=fields)).status == status


def test_the_host_is_that_of_the_client(make: Callable[..., Driver]) -> None:
    """The proxy asks for an inner name, and the pages are at the outer one (decision D61)."""
    guard = Guard(Basic(nonblocking(lambda c: Principal(c.username)), realm="x"), proxies=Hop())
    fields = (
        ("Host", "inner:8000"),
        ("X-Forwarded-For", CLIENT),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "shop.example"),
        basic("ann", "x"),
    )
    for origin, status in (("https://shop.example", 200), ("https://inner:8000", 403), ("https://evil.example", 403)):
        assert make(guard)(Request(method="POST", client=PROXY, headers=(*fields, ("Origin", origin)))).status == status


def test_events_and_the_fast_path_know_the_client(make: Callable[..., Driver]) -> None:
    """Each request is resolved once, and its fields keep nobody from the fast path."""
    events: list[AuthEvent] = []
    hop = Hop()
    guard = Guard(Bearer(TOKENS), proxies=hop, on_event=events.append)
    driver = make(guard)
    for number in range(1, 6):
        assert driver(Request(client=PROXY, headers=(("X-Forwarded-For", CLIENT), bearer("t")))).status == 200
        assert hop.asked == number
    assert guard.fast_path.in_use
    assert [event.client for event in events] == [CLIENT] * 5
    assert [event.cached for event in events][-1]


def test_a_view_of_ones_own_is_resolved_once() -> None:
    """Whatever is asked about it, and the answer does not change what was resolved."""
    hop = Hop()
    guard = Guard(Bearer(TOKENS), rules=RULES, proxies=hop)
    view = ask("/open", ("X-Forwarded-For", CLIENT), client=PROXY)
    assert view.address is not None  # somebody looked before the guard did
    decision = guard.decide(view)
    assert guard.authorize(decision, view, network("198.51.100.0/24")).granted
    refused = guard.authorize(decision, view, authenticated)
    guard.refuse(refused, view)
    assert (hop.asked, view.client, view.peer) == (1, CLIENT, Peer(proxy=PROXY))


class Failing(Hop):
    """Fails, and has said nothing then."""

    def resolve(self, view: RequestView) -> Forwarded | None:
        """Fail the first time."""
        found = super().resolve(view)
        if self.asked == 1:
            raise ZeroDivisionError
        return found


def test_where_the_step_fails_the_proxy_is_not_taken_for_the_client() -> None:
    """A program that goes on with the view after the exception asks the step again: the proxy stands nearer than any client."""
    hop = Failing()
    guard = Guard(Bearer(TOKENS), rules=RULES, proxies=hop)
    view = ask("/inside", ("X-Forwarded-For", CLIENT), client=PROXY)
    with pytest.raises(ZeroDivisionError):
        guard.decide(view)
    assert not guard.decide(view).granted
    assert (hop.asked, view.client) == (2, CLIENT)


class CertificateCredentials(Credentials):
    """A certificate."""

    def __init__(self, der: bytes) -> None:
        self.der = der


class Certificate(Scheme[CertificateCredentials]):
    """Client certificates: HTTP has no challenge for them (decision D16)."""

    name = "Certificate"
    credentials = CertificateCredentials
    fields = ()

    def extract(self, view: RequestView) -> CertificateCredentials | None:
        """Return what TLS has proven."""
        shown = None if view.peer is None else view.peer.certificate
        return None if shown is None else CertificateCredentials(shown)

    def challenges(self, params: Any = None) -> tuple[Challenge, ...]:
        """Return none."""
        return ()


@nonblocking
def check(shown: CertificateCredentials) -> Principal | None:
    """Know one certificate."""
    return Principal("device") if shown.der == b"\x30\x03" else None


def test_a_certificate_is_a_fact_about_the_peer(make: Callable[..., Driver]) -> None:
    """Stated by the server or handed over by a trusted proxy, and never by a client."""
    guard = Guard(Certificate(check), proxies=Hop())
    assert guard.decide(RequestView("GET", "/", peer=Peer(b"\x30\x03"))).principal.id == "device"
    none = guard.decide(RequestView("GET", "/"))
    assert guard.refuse(none, RequestView("GET", "/")).status == 403
    for client, certificate, status in ((PROXY, "3003", 200), (PROXY, "3004", 403), (CLIENT, "3003", 403)):
        assert make(guard)(Request(client=client, headers=(("X-Client-Cert", certificate),))).status == status
    assert "3003" not in repr(Peer(b"3003"))


def test_where_a_certificate_alone_could_help_the_answer_is_403_and_has_the_fields_of_the_verdict() -> None:
    """HTTP has no challenge for it (decision D16): also for a caller whose login is too old, and for a certificate that is refused."""

    @nonblocking
    def refusing(shown: CertificateCredentials) -> Principal | Refused:
        return Principal("device") if shown.der == b"\x30\x03" else Refused(headers=(("Accept-Signature", "sig=()"),))

    guard = Guard(Certificate(refusing), rules={"/fresh": fresh(60)})
    for target, der, reason in (("/fresh", b"\x30\x03", Reason.STEP_UP_REQUIRED), ("/", b"\x30\x04", Reason.INVALID_CREDENTIALS)):
        view = RequestView("GET", target, peer=Peer(der))
        decision = guard.decide(view)
        refusal = guard.refuse(decision, view)
        assert (refusal.status, decision.reason) == (403, reason)
        assert (("Accept-Signature", "sig=()") in refusal.headers) is (target == "/")
        assert "WWW-Authenticate" not in dict(refusal.headers)


def test_what_is_no_such_step_is_found_at_construction() -> None:
    """The message says what it must have."""
    with pytest.raises(ConfigurationError, match=r"Guard\(proxies=...\) must have fields and resolve\(\)"):
        Guard(Bearer(TOKENS), proxies=["10.0.0.0/8"])  # type: ignore[arg-type]  # the mistake itself
