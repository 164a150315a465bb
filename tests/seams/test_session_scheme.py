"""A scheme for sessions needs nothing from the core but public names: cookie, login page, response fields, renewal."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from tests.support.drive import ByASGI, ByWSGI, Reply
from tests.support.wire import Request
from watchword import Accepted, Credentials, CredentialsError, Guard, Principal, Refused, Scheme, optional
from watchword.grammar import Challenge, CookieReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.drive import Driver
    from watchword import ChallengeParams, RequestView
    from watchword.credentials import Carrier

PERSON = [("Sec-Fetch-Mode", "navigate"), ("Accept", "text/html")]


class SessionId(Credentials):
    """The id of a session."""

    carrier: Carrier = "cookie"

    def __init__(self, text: str) -> None:
        self.text = text


class Session(Scheme[SessionId]):
    """Sessions in a cookie."""

    name = "Cookie"
    credentials: ClassVar[type[Credentials] | None] = SessionId
    fields = ("cookie",)
    cookies = ("__Host-session",)
    reader = CookieReader(cookies)

    def extract(self, view: RequestView) -> SessionId | None:
        """Return the credentials, if there are any."""
        found = self.reader.find(view.field("cookie") or "")
        if len(found) > 1:
            raise CredentialsError("one session", bad_request=True)
        return SessionId(found[0].decode()) if found else None

    def challenge(self, params: ChallengeParams | None = None) -> Challenge:
        """Return the challenge."""
        return Challenge(self.name, {"realm": self.realm, "login": "/login"})

    def login_location(self, view: RequestView) -> str | None:
        """Name the page."""
        return "/login"


def check(session: SessionId) -> Accepted | Refused:
    """Know one session, and renew its cookie."""
    if session.text != "s1":
        return Refused(headers=(("Set-Cookie", "__Host-session=; Max-Age=0"),))
    return Accepted(Principal("ann"), headers=(("Set-Cookie", "__Host-session=s1; Secure; Path=/"),))


@pytest.fixture(params=[ByASGI, ByWSGI])
def driver(request: pytest.FixtureRequest) -> Driver:
    """One of the two adapters, in front of an application with a public start page."""
    make: Callable[[Guard], Driver] = request.param
    return make(Guard(Session(check, realm="shop"), rules={"/": optional}))


def test_a_session_lets_in_and_its_cookie_is_renewed_in_a_response_that_nobody_stores(driver: Driver) -> None:
    """`Accepted(headers=...)` reaches the client, and what is for one caller is `no-store`."""
    answer = driver(Request(target="/me", headers=(("Cookie", "__Host-session=s1"),)))
    assert answer.status == 200
    assert answer.all("set-cookie") == ["__Host-session=s1; Secure; Path=/"]
    assert answer.one("cache-control") == "no-store"


@pytest.mark.parametrize("make", [ByASGI, ByWSGI])
def test_what_the_application_says_to_caches_does_not_count_beside_a_cookie(make: Callable[..., Driver]) -> None:
    """It knows nothing of the cookie, which a shared cache would hand to the next one who asks."""
    reply = Reply(headers=(("Cache-Control", "public, max-age=600"),))
    answer = make(Guard(Session(check)), reply)(Request(headers=(("Cookie", "__Host-session=s1"),)))
    assert (answer.status, answer.all("cache-control"), len(answer.all("set-cookie"))) == (200, ["no-store"], 1)


def test_a_program_is_challenged_and_a_person_is_sent_to_the_login_page(driver: Driver) -> None:
    """D28: 303 for a browser that navigates, 401 for everybody else."""
    program, person = driver(Request(target="/me")), driver(Request(target="/me", headers=tuple(PERSON)))
    assert (program.status, program.challenges) == (401, ['Cookie realm="shop", login="/login"'])
    assert (person.status, person.one("location"), person.challenges) == (303, "/login", [])


def test_a_session_that_has_ended_is_refused_and_its_cookie_deleted(driver: Driver) -> None:
    """`Refused(headers=...)` goes out with the refusal."""
    answer = driver(Request(target="/me", headers=(("Cookie", "__Host-session=old"),)))
    assert (answer.status, answer.all("set-cookie")) == (401, ["__Host-session=; Max-Age=0"])


@pytest.mark.parametrize("make", [ByASGI, ByWSGI])
def test_a_cookie_without_a_login_counts_as_absent_where_the_checker_says_so(make: Callable[[Guard], Driver]) -> None:
    """`Refused(absent=True)`: an optional route lets the anonymous caller pass, any other asks for a login; its fields go out with both."""
    fields = (("Set-Cookie", "__Host-session=; Max-Age=0"),)
    driver = make(Guard(Session(lambda _: Refused(absent=True, headers=fields), realm="shop"), rules={"/": optional}))
    for target, status in (("/", 200), ("/me", 401)):
        answer = driver(Request(target=target, headers=(("Cookie", "__Host-session=old"),)))
        assert (answer.status, answer.all("set-cookie"), answer.one("cache-control")) == (status, [fields[0][1]], "no-store")


@pytest.mark.parametrize("place", ["/login\r\nSet-Cookie: a=b", "/log in", "/l\u00f6gin", "/login\x00", ""])
@pytest.mark.parametrize("make", [ByASGI, ByWSGI])
def test_what_is_no_reference_is_no_redirect(make: Callable[[Guard], Driver], place: str) -> None:
    """A scheme that builds the reference from the request cannot be made to write another field: the answer is 401."""

    class Elsewhere(Session):
        def login_location(self, view: RequestView) -> str:
            """Name a page that cannot be named."""
            return place

    answer = make(Guard(Elsewhere(check)))(Request(headers=tuple(PERSON)))
    assert (answer.status, answer.all("location"), answer.all("set-cookie")) == (401, [], [])
