"""Explanations of kept requests: what is shown of credentials, and what is suggested."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.each import each
from tests.support.secrets import SECRET, found_in
from watchword import Accepted, APIKey, Basic, Bearer, Forbidden, Guard, Principal, Refused, RequestView, Unavailable, network, role, scope
from watchword.checkers import JWT, Accounts, PasswordHasher, Tokens, Users
from watchword.explaining import Explainer, Report
from watchword.reason import Reason
from watchword.recorded import Recorded
from watchword.recorded.reading import read_text
from watchword.schemes.base import Scheme
from watchword.spelling import nearest, seconds_in_words
from watchword.stores import MemoryStore
from watchword.testing import FixedClock

if TYPE_CHECKING:
    from watchword.credentials import BasicCredentials

NOW = 1_700_000_000
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
KEYS = {"keys": [{"kty": "oct", "k": urlsafe_b64encode(sha256(b"k").digest()).decode().rstrip("="), "alg": "HS256"}]}


def encoded(value: object) -> str:
    """A segment of a token."""
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def token(**claims: Any) -> str:
    """A token with a signature that is none."""
    base = {"iss": "https://id.example.com", "aud": "https://api.example.com", "sub": "ann", "exp": NOW + 60, "iat": NOW - 60}
    header = {"alg": "HS256", "typ": "at+jwt"}
    return f"{encoded(header)}.{encoded({name: value for name, value in (base | claims).items() if value is not None})}.{encoded(SECRET)}"


def basic(text: str | bytes) -> str:
    """The value of an Authorization field."""
    return f"Basic {b64encode(text if isinstance(text, bytes) else text.encode()).decode()}"


def tables(**more: Any) -> Guard:
    """A guard over tables."""
    return Guard(
        Basic(Users({"ann": CHEAP.hash("mellon")}, hasher=CHEAP), realm="r"),
        Bearer(Tokens({"t0k3n": Principal("shop", scopes={"orders:read", "a,b"}, roles={"clerk"})}), realm="r"),
        APIKey(Tokens({"k3y": Principal("program")})),
        rules={
            "/orders": scope("orders:read"),
            "/mistyped": scope("orders:reed"),
            "/joined": scope("a"),
            "/kind": scope("clerk"),
            "/write": scope("orders:write"),
            "/near": network("10.0.0.0/8") & scope("orders:read"),
        },
        clock=FixedClock(NOW),
        **more,
    )


def tokens(**more: Any) -> Guard:
    """A guard that verifies tokens."""
    jwt = JWT(issuer="https://id.example.com", audience="https://api.example.com", keys=KEYS, algorithms=["HS256"], clock=FixedClock(NOW))
    return Guard(Bearer(jwt, realm="r"), rules={"/": scope("orders:read")}, clock=FixedClock(NOW), **more)


def explain(guard: Guard, *headers: tuple[str, str], path: str = "/orders", **more: Any) -> Report:
    """The report about a request."""
    recorded = Recorded("GET", "https", "api.example.com", path, tuple(headers), **more)
    return Explainer(guard).explain(recorded)


def codes(report: Report) -> list[str]:
    """The suggestions."""
    return [one.code for one in report.suggestions]


def auth(value: str) -> tuple[str, str]:
    """The field."""
    return ("Authorization", value)


CREDENTIALS: list[tuple[str, list[tuple[str, str]], list[str]]] = [
    ("right", [auth("Bearer t0k3n")], []),
    ("none", [], []),
    ("twice", [auth("Bearer t0k3n"), auth("Bearer t0k3n")], ["authorization_repeated"]),
    ("no scheme", [auth("abcdefghijklmnopqrst")], ["scheme_missing"]),
    ("no scheme before a JWT", [auth(token())], ["scheme_missing"]),
    ("scheme twice", [auth("Bearer Bearer t0k3n")], ["scheme_repeated"]),
    ("placeholder", [auth("Bearer undefined")], ["placeholder"]),
    ("template", [auth("Bearer {{token}}")], ["placeholder"]),
    ("variable", [auth("Bearer $TOKEN")], ["placeholder"]),
    ("quotes", [auth('Bearer "t0k3n"')], ["quoted"]),
    ("scheme alone", [auth("Bearer")], ["credential_empty"]),
    ("empty key", [("X-API-Key", "")], ["credential_empty"]),
    ("other scheme", [auth("Token t0k3n")], ["scheme_not_offered"]),
    ("mistyped field", [("X-Api-Keys", "k3y")], ["field_misspelt"]),
    ("alias", [("X_API_Key", "k3y")], ["alias"]),
    ("plain", [auth("Basic ann:mellon")], ["base64_missing"]),
    ("not base64", [auth("Basic !!")], ["base64_broken"]),
    ("url alphabet", [auth("Basic " + basic("ann:\u00fb\u00fb~~~??>").split(" ")[1].replace("+", "-").replace("/", "_"))], ["base64_url"]),
    ("padding", [auth(basic("ann:mellow").rstrip("="))], ["base64_padding"]),
    ("no colon", [auth(basic("ann"))], ["colon_missing"]),
    ("line break", [auth(basic("ann:mellon\n"))], ["line_break"]),
    ("space", [auth(basic("ann:mellon "))], ["space"]),
    ("latin-1", [auth(basic("ann:b\xfcro".encode("latin-1")))], ["not_utf8"]),
    ("case", [auth(basic("Ann:mellon"))], ["user_name_case"]),
    ("wrong", [auth(basic("ann:wrong"))], []),
    ("cut", [auth("Bearer eyJhbGciOiJIUzI1NiJ9.e30")], ["token_cut"]),
    ("encrypted", [auth(f"Bearer {encoded({'alg': 'dir'})}....x")], ["encrypted"]),
]


@each(("name", "headers", "expected"), CREDENTIALS)
def test_credentials_as_they_were_written(name: str, headers: list[tuple[str, str]], expected: list[str]) -> None:
    """Each mistake has its suggestion, and a request without it has none."""
    assert codes(explain(tables(), *headers)) == expected, name


TOKENS: list[tuple[dict[str, Any], list[str], str]] = [
    ({}, [], ""),
    ({"exp": NOW - 600}, ["token_expired"], "expired 10 minutes ago"),
    ({"exp": NOW * 1000}, ["milliseconds"], "seconds"),
    ({"nbf": NOW + 7200}, ["clock"], "2 hours in the future"),
    ({"iat": NOW + 300}, ["clock"], "5 minutes in the future"),
    ({"aud": "https://api.example.com/"}, ["audience"], "by a closing slash alone"),
    ({"aud": "http://api.example.com"}, ["audience"], "by http and https"),
    ({"aud": "https://API.example.com"}, ["audience"], "by letter case alone"),
    ({"aud": ["other"]}, ["audience"], "The token is for 'other'"),
    ({"aud": None}, ["audience_missing"], "has no aud"),
    ({"aud": 7}, ["audience_missing"], "has no aud"),
    ({"iss": "https://id.example.com/"}, ["issuer"], "by a closing slash alone"),
    ({"nonce": "x"}, ["id_token"], "ID token"),
    ({"typ": "Refresh"}, ["refresh_token"], "refresh token"),
]


@each(("claims", "expected", "text"), TOKENS)
def test_claims(claims: dict[str, Any], expected: list[str], text: str) -> None:
    """A claim that does not fit is named, with how it differs."""
    report = explain(tokens(), auth(f"Bearer {token(**claims)}"), path="/")
    assert codes(report) == expected
    assert text in report.text()


def test_a_token_that_was_valid_when_it_was_recorded() -> None:
    """The suggestion says so: the record is old, and not the client wrong."""
    report = explain(tokens(), auth(f"Bearer {token(exp=NOW - 600)}"), path="/", at=NOW - 900.0)
    assert "When the request was recorded, it was valid." in report.suggestions[0].text


def test_an_algorithm_that_is_not_allowed() -> None:
    """It is named."""
    other = token().split(".", 1)[1]
    report = explain(tokens(), auth(f"Bearer {encoded({'alg': 'none'})}.{other}"), path="/")
    assert codes(report) == ["algorithm"]


@each(
    ("path", "text"),
    [
        ("/mistyped", "No account, key or token has the scope `orders:reed`; did you mean `orders:read`?"),
        ("/joined", "The caller holds `a,b` as one scope."),
        ("/kind", "No account, key or token has the scope `clerk`."),
        ("/write", "No account, key or token has the scope `orders:write`."),
    ],
)
def test_names(path: str, text: str) -> None:
    """A name that nobody has is a mistake of the rule, or of what was granted."""
    assert text in explain(tables(), auth("Bearer t0k3n"), path=path).text()


def test_names_where_others_grant_them() -> None:
    """Of an issuer elsewhere it is not known who holds what: the caller's own names are compared."""

    def check(_: object) -> Principal:
        return Principal("ann", scopes={"orders:Read"}, roles={"orders:write"})

    guard = Guard(
        Bearer(check, realm="r"),
        rules={"/": scope("orders:read"), "/write": scope("orders:write"), "/bill": scope("bills:read"), "/reed": scope("bills:reed")},
    )
    assert "the caller holds `orders:Read`" in explain(guard, auth("Bearer x"), path="/").text()
    assert "others need `bills:read`" in explain(guard, auth("Bearer x"), path="/reed").text()
    assert "Write role('orders:write') in the rule" in explain(guard, auth("Bearer x"), path="/write").text()


