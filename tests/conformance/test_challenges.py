"""Challenges: which, in what order, in what form, and when with an error (RFC 9110 §11, RFC 6750 §3, RFC 9470, RFC 9728; D21 to D28)."""

# ruff: noqa: N802 - a test carries the id of its rule

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.drive import ByASGI, ByWSGI, Reply, Request, basic, bearer
from tests.support.each import each
from tests.support.people import (
    ASK_ALL,
    ASK_BASIC,
    ASK_BEARER,
    ASK_KEY,
    BAD_REQUEST,
    CLOCK,
    EXPIRED,
    INVALID,
    KEYS,
    check_password,
    check_token,
    orders_guard,
)
from tests.support.status_table import ROWS
from watchword import (
    APIKey,
    Basic,
    Bearer,
    BearerToken,
    ConfigurationError,
    CredentialsError,
    Evidence,
    Guard,
    Principal,
    Reason,
    RequestView,
    Scheme,
    acr,
    fresh,
    network,
    optional,
    role,
    scope,
    via,
)
from watchword.checkers import Tokens
from watchword.grammar import Challenge, parse_challenges

if TYPE_CHECKING:
    from tests.support.drive import Answer, Behind, Driver, Through
    from watchword.schemes import ChallengeParams


ERRORS: dict[Reason | None, str] = {
    Reason.INSUFFICIENT_SCOPE: "insufficient_scope",
    Reason.STEP_UP_REQUIRED: "insufficient_user_authentication",
}


class DPoP(Scheme[BearerToken]):
    """Stands in for a second scheme with error codes: its challenges are those of DPoP, its proof is none."""

    name = "DPoP"
    rank = 40
    explains_errors = True

    def extract(self, view: RequestView) -> BearerToken | None:
        """Return the token."""
        sent = view.authorization
        if sent is None or sent.scheme.lower() != "dpop":
            return None
        if sent.token68 is None:
            raise CredentialsError("one token", bad_request=True)
        return BearerToken(sent.token68)

    def challenge(self, params: ChallengeParams | None = None) -> Challenge:
        """Return a challenge with an error, if there is one."""
        if params is None or params.reason is None:
            return Challenge(self.name, {"algs": "ES256"})
        error = "invalid_request" if params.bad_request else ERRORS.get(params.reason, "invalid_token")
        return Challenge(self.name, {"algs": "ES256", "error": error})


def me(*headers: tuple[str, str], method: str = "GET", target: str = "/me") -> Request:
    """A request with these fields."""
    return Request(method=method, target=target, headers=headers)


def answers(driver: Driver) -> list[Answer]:
    """All answers of the status table."""
    return [driver(row.request) for row in ROWS]


