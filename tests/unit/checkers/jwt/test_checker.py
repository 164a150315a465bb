"""The checker of tokens: what it takes, in which order it looks, and who comes out of it."""

# ruff: noqa: E501, N802 - tables; a test carries the id of its rule

from __future__ import annotations

import subprocess
import sys
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.each import each
from tests.support.token_vectors import ACCEPTED, AUDIENCE, CLAIMS, HEADER, ISSUER, KEYS, NOW, REFUSED, CountedKeys, raw, token
from tests.support.tokens import private_key, public_jwk, segment, sign
from watchword import ConfigurationError, Guard, RequestView, Unavailable
from watchword.authorization.step_up import acr, factor, fresh
from watchword.checkers import JWT, AnyOf, APIKeys, OpaqueTokens
from watchword.checkers.jwt import AUTH0, COGNITO, ENTRA_ID, KEYCLOAK, OKTA, RFC9068, ClaimMap, KeySet
from watchword.checkers.jwt.algorithms import check_algorithms
from watchword.credentials import BearerToken
from watchword.reason import Reason
from watchword.schemes.bearer import Bearer
from watchword.stores import MemoryStore
from watchword.testing import FixedClock
from watchword.verdict import Accepted, Refused

# What R7515-2-1, R7519-7.2-1 and the like name is in the table of vectors; here is what the table cannot say.


def checker(**options: Any) -> JWT:
    """Return a checker of the issuer of the vectors."""
    return JWT(**{"issuer": ISSUER, "audience": AUDIENCE, "keys": KEYS, "clock": FixedClock(NOW), **options})


def reason(verdict: object) -> Reason | None:
    """Return why a token was refused; None: it was not."""
    return verdict.reason if isinstance(verdict, Refused) else None


def test_who_comes_out() -> None:
    """A principal says issuer, subject and kind, what is held, and how and until when it is known."""
    claims = {
        "scope": "a b",
        "roles": ["admin"],
        "entitlements": ["x"],
        "auth_time": NOW - 9,
        "acr": "gold",
        "amr": ["pwd", "otp"],
        "name": "Ann",
    }
    verdict = checker().verify(token(claims=claims))
    assert isinstance(verdict, Accepted)
    who = verdict.principal
    assert (who.id, who.kind, who.display_name) == (f"{ISSUER}#user:ann", "user", "Ann")
    assert (set(who.scopes), set(who.roles), set(who.permissions)) == ({"a", "b"}, {"admin"}, {"x"})
    assert who.claims["jti"] == "4711"
    assert who.evidence is not None
    assert (who.evidence.auth_time, who.evidence.acr, set(who.evidence.factors)) == (NOW - 9, "gold", {"pwd", "otp"})
    assert who.evidence.expires_at == CLAIMS["exp"] + 60


@pytest.mark.anyio
async def test_all_ways_to_ask_agree() -> None:
    """verify, averify, check and acheck give one answer, and answer octets as text."""
    one = checker()
    for text, expected in (*((text, None) for text in ACCEPTED.values()), (REFUSED["nothing"].token, Reason.MALFORMED_TOKEN)):
        verdicts = [one.verify(text), await one.averify(text), one.verify(text.encode())]
        if text:
            verdicts += [one.check(BearerToken(text)), await one.acheck(BearerToken(text))]
        assert [reason(verdict) for verdict in verdicts] == [expected] * len(verdicts)