def test_names_of_a_store() -> None:
    """Accounts, keys and tokens of a store are asked."""
    store = MemoryStore()
    Accounts(store, hasher=CHEAP).add("ann", "Kq7 violet-tractor munich", scopes=["orders:read"])
    guard = Guard(Basic(Accounts(store, hasher=CHEAP), realm="r"), rules={"/": scope("orders:reed")})
    report = explain(guard, auth(basic("ann:Kq7 violet-tractor munich")), path="/")
    assert "did you mean `orders:read`?" in report.text()
    assert "There is an account 'ann'" in explain(guard, auth(basic("ANN:x")), path="/").text()


def test_addresses() -> None:
    """An unknown address, and that of a proxy that is not trusted."""
    recorded = Recorded("GET", "https", "x", "/near", (auth("Bearer t0k3n"), ("X-Forwarded-For", "10.0.0.1")))
    assert codes(Explainer(tables()).explain(recorded)) == ["proxy"]
    plain = Recorded("GET", "https", "x", "/near", (auth("Bearer t0k3n"),))
    assert codes(Explainer(tables()).explain(plain)) == ["client"]
    assert Explainer(tables(), client="10.0.0.1").explain(plain).status is None
    assert codes(Explainer(tables(), client="192.0.2.7").explain(plain)) == []


