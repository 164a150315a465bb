"""Every scheme keeps the contract, and a scheme that breaks it is found."""

# ruff: noqa: D102 - the classes at the end are named for their mistakes

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.each import each
from tests.unit.schemes.test_ones_own import Ticket, TicketCredentials
from watchword import (
    APIKey,
    APIKeyCredentials,
    Basic,
    BasicCredentials,
    Bearer,
    BearerToken,
    Credentials,
    CredentialsError,
    RequestView,
    Scheme,
)
from watchword.grammar import Challenge
from watchword.testing import SchemeContract, api_key, basic_auth, bearer

if TYPE_CHECKING:
    from watchword import ChallengeParams

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class TestBasic(SchemeContract):
    credentials: Credentials = BasicCredentials("ann", "s3cret-ä")

    def scheme(self, checker: object) -> Scheme[Any]:
        """Passwords."""
        return Basic(checker, realm="x")

    def request(self) -> RequestView:
        """As clients send them."""
        return RequestView("GET", "/", basic_auth("ann", "s3cret-ä"))


class TestBasicOfOldClients(TestBasic):
    def scheme(self, checker: object) -> Scheme[Any]:
        """Passwords, in Latin-1 too."""
        return Basic(checker, realm="x", fallback="latin-1")


class TestBearer(SchemeContract):
    credentials: Credentials = BearerToken("s3cret-token")

    def scheme(self, checker: object) -> Scheme[Any]:
        """Tokens, from everywhere."""
        return Bearer(checker, form=True, query=True)

    def request(self) -> RequestView:
        """In a field."""
        return RequestView("GET", "/", bearer("s3cret-token"))


class TestBearerInAQuery(TestBearer):
    def request(self) -> RequestView:
        """In a query."""
        return RequestView("GET", "/?a=b&access_token=s3cret-token")


class TestBearerInAForm(TestBearer):
    def request(self) -> RequestView:
        """In a form."""
        return RequestView("POST", "/", FORM, content=b"access_token=s3cret-token&a=b")


class TestAPIKey(SchemeContract):
    credentials: Credentials = APIKeyCredentials("s3cret-key")

    def scheme(self, checker: object) -> Scheme[Any]:
        """Keys, from everywhere."""
        return APIKey(checker, query="key", cookie="key")

    def request(self) -> RequestView:
        """In a header of its own."""
        return RequestView("GET", "/", api_key("s3cret-key"))


class TestAPIKeyInACookie(TestAPIKey):
    def request(self) -> RequestView:
        """In a cookie."""
        return RequestView("GET", "/", {"Cookie": "theme=dark; key=s3cret-key"})


class TestAPIKeyInAuthorization(TestAPIKey):
    def request(self) -> RequestView:
        """In the field of all schemes."""
        return RequestView("GET", "/", {"Authorization": "ApiKey s3cret-key"})


class TestTicket(SchemeContract):
    credentials: Credentials = TicketCredentials("4711")
    secrets = ("number",)

    def scheme(self, checker: object) -> Scheme[Any]:
        """A scheme of one's own, in a header of its own."""
        return Ticket(checker)

    def request(self) -> RequestView:
        """A ticket."""
        return RequestView("GET", "/", {"X-Ticket": "4711"})


# The contract finds what is wrong.


@dataclass(frozen=True, slots=True, repr=False)
class Pass(Credentials):
    """What the schemes below take."""

    code: str


class Good(Scheme[Pass]):
    """`Authorization: Pass <code>`, without a mistake."""

    name = "Pass"

    def extract(self, view: RequestView) -> Pass | None:
        """Return the code."""
        sent = view.authorization
        if sent is None or sent.scheme.lower() != "pass":
            return None
        if sent.token68 is None:
            raise CredentialsError("a code")
        return self.made(sent.token68)

    def made(self, code: str) -> Pass:
        """Return the credentials."""
        return Pass(code)


@dataclass(frozen=True, slots=True)
class Printing(Pass):
    """Prints its code."""


class Prints(Good):
    def made(self, code: str) -> Pass:
        return Printing(code)


class PrintsItself(Good):
    def __repr__(self) -> str:
        return f"PrintsItself({self.seen!r})"

    seen = "s3cretcode"


class CaseSensitive(Good):
    def extract(self, view: RequestView) -> Pass | None:
        sent = view.authorization
        return super().extract(view) if sent is not None and sent.scheme == "Pass" else None


class OfAnyScheme(Good):
    def extract(self, view: RequestView) -> Pass | None:
        sent = view.authorization
        return None if sent is None else Pass(sent.token68 or "")