@each(
    ("option", "value", "words"),
    [
        ("issuer", "", "iss"),
        ("issuer", None, "iss"),
        ("issuer", [ISSUER], "iss"),
        ("issuer", "https://id.example.com#x", "without #"),
        ("audience", None, "collection"),
        ("audience", "", "non-empty"),
        ("audience", [], "name this server"),
        ("audience", ["a", ""], "non-empty"),
        ("audience", [1], "non-empty"),
        ("leeway", -1, "from 0 to 300"),
        ("leeway", 301, "from 0 to 300"),
        ("leeway", "60", "number"),
        ("leeway", True, "number"),
        ("leeway", float("nan"), "number"),
        ("profile", "strict", "at\\+jwt"),
        ("profile", "AT+JWT", "at\\+jwt"),
        ("required", "jti", "not one string"),
        ("required", [None], "non-empty"),
        ("algorithms", [], "at least one"),
        ("algorithms", ["none"], "unsigned"),
        ("algorithms", ["ES256", "HS256"], "one kind"),
        ("algorithms", ["HS256"], "no allowed algorithm"),
        ("keys", {}, "JWK Set"),
        ("keys", {"keys": []}, "empty"),
        ("keys", "https://id.example.com/jwks", "JWK Set"),
        ("claims", {"scopes": "scp"}, "ClaimMap"),
        ("revocations", object(), "look_up"),
        ("clock", object(), "now"),
        ("jwks_url", "https://id.example.com/jwks", "takes neither jwks_url"),
    ],
)
def test_wrong_configurations(option: str, value: Any, words: str) -> None:
    """Each is an error where the checker is made, never when a token comes."""
    with pytest.raises(ConfigurationError, match=words):
        checker(**{option: value})


def test_R8725_3_1_1_secrets_are_never_fetched() -> None:
    """HMAC needs keys that are given: neither an address nor an issuer publishes a shared secret."""
    for options in ({"keys": None}, {"keys": None, "jwks_url": "https://id.example.com/jwks"}):
        with pytest.raises(ConfigurationError, match="shared secret"):
            checker(algorithms=["HS256"], **options)


def test_R8725_3_1_1_what_a_source_allows_is_not_allowed() -> None:
    """The list of the checker decides, also where its source of keys has keys for other algorithms."""
    one = checker(keys=CountedKeys(), algorithms=["ES256"])
    assert reason(one.verify(token())) is None
    for alg, kid in (("RS256", "rsa"), ("EdDSA", "ed"), ("Ed25519", "ed")):
        assert reason(one.verify(token({"alg": alg, "kid": kid}))) is Reason.WRONG_ALGORITHM


def test_shared_secrets() -> None:
    """HMAC is allowed by name; its tokens are verified by the secret, and by no other."""
    keys = {"keys": [public_jwk("HS256", kid="1")]}
    one = checker(keys=keys, algorithms=["HS256"])
    assert reason(one.verify(token({"alg": "HS256", "kid": "1"}))) is None
    assert reason(one.verify(token({"alg": "HS256", "kid": "1"}, key=b"x" * 32))) is Reason.BAD_SIGNATURE
    for alg in ("HS384", "HS512", "none"):
        assert reason(one.verify(token({"alg": alg, "kid": "1"}, alg="HS256"))) is Reason.WRONG_ALGORITHM