def test_browsers() -> None:
    """CORS, a preflight, a page of another origin, cleartext."""
    assert codes(explain(tables(), ("Origin", "https://other.example"))) == ["cors"]
    assert codes(explain(tables(cors_inside=True), ("Origin", "https://other.example"))) == ["cors"]
    assert codes(explain(tables(), ("Origin", "https://api.example.com"))) == []
    asked = (("Origin", "https://other.example"), ("Access-Control-Request-Method", "GET"))
    assert codes(Explainer(tables()).explain(Recorded("OPTIONS", "https", "x", "/orders", asked))) == ["preflight"]
    posted = Recorded("POST", "https", "x", "/orders", (auth(basic("ann:mellon")), ("Origin", "https://other.example")))
    assert "cross_site" in codes(Explainer(tables()).explain(posted))
    assert codes(Explainer(tables(require_tls=True), client="192.0.2.7", scheme="http").explain(posted)) == ["cors", "cleartext"]


def test_rules_by_default_and_other_answers() -> None:
    """A path that no rule names; an answer that this guard does not give; an outage."""
    bare = Guard(Bearer(Tokens({"t": Principal("ann")}), realm="r"), rules={"/orders/{id}": scope("x")}, default=role("x"))
    report = explain(bare, auth("Bearer t"), path="/order/{id}")
    assert "Did you mean '/orders/{id}'?" in report.text()
    assert codes(explain(tables(), auth("Bearer t0k3n"), status=401)) == ["not_the_guard"]

    def away(_: object) -> None:
        raise Unavailable("the directory is down")

    assert codes(explain(Guard(Bearer(away, realm="r")), auth("Bearer t"))) == ["outage"]