class Counted(Good):
    calls = 0

    def extract(self, view: RequestView) -> Pass | None:
        type(self).calls += 1
        found = super().extract(view)
        return found if found is None else Pass(f"{found.code}{self.calls}")


class OtherClass(Good):
    credentials = BearerToken


class Raises(Good):
    def extract(self, view: RequestView) -> Pass | None:
        sent = view.authorization
        if sent is None or sent.scheme.lower() != "pass":
            return None
        return Pass(sent.token68 or sent.params["code"])  # type: ignore[index]  # the mistake itself


class Carries(Good):
    def made(self, code: str) -> Pass:
        if code != "s3cretcode":
            try:
                raise ValueError(code)  # noqa: TRY301 - as a parser would
            except ValueError:
                raise CredentialsError("another code") from None
        return Pass(code)


class Cuts(Good):
    def made(self, code: str) -> Pass:
        return Pass(code[:9] + "e" if code.startswith("s3cretcod") else code)


class Says(Good):
    def made(self, code: str) -> Pass:
        if code != "s3cretcode":
            raise CredentialsError(f"a code, and not {code}")
        return Pass(code)


class Reflects(Good):
    def __init__(self, checker: object) -> None:
        super().__init__(checker)
        self.last = "x"

    def made(self, code: str) -> Pass:
        self.last = code
        return Pass(code)

    def challenge(self, params: ChallengeParams | None = None) -> Challenge:
        return Challenge(self.name, {"realm": self.realm, "last": self.last})


class OtherName(Good):
    def challenge(self, params: ChallengeParams | None = None) -> Challenge:
        return Challenge("Bearer", {"realm": self.realm})


class NoValue(Good):
    def challenge(self, params: ChallengeParams | None = None) -> Any:
        return f"Pass realm={self.realm}"


class Unnamed(Good):
    """Reads another field than it names."""

    fields = ("authorization", "x-ticket")

    def extract(self, view: RequestView) -> Pass | None:
        code = view.field("x-pass")
        return super().extract(view) if code is None else Pass(code)


class TakesTheFirst(Unnamed):
    """Takes the first of two values, where another reader takes the last."""

    def extract(self, view: RequestView) -> Pass | None:
        code = view.field("x-pass")
        return super().extract(view) if code is None else Pass(code.partition(",")[0])


BROKEN: dict[str, tuple[type[Good], str]] = {
    "prints": (Prints, "test_nothing_prints_the_secret"),
    "prints itself": (PrintsItself, "test_nothing_prints_the_secret"),
    "case": (CaseSensitive, "test_the_name_of_the_scheme_compares_without_case"),
    "any scheme": (OfAnyScheme, "test_a_request_without_credentials_shows_none"),
    "counts": (Counted, "test_shown_credentials_are_extracted"),
    "other class": (OtherClass, "test_shown_credentials_are_extracted"),
    "raises": (Raises, "test_hostile_requests_are_refused"),
    "carries": (Carries, "test_hostile_requests_are_refused"),
    "cuts": (Cuts, "test_nearly_right_credentials_are_not_accepted"),
    "says": (Says, "test_no_answer_repeats_the_input"),
    "reflects": (Reflects, "test_no_answer_repeats_the_input"),
    "other name": (OtherName, "test_challenges_follow_the_grammar"),
    "no value": (NoValue, "test_challenges_follow_the_grammar"),
    "unnamed": (Unnamed, "test_credentials_can_be_hidden_from_the_application"),
    "first": (TakesTheFirst, "test_a_repeated_field_is_refused"),
}


class OfPass(SchemeContract):
    """What is the same for the schemes below."""

    credentials: Credentials = Pass("s3cretcode")
    secrets = ("code",)
    kind: type[Good] = Good
    sent = ("Authorization", "Pass s3cretcode")

    def scheme(self, checker: object) -> Scheme[Any]:
        """Return the scheme."""
        return self.kind(checker)

    def request(self) -> RequestView:
        """Return a request with the code."""
        return RequestView("GET", "/", [self.sent])


class TestPass(OfPass):
    pass


@each("mistake", BROKEN)
def test_a_scheme_that_breaks_the_contract_is_found(mistake: str) -> None:
    """Each of these would let somebody in, answer with a 500, or show a secret."""

    class Broken(OfPass):
        kind, promise = BROKEN[mistake]
        sent = ("X-Pass", "s3cretcode") if issubclass(kind, Unnamed) else OfPass.sent

    with pytest.raises((AssertionError, TypeError, KeyError, AttributeError)):
        getattr(Broken(), Broken.promise)()