def outside_quotes(value: str) -> str:
    """A field value without its quoted-strings."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', '""', value)


# Form


@pytest.mark.parametrize("realm", ["a\r\nSet-Cookie: x", "a\nb", "a\x00", "a\x7f", "\x1b[31m", "naïve", "", "a\u2028b"], ids=ascii)
def test_R9110_5_5_3_no_control_gets_into_a_realm(realm: str) -> None:
    """A realm that cannot be sent is refused when the scheme is constructed (decision D25)."""
    for make in (Basic, Bearer, APIKey):
        with pytest.raises(ConfigurationError, match="realm"):
            make(check_token, realm=realm)


def test_R9110_5_5_3_no_control_gets_into_any_field(through: Through) -> None:
    """What a checker says and what a client sends never puts a control character into a header of ours."""
    hostile = [
        me(basic("outage", "\r\nX: y")),
        me(bearer("expired"), ("X-Request-Id", "a\r\nSet-Cookie: x")),
        me(("Origin", "https://a\r\nX: y"), ("Accept", "text/html\r\nX: y")),
        me(("Host", "a\r\nX: y")),
        me(target="/a%0d%0aX:y"),
        Request(method="GE\r\nT", target="/me"),
    ]
    driver = through(orders_guard(cors_expose=True))
    for request in hostile:
        for name, value in driver(request).headers:
            assert (name + value).isprintable(), (request, name, value)


@pytest.mark.parametrize("contact", ["a\r\nb", "\x00", ""], ids=ascii)
def test_R9110_5_5_3_no_control_gets_into_the_settings(contact: str) -> None:
    """The other settings that are sent are checked at construction too."""
    with pytest.raises(ConfigurationError, match="contact"):
        orders_guard(contact=contact)
    with pytest.raises(ConfigurationError, match="documentation"):
        orders_guard(documentation=f"https://example.com/{contact}\n")


def test_R9110_5_6_1_1_1_generated_lists_have_no_empty_elements(through: Through) -> None:
    """No field that is sent starts or ends with a comma, or has two in a row."""
    for answer in answers(through(orders_guard(cors_expose=True))):
        for _, value in answer.headers:
            assert re.search(r"^\s*,|,\s*,|,\s*$", outside_quotes(value)) is None


def test_R9110_5_6_3_2_no_whitespace_around_equals(through: Through) -> None:
    """Generated challenges have no whitespace around an equals sign."""
    for answer in answers(through(orders_guard())):
        for value in answer.challenges:
            assert re.search(r"\s=|=\s", outside_quotes(value)) is None


def test_R9110_5_6_4_2_only_quote_and_backslash_are_escaped(through: Through) -> None:
    """A realm with quotes and backslashes is escaped as far as needed, and reads back as it was."""
    for realm, quoted in (('Login to "apps"\\x', r'"Login to \"apps\"\\x"'), ("a,b;c=d", '"a,b;c=d"')):
        answer = through(Guard(Basic(check_password, realm=realm)))(me())
        assert answer.challenges == [f'Basic realm={quoted}, charset="UTF-8"']
        assert parse_challenges(answer.challenges[0])[0].params == {"realm": realm, "charset": "UTF-8"}


def test_R9110_11_2_6_a_value_that_is_not_a_token_is_quoted(through: Through) -> None:
    """Lists of names and URLs are sent as quoted-strings."""
    url = "https://id.example.com/.well-known/oauth-protected-resource"
    guard = Guard(Bearer(check_token, realm="orders", resource_metadata=url), rules={"/me": scope("b", "a")})
    assert through(guard)(me()).challenges == [f'Bearer realm="orders", resource_metadata="{url}", scope="a b"']


@pytest.mark.parametrize("scheme", [Basic, Bearer, APIKey])
def test_R9110_11_5_1_realm_is_always_quoted(scheme: Any, through: Through) -> None:
    """A realm that could be a token is quoted as well."""
    answer = through(Guard(scheme(check_token, realm="api")))(me())
    assert answer.challenges[0].split(" ", 1)[1].startswith('realm="api"')


def test_R9110_11_6_1_1_every_401_has_a_challenge(through: Through) -> None:
    """No 401 is without a challenge, and every challenge can be read back, whatever the scheme and the failure."""
    seen = 0
    for one in (orders_guard(), orders_guard(xhr_no_prompt=True), Guard(APIKey(KEYS)), Guard(Basic(check_password, realm="orders"))):
        for answer in answers(through(one)):
            if answer.status == 401:
                seen += 1
                assert answer.challenges
                assert all(parse_challenges(value) for value in answer.challenges)
    assert seen > 100


def test_R9110_11_6_1_3_one_challenge_per_line(through: Through) -> None:
    """Each challenge is a field of its own, because clients mis-split lists (decision D21)."""
    answer = through(orders_guard())(me())
    assert answer.challenges == ASK_ALL
    assert [len(parse_challenges(value)) for value in answer.challenges] == [1, 1, 1]


@pytest.mark.parametrize("own", ["Custom x", 'Basic realm="theirs"'])
def test_R9110_11_6_1_4_the_application_asks_in_its_own_words(own: str, behind: Behind) -> None:
    """A 401 of the application passes as it is, with its own challenges and no more."""
    reply = Reply(401, (("Content-Type", "text/plain"), ("WWW-Authenticate", own), ("X-Own", "1")), b"mine")
    answer = behind(orders_guard(), reply)(me(basic("ann", "s3cret")))
    assert (answer.status, answer.challenges, answer.body) == (401, [own], b"mine")
    assert answer.headers == [(name.lower(), value) for name, value in reply.headers]


# Which


def test_R9110_9_3_2_1_head_is_get_without_content(through: Through) -> None:
    """HEAD is decided like GET, and its refusal has the same fields and no content."""
    driver = through(orders_guard())
    for row in ROWS:
        if row.request.method == "GET" and row.status != 404:
            request = row.request
            head = driver(Request(method="HEAD", target=request.target, headers=request.headers, client=request.client))
            get = driver(request)
            assert (head.status, head.headers, head.body) == (get.status, get.headers, b"")


def test_R9110_11_1_2_a_scheme_that_is_not_accepted_counts_as_absent(through: Through) -> None:
    """Credentials of a scheme that the route does not take are answered with those it takes, without an error."""
    guard = Guard(Bearer(check_token, realm="orders"))
    for value in ("Negotiate YII=", "Basic QTpi", 'Digest username="x"', "Unknown x"):
        answer = through(guard)(me(("Authorization", value)))
        assert (answer.status, answer.challenges) == (401, [ASK_BEARER])


def test_R9110_11_3_1_each_route_asks_for_what_it_accepts(through: Through) -> None:
    """The challenges are those of the schemes that could open this very route."""
    driver = through(
        orders_guard(rules={"/a": via("Basic"), "/b": via("Bearer", "ApiKey"), "/c": via("Basic") | (via("ApiKey") & role("x"))})
    )
    for target, asked in (("/a", [ASK_BASIC]), ("/b", [ASK_BEARER, ASK_KEY]), ("/c", [ASK_BASIC, ASK_KEY]), ("/d", ASK_ALL)):
        assert driver(me(target=target)).challenges == asked
        assert driver(me(basic("ann", "x"), target=target)).challenges in (asked, [INVALID if one == ASK_BEARER else one for one in asked])


def test_R9110_11_3_3_the_order_is_stable_and_can_be_chosen(through: Through) -> None:
    """Well-known schemes come first, whatever the order of construction, unless an order is given (decision D22)."""
    schemes: list[Any] = [APIKey(KEYS, realm="orders"), Bearer(check_token, realm="orders"), Basic(check_password, realm="orders")]
    assert through(Guard(*schemes))(me()).challenges == ASK_ALL
    assert through(Guard(*reversed(schemes)))(me()).challenges == ASK_ALL
    assert through(Guard(*schemes, order=["apikey", "Bearer"]))(me()).challenges == [ASK_KEY, ASK_BEARER, ASK_BASIC]
    assert through(Guard(*schemes, order=["Bearer"]))(me()).challenges == [ASK_BEARER, ASK_BASIC, ASK_KEY]


def test_D22_an_order_names_schemes_that_are_there() -> None:
    """An order that names a scheme the guard does not have is a mistake."""
    with pytest.raises(ConfigurationError, match="digest"):
        Guard(Bearer(check_token), order=["Digest"])
    with pytest.raises(ConfigurationError, match="not one string"):
        Guard(Bearer(check_token), order="Bearer")


def test_R9110_11_4_1_a_protected_resource_asks(through: Through) -> None:
    """Without credentials there is a 401 with a challenge."""
    answer = through(orders_guard())(me())
    assert (answer.status, answer.challenges) == (401, ASK_ALL)


def test_R9110_11_4_2_unknown_and_wrong_look_alike(through: Through) -> None:
    """The answers to an unknown user and to a wrong password are equal to the last octet."""
    driver = through(orders_guard())
    unknown, wrong = (driver(me(basic(*who))) for who in (("nobody", "s3cret"), ("ann", "wrong")))
    assert (unknown.status, unknown.challenges) == (401, ASK_ALL)
    assert (unknown.status, unknown.headers, unknown.body) == (wrong.status, wrong.headers, wrong.body)


def test_R9110_11_4_2_reasons_that_tell_too_much_are_not_told(through: Through) -> None:
    """Unknown, disabled, locked, revoked and so on give one answer, equal to the last octet; only `expired` is told apart."""
    driver = through(orders_guard())
    reasons = ["unknown_identity", "wrong_secret", "disabled", "locked", "revoked", "wrong_audience", "wrong_issuer", "bad_signature"]
    given = {(answer.status, tuple(answer.headers), answer.body) for answer in (driver(me(bearer(reason))) for reason in reasons)}
    assert len(given) == 1
    assert driver(me(bearer("expired"))).challenges == [ASK_BASIC, EXPIRED, ASK_KEY]


def test_R9110_11_6_1_2_a_403_may_name_the_scope(through: Through) -> None:
    """A 403 for want of a scope says which, in the challenge of the scheme that was used and in no other (decision D27)."""
    answer = through(orders_guard())(me(bearer("bob-token"), target="/orders"))
    assert answer.status == 403
    assert answer.challenges == ['Bearer realm="orders", error="insufficient_scope", scope="orders:read"']


def test_D10_basic_sends_no_challenge_with_a_403(through: Through) -> None:
    """A known caller who may not is never asked again by a login dialog."""
    driver = through(orders_guard())
    for target in ("/admin", "/orders", "/permission", "/inside", "/nobody"):
        answer = driver(me(basic("bob", "hunter2"), target=target))
        assert (answer.status, answer.challenges) == (403, [])


def test_R9110_11_7_1_1_a_proxy_answers_407(through: Through) -> None:
    """In proxy mode the fields are the Proxy- ones and the status is 407; nothing speaks for the origin."""
    driver = through(Guard(Basic(check_password, realm="proxy"), proxy=True))
    for headers in ((), (basic("ann", "s3cret"),), (("Proxy-Authorization", basic("ann", "x")[1]),)):
        answer = driver(me(*headers))
        assert (answer.status, answer.challenges) == (407, [])
        assert answer.all("proxy-authenticate") == ['Basic realm="proxy", charset="UTF-8"']
    assert driver(me(("Proxy-Authorization", basic("ann", "s3cret")[1]))).status == 200


@pytest.mark.parametrize("scheme", [DPoP, Bearer, APIKey])
def test_R9449_7_1_4_a_proxy_offers_basic_and_digest_only(scheme: Any) -> None:
    """Schemes that are not defined for proxies are refused at construction (decision D35)."""
    with pytest.raises(ConfigurationError, match="proxy"):
        Guard(Basic(check_password, realm="proxy"), scheme(check_token), proxy=True)


# Bearer


def test_R6750_3_1_no_access_always_has_a_challenge(through: Through) -> None:
    """Without a token, with a false one, and without the scope there is a Bearer challenge, with 401, 401 and 403."""
    driver = through(orders_guard())
    for headers, status in (((), 401), ((bearer("x"),), 401), ((bearer("bob-token"),), 403)):
        answer = driver(me(*headers, target="/orders"))
        assert answer.status == status
        assert any(value.startswith("Bearer ") for value in answer.challenges)


def test_R6750_3_2_bearer_has_a_parameter(through: Through) -> None:
    """Without a realm given there still is one: never a bare `Bearer` (decision D23)."""
    assert through(Guard(Bearer(check_token)))(me()).challenges == ['Bearer realm="api"']


def test_R6750_3_3_every_parameter_comes_once(through: Through) -> None:
    """No challenge names a parameter twice; one that did could not even be made."""
    for answer in answers(through(orders_guard())):
        for value in answer.challenges:
            names = re.findall(r"([a-z_]+)=", outside_quotes(value))
            assert len(names) == len(set(names))
    with pytest.raises(ConfigurationError, match="repeated"):
        Challenge("Bearer", [("realm", "a"), ("Realm", "a")])


@pytest.mark.parametrize("name", ["a b", 'a"b', "é", "a\\b", "", "a\tb", "a\x7f"], ids=ascii)
def test_R6750_3_4_scopes_are_scope_tokens(name: str) -> None:
    """A scope that cannot be sent is a mistake in the rule; acr values likewise (RFC 9470 §3)."""
    for make in (scope, acr):
        with pytest.raises(ConfigurationError):
            make(name)


def test_R6750_3_4_scopes_are_separated_by_one_space(through: Through) -> None:
    """Several scopes are one list with single spaces."""
    guard = Guard(Bearer(check_token, realm="orders"), rules={"/me": scope("write") & scope("read")})
    assert through(guard)(me()).challenges == ['Bearer realm="orders", scope="read write"']


def test_R6750_3_5_descriptions_are_fixed_and_clean(through: Through) -> None:
    """Error codes and descriptions come from a table and hold no quote, backslash or octet beyond ASCII (decision D26)."""
    seen: set[str] = set()
    for answer in answers(through(orders_guard())):
        for value in answer.challenges:
            for challenge in parse_challenges(value):
                params = challenge.params or {}
                seen |= {params[name] for name in ("error", "error_description") if name in params}
    assert seen == {
        "invalid_request",
        "invalid_token",
        "insufficient_scope",
        "insufficient_user_authentication",
        "The access token expired",
        "The access token is not valid",
    }
    assert all(re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", text) for text in seen)


def test_R6750_3_6_a_refused_token_is_told_why(through: Through) -> None:
    """A token that is refused has its error in the challenge of Bearer, and in no other."""
    driver = through(orders_guard())
    assert driver(me(bearer("x"))).challenges == [ASK_BASIC, INVALID, ASK_KEY]
    assert driver(me(bearer("expired"))).challenges == [ASK_BASIC, EXPIRED, ASK_KEY]


@pytest.mark.parametrize("headers", [(), (basic("ann", "x"),), (("Authorization", "Negotiate YII="),), (("X-API-Key", "x"),)], ids=str)
def test_R6750_3_1_1_no_token_no_error(headers: tuple[tuple[str, str], ...], through: Through) -> None:
    """Who sent no token is told of no error."""
    assert through(orders_guard())(me(*headers)).challenges == ASK_ALL


def test_R9449_7_2_2_the_error_goes_to_the_scheme_that_was_used(through: Through) -> None:
    """Where two schemes have error codes, only the challenge of the one that was used has one."""
    driver = through(Guard(Bearer(check_token, realm="orders"), DPoP(check_token)))
    assert driver(me()).challenges == [ASK_BEARER, 'DPoP algs="ES256"']
    assert driver(me(bearer("x"))).challenges == [INVALID, 'DPoP algs="ES256"']
    assert driver(me(("Authorization", "DPoP x"))).challenges == [ASK_BEARER, 'DPoP algs="ES256", error="invalid_token"']


def test_R9449_7_2_3_where_the_scheme_is_ambiguous_both_have_it(through: Through) -> None:
    """Bearer and DPoP at once are 400, and both challenges say `invalid_request` (decision D1)."""
    driver = through(Guard(Bearer(check_token, realm="orders"), DPoP(check_token)))
    answer = driver(me(bearer("a"), ("Authorization", "DPoP a")))
    assert (answer.status, answer.challenges) == (400, [BAD_REQUEST, 'DPoP algs="ES256", error="invalid_request"'])


# Step-up


def test_R9470_3_2_acr_values_keep_their_order(through: Through) -> None:
    """acr_values is in order of preference, and any one of them will do."""
    driver = through(Guard(Bearer(check_token, realm="orders"), rules={"/a": acr("urn:b", "urn:a"), "/b": acr("urn:x", "mfa")}))
    assert driver(me(target="/a")).challenges == ['Bearer realm="orders", acr_values="urn:b urn:a"']
    assert driver(me(bearer("zoe-token"), target="/b")).status == 200


def test_R9470_3_4_all_parameters_in_one_challenge(through: Through) -> None:
    """acr_values, max_age and scope come together in one challenge, each as it should be written."""
    answer = through(orders_guard())(me(bearer("eve-token"), target="/strict"))
    (challenge,) = parse_challenges(answer.challenges[1])
    assert challenge.params == {
        "realm": "orders",
        "error": "insufficient_user_authentication",
        "scope": "orders:read",
        "acr_values": "mfa otp",
        "max_age": "300",
    }


@pytest.mark.parametrize("age", [-1, 1.5, True, "300", None])
def test_R9470_3_4_max_age_is_a_whole_number(age: Any) -> None:
    """An age that cannot be sent is a mistake in the rule."""
    with pytest.raises(ConfigurationError, match="whole number"):
        fresh(age)


def test_alternatives_that_differ_are_not_mixed(through: Through) -> None:
    """To an anonymous caller only what all alternatives ask alike is named; to a known one, the alternative that asks least speaks."""
    rules = {"/a": scope("x") | scope("y"), "/b": (scope("x") & scope("y")) | scope("z"), "/c": scope("x") | role("r")}
    driver = through(Guard(Bearer(check_token, realm="orders"), rules=rules))
    assert driver(me(target="/a")).challenges == [ASK_BEARER]
    assert driver(me(bearer("bob-token"), target="/a")).challenges == ['Bearer realm="orders", error="insufficient_scope", scope="x"']
    assert driver(me(bearer("bob-token"), target="/b")).challenges == ['Bearer realm="orders", error="insufficient_scope", scope="z"']
    assert driver(me(bearer("bob-token"), target="/c")).challenges == ['Bearer realm="orders", error="insufficient_scope", scope="x"']


def test_a_need_that_no_credential_cures_is_not_asked_for(through: Through) -> None:
    """Where the request itself is the obstacle, no scope is named and no login is asked for."""
    driver = through(Guard(Bearer(check_token, realm="orders"), clock=CLOCK, rules={"/a": scope("x") & network("10.0.0.0/8")}))
    for headers in ((), (bearer("bob-token"),), (bearer("x"),)):
        answer = driver(me(*headers, target="/a"))
        assert (answer.status, answer.challenges) == (403, [])


# Metadata


def test_R9728_5_1_1_the_metadata_url_is_named(through: Through) -> None:
    """The Bearer challenge names the metadata of the resource, with 401, 403 and 400 alike."""
    url = "https://api.example.com/.well-known/oauth-protected-resource/orders"
    driver = through(Guard(Bearer(check_token, realm="orders", resource_metadata=url), rules={"/orders": scope("orders:read")}))
    for headers in ((), (bearer("x"),), (bearer("bob-token"),), (("Authorization", "Bearer"),)):
        assert f'resource_metadata="{url}"' in driver(me(*headers, target="/orders")).challenges[0]


@each("host", ["evil.example", "evil.example/x?", "api.example.com@evil.example", 'a"b', "[::1%25eth0]", "a" * 5000])
def test_R9728_5_1_2_the_host_field_names_nothing(host: str, through: Through) -> None:
    """Neither realm nor metadata URL depends on the Host field (threats H6)."""
    url = "https://api.example.com/.well-known/oauth-protected-resource"
    driver = through(Guard(Bearer(check_token, realm="orders", resource_metadata=url)))
    assert driver(me(("Host", host))).challenges == [f'Bearer realm="orders", resource_metadata="{url}"']


@pytest.mark.parametrize("url", ["/relative", "http://a/x", "https:///x", "https://a/x#y", "https://a/ x", "https://a/\r\n", "https://ä/"])
def test_R9728_5_1_1_the_metadata_url_is_absolute(url: str) -> None:
    """A URL that could not be used is a mistake."""
    with pytest.raises(ConfigurationError, match="resource_metadata"):
        Bearer(check_token, resource_metadata=url)


# Scripts

SCRIPT = ("Sec-Fetch-Mode", "cors")


@each(
    "headers",
    [
        (SCRIPT,),
        (("Sec-Fetch-Mode", "same-origin"),),
        (("Sec-Fetch-Mode", "no-cors"),),
        (("X-Requested-With", "XMLHttpRequest"),),
        (("Accept", "application/json"),),
        (("Accept", "application/json, text/plain, */*"),),
        (("Accept", "text/event-stream"),),
        (("Accept", "text/html"), SCRIPT),
    ],
)
def test_RFETCH_6_scripts_are_not_prompted(headers: tuple[tuple[str, str], ...], through: Through) -> None:
    """With xhr_no_prompt a script is offered the schemes that open no dialog (decision D24)."""
    answer = through(orders_guard(xhr_no_prompt=True))(me(*headers))
    assert (answer.status, answer.challenges) == (401, [ASK_BEARER, ASK_KEY])


def test_RFETCH_6_people_are_prompted(through: Through) -> None:
    """A navigation, a request that does not say, and a guard that was not asked to: all challenges."""
    driver = through(orders_guard(xhr_no_prompt=True))
    assert driver(me()).challenges == ASK_ALL
    assert driver(me(("Sec-Fetch-Mode", "navigate"))).challenges == ASK_ALL
    assert driver(me(("Sec-Fetch-Mode", "navigate"), ("Accept", "application/json"))).challenges == ASK_ALL
    for accept in ("text/html,application/xhtml+xml,*/*;q=0.8", "*/*", "", "*/*;q=0.5", "TEXT/HTML, application/json", "a/b," * 500):
        assert driver(me(("Accept", accept))).challenges == ASK_ALL
    assert through(orders_guard())(me(SCRIPT)).challenges == ASK_ALL


def test_RFETCH_6_a_401_still_has_a_challenge(through: Through) -> None:
    """Where every scheme prompts, the challenge has a name for which no browser opens a dialog."""
    answer = through(Guard(Basic(check_password, realm="orders"), xhr_no_prompt=True))(me(SCRIPT))
    assert (answer.status, answer.challenges) == (401, ['xBasic realm="orders", charset="UTF-8"'])


# D63: all scopes of the rule, to whoever needs a token

HELD: dict[str, tuple[str, ...]] = {"none": (), "one": ("a",), "other": ("b",), "more": ("a", "c", "offline_access")}
ALL_SCOPES = {
    "one leaf": (scope("a", "b"), "a b"),
    "two leaves": (scope("a") & scope("b"), "a b"),
    "among others": (scope("a") & role("admin") & scope("b"), "a b"),
    "what is never named": (scope("a", "offline_access") & scope("b"), "a b"),
    "a negation beside": (scope("a") & scope("b") & ~scope("x"), "a b"),
}


@each("case", ALL_SCOPES)
def test_D63_every_challenge_for_a_token_names_all_scopes(case: str, through: Through) -> None:
    """On 401 and 403 alike, whatever the caller holds already: told what is missing alone, a client would swap one token for another."""
    requirement, wanted = ALL_SCOPES[case]
    people = {name: Principal(name, roles=["admin"], scopes=held) for name, held in HELD.items()}
    ended = Tokens(people | {"old": Principal("old", evidence=Evidence(expires_at=1))})
    driver = through(Guard(Basic(check_password, realm="b"), Bearer(ended), rules={"/x": requirement, "/y": optional}))
    for sent, status in ((None, 401), ("wrong", 401), ("old", 401), *((name, 403) for name in HELD)):
        answer = driver(Request(target="/x", headers=() if sent is None else (bearer(sent),)))
        (challenge,) = [one for line in answer.challenges for one in parse_challenges(line) if one.scheme == "Bearer"]
        assert (answer.status, (challenge.params or {}).get("scope")) == (status, wanted), sent
    # A failed password is answered with an offer of tokens, too; a route that needs no scope names none.
    assert f'Bearer realm="api", scope="{wanted}"' in driver(Request(target="/x", headers=(basic("ann", "no"),))).challenges
    assert driver(Request(target="/y", headers=(bearer("wrong"),))).challenges[-1].endswith('not valid"')


def test_D63_the_alternative_that_asks_least_speaks_whole(through: Through) -> None:
    """Among alternatives the one of which the caller lacks least is named, with all its scopes; without any it may be met."""
    driver = through(
        Guard(
            Bearer(Tokens({"a": Principal("ann", scopes=["a"]), "x": Principal("xu", scopes=["x"])})),
            rules={"/or": (scope("b", "c", "d") | scope("a", "e")), "/not": ~scope("x") | scope("y"), "/offline": scope("offline_access")},
        )
    )
    for token, target, wanted in (("a", "/or", "a e"), ("x", "/or", "a e"), ("x", "/not", "y"), ("a", "/offline", None)):
        (challenge,) = parse_challenges(driver(Request(target=target, headers=(bearer(token),))).challenges[0])
        assert (challenge.params or {}).get("scope") == wanted


def test_D63_a_step_up_keeps_the_scopes(through: Through) -> None:
    """A new login that lost the scopes of the old token would be refused again."""
    driver = through(Guard(Bearer(Tokens({"a": Principal("ann", scopes=["a", "b"])})), rules={"/x": scope("a") & fresh(60)}))
    assert driver(Request(target="/x", headers=(bearer("a"),))).challenges == [
        'Bearer realm="api", error="insufficient_user_authentication", scope="a", max_age="60"'
    ]


# What the table cannot show


def test_D17_schemes_without_a_registered_name_ask_too(through: Through) -> None:
    """A guard with keys alone asks for one, with a realm of its own choice."""
    assert through(Guard(APIKey(KEYS)))(me()).challenges == ['ApiKey realm="api"']
    assert through(Guard(APIKey(KEYS, header="X-Token", realm="orders")))(me()).challenges == [ASK_KEY]


def test_adapters_send_what_the_guard_says() -> None:
    """The challenges come first among equals through every adapter: same fields, same order."""
    request = me(bearer("expired"), target="/orders")
    guard = orders_guard()
    assert ByASGI(guard)(request).headers == ByWSGI(guard)(request).headers