def test_a_cookie_that_was_not_sent() -> None:
    """With what keeps browsers from sending one."""
    guard = Guard(APIKey(Tokens({"k": Principal("ann")}), header=None, cookie="sid"))
    assert codes(explain(guard)) == ["cookie_not_sent"]
    assert codes(explain(guard, ("Cookie", "a=b; sid=wrong"))) == []


@pytest.mark.anyio
async def test_on_an_event_loop() -> None:
    """A checker that can only be awaited is awaited."""

    async def check(_: object) -> Principal:
        return Principal("ann")

    report = await Explainer(Guard(Bearer(check, realm="r"))).aexplain(Recorded("GET", "https", "x", "/", (auth("Bearer t"),)))
    assert report.status is None


def test_no_secret_is_in_any_output() -> None:
    """Neither password nor key, token, signature or cookie: not in the text, not in the JSON, not in a repr."""
    requests = [
        [auth(basic(f"ann:{SECRET}"))],
        [auth(basic(f"{SECRET}:x"))],
        [auth(f"Basic ann:{SECRET}")],
        [auth(f"Bearer {SECRET}")],
        [auth(SECRET)],
        [auth(f"Bearer {token()}")],
        [auth(token())],
        [auth(f"Bearer {token(exp=NOW - 9)}")],
        [auth(f"ApiKey {SECRET}")],
        [auth(f'Digest username="ann", response="{SECRET}"')],
        [("X-API-Key", SECRET)],
        [("X-API-Keys", SECRET)],
        [("Cookie", f"sid={SECRET}")],
    ]
    for guard in (tables(), tokens(), Guard(APIKey(Tokens({"k": Principal("a")}), query="key", cookie="sid"))):
        for headers in requests:
            report = explain(guard, *headers, path=f"/orders?key={SECRET}&access_token={SECRET}", content=SECRET.encode())
            for shown in (report.text(), json.dumps(report.facts()), repr(report)):
                assert found_in(shown) == [], shown


def test_the_shape_of_the_json_is_stable() -> None:
    """Programs look for these members."""
    facts = explain(tables(), auth("Bearer t0k3n"), path="/mistyped").facts()
    assert list(facts) == [
        "version", "request", "decision", "status", "reason", "disclosed_reason", "rule", "principal", "steps", "tree", "needs",
        "credentials", "response", "suggestions", "notes",
    ]  # fmt: skip
    assert facts["credentials"] == [{"field": "authorization", "scheme": "bearer", "form": "opaque", "length": 5}]
    assert facts["tree"] == {"requirement": 'scope("orders:reed")', "value": "needs", "parts": []}
    assert explain(tokens(), auth(f"Bearer {token()}"), path="/").facts()["credentials"] == [
        {
            "field": "authorization",
            "scheme": "bearer",
            "form": "jwt",
            "length": len(token()),
            "header": {"alg": "HS256", "typ": "at+jwt"},
            "claims": {"iss": "https://id.example.com", "aud": "https://api.example.com", "sub": "ann", "exp": NOW + 60, "iat": NOW - 60},
        }
    ]


def test_a_hostile_token_is_bounded() -> None:
    """Long claims are cut, control characters are escaped, and what is too long is not decoded."""
    hostile = token(note="x" * 5000, escape="\x1b[2J")
    report = explain(tokens(), auth(f"Bearer {hostile}"), path="/")
    assert len(report.text()) < 5000
    assert "\x1b" not in report.text()
    assert explain(tokens(), auth(f"Bearer {token(note='x' * 60_000)}"), path="/").sent[0].form == "opaque"
    assert explain(tables(), *[(f"X-{at}", "y") for at in range(5000)]).status == 431