@each("name", ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"])
def test_R9068_2_2_1_required_claims(name: str) -> None:
    """Each claim of the profile is required; profile "any" asks for four, and for those that are named."""
    without = token(claims={name: ...})
    assert isinstance(checker().verify(without), Refused)
    assert isinstance(checker(profile="any").verify(without), Refused) is (name in {"iss", "exp", "aud", "sub"})
    assert isinstance(checker(profile="any", required=[name]).verify(without), Refused)


def test_T5_options_add_and_never_drop() -> None:
    """A required claim of one's own, or a map, drops none of the others (threats T5)."""
    custom = checker(required=["tenant"], claims=ClaimMap(required=("region",)))
    good = {"tenant": "a", "region": "b"}
    assert reason(custom.verify(token(claims=good))) is None
    for name in (*good, "jti", "client_id", "exp", "sub"):
        assert reason(custom.verify(token(claims={**good, name: ...}))) is Reason.INVALID_CLAIM


@each(("typ", "strict", "loose"), [("at+jwt", True, True), ("AT+jwt", True, True), ("application/at+jwt", True, True), ("JWT", False, True),
    ("jwt", False, True), ("application/jwt", False, True), (..., False, True), ("at+jwt;x=1", False, False), ("dpop+jwt", False, False),
    ("logout+jwt", False, False), ("id_token", False, False), ("", False, False), ("secevent+jwt", False, False)])  # fmt: skip
def test_R9068_4_1_types(typ: Any, strict: bool, loose: bool) -> None:  # noqa: FBT001 - columns
    """The profile takes access tokens alone; "any" takes JWT and none as well, and no other type (RFC 8725 §3.11)."""
    text = token({"typ": typ})
    assert isinstance(checker().verify(text), Accepted) is strict
    assert isinstance(checker(profile="any").verify(text), Accepted) is loose


@each("leeway", [0, 1, 60, 300, 0.5])
def test_R7519_4_1_4_1_the_exact_second(leeway: float) -> None:
    """A token ends at exp and the leeway, begins at nbf and iat without it, and the guard agrees at each second (decision D39)."""
    clock = FixedClock(NOW)
    one = checker(leeway=leeway, clock=clock)
    guard = Guard(Bearer(one), clock=clock)
    text = token(claims={"exp": NOW + 100, "nbf": NOW + 50, "iat": NOW})
    view = RequestView("GET", "/", [("Authorization", f"Bearer {text}")])
    for at in (50 - leeway, 50, 100, 100 + leeway):
        for offset in (-0.25, 0, 0.25):
            clock.set(NOW + at + offset)
            counts = 50 - leeway <= at + offset < 100 + leeway
            assert isinstance(one.verify(text), Accepted) is counts
            assert guard.decide(view).granted is counts
            assert guard.decide(view).granted is counts  # from the cache


def test_R7519_4_1_1_1_issuers_are_never_mixed() -> None:
    """Of several issuers the exact iss selects one, before anything is fetched; its keys alone count (RFC 8725 §3.8)."""
    ours, theirs = CountedKeys(), CountedKeys({"keys": [public_jwk("ES256", "theirs", kid="ec")]})
    both = JWT.any_of(checker(keys=ours), checker(issuer="https://other.example", keys=theirs))
    assert reason(both.verify(token())) is None
    assert (ours.fetched, theirs.fetched) == (1, 0)
    assert reason(both.verify(token(claims={"iss": "https://other.example"}))) is Reason.BAD_SIGNATURE
    assert (ours.fetched, theirs.fetched, ours.verified) == (1, 1, 1)
    unknown: list[Any] = ["https://third.example", f"{ISSUER}/", [ISSUER], {ISSUER: 1}, None, 1, True, "", ...]
    for issuer in unknown:
        assert reason(both.verify(token(claims={"iss": issuer}))) is Reason.WRONG_ISSUER
    assert (ours.fetched, theirs.fetched) == (1, 1)
    assert both.recognises(BearerToken(token()))
    assert ISSUER in repr(both)


def test_several_issuers_are_two_or_more() -> None:
    """One issuer, none, one twice, or something else is an error where it is made."""
    wrong: list[Any] = [(), (checker(),), (checker(), checker()), (checker(), "https://other.example")]
    for checkers in wrong:
        with pytest.raises(ConfigurationError, match="any_of"):
            JWT.any_of(*checkers)


def test_two_people_of_one_name() -> None:
    """The same subject at two issuers, or as a person and as a program, is never one principal (decision D49, RFC 9700 §4.15)."""
    both = JWT.any_of(checker(), checker(issuer="https://other.example"))
    texts = [
        token(),
        token(claims={"iss": "https://other.example"}),
        token(claims={"sub": "shop"}),
        token(claims={"sub": "shop", "client_id": "x"}),
    ]
    verdicts = [both.verify(text) for text in texts]
    principals = [verdict.principal for verdict in verdicts if isinstance(verdict, Accepted)]
    assert len({who.id for who in principals}) == 4
    assert [who.kind for who in principals] == ["user", "user", "client", "user"]


class Failing:
    """Keys that cannot be had."""

    def keys(self, kid: str | None) -> Any:
        """Fail."""
        raise Unavailable("no answer", retry_after=5)
        yield

    def fresh(self) -> KeySet | None:
        """Have none."""
        return None

    def refresh(self) -> None:
        """Have nothing to do."""


def test_an_outage_is_no_refusal() -> None:
    """Where the keys cannot be had, a token that fails without them is refused, and any other is 503."""
    one = checker(keys=Failing())
    with pytest.raises(Unavailable):
        one.verify(token())
    assert reason(one.verify(token(claims={"iss": "x"}))) is Reason.WRONG_ISSUER
    view = RequestView("GET", "/", [("Authorization", f"Bearer {token()}")])
    guard = Guard(Bearer(one))
    assert guard.refuse(guard.decide(view), view).status == 503


def test_R9068_4_2_every_failure_is_invalid_token() -> None:
    """Outside each refusal looks alike: 401, `invalid_token` and one fixed description, but for a token that has expired."""
    guard = Guard(Bearer(checker()), clock=FixedClock(NOW))
    fields: dict[str, set[Any]] = {}
    for name, vector in REFUSED.items():
        if (
            not isinstance(vector.token, str)
            or not vector.token.isascii()
            or len(vector.token) > 16_000
            or vector.token != vector.token.strip()
        ):
            continue
        view = RequestView("GET", "/", [("Authorization", f"Bearer {vector.token}")])
        decision = guard.decide(view)
        assert not decision.granted, name
        refusal = guard.refuse(decision, view)
        if decision.reason == vector.reason:
            assert refusal.status == 401, name
            told = "expired" if vector.reason is Reason.EXPIRED else "other"
            fields.setdefault(told, set()).add(dict(refusal.headers)["WWW-Authenticate"])
    assert len(fields["other"]) == len(fields["expired"]) == 1
    assert all('error="invalid_token"' in field for found in fields.values() for field in found)
    assert "expired" in min(fields["expired"])


def test_several_kinds_of_tokens_under_one_scheme() -> None:
    """The form of a token selects its checker: no store is asked about a JWT, and no key about another token."""
    store = MemoryStore()
    keys = CountedKeys(at_hand=True)
    opaque, api_keys = OpaqueTokens(store), APIKeys(store)
    guard = Guard(Bearer(AnyOf(checker(keys=keys), opaque, api_keys)), clock=FixedClock(NOW))
    texts = {
        token(): f"{ISSUER}#user:ann",
        opaque.create("bob").token: "bob",
        api_keys.create("eve").key: "eve",
        token(claims={"iss": "x"}): None,
        token({"alg": "none"}, alg="ES256"): None,
        "a.b.c": None,
        "abc": None,
    }
    for text, who in texts.items():
        decision = guard.decide(RequestView("GET", "/", [("Authorization", f"Bearer {text}")]))
        assert (decision.principal.id if decision.granted else None) == who
    assert keys.verified == 1


@each(("text", "is_one"), [(token(), True), (token({"alg": "none"}, alg="ES256"), True), (raw("{}"), True), (f"{segment(b'{}')}.x.y", True),
    (f"{segment(b'{}')}..", True), ("", False), ("..", False), ("a.b.c", False), (f"{segment(b'[]')}.x.y", False), (f"{segment(b'{}')}.x", False),
    (f"{segment(b'{}')}.x.y.z", False), (f"{segment(b'{}')}=.x.y", False), ("x" * 20_000, False), (f"{segment(b'{}')}.{'x' * 20_000}.y", False)])  # fmt: skip
def test_the_form_of_a_token(text: str, is_one: bool) -> None:  # noqa: FBT001 - a column
    """Three segments and a header that is an object are a JWT, whatever the header says; nothing else is."""
    assert checker().recognises(BearerToken(text)) is is_one


MAPS: list[tuple[ClaimMap, dict[str, Any], dict[str, Any], str]] = [
    (RFC9068, {"roles": [{"value": "admin", "display": "Administrators"}], "entitlements": ["x"]}, {"roles": {"admin"}, "permissions": {"x"}}, "user"),
    (KEYCLOAK, {"realm_access": {"roles": ["a", "b"]}, "azp": "shop", "typ": "Bearer"}, {"roles": {"a", "b"}, "scopes": {"orders:read"}}, "user"),
    (KEYCLOAK, {"azp": "shop", "clientHost": "192.0.2.1", "clientAddress": "192.0.2.1"}, {"roles": set()}, "client"),
    (ENTRA_ID, {"scp": "User.Read Mail.Read", "roles": ["Admin"], "azp": "x"}, {"scopes": {"User.Read", "Mail.Read"}, "roles": {"Admin"}}, "user"),
    (ENTRA_ID, {"roles": ["App.Read"], "azp": "x", "idtyp": "app"}, {"scopes": set(), "roles": {"App.Read"}}, "client"),
    (AUTH0, {"permissions": ["read:x"], "azp": "x"}, {"permissions": {"read:x"}}, "user"),
    (AUTH0, {"sub": "x@clients", "azp": "x", "gty": "client-credentials"}, {"permissions": set()}, "client"),
    (COGNITO, {"aud": ..., "client_id": AUDIENCE, "token_use": "access", "cognito:groups": ["a"]}, {"roles": {"a"}}, "user"),
    (COGNITO, {"aud": ..., "client_id": AUDIENCE, "sub": AUDIENCE, "token_use": "access"}, {"roles": set()}, "client"),
    (OKTA, {"scp": ["a", "b"], "groups": ["Everyone"], "cid": "x"}, {"scopes": {"a", "b"}, "roles": {"Everyone"}}, "user"),
    (OKTA, {"scp": ["a"], "cid": "ann"}, {"scopes": {"a"}}, "client"),
    (ClaimMap(roles=("https://example.com/roles",)), {"https://example.com/roles": ["a"]}, {"roles": {"a"}}, "user"),
    (ClaimMap(roles=(("resource_access", "my.app", "roles"),)), {"resource_access": {"my.app": {"roles": ["a"]}}}, {"roles": {"a"}}, "user"),
    (ClaimMap(roles=("a.b", "c")), {"a": {"b": "one role"}, "c": ["d"]}, {"roles": {"one role", "d"}}, "user"),
    (ClaimMap(roles=("a.b",)), {"a": {}}, {"roles": set()}, "user"),
    (ClaimMap(scopes=("scp", "scope")), {"scp": ["x"]}, {"scopes": {"x"}}, "user"),
]  # fmt: skip


@each(("claim_map", "claims", "held", "kind"), MAPS)
def test_maps(claim_map: ClaimMap, claims: dict[str, Any], held: dict[str, Any], kind: str) -> None:
    """Each provider's claims become scopes, roles and permissions, and say whether a program acts for itself."""
    header = {} if claim_map.profile == "at+jwt" else {"typ": "JWT"}
    verdict = checker(claims=claim_map).verify(token(header, claims))
    assert isinstance(verdict, Accepted), verdict
    assert {name: getattr(verdict.principal, name) for name in held} == held
    assert verdict.principal.kind == kind


@each("claims", [{"a": "x"}, {"a": 1}, {"a": None}, {"a": {"b": {"c": 1}}}, {"a": {"b": [["x"]]}}, {"a": {"b": True}}, {"a": [{"b": "x"}]}])
def test_a_map_never_guesses(claims: dict[str, Any]) -> None:
    """What stands in the way of a place, or in it, and is no list of names, refuses the token: `~role("banned")` would be met otherwise."""
    assert reason(checker(claims=ClaimMap(roles=("a.b",))).verify(token(claims=claims))) is Reason.INVALID_CLAIM


@each(
    "options",
    [{"roles": "scope"}, {"roles": ("",)}, {"roles": ("a..b",)}, {"roles": ((),)}, {"roles": (1,)}, {"scopes": ["scope"]}, {"client": "azp"},
     {"audience": ""}, {"audience": 1}, {"client_marks": (("idtyp",),)}, {"profile": "x"}, {"required": "jti"}],
)  # fmt: skip
def test_wrong_maps(options: dict[str, Any]) -> None:
    """A place that is no path, and one string for many, are errors where the map is made."""
    with pytest.raises(ConfigurationError):
        ClaimMap(**options)


def test_R7519_4_1_3_1_no_audience() -> None:
    """Only a map that names a claim in place of aud takes a token without one, and where aud is there it decides."""
    base = {"token_use": "access", "client_id": AUDIENCE}
    cognito = checker(claims=COGNITO)
    assert reason(checker().verify(token(claims={"aud": ...}))) is Reason.WRONG_AUDIENCE
    assert reason(cognito.verify(token(claims={**base, "aud": ...}))) is None
    assert reason(cognito.verify(token(claims={**base, "aud": "other"}))) is Reason.WRONG_AUDIENCE
    assert reason(cognito.verify(token(claims={**base, "aud": ..., "client_id": "other"}))) is Reason.WRONG_AUDIENCE
    assert reason(cognito.verify(token(claims={**base, "aud": ..., "token_use": ...}))) is Reason.INVALID_CLAIM


def test_logins_of_a_token() -> None:
    """auth_time, acr and amr meet fresh, acr and factor, and their absence meets none (RFC 9470)."""
    guard = Guard(Bearer(checker()), clock=FixedClock(NOW), rules={"/f": fresh(300), "/a": acr("gold"), "/m": factor("otp")})
    for claims, status in (({"auth_time": NOW - 5, "acr": "gold", "amr": ["otp"]}, True), ({}, False)):
        for path in ("/f", "/a", "/m"):
            view = RequestView("GET", path, [("Authorization", f"Bearer {token(claims=claims)}")])
            assert guard.decide(view).granted is status


def test_the_same_token_again_costs_no_verification() -> None:
    """The credential cache answers for a known token until a key goes, the token ends, or the keys must be asked for."""
    clock, keys = FixedClock(NOW), CountedKeys(at_hand=True)
    guard = Guard(Bearer(checker(keys=keys, clock=clock)), clock=clock)
    view = RequestView("GET", "/", [("Authorization", f"Bearer {token()}")])
    for _ in range(5):
        assert guard.decide(view).granted
    assert keys.verified == 1
    keys.at_hand = False
    assert guard.decide(view).granted
    assert (keys.verified, keys.fetched) == (2, 1)
    keys.at_hand, keys.set = True, KeySet.read({"keys": [public_jwk("ES256", "new", kid="ec")]}, check_algorithms(None))
    assert guard.decide(view).reason == Reason.BAD_SIGNATURE
    keys.set = KeySet(())
    assert guard.decide(view).reason == Reason.UNKNOWN_KEY


def test_a_lease_ends_with_its_token() -> None:
    """The lease alone says from when to when a token counts, whatever holds it."""
    clock = FixedClock(NOW)
    verdict = checker(clock=clock).verify(token(claims={"nbf": NOW - 10}))
    assert isinstance(verdict, Accepted)
    assert verdict.lease is not None
    for at, counts in ((NOW, True), (NOW + 659, True), (NOW + 660, False), (NOW - 60, True), (NOW - 61, False)):
        clock.set(at)
        assert verdict.lease.is_current() is counts


def test_R7515_5_2_1_every_bit_counts() -> None:
    """A token with any one bit changed is refused, and never raises."""
    good, one = token(), checker()
    octets = good.encode()
    for at in range(len(octets)):
        for bit in (1, 2, 4, 8, 16, 32, 64, 128):
            changed = octets[:at] + bytes([octets[at] ^ bit]) + octets[at + 1 :]
            assert isinstance(one.verify(changed), Refused)  # type: ignore[arg-type]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(octets=st.binary(max_size=200) | st.text(max_size=200))
def test_no_octets_raise(octets: bytes | str) -> None:
    """Whatever is sent, the answer is a refusal."""
    assert isinstance(checker().verify(octets), Refused)  # type: ignore[arg-type]


@given(
    header=st.dictionaries(st.sampled_from([*HEADER, "crit", "b64", "jwk", "x"]), JSON),
    claims=st.dictionaries(st.sampled_from([*CLAIMS, "nbf", "cnf", "roles", "amr", "acr", "auth_time"]), JSON),
)
def test_no_claims_raise(header: dict[str, Any], claims: dict[str, Any]) -> None:
    """Whatever JSON an issuer signs, the answer is a verdict, and what is accepted has the claims that count."""
    text = sign({**HEADER, **header}, {**CLAIMS, **claims}, alg="ES256")
    for one in (checker(), checker(claims=KEYCLOAK), checker(claims=COGNITO)):
        verdict = one.verify(text)
        if isinstance(verdict, Accepted):
            sent = {**CLAIMS, **claims}
            assert sent["iss"] == ISSUER
            assert isinstance(sent["sub"], str)
            assert sent["exp"] + 60 > NOW
            assert {**HEADER, **header}["alg"] == "ES256"


def test_loading_the_name_loads_no_library() -> None:
    """`from watchword.checkers import JWT` loads neither joserfc nor cryptography nor an HTTP client; they come with the first checker."""
    program = (
        "import sys; from watchword.checkers import JWT; print(*sorted({'joserfc', 'cryptography', 'httpx2', 'anyio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_repr_tells_the_configuration() -> None:
    """A checker prints its issuer, audience and profile, and no key."""
    shown = repr(checker())
    assert ISSUER in shown
    assert AUDIENCE in shown
    assert KEYS["keys"][0]["x"] not in shown


@pytest.mark.anyio
async def test_many_at_once() -> None:
    """Tokens are verified side by side on an event loop."""
    one, answers = checker(keys=CountedKeys()), []

    async def ask() -> None:
        answers.append(await one.averify(token()))

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(ask)
    assert [isinstance(answer, Accepted) for answer in answers] == [True] * 20


class Revoked:
    """Revocations by the id of a token: the smallest thing that knows them."""

    def __init__(self) -> None:
        self.ids: set[object] = set()
        self.asked = 0

    def look_up(self, subject: str, claims: Any, leeway: float) -> Any:
        """Say whether the id is revoked; the lease ends when it is."""
        self.asked += 1
        assert subject.startswith(f"{ISSUER}#user:")
        assert leeway == 60
        yield from ()
        return Refused(Reason.REVOKED) if claims["jti"] in self.ids else Current(self.ids, claims["jti"])


class Current:
    """A lease until an id is revoked."""

    def __init__(self, ids: set[object], jti: object) -> None:
        self.is_current = lambda: jti not in ids


def test_revocations_are_asked_once_and_end_what_is_cached() -> None:
    """A new token costs one question, a known one none; a revocation ends it, and a token that fails is never asked about."""
    revoked, clock = Revoked(), FixedClock(NOW)
    guard = Guard(Bearer(checker(revocations=revoked, clock=clock)), clock=clock)
    view, other = (RequestView("GET", "/", [("Authorization", f"Bearer {text}")]) for text in (token(), token(claims={"jti": "4712"})))
    for _ in range(3):
        assert guard.decide(view).granted
        assert guard.decide(other).granted
    assert revoked.asked == 2
    revoked.ids.add("4711")
    assert guard.decide(view).reason == Reason.REVOKED
    assert guard.decide(other).granted
    assert revoked.asked == 3
    for vector in ("exp an hour ago", "a signature of another key", "iss missing"):
        assert isinstance(checker(revocations=revoked).verify(REFUSED[vector].token), Refused)
    assert revoked.asked == 3


def test_headers_of_refused_tokens_are_not_kept() -> None:
    """Whoever makes headers up fills nothing: only those of genuine tokens are remembered, few and short."""
    one = checker()
    for number in range(100):
        one.verify(token({"kid": str(number)}))
        one.verify(token({"x": number}, key=private_key("ES256", "other")))
    assert len(one._headers) == len(one._selections) == 0
    for number in range(100):
        assert isinstance(one.verify(token({"x": number})), Accepted)
        assert isinstance(one.verify(token({"x": "a" * 1000, "y": number})), Accepted)
    assert len(one._headers) == len(one._selections) == 64


def test_a_kept_header_is_judged_as_a_new_one() -> None:
    """A token with the header of an accepted one is refused for whatever else is wrong with it; no order of tokens changes an answer."""
    one = checker()
    for text in ACCEPTED.values():
        assert isinstance(one.verify(text), Accepted)
    for name, vector in REFUSED.items():
        assert reason(one.verify(vector.token)) is vector.reason, name
    for text in ACCEPTED.values():
        assert isinstance(one.verify(text), Accepted)