class Diary:
    """A throttle and a checker that write down what happens."""

    def __init__(self) -> None:
        self.entries: list[str] = []

    def blocked(self, _: object) -> int | None:
        """Nobody is."""
        self.entries.append("blocked?")
        return None

    def reserve(self, _: object) -> Any:
        """Count."""
        self.entries.append("reserved")
        raise AssertionError("an explanation counted an attempt")
        yield

    def check(self, credentials: BasicCredentials) -> Accepted | Refused:
        """Accept one password, and leave a note for after the response."""
        self.entries.append("checked")
        return Accepted(Principal("ann")) if credentials.password == "mellon" else Refused(Reason.WRONG_SECRET)


def test_it_counts_no_attempt_and_caches_nothing_for_requests() -> None:
    """The throttle is asked who is blocked, and counts nothing; the next request asks the checker."""
    diary = Diary()
    guard = Guard(Basic(diary, realm="r"), throttle=diary)
    for password in ("wrong", "mellon"):
        explain(guard, auth(basic(f"ann:{password}")))
    assert diary.entries == ["blocked?", "checked"] * 2
    plain = Guard(Basic(Users({"ann": CHEAP.hash("mellon")}, hasher=CHEAP), realm="r"))
    assert explain(plain, auth(basic("ann:mellon"))).status is None
    decision = plain.decide(RequestView("GET", "/", [auth(basic("ann:mellon"))]))
    assert decision.caller is not None
    assert not decision.caller.cached


def test_it_emits_no_event_and_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """To look at a request is no request."""
    events: list[object] = []
    caplog.set_level(0, "watchword")
    explain(tables(on_event=events.append), auth("Bearer wrong"))
    assert events == []
    assert caplog.records == []


def test_what_a_view_demands_counts() -> None:
    """As a request would be decided that reaches the view."""
    explainer = Explainer(tables(), requirement=lambda _: scope("orders:rite"))
    report = explainer.explain(Recorded("GET", "https", "x", "/orders", (auth("Bearer t0k3n"),)))
    assert isinstance(report.explanation.decision, Forbidden)
    assert 'view: needs scope("orders:rite"), beside the rule' in report.text()
    assert codes(report) == ["scope_spelling"]


def test_spelling() -> None:
    """A letter more, less or other, and letter case; never the name itself."""
    assert nearest("orders:reed", ["orders:read", "orders:write", "x"]) == "orders:read"
    assert nearest("READ", ["read", "reads"]) == "read"
    assert nearest("read", ["read"]) is None
    assert nearest("x" * 10_000, ["x"]) is None
    assert nearest("orders:write", ["orders:read"]) is None
    assert nearest("oders:raed", ["orders:read", "invoices:read"]) == "orders:read"
    assert nearest("cat", ["bat"]) is None
    assert [seconds_in_words(one) for one in (1, 59, 60, 5400, 90_000)] == ["1 second", "59 seconds", "1 minute", "2 hours", "1 day"]


def test_every_line_is_printable() -> None:
    """What a client chose cannot control the terminal."""
    (recorded,) = read_text("GET /\x1b[2Jx HTTP/1.1\nHost: a\x1bb\nOrigin: \x1bz\nAuthorization: Bearer \x1b\n").requests
    assert isinstance(recorded, Recorded)
    text = Explainer(tables()).explain(recorded).text()
    assert all(line.isprintable() for line in text.split("\n"))


def test_own_schemes_are_explained() -> None:
    """A scheme of an application, with a field of its own: its value is a key, and not shown."""

    class Ticket(Scheme[Any]):
        name = "Ticket"
        fields = ("x-ticket",)
        header = "x-ticket"

        def extract(self, view: RequestView) -> Any:
            return None

    report = explain(Guard(Ticket(lambda _: None)), ("X-Ticket", SECRET))
    assert report.sent[0].form == "key"
    assert found_in(report.text()) == []
